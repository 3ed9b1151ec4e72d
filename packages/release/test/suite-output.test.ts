/** What the root commands say of test suites, read from what real ones print. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { countsOf, failuresOf } from '../../../scripts/suite-output.mjs';
import { ROOT } from '../src/workspace.js';

const folder = mkdtempSync(join(tmpdir(), 'vas-suites-'));

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function outputOf(command: string, ...args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(command, args, { cwd: folder, encoding: 'utf8' });
  return stdout + stderr;
}

describe('the output of a test suite', () => {
  it('D3: is counted, and what failed is told with its reason, of vitest', () => {
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(
      join(folder, 'some.test.mjs'),
      `import { expect, it } from 'vitest';
       it('passes', () => {});
       it('adds', () => { expect(1 + 1).toBe(3); });
       it('subtracts', () => { throw new Error('cannot subtract'); });`,
    );
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
    const output = outputOf(process.execPath, vitest, 'run', '--root', folder);

    expect(countsOf(output)).toEqual({ passed: 1, failed: 2 });
    const [adds, subtracts, ...more] = failuresOf(output);
    expect(adds).toMatch(/some\.test\.mjs > adds\nAssertionError: expected 2 to be 3/);
    expect(subtracts).toMatch(/some\.test\.mjs > subtracts\nError: cannot subtract/);
    expect(more).toEqual([]);
  });

  it('D3: is counted, and what failed is told with its reason, of cargo', () => {
    writeFileSync(
      join(folder, 'some.rs'),
      `#[test] fn passes() {}
       #[test] fn adds() { assert_eq!(1 + 1, 3); }
       #[test] fn subtracts() { panic!("cannot subtract"); }`,
    );
    const built = spawnSync('rustc', ['--test', 'some.rs', '-o', 'some'], { cwd: folder, encoding: 'utf8' });
    expect(built.status, built.stderr).toBe(0);
    const output = outputOf(join(folder, 'some'), '--test-threads=1');

    expect(countsOf(output)).toEqual({ passed: 1, failed: 2 });
    const [adds, subtracts, ...more] = failuresOf(output);
    expect(adds).toMatch(/^---- adds stdout ----\n[^]*left: 2/);
    expect(subtracts).toMatch(/^---- subtracts stdout ----\n[^]*cannot subtract/);
    expect(more).toEqual([]);
  });

  it('D3: is counted, and what failed is told with its reason, of pytest', () => {
    const output = `
=========================== short test summary info ============================
FAILED test_some.py::test_adds - assert (1 + 1) == 3
========================= 1 failed, 1 passed in 0.03s ==========================
`;
    expect(countsOf(output)).toEqual({ passed: 1, failed: 1 });
    expect(failuresOf(output)).toEqual(['FAILED test_some.py::test_adds - assert (1 + 1) == 3']);
  });
});
