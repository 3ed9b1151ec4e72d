/** Long lives: what a host and its readers hold stays the same, however often and however long. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Actor } from './actor.js';
import { entriesOf, withBaseDir } from './base-dir.js';
import type { Check, CheckOptions, CheckResult, Row } from './check.js';
import { occupiedKb } from './usage.js';
import type { Usage } from './usage.js';

const ON = { AI_FRAME_EXPORT_ENABLED: 'true' };
const CAMERA = { cameraId: 'cam', width: 64, height: 48, slotCount: 4 };
const OTHER = { width: 96, height: 48 };
/** The camera of the pipe and of `publish`; small, so that an hour of frames passes in a minute. */
const VIDEO = { cameraId: 'cam', width: 320, height: 240, slotCount: 4 };
/** How often a life is looked at. */
const SAMPLES = 10;
/** Resident memory moves with the engine's heap by so much, in whichever direction. */
const HEAP_NOISE_MB = 32;

interface Sample extends Usage {
  readonly sharedKb: number;
}

/** One kind of long life. */
interface Life {
  readonly name: string;
  readonly times: number;
  readonly camera: typeof CAMERA;
  /** Whether the camera is open, and followed by readers, all the time. */
  readonly isOpen: boolean;
  /** One tenth of the life. */
  live(host: Actor<'host'>, baseDir: string, times: number): Promise<void>;
}

const LIVES: readonly Life[] = [
  {
    ...{ name: 'changes of geometry', times: 1000, camera: CAMERA, isOpen: true },
    live: (host, _, times) => host.ask('changeOften', { times, geometries: [OTHER, CAMERA] }),
  },
  {
    ...{ name: 'opened and closed', times: 10_000, camera: CAMERA, isOpen: false },
    live: (host, baseDir, times) => host.ask('openAndClose', { times, baseDir, camera: CAMERA }),
  },
  {
    ...{ name: 'frames through a pipe', times: 90_000, camera: VIDEO, isOpen: true },
    async live(host, _, times) {
      await host.ask('attachFullSpeed', { frames: times });
      await host.ask('endFeeder');
    },
  },
  {
    ...{ name: 'frames published', times: 90_000, camera: VIDEO, isOpen: true },
    live: (host, _, times) => host.ask('publish', { frames: times }),
  },
];

export const soak: Check = {
  summary: '1,000 changes of geometry, 10,000 opens and closes, an hour of frames: everything stays flat',

  async run({ seconds }: CheckOptions): Promise<CheckResult> {
    const rows: Row[] = [];
    const failures: string[] = [];
    // With little time: a fiftieth of everything.
    const share = seconds !== undefined && seconds < 60 ? 50 : 1;
    for (const life of LIVES) {
      const result = await withBaseDir((baseDir) => liveLong(life, life.times / share, baseDir));
      rows.push(...result.rows);
      failures.push(...result.failures.map((failure) => `${life.name}: ${failure}`));
    }
    return { rows, failures };
  },
};

async function liveLong(life: Life, times: number, baseDir: string): Promise<CheckResult> {
  const host = new Actor('host', { env: ON });
  const readers = life.isOpen ? [new Actor('reader'), new Actor('reader')] : [];
  const samples = new Map<string, Sample[]>();
  const failures: string[] = [];
  const sample = async (): Promise<void> => {
    const usages = [
      ['host', await host.ask('usage', { baseDir })],
      ...(await Promise.all(
        readers.map(
          async (reader, index) => [`reader ${index + 1}`, await reader.ask('usage', { baseDir })] as const,
        ),
      )),
    ] as const;
    for (const [name, usage] of usages) {
      const list = samples.get(name) ?? [];
      samples.set(name, [...list, { ...usage, sharedKb: occupiedKb(baseDir) }]);
    }
  };
  try {
    if (life.isOpen) {
      const path = await host.ask('open', { baseDir, camera: life.camera });
      for (const reader of readers) {
        await reader.ask('open', { path });
        await reader.ask('follow', { everyMs: 1 });
      }
    }
    const began = performance.now();
    for (let tenth = 0; tenth < SAMPLES; tenth++) {
      await life.live(host, baseDir, times / SAMPLES);
      // The readers have followed when they have looked once more.
      await sleep(50);
      await sample();
    }
    const seconds = (performance.now() - began) / 1000;
    for (const reader of readers) {
      const { frames } = await reader.ask('followed');
      if (frames === 0) failures.push('a reader has seen nothing');
    }
    const rows = [...samples].map(([who, list]) => {
      failures.push(...unevenness(list).map((what) => `${who}: ${what}`));
      return rowOf(life.name, times, seconds, who, list);
    });
    if (life.isOpen) await host.ask('close');
    const left = entriesOf(baseDir).join(' ');
    if (left !== '') failures.push(`${left} is left`);
    return { rows, failures };
  } finally {
    await Promise.all([host, ...readers].map((actor) => actor.kill()));
  }
}

/** By how much each may differ. The heartbeat's thread ends a moment after the last camera is closed. */
const FLAT = { descriptors: 0, mappings: 0, threads: 1, sharedKb: 0 } as const;

function unevenness(samples: readonly Sample[]): string[] {
  // The first one has what is made once, on first use.
  const [, first, ...others] = samples;
  const last = others.at(-1);
  if (first === undefined || last === undefined) return ['not looked at often enough'];
  const grown = Object.entries(FLAT)
    .map(([what, tolerance]) => [what as keyof typeof FLAT, tolerance] as const)
    .filter(([what, tolerance]) => others.some((sample) => Math.abs(sample[what] - first[what]) > tolerance))
    .map(([what]): string => what);
  if (last.anonymousMb > first.anonymousMb + HEAP_NOISE_MB) grown.push('anonymousMb');
  return grown.map((what) => `${what} did not stay the same`);
}

function rowOf(life: string, times: number, seconds: number, who: string, samples: readonly Sample[]): Row {
  const course = (what: keyof Sample): string | number => {
    const values = samples.map((sample) => sample[what]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return low === high ? low : `${low}-${high}, last ${values.at(-1) ?? 0}`;
  };
  return {
    ...{ life, times, seconds: Math.round(seconds * 10) / 10, who },
    ...{ descriptors: course('descriptors'), mappings: course('mappings'), threads: course('threads') },
    ...{ 'resident MB': course('anonymousMb'), 'shared kB': course('sharedKb') },
  };
}
