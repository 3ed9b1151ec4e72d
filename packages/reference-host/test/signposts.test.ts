/** What ARCHITECTURE.md tells a newcomer: its paths exist, and a row of "To change X" leads to every place that knows X. */
import { describe, expect, it } from 'vitest';
import { targets } from '../../../scripts/platforms/targets.mjs';
import { read, tracked } from './work-tree.js';

const files = tracked();

const document = read('ARCHITECTURE.md');

/** What a row names: files, folders, and files by the end of their path. */
function named(text: string): string[] {
  return [...text.matchAll(/`([\w@.*-]+(?:\/[\w@.*-]+)*\/?)`/g)]
    .map(([, name = '']) => name)
    .filter((name) => /\/|\.(?:rs|ts|py|mjs|cjs|json|md|txt|toml)$/.test(name));
}

function isAt(path: string, name: string): boolean {
  const pattern = name.replace(/[.]/g, '\\.').replaceAll('*', '[^/]*').replace(/\/$/, '');
  return new RegExp(`(?:^|/)${pattern}(?:/|$)`).test(path);
}

const rows = new Map(
  (document.split('## To change X, edit Y')[1] ?? '')
    .split('\n')
    .map((line) => /^\| (.*?) \| (.*) \|$/.exec(line))
    .filter((row) => row !== null)
    .map(([, change = '', edit = '']) => [change, edit]),
);

/** A source without its comments and without tests that stand in it: what a comment says is no place to edit. */
function code(path: string): string {
  const text = read(path);
  if (path.endsWith('.rs'))
    return text.replace(/#\[cfg\(test\)\]\nmod [^]*/, '').replaceAll(/^\s*\/\/.*$/gm, '');
  if (path.endsWith('.py')) return text.replaceAll(/"""[^]*?"""|#.*$/gm, '');
  return text.replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '');
}

const SHIPPED =
  /^packages\/(?:ring-buffer|frame-export)\/src\/|^rust-shm\/[\w-]+\/src\/.*\.rs$|^rust-shm\/python\/vas_frames\/.*\.py$|^rust-shm\/protocol\/readers\//;
const BUILT = /^scripts\/.*\.mjs$|^packages\/(?!.*\/test\/)[^]*\.(?:ts|mjs|json)$|^rust-shm\/deny\.toml$/;
const RING = /^rust-shm\/protocol\/(?:src|examples)\/.*\.rs$|^packages\/ring-buffer\/src\//;

/** By what a place is known that a change of this kind has to visit. */
const PLACES: readonly (readonly [change: string, where: RegExp, knows: RegExp])[] = [
  ['a pixel format', SHIPPED, /nv12|pixel_?format(?!,)|\b3 \/\/? 2\b|vas_frame_picture|\buv\b/i],
  ['a health state', SHIPPED, /\bhung\b/i],
  ['the heartbeat, or when it is old', SHIPPED, /_PERIOD_NS|OLD_(?:AFTER_)?MS = |OLD_AFTER_NS: |DUE_NS = /],
  ['an ordering of the ring', RING, /\b(?:release|acquire|full)_fence\(|\brelease_store\(|\bfence\(|Order::/],
  ['a platform', BUILT, /linux-(?:x64|arm64)|(?:x86_64|aarch64)-unknown|\bAArch64\b/],
];

describe('the signposts of ARCHITECTURE.md', () => {
  it('name only what there is', () => {
    const names = named(document);
    expect(names.length).toBeGreaterThan(100);
    expect(names.filter((name) => !files.some((path) => isAt(path, name)))).toEqual([]);
  });

  it.each(PLACES)('lead, for %s, to every place that knows it', (change, where, knows) => {
    const names = named(rows.get(change) ?? '');
    const knowing = files.filter((path) => where.test(path) && knows.test(code(path)));
    expect(knowing.length).toBeGreaterThan(2);
    expect(knowing.filter((path) => !names.some((name) => isAt(path, name)))).toEqual([]);
  });

  it('say of every crate and package what it knows', () => {
    const members = /^members = \[(.*)\]$/m.exec(read('rust-shm/Cargo.toml'))?.[1] ?? '';
    const crates = [...members.matchAll(/"([\w-]+)"/g)].map(([, crate = '']) => crate);
    const packages = files.flatMap((path) => /^packages\/([\w-]+)\/package\.json$/.exec(path)?.[1] ?? []);
    const rooms = [
      ...crates.map((crate) => `rust-shm/${crate}`),
      ...packages.map((name) => `packages/${name}`),
    ];
    expect(rooms.length).toBeGreaterThan(15);
    expect(rooms.filter((room) => !document.includes(`\n| \`${room}\` `))).toEqual([]);
    const crateRows = read('rust-shm/README.md');
    expect(crates.filter((crate) => !new RegExp(`^\\| .*\`${crate}\``, 'm').test(crateRows))).toEqual([]);
  });
});

interface HealthRow {
  readonly health: string;
}

describe('what stands in several places', () => {
  it('P2.18: says the words for a health alike in every language', () => {
    const { rows: cases } = JSON.parse(read('rust-shm/protocol/conformance/camera/health.json')) as {
      rows: readonly HealthRow[];
    };
    const words = [...new Set(cases.map(({ health }) => health))].sort();
    expect(words.length).toBeGreaterThanOrEqual(7);
    const found = (path: string, list: RegExp, word: RegExp): string[] =>
      [...(list.exec(read(path))?.[1] ?? '').matchAll(word)]
        .map(([, health = '']) => health.toLowerCase())
        .sort();
    const variant = /^ {4}(\w+)(?: = \d+)?,$/gm;
    const quoted = /['"](\w+)['"]/g;
    const lists: readonly (readonly [string, RegExp, RegExp])[] = [
      ['rust-shm/segment/src/reader/health.rs', /pub enum Health \{([^}]*)\}/, variant],
      ['rust-shm/c-binding/src/types.rs', /pub enum VasHealth \{([^}]*)\}/, variant],
      ['rust-shm/cli/src/camera.rs', /fn word\(([^]*?)\n\}/, quoted],
      ['rust-shm/python/vas_frames/_camera.py', /^Status: TypeAlias = Literal\[([^\]]*)\]/m, quoted],
      ['packages/frame-export/src/health.ts', /export type RingHealth =([^;]*);/, quoted],
    ];
    for (const [path, list, word] of lists) expect(found(path, list, word), path).toEqual(words);
    const shown: readonly (readonly [string, RegExp, RegExp, readonly string[]])[] = [
      ['rust-shm/cli/src/commands/metrics.rs', /const HEALTHS: [^=]*=([^]*?);/, quoted, ['incompatible']],
      ['packages/frame-export/src/frame-source.ts', /export type SourceState =([^;]*);/, quoted, ['absent']],
      ['rust-shm/cli/README.md', /(\| health \|[^]*?)\n\n/, /^\| `(\w+)` \|/gm, ['absent', 'incompatible']],
    ];
    for (const [path, list, word, more] of shown)
      expect(found(path, list, word), path).toEqual([...words, ...more].sort());
  });

  it('P2.18: says the numbers of the heartbeat in the protocol document as the data has them', () => {
    const protocol = read('rust-shm/protocol/PROTOCOL.md');
    const constants = JSON.parse(read('rust-shm/protocol/conformance/ring/constants.json')) as {
      heartbeat_period_ns: number;
      old_after_ns: number;
    };
    const numbers = (pattern: RegExp): Set<number> =>
      new Set([...protocol.matchAll(pattern)].map(([, digits = '']) => Number(digits.replaceAll(',', ''))));
    expect(numbers(/every (\d+) ms/g)).toEqual(new Set([constants.heartbeat_period_ns / 1e6]));
    expect(numbers(/(?:younger|older) than (\d+) s/gi)).toEqual(new Set([constants.old_after_ns / 1e9]));
    expect(numbers(/more than ([\d,]+) ns/g)).toEqual(new Set([constants.old_after_ns]));
  });

  it('P2.4: has each ordering of the ring in the document, at both ends, and each end taken away in a model', () => {
    const variants = [
      ...(/pub enum Order \{([^}]*)\}/.exec(read('rust-shm/protocol/src/order.rs'))?.[1] ?? '').matchAll(
        /^ {4}(\w+),$/gm,
      ),
    ].map(([, variant = '']) => variant);
    expect(variants.length).toBeGreaterThanOrEqual(7);
    const sources = files.filter((path) => /^rust-shm\/protocol\/src\/\w+\.rs$/.test(path)).map(read);
    const models = files.filter((path) => /^rust-shm\/protocol\/tests\/loom\w*\.rs$/.test(path)).map(read);
    const missing = variants.flatMap((variant) => {
      const name = variant.replaceAll(/(?<=.)[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
      const ends = sources.join('\n').match(new RegExp(`// ORDER ${name}:`, 'g'))?.length ?? 0;
      return [
        ...(read('rust-shm/protocol/PROTOCOL.md').includes(`**${name}**`) ? [] : [`${name}: document`]),
        ...(ends >= 2 ? [] : [`${name}: both ends`]),
        ...['Writer', 'Reader']
          .filter((side) => !models.join('\n').includes(`(Order::${variant}, Side::${side})`))
          .map((side) => `${name}: a model without the ${side.toLowerCase()}'s end`),
      ];
    });
    expect(missing).toEqual([]);
  });

  it('D1: lists the same platforms where they are built, packed, loaded, checked and documented', () => {
    const platforms = targets.map(({ platform }) => platform).sort();
    const manifest = JSON.parse(read('packages/frame-export/package.json')) as {
      name: string;
      napi: { targets: string[] };
      optionalDependencies: Record<string, string>;
    };
    const packages = files.flatMap(
      (path) => /^packages\/frame-export\/npm\/([\w-]+)\/package\.json$/.exec(path)?.[1] ?? [],
    );
    expect(packages.sort()).toEqual(platforms);
    expect(Object.keys(manifest.optionalDependencies).sort()).toEqual(
      platforms.map((platform) => `${manifest.name}-${platform}`),
    );
    const triples = targets.map(({ target }) => target).sort();
    expect(manifest.napi.targets.sort()).toEqual(triples);
    const graph = /^targets = \[([^\]]*)\]/m.exec(read('rust-shm/deny.toml'))?.[1] ?? '';
    expect([...graph.matchAll(/"([^"]+)"/g)].map(([, target = '']) => target).sort()).toEqual(triples);
    const documented = read('docs/platforms.md').split('\n\n')[1] ?? '';
    expect(
      [...documented.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, platform = '']) => platform).sort(),
    ).toEqual(platforms);
  });
});
