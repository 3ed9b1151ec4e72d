// Puts vas-frames, the command line tool, built for this machine alone, into its platform package. Leaves what
// `build-platforms` has put there of the same sources: that is static and runs on more machines.
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isBuiltForAll } from '../../../scripts/platforms/sources.mjs';

const packageDir = fileURLToPath(new URL('..', import.meta.url));
const root = join(packageDir, '../..');
const rustDir = join(root, 'rust-shm');
const targetDir = process.env.CARGO_TARGET_DIR ?? join(rustDir, 'target');

const { glibcVersionRuntime } = process.report.getReport().header;
const platform = `linux-${process.arch}-${glibcVersionRuntime === undefined ? 'musl' : 'gnu'}`;
const home = join(packageDir, 'npm', platform);

if (!isBuiltForAll(root, home, 'vas-frames')) {
  // What the tests of the tool are built with anyway; a tenth of it without its debugging information.
  const { status } = spawnSync('cargo', ['build', '--quiet', '--locked', '--package', 'vas-frames-cli'], {
    cwd: rustDir,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) process.exit(1);
  execFileSync('strip', ['-o', join(home, 'vas-frames'), join(targetDir, 'debug/vas-frames')]);
}
