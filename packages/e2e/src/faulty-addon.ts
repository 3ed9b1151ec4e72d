/** The native file with fault injection compiled in, for hosts that are to fail on purpose. Never in a package. */
import { spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageFolder } from './package-folder.js';

const workspace = fileURLToPath(new URL('../../rust-shm', packageFolder));
/** A build tree of its own: features would otherwise be built over those of the packaged file. */
const target = join(workspace, 'target', 'fault-injection');
const addon = join(target, 'vas-frame-export-faulty.node');

/** Environment of a host whose native file has this fault; the drain's `fail_point.rs` lists them. */
export function faultEnvironment(fault: string): Readonly<Record<string, string>> {
  return { NAPI_RS_NATIVE_LIBRARY_PATH: addon, VAS_FAULT: fault };
}

/** Builds that file; cargo does nothing where it is there already. */
export function buildFaultyAddon(): void {
  const args = ['build', '--quiet', '--release', '--package', 'vas-frame-node-binding'];
  const features = ['--features', 'fault-injection', '--target-dir', target];
  const { status } = spawnSync('cargo', [...args, ...features], { cwd: workspace, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error('the native file with fault injection could not be built');
  copyFileSync(join(target, 'release', 'libvas_frame_node_binding.so'), addon);
}
