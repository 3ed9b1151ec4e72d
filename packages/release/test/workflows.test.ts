/** The workflows are looked at, and what is wrong in one is said. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { run } from '../src/command.js';
import { ROOT } from '../src/workspace.js';

const folder = join(ROOT, '.github/workflows');
const workflows = readdirSync(folder);

function check(...files: readonly string[]): string {
  return run(process.execPath, [join(ROOT, 'packages/release/dist/check-workflows.js'), ...files], {
    cwd: ROOT,
  });
}

it('D2: the workflows have no mistake that actionlint knows', () => {
  expect(check()).toBe('');
});

it('D2: a job that needs one that there is not is refused', () => {
  const other = mkdtempSync(join(tmpdir(), 'vas-workflow-'));
  onTestFinished(() => {
    rmSync(other, { recursive: true, force: true });
  });
  const file = join(other, 'release.yml');
  const text = readFileSync(join(folder, 'release.yml'), 'utf8');
  writeFileSync(file, text.replace('needs: build', 'needs: built'));
  expect(() => check(file)).toThrow(/needs job "built" which does not exist/);
});

it.each(workflows)('D2: %s names every action by its commit', (name) => {
  const used = [...readFileSync(join(folder, name), 'utf8').matchAll(/uses: (.*)/g)].map(
    ([, action]) => action,
  );
  expect(used.length).toBeGreaterThan(0);
  expect(used.filter((action) => !/^[\w/-]+@[0-9a-f]{40} # v\d/.test(action ?? ''))).toEqual([]);
});
