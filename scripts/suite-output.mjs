// What a test suite printed: how many tests passed and failed, and what it said of those that failed.
import { stripVTControlCharacters } from 'node:util';

/** Lines that are kept of what was said of one failed test. */
const LONGEST_FAILURE_LINES = 30;

/**
 * The closing lines of vitest ("Tests  1 failed | 20 passed (21)"), of cargo ("20 passed; 1 failed") and of pytest
 * ("== 1 failed, 20 passed in 3.21s =="), added up.
 */
export function countsOf(output) {
  const counts = { passed: 0, failed: 0 };
  const closing = /^ *Tests .*$|^test result: .*$|^=+ .* in [\d.]+s\b.*=+$/gm;
  for (const [line] of stripVTControlCharacters(output).matchAll(closing)) {
    counts.passed += Number(/(\d+) passed/.exec(line)?.[1] ?? 0);
    counts.failed += Number(/(\d+) failed/.exec(line)?.[1] ?? 0);
  }
  return counts;
}

/** The failed tests of vitest, cargo and pytest, each with its name and the reason that was printed for it. */
export function failuresOf(output) {
  const failure =
    /^ FAIL {2}[^]*?(?=^ FAIL {2}|^⎯)|^---- .* stdout ----$[^]*?(?=^---- .* stdout ----$|^failures:$)|^FAILED .*$/gm;
  return [...stripVTControlCharacters(output).matchAll(failure)].map(([text]) =>
    text.trim().split('\n').slice(0, LONGEST_FAILURE_LINES).join('\n'),
  );
}
