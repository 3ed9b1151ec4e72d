/** One run of FFmpeg: started with its outputs wired, stopped so that it can finish its files. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { ownProcess } from '@vas/processes';

/** How a run ended. */
export interface FfmpegExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines FFmpeg wrote, or why it could not be started. */
  readonly lastWords: string;
}

export interface FfmpegStart {
  readonly path: string;
  readonly args: readonly string[];
  /**
   * Working directory of FFmpeg, to which the paths in `args` are relative; `path` is relative to that of this process.
   * @default that of this process
   */
  readonly cwd?: string;
  /** Becomes descriptor 3 of FFmpeg; `null` for none. */
  readonly rawFd?: number | null;
  /**
   * Becomes the standard input of FFmpeg, from which it takes commands of one letter, such as `q`. Stays the caller's.
   * @default FFmpeg has none
   */
  readonly commandFd?: number | null;
  /**
   * How much is kept of the end of what FFmpeg says.
   * @default 4096 characters
   */
  readonly keptCharacters?: number;
}

const KEPT_CHARACTERS = 4096;

export class FfmpegProcess {
  readonly exited: Promise<FfmpegExit>;
  readonly #child: ChildProcess;
  #output = '';

  /** Starts FFmpeg before it returns. A binary that cannot be started is a run that ends at once. */
  constructor({
    path,
    args,
    cwd,
    rawFd = null,
    commandFd = null,
    keptCharacters = KEPT_CHARACTERS,
  }: FfmpegStart) {
    const child = ownProcess(
      // No stdin unless asked for: FFmpeg reads it for commands. No other descriptor of ours: Node opens all with O_CLOEXEC.
      spawn(
        path.includes('/') ? resolve(path) : path,
        ['-hide_banner', ...(commandFd === null ? ['-nostdin'] : []), '-loglevel', 'error', ...args],
        {
          cwd,
          stdio: [commandFd ?? 'ignore', 'pipe', 'pipe', ...(rawFd === null ? [] : [rawFd])],
        },
      ),
    );
    this.#child = child;
    let lastWords = '';
    collect(child.stdout, (text) => (this.#output += text));
    collect(child.stderr, (text) => (lastWords = (lastWords + text).slice(-keptCharacters)));
    this.exited = new Promise((resolve) => {
      child.once('error', (error) => {
        if (child.pid === undefined) resolve({ code: null, signal: null, lastWords: error.message });
      });
      child.once('close', (code, signal) => {
        resolve({ code, signal, lastWords: lastWords.trim() });
      });
    });
  }

  /** `undefined` if it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** What FFmpeg wrote to its standard output so far. */
  get output(): string {
    return this.#output;
  }

  /** Asks FFmpeg to finish its files and end; kills it if it has not after `graceMs`. */
  async stop(graceMs = 3000): Promise<FfmpegExit> {
    this.#child.kill('SIGINT');
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), graceMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(kill);
    }
  }
}

/** A pipe nobody reads would stall FFmpeg as soon as it is full. */
function collect(stream: Readable | null, take: (text: string) => void): void {
  stream?.setEncoding('utf8').on('data', take);
}
