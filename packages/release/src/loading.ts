/** Whether a package loads and type-checks wherever it is resolved, by the tools that everybody judges it with. */
import { join } from 'node:path';
import { CommandFailed, run } from './command.js';
import { ROOT } from './workspace.js';

/** What publint and are-the-types-wrong say of a tarball. */
export function loadingProblems(path: string): string[] {
  return [
    ...complaintsOf('publint', path, '--strict'),
    // `./types` has no runtime on purpose.
    ...complaintsOf(
      'attw',
      path,
      ...['--profile', 'strict', '--no-emoji', '--exclude-entrypoints', './types', './package.json'],
    ),
  ];
}

function complaintsOf(name: string, ...args: readonly string[]): string[] {
  try {
    run(join(ROOT, 'node_modules/.bin', name), args, { cwd: ROOT });
    return [];
  } catch (error) {
    if (error instanceof CommandFailed) return [error.message];
    throw error;
  }
}
