/** The commands of docs/releasing.md and of the workflow are those that the rehearsal runs. */
import { cpSync, readFileSync, rmSync, writeFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { apiProblems } from '../src/api-report.js';
import { run } from '../src/command.js';
import { publishedOf, readManifest, ROOT } from '../src/workspace.js';

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

describe('docs/releasing.md and the workflow of a release', () => {
  const scripts = (JSON.parse(read('package.json')) as { scripts: Record<string, string> }).scripts;

  it.each(['docs/releasing.md', '.github/workflows/release.yml'])(
    'D2: G11: every command in %s is one that there is, with options that it has',
    (path) => {
      const commands = [...read(path).matchAll(/npm run ([\w:-]+)((?: --)?(?: --[\w-]+)*)/g)];
      expect(commands.length).toBeGreaterThan(2);
      for (const [command, name = '', options = ''] of commands) {
        expect(Object.keys(scripts), command).toContain(name);
        for (const [, option = ''] of options.matchAll(/--([a-z][\w-]*)/g)) {
          expect(sourceOf(name), command).toContain(
            `${option.includes('-') ? `'${option}'` : option}: { type`,
          );
        }
      }
    },
  );

  it('D2: G11: the rehearsal runs the commands that make a release', () => {
    const rehearsal = read('packages/release/src/rehearse.ts');
    for (const name of ['version-packages', 'publish-packages']) {
      const file = /release\/dist\/([\w-]+)\.js/.exec(blockOf(name))?.[1] ?? 'no command';
      expect(rehearsal).toContain(`command('${file}'`);
      expect(read('docs/releasing.md')).toContain(`npm run ${name}`);
    }
  });

  /** The command of `scripts/run.mjs` behind a script of the root manifest. */
  function blockOf(name: string): string {
    const text = read('scripts/run.mjs');
    const start = text.search(new RegExp(`async '?${name}'?\\(`));
    return start === -1 ? '' : text.slice(start, text.indexOf('\n  },', start));
  }

  function sourceOf(name: string): string {
    const file = /packages\/release\/dist\/([\w-]+)\.js/.exec(blockOf(name))?.[1];
    return file === undefined ? '' : read(`packages/release/src/${file}.ts`);
  }
});

describe('the repository', () => {
  const { repository, homepage, bugs } = readManifest(ROOT);
  const url = repository?.['url']?.replace(/^git\+/, '').replace(/\.git$/, '') ?? 'nowhere';

  it('D2: is where its home page and its issues are', () => {
    expect([homepage, bugs]).toEqual([`${url}#readme`, `${url}/issues`]);
  });

  it('D2: has one version of all crates, the wheel and the tool, which is that of the exporter', () => {
    const args = ['metadata', '--no-deps', '--offline', '--format-version', '1'];
    const metadata = run('cargo', [...args, '--manifest-path', 'rust-shm/Cargo.toml'], { cwd: ROOT });
    const { packages } = JSON.parse(metadata) as {
      packages: {
        name: string;
        version: string;
        dependencies: { path?: string; req: string; kind: string | null }[];
      }[];
    };
    const { version } = readManifest(join(ROOT, 'packages/frame-export'));
    expect(packages.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['vas-frame-segment', 'vas-frame-python-binding', 'vas-frames-cli']),
    );
    for (const crate of packages) {
      expect(crate.version, crate.name).toBe(version);
      const own = crate.dependencies.filter(({ path, kind }) => path !== undefined && kind !== 'dev');
      expect(
        own.map(({ req }) => req).filter((req) => req !== `^${version}`),
        crate.name,
      ).toEqual([]);
    }
    // The wheel takes it from its crate.
    expect(read('rust-shm/python/pyproject.toml')).toMatch(/^dynamic = \["version"\]$/m);
  });

  it('D2: is named by every crate that is published as the root manifest names it', () => {
    const args = ['metadata', '--no-deps', '--offline', '--format-version', '1'];
    const metadata = run('cargo', [...args, '--manifest-path', 'rust-shm/Cargo.toml'], { cwd: ROOT });
    const { packages } = JSON.parse(metadata) as {
      packages: { name: string; publish: unknown; repository: unknown; homepage: unknown }[];
    };
    const published = packages.filter((crate) => crate.publish === null);
    expect(published.map(({ name }) => name)).toContain('vas-frame-segment');
    for (const crate of published) {
      expect([crate.repository, crate.homepage], crate.name).toEqual([url, homepage]);
    }
  });

  it('D2: is named by the Python package, and by every file, as the root manifest names it', () => {
    const wheel = read('rust-shm/python/pyproject.toml');
    for (const named of [`"${url}"`, `"${String(homepage)}"`, `"${String(bugs)}"`])
      expect(wheel).toContain(named);
    const [, path = ''] = /github\.com\/(.*)/.exec(url) ?? [];
    const name = path.split('/').at(-1) ?? '';
    const lines = run('git', ['grep', '-nIE', `github\\.com/[^/ ]+/${name}\\b`], { cwd: ROOT })
      .trim()
      .split('\n');
    expect(lines.filter((line) => !line.includes(`github.com/${path}`))).toEqual([]);
  });
});

describe('the API reports', () => {
  const root = mkdtempSync(join(tmpdir(), 'vas-api-'));

  afterAll(() => {
    rmSync(root, { recursive: true, force: true });
  });

  it('D4: are what the built packages are, and a change of the API shows', () => {
    for (const { folder } of publishedOf(ROOT, [])) {
      cpSync(join(ROOT, folder), join(root, folder), {
        recursive: true,
        filter: (path) => !/node_modules|\/(test|src|bench|npm)$/.test(path),
      });
    }
    cpSync(
      join(ROOT, 'packages/frame-export/package.json'),
      join(root, 'packages/frame-export/package.json'),
    );
    expect(apiProblems(root, { update: false })).toEqual([]);

    const declarations = join(root, 'packages/ruth-core/dist/index.d.ts');
    const text = readFileSync(declarations, 'utf8');
    writeFileSync(declarations, text.replace('modelIds(): readonly string[];', 'modelIds(): string[];'));
    expect(apiProblems(root, { update: false })).toEqual([
      expect.stringContaining('packages/ruth-core/api/index.api.md'),
    ]);
  });
});
