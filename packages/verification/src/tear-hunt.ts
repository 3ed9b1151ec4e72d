/** The tear hunt: a writer at full speed, readers in four languages, every number of slots and size. */
import { fileURLToPath } from 'node:url';
import { Actor, runForJson } from './actor.js';
import { withBaseDir } from './base-dir.js';
import type { Check, CheckOptions, CheckResult, Row } from './check.js';
import { buildCHunter, buildPackageHunter, buildRustHunter } from './rust.js';
import { readsOf, sum } from './tear/counts.js';
import type { TearCounts } from './tear/counts.js';
import { failuresOf } from './tear/verdict.js';

const SIZES = [
  [16, 16],
  [640, 360],
  [1920, 1080],
  [3840, 2160],
] as const;
const SLOTS = [3, 4, 5, 6, 7, 8] as const;
const DEFAULT_SECONDS = 60;
/**
 * glibc's `memcpy` then uses streaming stores from 16 KiB on, on x86-64; by default that begins between 1 MiB and far more
 * than any picture, depending on the processor's caches. Other systems ignore it.
 */
const STREAMING = { GLIBC_TUNABLES: 'glibc.cpu.x86_non_temporal_threshold=0x4040' };

const pythonHunter = fileURLToPath(new URL('../readers/tear_hunt.py', import.meta.url));
const pythonReader = fileURLToPath(new URL('../../../rust-shm/protocol/readers', import.meta.url));

const READERS = [
  'typescript copy',
  'typescript look',
  'rust',
  'rust waiting',
  'c',
  'python',
  'python package',
] as const;
type ReaderName = (typeof READERS)[number];
type CellCounts = Readonly<Partial<Record<ReaderName, TearCounts>>>;

interface Cell {
  readonly width: number;
  readonly height: number;
  readonly slotCount: number;
}

export const tearHunt: Check = {
  summary: 'a writer at full speed, readers in TypeScript, Rust, C and Python: no torn frame is accepted',

  async run(options) {
    const { seconds = DEFAULT_SECONDS } = options;
    // With little time: each size with one of the numbers of slots.
    const isShort = seconds < SIZES.length * SLOTS.length;
    const cells = SIZES.flatMap(([width, height], index) =>
      SLOTS.filter((_, slot) => !isShort || slot === index).map((slotCount) => ({
        width,
        height,
        slotCount,
      })),
    );
    // With little time without the package, which is fetched for; its own tests have a short hunt.
    const packageHunter = isShort ? undefined : buildPackageHunter();
    return withBaseDir((baseDir) => hunt(baseDir, cells, options, packageHunter));
  },
};

async function hunt(
  baseDir: string,
  cells: readonly Cell[],
  options: CheckOptions,
  packageHunter: readonly [string, string] | undefined,
): Promise<CheckResult> {
  const { seconds = DEFAULT_SECONDS, reads = 0, withoutValidation, isStreaming = false } = options;
  const rustHunter = buildRustHunter();
  const cHunter = buildCHunter();
  const writer = new Actor('tear-writer', { env: isStreaming ? STREAMING : {} });
  const tsReaders = { copy: new Actor('tear-reader'), look: new Actor('tear-reader') };
  const flags = withoutValidation ? ['--without-validation'] : [];
  const perCell = seconds / cells.length;

  const readCell = async (cell: Cell, path: string): Promise<CellCounts> => {
    const inTypeScript = (manner: 'copy' | 'look'): Promise<TearCounts> =>
      tsReaders[manner].ask('hunt', {
        ...{ path, seconds: perCell, manner },
        ...{ slotCount: cell.slotCount, isValidated: !withoutValidation },
      });
    const inPackage = async (): Promise<CellCounts> => {
      if (packageHunter === undefined) return {};
      const [python, script] = packageHunter;
      return {
        'python package': await runForJson<TearCounts>(python, [script, path, String(perCell), ...flags]),
      };
    };
    const [copied, looked, rust, waiting, c, python, ofPackage] = await Promise.all([
      inTypeScript('copy'),
      inTypeScript('look'),
      runForJson<TearCounts>(rustHunter, [path, String(perCell), ...flags]),
      runForJson<TearCounts>(rustHunter, [path, String(perCell), '--waiting', ...flags]),
      runForJson<TearCounts>(cHunter, [path, String(perCell), ...flags]),
      runForJson<TearCounts>('python3', [pythonHunter, path, String(perCell), ...flags], {
        PYTHONPATH: pythonReader,
        PYTHONDONTWRITEBYTECODE: '1',
      }),
      inPackage(),
    ]);
    return {
      'typescript copy': copied,
      'typescript look': looked,
      rust,
      'rust waiting': waiting,
      c,
      python,
      ...ofPackage,
    };
  };

  const rows = new Map<string, { written: number; counts: CellCounts[] }>();
  const all: TearCounts[] = [];
  try {
    do {
      for (const cell of cells) {
        const camera = { cameraId: 'hunted', ...cell };
        const path = await writer.ask('start', { baseDir, camera });
        const counts = await readCell(cell, path);
        const written = await writer.ask('stop');
        const size = `${cell.width}x${cell.height}`;
        const row = rows.get(size) ?? { written: 0, counts: [] };
        rows.set(size, { written: row.written + written, counts: [...row.counts, counts] });
        all.push(...Object.values(counts));
      }
    } while (readsOf(sum(all)) < reads);
  } finally {
    await Promise.all([writer, ...Object.values(tsReaders)].map((actor) => actor.kill()));
  }
  return {
    rows: [...rows].flatMap(([size, { written, counts }]) => rowsOf(size, written, counts)),
    failures: failuresOf({
      readers: byReader([...rows.values()].flatMap(({ counts }) => counts)),
      withoutValidation,
      isShort: packageHunter === undefined,
    }),
  };
}

function rowsOf(size: string, written: number, counts: readonly CellCounts[]): Row[] {
  return [...byReader(counts)].map(([reader, total]) => {
    return { size, reader, 'frames written': written, reads: readsOf(total), ...total };
  });
}

/** The counts of each reader that took part, in the order of their names. */
function byReader(counts: readonly CellCounts[]): Map<ReaderName, TearCounts> {
  const tookPart = READERS.filter((reader) => counts.some((cell) => cell[reader] !== undefined));
  return new Map(tookPart.map((reader) => [reader, sum(counts.flatMap((cell) => cell[reader] ?? []))]));
}
