/** Base folders in shared memory that live as long as a check. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';

/** Runs `use` with a folder of its own, which is removed whatever happens. */
export async function withBaseDir<T>(use: (baseDir: string) => Promise<T>): Promise<T> {
  const baseDir = mkdtempSync('/dev/shm/vas-test-');
  const remove = (): void => {
    rmSync(baseDir, { recursive: true, force: true });
  };
  process.once('exit', remove);
  try {
    return await use(baseDir);
  } finally {
    process.off('exit', remove);
    remove();
  }
}

/** Everything in the folder, hidden names too. */
export function entriesOf(baseDir: string): string[] {
  return readdirSync(baseDir).sort();
}
