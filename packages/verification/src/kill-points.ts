/** `kill -9` of a host at every fail point that the sources name, each time that it is reached. */
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createFrameExporter } from '@vas/frame-export';
import { frames, openFrameSource } from '@vas/frame-export/reader';
import type { FrameSource } from '@vas/frame-export/reader';
import { ProcessEnded } from '@vas/processes';
import type { Arguments } from '@vas/processes';
import { Actor } from './actor.js';
import { entriesOf, withBaseDir } from './base-dir.js';
import type { Check, CheckOptions, CheckResult } from './check.js';
import type { HostActions } from './processes/host.js';
import { buildFaultyAddon } from './rust.js';

const ON = { AI_FRAME_EXPORT_ENABLED: 'true' };
const CAMERA = { cameraId: 'cam', width: 64, height: 48, slotCount: 3 };
const SIZE_BYTES = (CAMERA.width * CAMERA.height * 3) / 2;
/** A heartbeat that is older belongs to nobody. */
const HEARTBEAT_STALE_MS = 2000;
/** Hosts that are running at once. */
const CONCURRENCY = 4;

/** The names of the fail points in the sources, so that a new one cannot be forgotten here; each once. */
export function failPoints(): string[] {
  const workspace = fileURLToPath(new URL('../../../rust-shm/', import.meta.url));
  const names = ['segment', 'drain'].flatMap((crate) =>
    readdirSync(`${workspace}${crate}/src`, { recursive: true, encoding: 'utf8' }).flatMap((file) => {
      if (!file.endsWith('.rs')) return [];
      const source = readFileSync(`${workspace}${crate}/src/${file}`, 'utf8');
      return [...source.matchAll(/fail_point!\("([a-z-]+)"\)/g)].map(([, name = '']) => name);
    }),
  );
  return [...new Set(names)];
}

export const killPoints: Check = {
  summary: 'kill -9 of a host at every fail point, with readers attached; then a restart finds its way',

  async run({ seconds }: CheckOptions): Promise<CheckResult> {
    // With little time: only the first time that each point is reached.
    const times = seconds !== undefined && seconds < 30 ? 1 : Infinity;
    const faulty = buildFaultyAddon();
    return withBaseDir(async (baseDir) => {
      const waiting = failPoints();
      const kills: Kill[] = [];
      const failures: string[] = [];
      const killEachTime = async (): Promise<void> => {
        for (let point = waiting.shift(); point !== undefined; point = waiting.shift()) {
          for (let nth = 1; nth <= times; nth++) {
            const kill = await runUntilKilled(`${baseDir}/${point}-${nth}`, faulty(`${point}=kill@${nth}`));
            if (kill !== null) {
              kills.push({ ...kill, point, nth });
              continue;
            }
            if (nth === 1) failures.push(`${point}: never reached`);
            break;
          }
        }
      };
      await Promise.all(Array.from({ length: CONCURRENCY }, killEachTime));
      await sleep(HEARTBEAT_STALE_MS + 100);
      const rows = [];
      for (const kill of kills) {
        const verdicts = kill.readers.map((reader) => reader.health().state);
        const found = await afterlife(kill);
        failures.push(...found.map((failure) => `${kill.point}@${kill.nth}: ${failure}`));
        rows.push({
          'killed at': `${kill.point}@${kill.nth}`,
          during: kill.during,
          readers: verdicts.length,
          verdicts: verdicts.join(' '),
        });
      }
      return { rows, failures };
    });
  },
};

interface Kill {
  readonly point: string;
  readonly nth: number;
  readonly baseDir: string;
  /** What the host was asked to do when it died. */
  readonly during: string;
  /** Attached to each generation that had become visible, and left alone since. */
  readonly readers: readonly FrameSource[];
  /** Has waited for frames since the first generation was visible. */
  readonly waiting: WaitingReader | null;
}

/** The picture that is published after the restart, and by nobody before. */
function isOfTheRestart(picture: Uint8Array): boolean {
  return picture.every((byte) => byte === 7);
}

/** A loop that waits for frames, whatever becomes of the host, until it is stopped. */
class WaitingReader {
  readonly #controller = new AbortController();
  readonly #done: Promise<void>;
  #hasSeenRestart = false;

  constructor(baseDir: string) {
    this.#done = this.#follow(baseDir);
  }

  async #follow(baseDir: string): Promise<void> {
    const { signal } = this.#controller;
    const options = { look: isOfTheRestart, onLoss: () => 'reopen' as const, signal };
    try {
      for await (const { value } of frames({ baseDir, cameraId: CAMERA.cameraId }, options)) {
        this.#hasSeenRestart ||= value;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Whether it finds the frame that was published after the restart. */
  async seesRestart(): Promise<boolean> {
    const deadline = performance.now() + HEARTBEAT_STALE_MS * 5;
    while (!this.#hasSeenRestart && performance.now() < deadline) await sleep(5);
    return this.#hasSeenRestart;
  }

  async stop(): Promise<void> {
    this.#controller.abort();
    await this.#done;
  }
}

/** The whole life of an export, as far as the host gets; `null` if nothing stopped it. */
async function runUntilKilled(
  baseDir: string,
  env: Readonly<Record<string, string>>,
): Promise<Omit<Kill, 'point' | 'nth'> | null> {
  const host = new Actor('host', { env });
  const readers: FrameSource[] = [];
  let waiting: WaitingReader | null = null;
  let during = '';
  const ask = async <N extends keyof HostActions>(
    action: N,
    ...request: Arguments<HostActions[N]>
  ): Promise<void> => {
    during = action;
    await host.ask(action, ...request);
  };
  const attach = (): void => {
    readers.push(openFrameSource({ baseDir, cameraId: CAMERA.cameraId }));
  };
  try {
    await ask('open', { baseDir, camera: CAMERA });
    attach();
    waiting = new WaitingReader(baseDir);
    await ask('attachFeeder');
    await ask('feed', { frames: 2 });
    await ask('changeGeometry', { width: 96, height: 48 });
    attach();
    // The feeder has the old size: its frames are read and thrown away.
    await ask('feed', { frames: 1 });
    await ask('endFeeder');
    await ask('publish', { frames: 2 });
    await ask('close');
    for (const reader of readers) reader.close();
    await waiting.stop();
    return null;
  } catch (error) {
    if (!(error instanceof ProcessEnded)) throw error;
    return { baseDir, during, readers, waiting };
  } finally {
    await host.kill();
  }
}

/** What is wrong after a kill: with what readers are told, with the next start, with what is left at the end. */
async function afterlife({ baseDir, readers, waiting }: Kill): Promise<string[]> {
  const failures: string[] = [];
  const expect = (what: string, found: string, ...allowed: readonly string[]): void => {
    if (!allowed.includes(found)) failures.push(`${what}: ${found} instead of ${allowed.join(' or ')}`);
  };
  const isReplaced = readers.length > 1;
  readers.forEach((reader, index) => {
    const isLast = index === readers.length - 1;
    const { state } = reader.health();
    if (isReplaced && !isLast) expect('the former generation', state, 'replaced');
    // A drain thread may be killed while the host is just putting the next generation into place.
    else expect('the last generation', state, 'dead', 'replaced', ...(isReplaced ? ['ended'] : []));
    const into = new Uint8Array(reader.frameSizeBytes);
    let result = reader.copyNext(into);
    for (let frames = 0; result.status === 'frame' && frames < 10; frames++) result = reader.copyNext(into);
    expect('reading on', result.status, 'writer-gone', 'ended', 'replaced');
  });

  const exporter = createFrameExporter({ baseDir, env: ON });
  const camera = exporter.openCamera(CAMERA);
  expect(
    'files after the restart',
    entriesOf(baseDir).join(' '),
    `.${CAMERA.cameraId}.lock ${CAMERA.cameraId}`,
  );
  camera.publish(new Uint8Array(SIZE_BYTES).fill(7));
  for (const reader of [...readers, openFrameSource(camera.source)]) {
    const result = reader.reopen();
    // The one that has just been opened has nothing to reopen.
    expect('opening again', result.status, 'reopened', 'unchanged');
    if (result.status === 'reopened') expect('epoch', String(result.isNewEpoch), 'true');
    const look = reader.lookNewest(isOfTheRestart);
    expect('the first frame', look.status === 'frame' ? String(look.value) : look.status, 'true');
    expect('the new writer', reader.health().state, 'live');
  }
  if (waiting !== null) {
    expect('the reader that waited', String(await waiting.seesRestart()), 'true');
    await waiting.stop();
  }
  exporter.close();
  for (const reader of readers) {
    expect('after the end', reader.health().state, 'ended');
    reader.close();
  }
  expect('what is left', entriesOf(baseDir).join(' '), '');
  return failures;
}
