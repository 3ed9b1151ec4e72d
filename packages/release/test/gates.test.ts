/** Each gate once with what it is for, and once with a package that is as it should be. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { breakingProblems } from '../src/breaking.js';
import { CommandFailed, run } from '../src/command.js';
import { GATES, problemsOf, versionProblems } from '../src/gates.js';
import { loadingProblems } from '../src/loading.js';
import { pack, readTarball } from '../src/pack.js';
import { hostPlatform, platformsNamed, publishedOf, ROOT, type Published } from '../src/workspace.js';

const folder = mkdtempSync(join(tmpdir(), 'vas-gates-'));
const published = publishedOf(ROOT, [hostPlatform()]);
const paths = new Map<string, string>();

function named(name: string): Published {
  const found = published.find((each) => each.name === name);
  if (found === undefined) throw new Error(`${name} is not published`);
  return found;
}

const LOADER = '@vas/frame-export';
const PLATFORM = `@vas/frame-export-${hostPlatform()}`;

beforeAll(() => {
  for (const { name, folder: home } of published) paths.set(name, pack(join(ROOT, home), folder));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** The tarball of a package, unpacked, changed and packed again. */
function altered(name: string, change: (home: string) => void): string {
  const home = mkdtempSync(join(folder, 'altered-'));
  execFileSync('tar', ['-xzf', paths.get(name) ?? '', '-C', home]);
  change(join(home, 'package'));
  execFileSync('tar', ['-czf', join(home, 'altered.tgz'), '-C', home, 'package']);
  return join(home, 'altered.tgz');
}

function refusals(name: string, path: string): string[] {
  // Tests run on what `npm run build` has built.
  return problemsOf({ published: named(name), tarball: readTarball(path) }, ROOT, { asBuilt: true });
}

function withManifest(home: string, change: (manifest: Record<string, unknown>) => void): void {
  const file = join(home, 'package.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  change(manifest);
  writeFileSync(file, JSON.stringify(manifest));
}

describe('the gates', () => {
  it.each(published.map(({ name }) => name))('D3: let %s pass as it is packed', (name) => {
    expect(refusals(name, paths.get(name) ?? '')).toEqual([]);
  });

  const twins: Readonly<Record<string, readonly [string, string, (home: string) => void]>> = {
    'what only the workspace can resolve': [
      LOADER,
      'workspace:^',
      (home) => {
        withManifest(home, (manifest) => (manifest['dependencies'] = { '@vas/ring-buffer': 'workspace:^' }));
      },
    ],
    'a package that is not built': [
      LOADER,
      'dist/reader.d.cts is named',
      (home) => {
        rmSync(join(home, 'dist/reader.d.cts'));
      },
    ],
    'a platform package without its binary': [
      PLATFORM,
      '.node is not there',
      (home) => {
        rmSync(join(home, `vas-frame-export.${hostPlatform()}.node`));
      },
    ],
    'files that do not belong': [
      LOADER,
      'dist/secret.pem does not belong',
      (home) => {
        writeFileSync(join(home, 'dist/secret.pem'), '');
      },
    ],
    'a stack trace that leads nowhere': [
      LOADER,
      'dist/index.js is made of src/exporter.ts, which is not there',
      (home) => {
        rmSync(join(home, 'src/exporter.ts'));
      },
    ],
    'a package without its papers': [
      LOADER,
      'LICENSE is missing',
      (home) => {
        rmSync(join(home, 'LICENSE'));
      },
    ],
    'a script that runs at installation': [
      LOADER,
      'a script postinstall',
      (home) => {
        withManifest(home, (manifest) => (manifest['scripts'] = { postinstall: 'node evil.js' }));
      },
    ],
    'a version without its change log': [
      LOADER,
      'CHANGELOG.md has no entry for 9.9.9',
      (home) => {
        writeFileSync(join(home, 'CHANGELOG.md'), '# log\n\n## 9.9.8\n');
        withManifest(home, (manifest) => {
          manifest['version'] = '9.9.9';
          manifest['optionalDependencies'] = {};
        });
      },
    ],
    'a loader and platform packages of different versions': [
      LOADER,
      `wants ${PLATFORM} 9.9.9`,
      (home) => {
        withManifest(home, (manifest) => (manifest['optionalDependencies'] = { [PLATFORM]: '9.9.9' }));
      },
    ],
  };

  const checked = Object.keys(GATES).filter((gate) => !gate.startsWith('a binary that loads on fewer'));

  it.each(checked)('D3: refuse %s', (gate) => {
    const [name, why, change] = twins[gate] ?? ['', '', () => undefined];
    const problems = refusals(name, altered(name, change));
    expect(problems).toContainEqual(expect.stringContaining(why));
    expect(problems).toContainEqual(expect.stringContaining(`(refused: ${gate})`));
  });

  it.each([
    ['text', 'is not an ELF file', (binary: Buffer) => Buffer.from(`${binary.length} bytes`)],
    ['another processor', 'is not built for', (binary: Buffer) => (binary.writeUInt16LE(8, 18), binary)],
  ])('D3: refuse a platform package with a binary of %s', (_, why, change) => {
    const path = altered(PLATFORM, (home) => {
      const file = join(home, `vas-frame-export.${hostPlatform()}.node`);
      writeFileSync(file, change(readFileSync(file)));
    });
    expect(refusals(PLATFORM, path)).toContainEqual(expect.stringContaining(why));
  });

  it('D3: refuse a platform package without the command line tool, or with that of another processor', () => {
    const without = altered(PLATFORM, (home) => {
      rmSync(join(home, 'vas-frames'));
    });
    expect(refusals(PLATFORM, without)).toContainEqual(expect.stringContaining('vas-frames is not there'));
    const foreign = altered(PLATFORM, (home) => {
      const binary = readFileSync(join(home, 'vas-frames'));
      binary.writeUInt16LE(8, 18);
      writeFileSync(join(home, 'vas-frames'), binary);
    });
    expect(refusals(PLATFORM, foreign)).toContainEqual(
      expect.stringContaining('vas-frames is not built for'),
    );
  });

  it('D3: refuse papers that name another repository', () => {
    const path = altered(LOADER, (home) => {
      withManifest(home, (manifest) => (manifest['homepage'] = 'https://example.org'));
    });
    expect(refusals(LOADER, path)).toContainEqual(expect.stringContaining('homepage is not what'));
  });

  it('D3: let pass what loads and type-checks everywhere', () => {
    expect(loadingProblems(paths.get('@vas/ring-buffer') ?? '')).toEqual([]);
  });

  it.each([
    [
      'publint',
      'a file of another format than it says',
      (home: string) => {
        cpSync(join(home, 'dist/index.js'), join(home, 'dist/index.cjs'));
      },
    ],
    [
      'attw',
      'declarations of another format than its code',
      (home: string) => {
        withManifest(home, (manifest) => {
          const { import: imported } =
            (manifest['exports'] as Record<string, Record<string, unknown>>)['.'] ?? {};
          manifest['exports'] = { '.': imported };
        });
      },
    ],
  ])('D3: refuse by %s %s', (tool, _, change) => {
    expect(loadingProblems(altered('@vas/ring-buffer', change))).toContainEqual(
      expect.stringMatching(new RegExp(`/${tool} .* failed`)),
    );
  });

  it('D2: refuse a target that there is not', () => {
    expect(() => platformsNamed(ROOT, 'linux-riscv64-gnu')).toThrow(/there is no target/);
    expect(platformsNamed(ROOT, 'host')).toEqual([hostPlatform()]);
  });
});

describe('the versions of what goes with one native file', () => {
  /** Only what versions are read from. */
  function copiedManifests(): string {
    const root = mkdtempSync(join(folder, 'manifests-'));
    for (const path of [
      'package.json',
      'rust-shm/Cargo.toml',
      ...publishedOf(ROOT).map((each) => `${each.folder}/package.json`),
    ]) {
      mkdirSync(join(root, path, '..'), { recursive: true });
      cpSync(join(ROOT, path), join(root, path));
    }
    return root;
  }

  it('D3: agree', () => {
    expect(versionProblems(copiedManifests())).toEqual([]);
    expect(versionProblems(ROOT)).toEqual([]);
  });

  it.each([
    ['the crates', 'rust-shm/Cargo.toml', 'the crates are 9.9.9'],
    [
      'a platform package',
      `packages/frame-export/npm/${hostPlatform()}/package.json`,
      `${PLATFORM} is 9.9.9`,
    ],
  ])('D3: are refused if %s differ', (_, file, why) => {
    const root = copiedManifests();
    const text = readFileSync(join(root, file), 'utf8');
    writeFileSync(join(root, file), text.replace(/("?version"?(?: =|:) ")[^"]+/, '$19.9.9'));
    expect(versionProblems(root)).toContainEqual(expect.stringContaining(why));
  });

  it('D3: are refused if a target has no package', () => {
    const root = copiedManifests();
    mkdirSync(join(root, 'packages/frame-export/npm/linux-riscv64-gnu'));
    expect(versionProblems(root)).toContainEqual(expect.stringContaining('linux-riscv64-gnu'));
  });

  it('D3: stand nowhere in the generated loader, which is the same for every version', () => {
    const loader = readFileSync(join(ROOT, 'packages/frame-export/native/binding.cjs'), 'utf8');
    expect(loader).not.toMatch(/expected \d+\.\d+|bindingPackageVersion !== '/);
    expect(loader.match(/bindingPackageVersion !== expectedVersion/g)?.length).toBeGreaterThan(20);
  });
});

describe('what is run before a package is packed', () => {
  /** A package of the workspace, elsewhere, with the script that is run before it is packed. */
  function copied(name: string): string {
    const root = mkdtempSync(join(folder, 'prepack-'));
    const { folder: home } = named(name);
    mkdirSync(join(root, 'scripts'));
    cpSync(join(ROOT, 'scripts/prepack.mjs'), join(root, 'scripts/prepack.mjs'));
    cpSync(join(ROOT, home), join(root, home), {
      recursive: true,
      filter: (path) => !path.includes('node_modules'),
    });
    return join(root, home);
  }

  function refusal(home: string, agent: string): string {
    try {
      run(process.execPath, [join(ROOT, 'scripts/prepack.mjs')], {
        cwd: home,
        env: { npm_config_user_agent: agent },
      });
      return 'not refused';
    } catch (error) {
      return error instanceof CommandFailed ? error.output : String(error);
    }
  }

  it('D3: a plain npm pack is refused: it would leave what only the workspace can resolve', () => {
    const home = copied(LOADER);
    let output = '';
    try {
      // pnpm sets this for everything that it runs, these tests included.
      const env = { npm_config_user_agent: undefined };
      run('npm', ['pack', '--pack-destination', folder], { cwd: home, env });
    } catch (error) {
      if (error instanceof CommandFailed) output = error.output;
    }
    expect(output).toContain('it can only be packed by pnpm');
  });

  it('D3: a built package is not refused, and one that is not built is', () => {
    const home = copied(LOADER);
    expect(refusal(home, 'pnpm/12')).toBe('not refused');
    rmSync(join(home, 'dist/index.cjs'));
    expect(refusal(home, 'pnpm/12')).toContain('dist/index.cjs is missing: npm run build');
  });

  it('D3: a platform package without its binary is refused', () => {
    const home = copied(PLATFORM);
    expect(refusal(home, 'pnpm/12')).toBe('not refused');
    rmSync(join(home, 'vas-frames'));
    expect(refusal(home, 'pnpm/12')).toContain('vas-frames is missing: its target has not been built');
    rmSync(join(home, `vas-frame-export.${hostPlatform()}.node`));
    expect(refusal(home, 'pnpm/12')).toContain('its target has not been built');
  });
});

describe('a breaking change of a package whose types another hands on', () => {
  const release = (name: string, oldVersion: string, newVersion: string) => ({
    name,
    oldVersion,
    newVersion,
  });

  it.each([
    ['0.1.0', '0.2.0', '0.1.1', true],
    ['1.2.0', '2.0.0', '1.3.0', true],
    ['0.0.3', '0.0.4', '0.0.4', false],
    ['0.1.0', '0.2.0', '0.2.0', false],
    ['1.2.0', '1.3.0', '1.2.1', false],
    ['0.1.0', '0.1.1', '0.1.1', false],
  ])('D2: from %s to %s, with %s of the other: refused is %s', (from, to, other, isRefused) => {
    const problems = breakingProblems([
      release('@vas/ring-buffer', from, to),
      release('@vas/frame-export', from, other),
    ]);
    expect(problems.length).toBe(isRefused ? 1 : 0);
  });

  it('D2: is refused if the other is not released at all', () => {
    expect(breakingProblems([release('@vas/ring-buffer', '0.1.0', '0.2.0')]).length).toBe(1);
  });
});
