/** Tests that passed and failed, by the closing lines of vitest, cargo and pytest. */
export function countsOf(output: string): { passed: number; failed: number };

/** The failed tests of vitest, cargo and pytest, each with its name and the reason that was printed for it. */
export function failuresOf(output: string): string[];
