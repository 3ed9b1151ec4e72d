// Puts vas-frames, the command line tool, built for this machine alone, into its platform package. Leaves what
// `build-platforms` has put there since the sources last changed: that is static and runs on more machines.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const packageDir = fileURLToPath(new URL('..', import.meta.url));
const rustDir = join(packageDir, '../../rust-shm');
const targetDir = process.env.CARGO_TARGET_DIR ?? join(rustDir, 'target');

const { glibcVersionRuntime } = process.report.getReport().header;
const platform = `linux-${process.arch}-${glibcVersionRuntime === undefined ? 'musl' : 'gnu'}`;
const tool = join(packageDir, 'npm', platform, 'vas-frames');

// What the tests of the tool are built with anyway; a tenth of it without its debugging information.
const { status } = spawnSync('cargo', ['build', '--quiet', '--locked', '--package', 'vas-frames-cli'], {
  cwd: rustDir,
  stdio: ['ignore', 2, 2],
});
if (status !== 0) process.exit(1);
const built = join(targetDir, 'debug/vas-frames');
const isNewer = existsSync(tool) && statSync(tool).mtimeMs > statSync(built).mtimeMs;
if (!isNewer) execFileSync('strip', ['-o', tool, built]);
