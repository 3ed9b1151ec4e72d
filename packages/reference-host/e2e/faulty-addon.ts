/** The native file with fault injection compiled in, for hosts that are to fail on purpose. */
import { spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { e2eSource } from './source-folder.js';

const addon = fileURLToPath(new URL('dist/fault-injection.node', e2eSource));
const workspace = fileURLToPath(new URL('../../../rust-shm/', e2eSource));

/** Environment of a host whose native file has this fault; see the drain's table of faults. */
export function faultyAddon(fault: string): Readonly<Record<string, string>> {
  return { NAPI_RS_NATIVE_LIBRARY_PATH: addon, VAS_FAULT: fault };
}

/** Builds that file; cargo does nothing where it is there already. */
export function buildFaultyAddon(): void {
  const target = `${workspace}target/fault-injection`;
  const args = ['build', '--release', '--package', 'vas-frame-node-binding', '--features', 'fault-injection'];
  const { status } = spawnSync('cargo', [...args, '--quiet', '--target-dir', target], {
    cwd: workspace,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) throw new Error('the native file with fault injection could not be built');
  copyFileSync(`${target}/release/libvas_frame_node_binding.so`, addon);
}
