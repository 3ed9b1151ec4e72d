/** Who imports whom: no circle among the rooms of this repository, and no arrow that runs back up. */
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { read, tracked } from './work-tree.js';

const files = tracked();

/** For each room those that it imports. */
type Imports = ReadonlyMap<string, ReadonlySet<string>>;

function importsOf(arrows: Iterable<readonly [from: string, to: string]>): Imports {
  const imports = new Map<string, Set<string>>();
  for (const [from, to] of arrows) {
    if (from === to) continue;
    const known = imports.get(from) ?? new Set<string>();
    imports.set(from, known.add(to));
  }
  return imports;
}

/** Rooms that come back to themselves, as the way that leads there. */
function circles(imports: Imports): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (room: string, way: readonly string[]): void => {
    const begun = way.indexOf(room);
    if (begun >= 0) found.push([...way.slice(begun), room].join(' -> '));
    if (begun >= 0 || done.has(room)) return;
    for (const next of imports.get(room) ?? []) visit(next, [...way, room]);
    done.add(room);
  };
  for (const room of imports.keys()) visit(room, []);
  return found;
}

/** What shipped code of a module says, without comments and without the tests that stand in it. */
function shipped(path: string): string {
  return read(path)
    .replace(/#\[cfg\(test\)\]\s*mod [^]*/, '')
    .replaceAll(/^\s*\/\/.*$/gm, '');
}

/** The paths of a tree of imports: `a::{b, c::{d, e}}` is `a::b`, `a::c::d` and `a::c::e`. */
function paths(tree: string): string[] {
  const open = tree.indexOf('{');
  if (open < 0) return [tree.trim()];
  const prefix = tree.slice(0, open).trim();
  const branches: string[] = [];
  let depth = 0;
  let branch = '';
  for (const letter of tree.slice(open + 1, tree.lastIndexOf('}'))) {
    if (letter === ',' && depth === 0) {
      branches.push(branch);
      branch = '';
      continue;
    }
    if (letter === '{') depth += 1;
    if (letter === '}') depth -= 1;
    branch += letter;
  }
  return [...branches, branch]
    .filter((one) => one.trim() !== '')
    .flatMap((one) => paths(one).map((path) => prefix + path));
}

/** The modules of a crate by their path in it; the root is ''. */
function modulesOf(crate: string): Map<string, string> {
  const source = `rust-shm/${crate}/src/`;
  return new Map(
    files
      .filter((path) => path.startsWith(source) && path.endsWith('.rs'))
      .map((path) => {
        const name = path.slice(source.length, -'.rs'.length).replaceAll('/', '::');
        return [name.replace(/(?:^|::)mod$|^(?:lib|main)$/, ''), path];
      }),
  );
}

/** Every `crate::`, `super::` and `self::` of a crate, from module to module. What goes to the root names no module. */
function rustImports(crate: string): Imports {
  const modules = modulesOf(crate);
  const arrows: [string, string][] = [];
  for (const [module, path] of modules) {
    const code = shipped(path);
    const used = [...code.matchAll(/\buse ((?:crate|super|self)::[^;]+);/g)].flatMap(([, tree = '']) =>
      paths(tree.replaceAll(/\s+/g, ' ')),
    );
    const inPlace = [...code.matchAll(/\b(?:crate|super|self)(?:::\w+)+/g)].map(([name]) => name);
    for (const name of [...used, ...inPlace]) {
      const [first, ...rest] = name.split('::').map((part) => part.trim());
      const own = module === '' ? [] : module.split('::');
      const base = first === 'crate' ? [] : first === 'super' ? own.slice(0, -1) : own;
      const target = [...base, ...rest];
      while (target.length > 0 && !modules.has(target.join('::'))) target.pop();
      if (module !== '' && target.length > 0) arrows.push([module, target.join('::')]);
    }
  }
  return importsOf(arrows);
}

const crates = [
  ...(/^members = \[(.*)\]$/m.exec(read('rust-shm/Cargo.toml'))?.[1] ?? '').matchAll(/"([\w-]+)"/g),
].map(([, crate = '']) => crate);

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const packages = files
  .map((path) => /^packages\/([\w-]+)\/package\.json$/.exec(path)?.[1])
  .filter((name) => name !== undefined);
const manifests = new Map(
  packages.map((name) => [name, JSON.parse(read(`packages/${name}/package.json`)) as Manifest]),
);

/** From room to room of a package: a folder below `src`, or a file that stands in `src` itself. */
function typeScriptImports(name: string): Imports {
  const source = `packages/${name}/src`;
  const roomOf = (path: string): string =>
    (dirname(path) === source ? path : dirname(path)).slice(source.length + 1);
  const arrows: [string, string][] = [];
  for (const path of files.filter((file) => file.startsWith(`${source}/`) && file.endsWith('.ts'))) {
    for (const [, target = ''] of read(path).matchAll(/\b(?:from|import)\s*\(?\s*'(\.[^']*)'/g)) {
      const imported = join(dirname(path), target).replace(/\.js$/, '.ts');
      if (imported.startsWith(source)) arrows.push([roomOf(path), roomOf(imported)]);
    }
  }
  return importsOf(arrows);
}

describe('the rooms', () => {
  it('are seen to be a circle where they are one', () => {
    const circle = importsOf([
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'a'],
      ['c', 'd'],
    ]);
    expect(circles(circle)).toEqual(['a -> b -> c -> a']);
    expect(paths('crate::{a, b::{c, d::e}}')).toEqual(['crate::a', 'crate::b::c', 'crate::b::d::e']);
  });

  it.each(crates)('of the crate %s import each other in no circle', (crate) => {
    const imports = rustImports(crate);
    if (modulesOf(crate).size > 4) expect(imports.size).toBeGreaterThan(1);
    expect(circles(imports)).toEqual([]);
  });

  it('of writer and reader in the segment crate do not know each other', () => {
    const sides = [...rustImports('segment')].flatMap(([from, targets]) =>
      [...targets]
        .filter(
          (to) => /^(writer|reader)/.exec(from)?.[1] === (to.startsWith('reader') ? 'writer' : 'reader'),
        )
        .filter((to) => /^(?:writer|reader)(?:::|$)/.test(to))
        .map((to) => `${from} -> ${to}`),
    );
    expect(sides).toEqual([]);
  });

  it('of every TypeScript package import each other in no circle, folder by folder and file by file', () => {
    const seen = packages.map((name) => [name, circles(typeScriptImports(name))] as const);
    expect(typeScriptImports('e2e').size).toBeGreaterThan(5);
    expect(seen.filter(([, found]) => found.length > 0)).toEqual([]);
  });

  it('that are packages import each other in no circle', () => {
    const byName = new Map([...manifests].map(([folder, { name }]) => [name, folder]));
    const arrows = [...manifests].flatMap(([folder, { dependencies, devDependencies }]) =>
      Object.keys({ ...dependencies, ...devDependencies })
        .map((name) => byName.get(name))
        .filter((target) => target !== undefined)
        .map((target) => [folder, target] as const),
    );
    expect(arrows.length).toBeGreaterThan(5);
    expect(circles(importsOf(arrows))).toEqual([]);
  });
});
