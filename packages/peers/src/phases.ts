/** What is asked of each peer: the same work, and then the same interference. */
import { readdirSync, lstatSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cast, cpuUs, signal } from './cast.js';
import type { Reader } from './cast.js';
import type { Command, Peer, Programs } from './peers.js';
import type { PublishAnswer, ReaderReport } from './protocol.js';

/** How much is done; `quick` shows only that everything works. */
export interface Extent {
  readonly frames: number;
  readonly interferedFrames: number;
  readonly racedFrames: number;
}

export const EXTENTS: Readonly<Record<'full' | 'quick', Extent>> = {
  full: { frames: 250, interferedFrames: 130, racedFrames: 2_000 },
  quick: { frames: 30, interferedFrames: 60, racedFrames: 200 },
};

/** 60 frames a second. */
const INTERVAL_US = 16_667;
/** 30 frames a second, which leaves two processors the time to copy each frame for sixteen readers. */
const CROWDED_INTERVAL_US = 33_333;
const WARM_UP = 20;
const CROWD = 16;
const BEFORE_STOP_MS = 300;
const STOPPED_MS = 1_000;
const HOLD_MS = 100;

export interface Summary {
  readonly p50: number;
  readonly p99: number;
}

export interface Paced {
  readonly publishUs: Summary;
  readonly latencyUs: Summary;
  /** Per frame. Readers that are threads are in the writer's. */
  readonly cpuUs: { readonly writer: number; readonly reader: number; readonly broker: number };
  readonly delivered: number;
}

export interface Crowded {
  readonly publishUs: Summary;
  readonly latencyUs: Summary;
  readonly delivered: number;
}

/** What one reader's trouble did to the writer and to another reader. */
export interface Interfered {
  readonly longestPublishMs: number;
  readonly errors: number;
  readonly othersDelivered: number;
}

export interface Slow {
  readonly frames: number;
  readonly possible: number;
  readonly ageMs: number;
  readonly longestPublishMs: number;
}

export interface Raced {
  readonly published: number;
  readonly read: number;
  readonly torn: number;
  readonly refused: number;
}

export interface WriterKilled {
  readonly leftFiles: number;
  readonly leftBytes: number;
  /** `null`, or why a new writer does not start on the same place. */
  readonly restartFailure: string | null;
  /** What is left after the new writer has ended properly. */
  readonly stillLeftFiles: number;
  readonly stillLeftBytes: number;
}

/** The outcome of a phase, or why there is none. */
export type Outcome<T> = { readonly value: T } | { readonly failure: string };

export interface PeerResult {
  readonly name: string;
  /** Publishing by `memcpy`, just before. */
  readonly floorUs: Summary;
  readonly paced: Outcome<Paced>;
  readonly crowded: Outcome<Crowded>;
  readonly stopped: Outcome<Interfered>;
  readonly killed: Outcome<Interfered>;
  readonly slow: Outcome<Slow>;
  readonly raced: Outcome<Raced>;
  readonly writerKilled: Outcome<WriterKilled>;
  /** What publishing said where shared memory was full. */
  readonly full: Outcome<string>;
}

export function summary(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

export async function measure(peer: Peer, programs: Programs, extent: Extent): Promise<PeerResult> {
  const floorUs = await floor(programs, Math.ceil(extent.frames / 4));
  const phase = async <T>(play: (cast: Cast) => Promise<T>): Promise<Outcome<T>> => {
    const cast = new Cast(peer, programs);
    try {
      return { value: await play(cast) };
    } catch (error) {
      return { failure: error instanceof Error ? error.message : String(error) };
    } finally {
      await cast.close();
    }
  };
  const noSharedMemory: Outcome<string> = { failure: 'uses none' };
  const noThreadStops: Outcome<Interfered> = { failure: 'a thread cannot be stopped alone' };
  return {
    name: peer.name,
    floorUs,
    paced: await phase((cast) => paced(cast, extent)),
    crowded: await phase((cast) => crowded(cast, extent)),
    stopped:
      peer.readers === 'threads'
        ? noThreadStops
        : await phase((cast) => interfered(cast, extent, stopAWhile)),
    killed: await phase((cast) => interfered(cast, extent, (reader) => cast.killReader(reader))),
    slow: await phase((cast) => slow(cast, extent)),
    raced: await phase((cast) => raced(cast, extent)),
    writerKilled: await phase(writerKilled),
    full: peer.usesSharedMemory ? await phase(full) : noSharedMemory,
  };
}

async function floor(programs: Programs, frames: number): Promise<Summary> {
  const memcpy: Peer = {
    name: 'memcpy',
    title: 'memcpy',
    isOurs: false,
    comparedWith: 'memcpy',
    needs: [],
    waits: '',
    publisher: ({ rust }) => [rust, 'memcpy'],
    readers: 'processes',
    usesSharedMemory: true,
  };
  const cast = new Cast(memcpy, programs);
  try {
    await cast.startPublisher();
    await cast.publish(WARM_UP, INTERVAL_US);
    return summary((await cast.publish(frames, INTERVAL_US)).publish_us);
  } finally {
    await cast.close();
  }
}

/** The latest frames of a report. */
function lastOf(report: ReaderReport | null, frames: number): readonly number[] {
  return report?.latency_us.slice(-frames) ?? [];
}

/** @throws Error if a call failed */
function refuseErrors({ errors, first_error: error }: PublishAnswer): void {
  if (errors > 0) throw new Error(`${errors} calls failed: ${error}`);
}

async function paced(cast: Cast, { frames }: Extent): Promise<Paced> {
  await cast.startPublisher();
  const reader = await cast.startReader();
  await cast.publish(WARM_UP, INTERVAL_US);
  await sleep(100);
  const pids = { writer: cast.publisherPid, reader: reader.pid, broker: cast.brokerPid };
  if (pids.reader === pids.writer) pids.reader = 0;
  const cpu = (): number[] => Object.values(pids).map(cpuUs);
  const before = cpu();
  const answer = await cast.publish(frames, INTERVAL_US);
  await sleep(100);
  const [writer = 0, ofReader = 0, broker = 0] = cpu().map(
    (us, index) => (us - (before[index] ?? 0)) / frames,
  );
  const report = await cast.finish(reader);
  refuseErrors(answer);
  if (report?.error !== null) throw new Error(report?.error ?? 'the reader did not end');
  const latency = lastOf(report, frames);
  return {
    publishUs: summary(answer.publish_us),
    latencyUs: summary(latency),
    cpuUs: { writer, reader: ofReader, broker },
    delivered: (report.latency_us.length - report.repeated) / (frames + WARM_UP),
  };
}

async function crowded(cast: Cast, { interferedFrames: frames }: Extent): Promise<Crowded> {
  await cast.startPublisher();
  const readers: Reader[] = [];
  for (let index = 0; index < CROWD; index += 1) readers.push(await cast.startReader());
  await cast.publish(WARM_UP, CROWDED_INTERVAL_US);
  const answer = await cast.publish(frames, CROWDED_INTERVAL_US);
  await sleep(200);
  const reports = [];
  for (const reader of readers) reports.push(await cast.finish(reader));
  refuseErrors(answer);
  const read = reports.reduce((total, report) => total + lastOf(report, frames).length, 0);
  return {
    publishUs: summary(answer.publish_us),
    latencyUs: summary(reports.flatMap((report) => lastOf(report, frames))),
    delivered: read / (frames * CROWD),
  };
}

async function stopAWhile({ pid }: Reader): Promise<void> {
  signal(pid, 'SIGSTOP');
  await sleep(STOPPED_MS);
  signal(pid, 'SIGCONT');
}

async function interfered(
  cast: Cast,
  { interferedFrames: frames }: Extent,
  interfere: (reader: Reader) => Promise<void>,
): Promise<Interfered> {
  await cast.startPublisher();
  const troubled = await cast.startReader();
  const other = await cast.startReader();
  await cast.publish(WARM_UP, INTERVAL_US);
  // In the middle of publishing, unless it is the publisher's process that is asked.
  if (cast.hasThreads) await interfere(troubled);
  const trouble = cast.hasThreads ? Promise.resolve() : sleep(BEFORE_STOP_MS).then(() => interfere(troubled));
  const [answer] = await Promise.all([cast.publish(frames, INTERVAL_US), trouble]);
  await sleep(200);
  const report = await cast.finish(other);
  return {
    longestPublishMs: Math.max(...answer.publish_us) / 1000,
    errors: answer.errors,
    othersDelivered: report === null ? 0 : lastOf(report, frames).length / frames,
  };
}

async function slow(cast: Cast, { interferedFrames: frames }: Extent): Promise<Slow> {
  await cast.startPublisher();
  const reader = await cast.startReader({ holdMs: HOLD_MS });
  const answer = await cast.publish(frames, INTERVAL_US);
  const report = await cast.finish(reader);
  refuseErrors(answer);
  if (report === null) throw new Error('the reader did not end');
  return {
    frames: report.latency_us.length - report.repeated,
    possible: Math.floor((frames * INTERVAL_US) / 1000 / HOLD_MS),
    ageMs: summary(report.latency_us).p50 / 1000,
    longestPublishMs: Math.max(...answer.publish_us) / 1000,
  };
}

async function raced(cast: Cast, { racedFrames: frames }: Extent): Promise<Raced> {
  await cast.startPublisher();
  const reader = await cast.startReader({ isChecked: true });
  const answer = await cast.publish(frames, 0);
  await sleep(200);
  const report = await cast.finish(reader);
  refuseErrors(answer);
  if (report === null) throw new Error('the reader did not end');
  if (report.error !== null && report.latency_us.length === 0) throw new Error(report.error);
  return { published: frames, read: report.latency_us.length, torn: report.torn, refused: report.refused };
}

async function writerKilled(cast: Cast): Promise<WriterKilled> {
  const before = new Set(footprint(cast.folder).keys());
  const left = (): { files: number; bytes: number } => {
    const files = [...footprint(cast.folder)].filter(([path]) => !before.has(path));
    return { files: files.length, bytes: files.reduce((total, [, bytes]) => total + bytes, 0) };
  };
  await cast.startPublisher();
  const reader = await cast.startReader();
  await cast.publish(WARM_UP, INTERVAL_US);
  cast.killPublisher();
  await sleep(300);
  signal(reader.pid, 'SIGTERM');
  await sleep(1_000);
  signal(reader.pid, 'SIGKILL');
  await cast.endPublisher();
  // Time for whoever cleans up after others.
  await sleep(500);
  const after = left();
  let restartFailure: string | null = null;
  try {
    await cast.startPublisher();
    refuseErrors(await cast.publish(WARM_UP, INTERVAL_US));
  } catch (error) {
    restartFailure = wordsOf(error).words;
  }
  await cast.endPublisher();
  await sleep(500);
  const still = left();
  return {
    leftFiles: after.files,
    leftBytes: after.bytes,
    restartFailure,
    stillLeftFiles: still.files,
    stillLeftBytes: still.bytes,
  };
}

/**
 * Where peers leave files, with their sizes: their folder, shared memory, and what iceoryx2 has elsewhere. Names that
 * begin like this project's are of other programs, unless they begin with that of the folder.
 */
function footprint(folder: string): Map<string, number> {
  const files = new Map<string, number>();
  const walk = (path: string): void => {
    try {
      const stat = lstatSync(path);
      if (!stat.isDirectory()) files.set(path, stat.blocks * 512);
      else for (const name of readdirSync(path)) walk(join(path, name));
    } catch {
      // It went away meanwhile.
    }
  };
  walk(folder);
  walk('/tmp/iceoryx2');
  for (const name of readdirSync('/dev/shm')) {
    if (!name.startsWith('vas-') || name.startsWith(basename(folder))) walk(join('/dev/shm', name));
  }
  return files;
}

/** Publishes where `/dev/shm` has 1 MiB, in a mount namespace of its own. */
async function full(cast: Cast): Promise<string> {
  const script = `mount -t tmpfs -o size=1m tmpfs /dev/shm && mkdir -p ${cast.folder} && exec "$@"`;
  const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  const wrap = (command: Command): Command => [
    'unshare',
    ...[...asRoot, '--mount', 'sh', '-c', script, 'sh'],
    ...command,
  ];
  try {
    await cast.startPublisher(wrap);
  } catch (error) {
    return outcomeOf(error, 'at the start');
  }
  try {
    const { errors, first_error: said } = await cast.publish(WARM_UP, INTERVAL_US);
    return errors > 0 ? `${errors} of ${WARM_UP} calls fail: ${said}` : 'nothing is said';
  } catch (error) {
    return outcomeOf(error, 'while publishing');
  }
}

/** How a publisher ended that shared memory could not be had for. */
function outcomeOf(error: unknown, when: string): string {
  const { how, words } = wordsOf(error);
  return how.startsWith('SIG') ? `${how} ${when}` : `refused ${when}: ${words}`;
}

/** How a program ended, and the line that says why. */
function wordsOf(error: unknown): { readonly how: string; readonly words: string } {
  const said = error instanceof Error ? error.message : String(error);
  const [, how = '', text = said] = /ended with (exit code \d+|SIG\w+): ([^]*)/.exec(said) ?? [];
  const lines = text.split('\n');
  return { how, words: lines.find((line) => line.includes('Error: ')) ?? lines.at(-1) ?? '' };
}
