/** Assertions in plain ECMAScript: the scenario also runs in a realm that has nothing else. */

export function assert(isTrue: boolean, what: string): asserts isTrue {
  if (!isTrue) throw new Error(`not true: ${what}`);
}

/** Deep equality of plain data, also across realms. */
export function assertSame(actual: unknown, expected: unknown): void {
  const [left, right] = [canonical(actual), canonical(expected)];
  if (left !== right) throw new Error(`not the same:\n  actual   ${left}\n  expected ${right}`);
}

/** The code of the error that `attempt` throws. */
export function codeOf(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
    throw error;
  }
  return 'no error';
}

export function assertCode(attempt: () => unknown, code: string): void {
  assertSame(codeOf(attempt), code);
}

export function assertDeeplyFrozen(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  assert(Object.isFrozen(value), `${canonical(value)} is frozen`);
  Object.values(value).forEach(assertDeeplyFrozen);
}

/** Fails on what JSON would drop or turn into something else. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
    return `{${entries.map(([key, part]) => `${JSON.stringify(key)}:${canonical(part)}`).join(',')}}`;
  }
  if (Object.is(value, -0)) return '-0';
  if (typeof value === 'bigint') return `${value}n`;
  return value === undefined || typeof value === 'function' || typeof value === 'symbol'
    ? typeof value
    : JSON.stringify(value);
}
