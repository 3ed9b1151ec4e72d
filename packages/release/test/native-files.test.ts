/** Native files that load wherever Node runs, and those that do not. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { problemsOf as symbolProblems } from '../../../scripts/platforms/symbols.mjs';
import { CommandFailed, run } from '../src/command.js';
import { problemsOf } from '../src/gates.js';
import { pack, readTarball } from '../src/pack.js';
import { hostPlatform, publishedOf, ROOT } from '../src/workspace.js';

const folder = mkdtempSync(join(tmpdir(), 'vas-native-'));
const platform = hostPlatform();

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A shared library of this machine's compiler. */
function library(name: string, source: string, ...flags: readonly string[]): string {
  const file = join(folder, `${name}.node`);
  writeFileSync(join(folder, `${name}.c`), source);
  run('cc', ['-shared', '-fPIC', '-o', file, join(folder, `${name}.c`), ...flags], { cwd: folder });
  return file;
}

const HOST = { mayBeUnloaded: true };
const PINNED = '-Wl,-z,nodelete';

describe('a native file', () => {
  it('D1: D3: is let pass if it needs no more than an old glibc and stays loaded', () => {
    const source = '#include <stdlib.h>\nvoid *room(void) { return malloc(1); }';
    expect(symbolProblems(library('old', source, PINNED), platform, HOST)).toEqual([]);
  });

  it.each([
    [
      'needs a newer glibc',
      'newer',
      '#include <unistd.h>\nint id(void) { return gettid(); }',
      [PINNED],
      /needs glibc 2\.3\d/,
    ],
    [
      'needs a library that is nowhere by default',
      'foreign',
      'int one(void) { return 1; }',
      [PINNED, '-Wl,--no-as-needed', '-lgcc_s'],
      /needs libgcc_s\.so\.1/,
    ],
    ['can be unloaded under its threads', 'unpinned', 'int one(void) { return 1; }', [], /can be unloaded/],
  ])('D1: D3: is refused if it %s', (_, name, source, flags, why) => {
    expect(symbolProblems(library(name, `#define _GNU_SOURCE\n${source}`, ...flags), platform, HOST)).toEqual(
      [expect.stringMatching(why)],
    );
  });

  it('D1: D3: is refused if it is for another processor', () => {
    const other = platform.includes('x64') ? 'linux-arm64-gnu' : 'linux-x64-gnu';
    const file = library('other', 'int one(void) { return 1; }', PINNED);
    expect(symbolProblems(file, other, HOST)).toContainEqual(expect.stringMatching(/it is for/));
  });

  it('D3: is refused by the gates of what is published, unless it is never to leave this machine', () => {
    const published = publishedOf(ROOT, [platform]).find((each) => each.platform === platform);
    if (published === undefined) throw new Error('this machine has no platform package');
    const home = mkdtempSync(join(folder, 'altered-'));
    execFileSync('tar', ['-xzf', pack(join(ROOT, published.folder), folder), '-C', home]);
    const source = '#define _GNU_SOURCE\n#include <unistd.h>\nint id(void) { return gettid(); }';
    cpSync(library('published', source, PINNED), join(home, `package/vas-frame-export.${platform}.node`));
    execFileSync('tar', ['-czf', join(home, 'altered.tgz'), '-C', home, 'package']);
    const packed = { published, tarball: readTarball(join(home, 'altered.tgz')) };
    const ofNativeFile = problemsOf(packed, ROOT).filter((why) => why.includes('.node'));
    expect(ofNativeFile).toEqual([expect.stringMatching(/needs glibc 2\.3\d/)]);
    expect(problemsOf(packed, ROOT, { asBuilt: true })).toEqual([]);
  });

  it('D3: that was built for this machine alone is not published to a registry elsewhere', () => {
    const publish = join(ROOT, 'packages/release/dist/publish.js');
    const elsewhere = ['--registry', 'https://registry.invalid/', '--as-built'];
    expect(() => run(process.execPath, [publish, ...elsewhere], { cwd: folder })).toThrow(
      /--as-built is for a registry on this machine/,
    );
    expect(() => run(process.execPath, [publish, '--as-built'], { cwd: folder })).toThrow(CommandFailed);
  });
});

describe('the native file of a platform package', () => {
  /** The parts of a repository that put a native file into place, with files that say what they are. */
  function repository(): { root: string; place: () => string } {
    const root = mkdtempSync(join(folder, 'place-'));
    const home = join(root, 'packages/frame-export');
    for (const path of ['scripts/platforms/sources.mjs', 'packages/frame-export/native/place.mjs']) {
      mkdirSync(join(root, path, '..'), { recursive: true });
      cpSync(join(ROOT, path), join(root, path));
    }
    mkdirSync(join(root, 'rust-shm/drain/src'), { recursive: true });
    writeFileSync(join(root, 'rust-shm/drain/src/lib.rs'), 'first');
    run('git', ['init', '--quiet'], { cwd: root });
    const name = `vas-frame-export.${platform}.node`;
    mkdirSync(join(home, 'npm', platform), { recursive: true });
    writeFileSync(join(home, 'native', name), 'of this machine');
    return {
      root,
      place: () => {
        run(process.execPath, ['packages/frame-export/native/place.mjs'], { cwd: root });
        return readFileSync(join(home, 'npm', platform, name), 'utf8');
      },
    };
  }

  it('D3: stays what was built for every machine, whatever is built for this one, until the sources change', () => {
    const { root, place } = repository();
    expect(place()).toBe('of this machine');

    const home = join(root, 'packages/frame-export/npm', platform);
    writeFileSync(join(home, `vas-frame-export.${platform}.node`), 'of every machine');
    const digest = `import { digestOfSources } from './scripts/platforms/sources.mjs'; console.log(digestOfSources('.'));`;
    const digested = run(process.execPath, ['--input-type=module', '-e', digest], { cwd: root }).trim();
    writeFileSync(join(home, 'sources.sha256'), digested);
    expect(place()).toBe('of every machine');

    writeFileSync(join(root, 'rust-shm/drain/src/lib.rs'), 'second');
    expect(place()).toBe('of this machine');
  });
});
