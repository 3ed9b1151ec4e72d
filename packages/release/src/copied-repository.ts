/** A copy of the repository in which a release can be made: its own history, nothing of which comes back. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from './command.js';
import { binariesOf } from './gates.js';
import { platformsOf, pnpmOf, publishedOf, readManifest, ROOT } from './workspace.js';

export class CopiedRepository {
  readonly root: string;

  /** Copies what is in the work tree and what has been built of it, with the platforms that are rehearsed alone. */
  constructor(root: string, platforms: readonly string[]) {
    this.root = root;
    const listed = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
    const tracked = execFileSync('git', listed, { cwd: ROOT, encoding: 'utf8' }).split('\0');
    const built = publishedOf(ROOT, platforms).flatMap(({ folder, platform }) =>
      platform === null ? [`${folder}/dist`] : binariesOf(platform).map((binary) => `${folder}/${binary}`),
    );
    for (const path of [...tracked, ...built]) {
      if (path === '' || !existsSync(join(ROOT, path))) continue;
      mkdirSync(dirname(join(root, path)), { recursive: true });
      cpSync(join(ROOT, path), join(root, path), { recursive: true });
    }
    this.#keepPlatforms(platforms);
    this.commit('Before the release');
    // Only the links between the packages: what builds them is not needed.
    run(
      'npm',
      [...pnpmOf(root), 'install', '--prod', '--offline', '--ignore-scripts', '--no-frozen-lockfile'],
      {
        cwd: root,
      },
    );
    // Where changesets looks for the writer of its change logs.
    mkdirSync(join(root, 'node_modules'), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules/@changesets'), join(root, 'node_modules/@changesets'));
  }

  addChangeset(name: string, bumps: Readonly<Record<string, 'major' | 'minor' | 'patch'>>): void {
    const lines = Object.entries(bumps).map(([name, bump]) => `'${name}': ${bump}\n`);
    writeFileSync(
      join(this.root, '.changeset', `${name}.md`),
      `---\n${lines.join('')}---\n\nA rehearsed change.\n`,
    );
  }

  commit(subject: string): void {
    const git = (...args: readonly string[]): unknown => run('git', args, { cwd: this.root });
    if (!existsSync(join(this.root, '.git'))) git('init', '--quiet', '--initial-branch', 'main');
    const author = [
      '-c',
      'user.name=rehearsal',
      '-c',
      'user.email=rehearsal@localhost',
      '-c',
      'core.hooksPath=',
    ];
    git('add', '--all');
    git(...author, 'commit', '--quiet', '--allow-empty', '--message', subject);
  }

  versionOf(name: string): string {
    const published = publishedOf(this.root).find((published) => published.name === name);
    if (published === undefined) throw new Error(`${name} is not published`);
    return readManifest(join(this.root, published.folder)).version;
  }

  #keepPlatforms(platforms: readonly string[]): void {
    const folder = join(this.root, 'packages/frame-export');
    const dropped = platformsOf(this.root).filter((platform) => !platforms.includes(platform));
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      optionalDependencies: Record<string, string>;
      napi: { targets: string[] };
    };
    for (const platform of dropped) {
      rmSync(join(folder, 'npm', platform), { recursive: true });
      Reflect.deleteProperty(manifest.optionalDependencies, `@vas/frame-export-${platform}`);
    }
    manifest.napi.targets = manifest.napi.targets.slice(0, platforms.length);
    writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  }
}
