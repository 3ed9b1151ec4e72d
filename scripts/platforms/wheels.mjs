// Builds the wheel of the Python package for every platform on this machine, and refuses one that would not load there.
// Prints the path of each.
//
//   npm run build-wheels [-- --platform linux-x64-gnu]... [--out <folder>]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { problemsOf } from './symbols.mjs';
import { targets } from './targets.mjs';
import { addRustTarget, maturin, zigEnvironment } from './toolchain.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const targetDir = process.env.CARGO_TARGET_DIR ?? join(root, 'rust-shm/target');
const { values } = parseArgs({
  options: {
    platform: { type: 'string', multiple: true },
    out: { type: 'string', default: join(targetDir, 'wheels') },
  },
});
const wanted = targets.filter(({ platform }) => values.platform?.includes(platform) ?? true);
if (wanted.length === 0) {
  console.error(`error: the platforms are ${targets.map(({ platform }) => platform).join(', ')}`);
  process.exit(2);
}

const program = maturin();
const env = { ...zigEnvironment(), CARGO_TARGET_DIR: join(targetDir, 'platforms') };
let refused = 0;
for (const { platform, target, wheel: tag } of wanted) {
  addRustTarget(target);
  const flags = target.endsWith('musl') ? { RUSTFLAGS: '-C target-feature=-crt-static' } : {};
  const out = join(values.out, platform);
  rmSync(out, { recursive: true, force: true });
  execFileSync(
    program,
    [
      ...['build', '--quiet', '--release', '--locked', '--zig', '--target', target, '--compatibility', tag],
      ...['--manifest-path', 'rust-shm/python/Cargo.toml', '--out', out],
    ],
    { cwd: root, stdio: ['ignore', 2, 2], env: { ...env, ...flags } },
  );
  const wheel = join(out, readdirSync(out)[0]);
  const problems = problemsOfWheel(wheel, platform);
  if (problems.length === 0) {
    console.log(wheel);
  } else {
    rmSync(wheel);
    refused += 1;
    console.error(`${platform}: REFUSED: ${problems.join('; ')}`);
  }
}
process.exitCode = refused === 0 ? 0 : 1;

function problemsOfWheel(wheel, platform) {
  const unpacked = mkdtempSync(join(tmpdir(), 'vas-wheel-'));
  try {
    execFileSync('python3', ['-m', 'zipfile', '-e', wheel, unpacked]);
    const folder = join(unpacked, 'vas_frames');
    const files = readdirSync(folder);
    const native = files.filter((file) => file.endsWith('.so'));
    return [
      ...(native.length === 1 ? [] : ['it has not exactly one native file']),
      ...(files.includes('py.typed') ? [] : ['it has no types']),
      // The interpreter never unloads a module.
      ...native.flatMap((file) => problemsOf(join(folder, file), platform, { mayBeUnloaded: false })),
    ];
  } finally {
    rmSync(unpacked, { recursive: true, force: true });
  }
}
