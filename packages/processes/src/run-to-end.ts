/** A program that is run to its end for what it prints. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { ownProcess } from './own-process.js';

export interface RunOptions {
  /** Added to the environment of this process. */
  readonly env?: Readonly<NodeJS.ProcessEnv>;
}

/**
 * Resolves with what the program printed.
 *
 * @throws Error if it ends otherwise than with exit code 0
 */
export async function runToEnd(
  command: string,
  args: readonly string[],
  { env = {} }: RunOptions = {},
): Promise<string> {
  const child = ownProcess(
    spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } }),
  );
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (code !== 0) throw new Error(`${command} ended with ${signal ?? String(code)}`);
  return output;
}
