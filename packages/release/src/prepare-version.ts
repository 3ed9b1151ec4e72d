/**
 * Makes the versions of the next release of the changesets: npm packages each its own, crates and whatever else is made
 * of them the version of `@vas/frame-export`. `--root DIR`: of another copy of the repository.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import getReleasePlan from '@changesets/get-release-plan';
import { breakingProblems } from './breaking.js';
import { run } from './command.js';
import { versionProblems } from './gates.js';
import { readManifest, ROOT } from './workspace.js';

const { values } = parseArgs({ options: { root: { type: 'string', default: ROOT } } });
const { root } = values;

const { releases } = await getReleasePlan(root);
const problems = breakingProblems(releases);
if (problems.length === 0) {
  run(join(ROOT, 'node_modules/.bin/changeset'), ['version'], { cwd: root });
  const manifest = join(root, 'rust-shm/Cargo.toml');
  const { version } = readManifest(join(root, 'packages/frame-export'));
  const text = readFileSync(manifest, 'utf8');
  writeFileSync(
    manifest,
    text
      .replace(/(\[workspace\.package\][^[]*?\nversion = ")[^"]+/, `$1${version}`)
      // What a crate of the workspace asks of another one.
      .replaceAll(/(\{ path = "[^"]+", version = ")[^"]+/g, `$1${version}`),
  );
  // Only the crates of the workspace: what they depend on stays as it is locked.
  run('cargo', ['update', '--workspace', '--offline', '--manifest-path', manifest], { cwd: root });
  problems.push(...versionProblems(root));
}
for (const problem of problems) console.error(problem);
for (const { name, oldVersion, newVersion } of releases)
  console.log(`${name} ${oldVersion} -> ${newVersion}`);
process.exitCode = problems.length === 0 ? 0 : 1;
