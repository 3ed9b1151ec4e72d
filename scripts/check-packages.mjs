// Checks what would be published: packs every public package and looks at the tarballs, not at the source tree.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const packages = ['ring-buffer', 'frame-export', 'ruth-core'].map((name) => join(root, 'packages', name));
const platforms = readdirSync(join(root, 'packages/frame-export/npm')).map((name) =>
  join(root, 'packages/frame-export/npm', name),
);

const folder = mkdtempSync(join(tmpdir(), 'vas-packages-'));
const problems = [];
let checks = 0;

try {
  for (const cwd of [...packages, ...platforms]) {
    const packed = JSON.parse(
      npmExec(cwd, packageManager, 'pnpm', 'pack', '--json', '--pack-destination', folder),
    );
    const manifest = JSON.parse(
      execFileSync('tar', ['-xzOf', packed.filename, 'package/package.json'], { encoding: 'utf8' }),
    );
    check(manifest.name, 'no workspace protocol in the manifest', () => {
      const leak = /"(?:workspace|catalog):[^"]*"/.exec(JSON.stringify(manifest));
      if (leak !== null) throw new Error(`the packed manifest still says ${leak[0]}`);
    });
    if (!packages.includes(cwd)) continue;
    check(manifest.name, 'publint', () => run('publint', packed.filename, '--strict'));
    // `./types` has no runtime on purpose.
    check(manifest.name, 'are the types wrong', () =>
      run(
        'attw',
        packed.filename,
        '--profile',
        'strict',
        '--exclude-entrypoints',
        './types',
        './package.json',
      ),
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

for (const problem of problems) console.error(problem);
console.log(`${checks - problems.length} of ${checks} package checks passed`);
process.exitCode = problems.length === 0 ? 0 : 1;

function check(packageName, title, run) {
  checks += 1;
  try {
    run();
  } catch (error) {
    problems.push(`${packageName}: ${title}\n${error.stdout ?? ''}${error.stderr ?? ''}${error.message}\n`);
  }
}

function run(command, ...args) {
  execFileSync(join(root, 'node_modules/.bin', command), args, {
    cwd: root,
    encoding: 'utf8',
    stdio: 'pipe',
  });
}

function npmExec(cwd, spec, ...command) {
  return execFileSync('npm', ['exec', '--yes', `--package=${spec}`, '--', ...command], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}
