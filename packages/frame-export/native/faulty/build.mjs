// Builds the native file with fault injection compiled in and prints its path; cargo does nothing where it is there
// already. A process takes it instead of the packaged one if NAPI_RS_NATIVE_LIBRARY_PATH names it, and fails as
// VAS_FAULT says (rust-shm/drain/src/fail_point.rs). Never in a package.
//
//   node packages/frame-export/native/faulty/build.mjs
import { spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const workspace = fileURLToPath(new URL('../../../../rust-shm', import.meta.url));
// A build tree of its own: with other features cargo would otherwise build over the packaged file's.
const target = join(process.env.CARGO_TARGET_DIR ?? join(workspace, 'target'), 'fault-injection');
const addon = join(target, 'vas-frame-export-faulty.node');

const { status } = spawnSync(
  'cargo',
  [
    ...['build', '--quiet', '--release', '--package', 'vas-frame-node-binding'],
    ...['--features', 'fault-injection', '--target-dir', target],
  ],
  { cwd: workspace, stdio: ['ignore', 2, 2] },
);
if (status !== 0) process.exit(1);
// Node loads a native file by its ending.
copyFileSync(join(target, 'release', 'libvas_frame_node_binding.so'), addon);
process.stdout.write(`${addon}\n`);
