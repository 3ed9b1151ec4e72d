/**
 * Publishes the tarballs that the gates have seen, in the order in which they need each other. What a registry has
 * already it is not given again: a release that failed half-way is resumed by the same command.
 *
 * `--registry URL`: where to; npm's own by default. `--targets all|host|NAME,...`: which platform packages; all by
 * default. `--root DIR`: of another copy of the repository. `--provenance`: attested by the workflow that builds.
 * `--as-built`: with binaries of `npm run build`, which are for this machine alone; to a registry on loopback only.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CommandFailed, run } from './command.js';
import { problemsOf, versionProblems } from './gates.js';
import { loadingProblems } from './loading.js';
import { pack, readTarball } from './pack.js';
import { platformsNamed, publishedOf, ROOT } from './workspace.js';

const { values } = parseArgs({
  options: {
    registry: { type: 'string' },
    targets: { type: 'string', default: 'all' },
    root: { type: 'string', default: ROOT },
    provenance: { type: 'boolean', default: false },
    'as-built': { type: 'boolean', default: false },
  },
});
const { root } = values;
const registry = values.registry === undefined ? [] : ['--registry', values.registry];
const { access } = JSON.parse(readFileSync(join(root, '.changeset/config.json'), 'utf8')) as {
  access: string;
};
const folder = mkdtempSync(join(tmpdir(), 'vas-publish-'));

function isPublished(name: string, version: string): boolean {
  try {
    // Said aloud even where npm is told to be silent: its answer to what is not there is an error.
    const view = ['view', `${name}@${version}`, 'version', '--loglevel', 'error', ...registry];
    return run('npm', view, { cwd: folder }).trim() !== '';
  } catch (error) {
    if (error instanceof CommandFailed && error.output.includes('E404')) return false;
    throw error;
  }
}

function isOnLoopback(url: string | undefined): boolean {
  return url !== undefined && ['127.0.0.1', '[::1]', 'localhost'].includes(new URL(url).hostname);
}

try {
  const asBuilt = values['as-built'];
  if (asBuilt && !isOnLoopback(values.registry)) {
    throw new Error('nothing is published: --as-built is for a registry on this machine');
  }
  // Everything is packed and looked at before anything is published.
  const packed = publishedOf(root, platformsNamed(root, values.targets)).map((published) => ({
    published,
    tarball: readTarball(pack(join(root, published.folder), folder, root)),
  }));
  const problems = [
    ...versionProblems(root),
    ...packed.flatMap((each) => problemsOf(each, root, { asBuilt })),
    ...packed
      .filter(({ published }) => published.platform === null)
      .flatMap(({ tarball }) => loadingProblems(tarball.path)),
  ];
  if (problems.length > 0) throw new Error(`nothing is published:\n${problems.join('\n')}`);
  for (const { tarball } of packed) {
    const { name, version } = tarball.manifest;
    if (isPublished(name, version)) {
      console.log(`${name}@${version} is there already`);
      continue;
    }
    const attested = values.provenance ? ['--provenance'] : [];
    run('npm', ['publish', tarball.path, '--ignore-scripts', '--access', access, ...attested, ...registry], {
      cwd: folder,
    });
    console.log(`${name}@${version} is published`);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
