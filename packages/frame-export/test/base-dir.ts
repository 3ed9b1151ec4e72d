/** A base folder of its own in shared memory for each test, removed when the test ends. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { onTestFinished } from 'vitest';

export function ownBaseDir(): string {
  const baseDir = mkdtempSync('/dev/shm/vas-test-');
  onTestFinished(() => {
    rmSync(baseDir, { recursive: true, force: true });
  });
  return baseDir;
}

/** Everything in the folder, hidden names too. */
export function entriesOf(baseDir: string): string[] {
  return readdirSync(baseDir).sort();
}

/** How many mappings of files below a folder this process has. */
export function mappingsOf(baseDir: string): number {
  return readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.includes(baseDir)).length;
}
