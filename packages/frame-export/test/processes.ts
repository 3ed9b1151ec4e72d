/** Hosts, readers and FFmpeg as real processes, ended by the handle that started them. */
import { fork, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

function script(name: string): string {
  return fileURLToPath(new URL(`processes/${name}`, import.meta.url));
}

function endWithTest(child: ChildProcess): void {
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
}

interface Answer {
  readonly value?: unknown;
  readonly error?: string;
}

/** A process that answers each message with one message, in turn. */
export class Peer {
  readonly process: ChildProcess;
  readonly #asked: { answer: (answer: Answer) => void; giveUp: () => void }[] = [];

  constructor(name: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
    this.process = fork(script(name), [...args], { env: { ...process.env, ...env } });
    this.process.on('message', (answer) => this.#asked.shift()?.answer(answer as Answer));
    this.process.once('exit', () => {
      for (const { giveUp } of this.#asked.splice(0)) giveUp();
    });
    endWithTest(this.process);
  }

  async ask<T>(request: Record<string, unknown>): Promise<T> {
    const { value, error } = await new Promise<Answer>((answer, reject) => {
      const giveUp = (): void => {
        reject(new Error(`the process ended before it answered ${JSON.stringify(request)}`));
      };
      this.#asked.push({ answer, giveUp });
      this.process.send(request);
    });
    if (error !== undefined) throw new Error(error);
    return value as T;
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await once(this.process, 'exit');
  }
}

/** Runs a program to its end and returns what it printed. */
export async function runToEnd(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, [...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  endWithTest(child);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${command} ended with ${String(code)}`);
  return output;
}

/** Arguments of an FFmpeg that plays a test picture in real time into `pipe:3`, and its own hashes into a file. */
export function testPicture(options: {
  size: string;
  seconds: number;
  rate?: number;
  hashes: string;
}): string[] {
  const source = `testsrc2=size=${options.size}:rate=${String(options.rate ?? 25)}`;
  return [
    // The duration belongs to the input: after it, it would hold for the first output alone.
    ...['-v', 'error', '-nostdin', '-re', '-t', String(options.seconds), '-f', 'lavfi', '-i', source],
    ...['-map', '0:v', '-f', 'rawvideo', '-pix_fmt', 'nv12', 'pipe:3'],
    ...['-map', '0:v', '-c:v', 'rawvideo', '-pix_fmt', 'nv12', '-f', 'framemd5', options.hashes],
  ];
}

/** The hashes of an FFmpeg `framemd5` file, in the order of the frames. */
export function readHashes(path: string): string[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.slice(line.lastIndexOf(',') + 1).trim());
}
