// Builds the native file and the command line tool of every platform on this machine, puts each into its package under
// packages/frame-export/npm, and refuses what would not run where Node does.
//
//   npm run build-platforms [-- --platform linux-x64-gnu]...
import { execFileSync } from 'node:child_process';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { digestOfSources, SOURCES_FILE } from './sources.mjs';
import { problemsOf } from './symbols.mjs';
import { targets } from './targets.mjs';
import { addRustTarget, zigEnvironment } from './toolchain.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const rust = join(root, 'rust-shm');
const targetDir = join(process.env.CARGO_TARGET_DIR ?? join(rust, 'target'), 'platforms');
const { values } = parseArgs({ options: { platform: { type: 'string', multiple: true } } });
const wanted = targets.filter(({ platform }) => values.platform?.includes(platform) ?? true);
if (wanted.length === 0) {
  console.error(`error: the platforms are ${targets.map(({ platform }) => platform).join(', ')}`);
  process.exit(2);
}

const env = zigEnvironment();
const sources = digestOfSources(root);
let refused = 0;
for (const { platform, target, zig } of wanted) {
  addRustTarget(target);
  const flags = target.endsWith('musl') ? { RUSTFLAGS: '-C target-feature=-crt-static' } : {};
  execFileSync(
    'cargo',
    [
      ...['zigbuild', '--quiet', '--release', '--locked', '--package', 'vas-frame-node-binding'],
      ...['--target', zig, '--target-dir', targetDir],
    ],
    { cwd: rust, stdio: ['ignore', 2, 2], env: { ...env, ...flags } },
  );
  const name = `vas-frame-export.${platform}.node`;
  const home = join(root, 'packages/frame-export/npm', platform);
  const file = join(home, name);
  copyFileSync(join(targetDir, target, 'release/libvas_frame_node_binding.so'), file);
  writeFileSync(join(home, SOURCES_FILE), sources);
  const problems = [...problemsOf(file, platform, { mayBeUnloaded: true }), ...buildTool(platform)];
  if (problems.length > 0) {
    rmSync(file);
    refused += 1;
  }
  console.log(`${platform}: ${problems.length === 0 ? 'built' : `REFUSED: ${problems.join('; ')}`}`);
}

/** Builds the tool against musl, so that it needs no library, and gives what is wrong with it. */
function buildTool(platform) {
  const { target } = targets.find((each) => each.platform === platform.replace(/gnu$/, 'musl'));
  addRustTarget(target);
  execFileSync(
    'cargo',
    [
      ...['zigbuild', '--quiet', '--release', '--locked', '--package', 'vas-frames-cli'],
      ...['--target', target, '--target-dir', targetDir],
    ],
    { cwd: rust, stdio: ['ignore', 2, 2], env },
  );
  const file = join(root, 'packages/frame-export/npm', platform, 'vas-frames');
  copyFileSync(join(targetDir, target, 'release/vas-frames'), file);
  const segments = execFileSync('readelf', ['-W', '--program-headers', file], { encoding: 'utf8' });
  if (!segments.includes('INTERP')) return [];
  rmSync(file);
  return ['vas-frames is not static'];
}
process.exitCode = refused === 0 ? 0 : 1;
