/** Commands that are run to their end, quietly: what they print is shown only if they fail. */
import { spawnSync } from 'node:child_process';

export interface Run {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
}

export class CommandFailed extends Error {
  readonly output: string;

  constructor(command: string, output: string) {
    super(`${command} failed:\n${output}`);
    this.output = output;
  }
}

/** What the command printed to standard output. */
export function run(command: string, args: readonly string[], { cwd, env = {} }: Run): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'pipe'],
    // NODE_PATH leads into the workspace when pnpm runs the tests.
    env: { ...process.env, NODE_PATH: '', ...env },
  });
  if (status === 0) return stdout;
  throw new CommandFailed([command, ...args].join(' '), `${stdout}${stderr}${error?.message ?? ''}`);
}
