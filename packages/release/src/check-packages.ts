/**
 * Checks what would be published: packs every package and looks at the tarballs, not at the source tree.
 *
 * `--targets all|host|NAME,...`: which platform packages; all by default, and one that is not built is refused.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { apiProblems } from './api-report.js';
import { run } from './command.js';
import { problemsOf, versionProblems } from './gates.js';
import { pack, readTarball } from './pack.js';
import { platformsNamed, publishedOf, ROOT } from './workspace.js';

const { values } = parseArgs({
  options: { targets: { type: 'string', default: 'all' }, 'update-api': { type: 'boolean', default: false } },
});

const folder = mkdtempSync(join(tmpdir(), 'vas-packages-'));
const problems: string[] = [];
let checks = 0;

function check(find: () => string[]): void {
  checks += 1;
  try {
    problems.push(...find());
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  }
}

function tool(name: string, ...args: readonly string[]): string[] {
  run(join(ROOT, 'node_modules/.bin', name), args, { cwd: ROOT });
  return [];
}

try {
  check(() => versionProblems(ROOT));
  for (const published of publishedOf(ROOT, platformsNamed(ROOT, values.targets))) {
    let path = '';
    check(() => {
      path = pack(join(ROOT, published.folder), folder);
      return problemsOf({ published, tarball: readTarball(path) }, ROOT);
    });
    if (path === '' || published.platform !== null) continue;
    check(() => tool('publint', path, '--strict'));
    // `./types` has no runtime on purpose.
    const untyped = ['--exclude-entrypoints', './types', './package.json'];
    check(() => tool('attw', path, '--profile', 'strict', ...untyped));
  }
  check(() => apiProblems(ROOT, { update: values['update-api'] }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

for (const problem of problems) console.error(problem);
console.log(`${checks} package checks, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
