/**
 * G1: whatever becomes of the raw output's reader, FFmpeg goes on and its recording is whole, in each version. An
 * output that is not isolated is the control: it has to show the loss.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { rawVideoOutput } from '@vas/frame-export';
import type { RawVideoOutputOptions } from '@vas/frame-export';
import { ownProcess } from '@vas/processes';
import type { Check, Row } from './check.js';
import { ffmpegSources, versionText } from './ffmpegs.js';
import type { Command, FfmpegSource } from './ffmpegs.js';

const SIZE = { width: 320, height: 180 };
const FRAMES_PER_SECOND = 25;
/** About a second of frames, and a half one. */
const FIRST_BYTES = 25.5 * SIZE.width * SIZE.height * 1.5;
/** How much later than its last frame a recording may be complete. */
const LATE_MS = 3000;
/** How long FFmpeg may take to end once it waits for nobody. */
const END_MS = 10_000;

/** What a reader does once it has had its first bytes, for a shell. */
const READERS = {
  'reads on': 'exec cat',
  closes: 'exec 0<&-; exec sleep 600',
  'is killed': 'kill -KILL $$',
  stops: 'kill -STOP $$',
} as const;

type Reader = keyof typeof READERS;
const readers = Object.keys(READERS) as Reader[];

interface Output extends Pick<RawVideoOutputOptions, 'form' | 'isIsolated'> {
  readonly output: string;
  /** Whether it has to lose what the others must not. */
  readonly isControl: boolean;
}

const OUTPUTS: readonly Output[] = [
  { output: 'framed', form: 'framed', isControl: false },
  { output: 'bare', form: 'bare', isControl: false },
  { output: 'bare, not isolated', form: 'bare', isIsolated: false, isControl: true },
];

interface Outcome {
  /** Exit code, or the signal that ended FFmpeg. */
  readonly exit: number | string;
  /** Frames that the recording had when all should have been there, whether FFmpeg had ended or not. */
  readonly inTime: number;
  /** Frames that the recording has in the end. */
  readonly frames: number;
  readonly errors: string;
}

export const ffmpegVersions: Check = {
  summary:
    'each version of FFmpeg, its raw output read, closed, killed or left standing: the recording is whole',
  async run({ seconds = 3 }) {
    const rows: Row[] = [];
    const failures: string[] = [];
    for (const source of ffmpegSources) {
      try {
        for (const trial of await trials(source, seconds)) {
          const { version, output, reader, outcome, isAsItShouldBe } = trial;
          const { errors, ...numbers } = outcome;
          rows.push({ version, from: source.name, output, reader, ...numbers });
          if (isAsItShouldBe) continue;
          failures.push(
            `${version} (${source.name}), ${output}, reader ${reader}: ${JSON.stringify(numbers)} ${errors}`,
          );
        }
      } catch (cause) {
        failures.push(`${source.name} could not be tried: ${String(cause)}`);
      }
    }
    return { rows, failures };
  },
};

interface Trial {
  readonly version: string;
  readonly output: string;
  readonly reader: Reader | 'none';
  readonly outcome: Outcome;
  readonly isAsItShouldBe: boolean;
}

/** FFmpeg without a raw output, then each output with each reader. */
async function trials({ command: find }: FfmpegSource, seconds: number): Promise<Trial[]> {
  const command = await find();
  const ffmpegVersion = versionText(command);
  const version = /^ffmpeg version (\S+)/.exec(ffmpegVersion)?.[1] ?? 'unknown';

  const alone = await recorded(command, seconds);
  const isWhole = alone.exit === 0 && alone.frames === seconds * FRAMES_PER_SECOND;
  const done: Trial[] = [
    { version, output: 'none', reader: 'none', outcome: alone, isAsItShouldBe: isWhole },
  ];
  for (const { output, isControl, ...form } of OUTPUTS)
    for (const reader of readers) {
      const raw = rawVideoOutput({ ...SIZE, ffmpegVersion, ...form });
      const outcome = await recorded(command, seconds, raw, reader);
      const isLossExpected = isControl && reader !== 'reads on';
      const isAsItShouldBe = isAsGoodAs(alone, outcome) !== isLossExpected;
      done.push({ version, output, reader, outcome, isAsItShouldBe });
    }
  return done;
}

function isAsGoodAs(alone: Outcome, { exit, inTime, frames }: Outcome): boolean {
  return exit === alone.exit && frames === alone.frames && inTime >= alone.inTime;
}

/** Lets FFmpeg record for some seconds; with `raw`, it has a raw output as well, read by `reader`. */
async function recorded(
  [file, ...first]: Command,
  seconds: number,
  raw: readonly string[] = [],
  reader?: Reader,
): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'vas-ffmpeg-versions-'));
  const recording = join(folder, 'recording.ts');
  const pipe = reader === undefined ? undefined : startReader(join(folder, 'pipe'), reader);
  try {
    const camera = `testsrc=size=${String(SIZE.width)}x${String(SIZE.height)}:rate=${String(FRAMES_PER_SECOND)}`;
    const input = ['-v', 'error', '-nostdin', '-re', '-f', 'lavfi', '-t', String(seconds), '-i', camera];
    const output = ['-map', '0:v:0', '-c:v', 'mpeg2video', '-f', 'mpegts', recording];
    const ffmpeg = ownProcess(
      spawn(file, [...first, ...input, ...output, ...raw], {
        stdio: ['ignore', 'ignore', 'pipe', ...(pipe === undefined ? [] : [pipe.writingEnd])],
      }),
    );
    pipe?.forget();
    let errors = '';
    ffmpeg.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text));
    const ended = once(ffmpeg, 'close') as Promise<[number | null, string | null]>;
    await Promise.race([ended, delay(seconds * 1000 + LATE_MS)]);
    const inTime = framesOf(recording);
    pipe?.endReader();
    const limit = setTimeout(() => ffmpeg.kill('SIGKILL'), END_MS);
    const [code, signal] = await ended;
    clearTimeout(limit);
    const frames = framesOf(recording);
    return { exit: signal ?? code ?? 'none', inTime, frames, errors: errors.trim().slice(-300) };
  } finally {
    pipe?.endReader();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface ReadPipe {
  readonly writingEnd: number;
  /** Closes our copy of the writing end; called once FFmpeg has its own. */
  readonly forget: () => void;
  readonly endReader: () => void;
}

/** A pipe, which the `stdio` of Node's child processes is not. */
function startReader(path: string, reader: Reader): ReadPipe {
  execFileSync('mkfifo', [path]);
  // Neither end can be opened alone without waiting for the other.
  const both = openSync(path, 'r+');
  const [readingEnd, writingEnd] = [openSync(path, 'r'), openSync(path, 'w')];
  closeSync(both);
  const script = `head -c ${String(FIRST_BYTES)}; ${READERS[reader]}`;
  const child = ownProcess(spawn('sh', ['-c', script], { stdio: [readingEnd, 'ignore', 'ignore'] }));
  closeSync(readingEnd);
  return {
    writingEnd,
    forget: () => {
      closeSync(writingEnd);
    },
    endReader: () => child.kill('SIGKILL'),
  };
}

/** Counted by the installed FFmpeg: the static builds of 4.2.2 and 7.0.2 crash when they read MPEG-TS. */
function framesOf(recording: string): number {
  if (!existsSync(recording)) return 0;
  const copy = [
    '-v',
    'quiet',
    '-nostdin',
    '-i',
    recording,
    '-map',
    '0:v',
    '-c',
    'copy',
    '-f',
    'framecrc',
    '-',
  ];
  // What holds no frame yet is an error to FFmpeg.
  const { stdout } = spawnSync('ffmpeg', copy, { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => /^\d/.test(line)).length;
}
