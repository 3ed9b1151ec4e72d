/** Hosts, readers and FFmpeg as real processes, which end with the test that started them. */
import { readFileSync } from 'node:fs';
import { AnsweringProcess } from '@vas/processes';
import { onTestFinished } from 'vitest';

export { runToEnd } from '@vas/processes';

/** A script of `processes/`, which answers each action by its name. */
export class Peer {
  readonly process: AnsweringProcess<Readonly<Record<string, (options: object) => unknown>>>;

  constructor(name: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
    this.process = new AnsweringProcess(new URL(`processes/${name}`, import.meta.url), { args, env });
    onTestFinished(() => this.process.kill());
  }

  async ask<T>({ action, ...options }: { readonly action: string } & Record<string, unknown>): Promise<T> {
    return (await this.process.ask(action, options)) as T;
  }

  kill(): Promise<void> {
    return this.process.kill();
  }
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
