/** What cargo builds for the checks. Nothing is done where it is there already. */
import { spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const workspace = fileURLToPath(new URL('../../../rust-shm/', import.meta.url));
export const targetDir = process.env['CARGO_TARGET_DIR'] ?? `${workspace}target`;

/** A reader in Rust that hunts for torn frames. */
export function buildRustHunter(): string {
  cargo('build', '--release', '--package', 'vas-frame-segment', '--example', 'hunt');
  return `${targetDir}/release/examples/hunt`;
}

/** The native file with its fail points compiled in, and the environment of a host that has this fault. */
export function buildFaultyAddon(): (fault: string) => Readonly<Record<string, string>> {
  cargo('build', '--package', 'vas-frame-node-binding', '--features', 'fault-injection');
  // Node loads a native file by its ending.
  const addon = `${targetDir}/debug/vas-frame-export-faulty.node`;
  copyFileSync(`${targetDir}/debug/libvas_frame_node_binding.so`, addon);
  return (fault) => ({ NAPI_RS_NATIVE_LIBRARY_PATH: addon, VAS_FAULT: fault });
}

function cargo(...args: string[]): void {
  const { status } = spawnSync('cargo', [...args, '--quiet'], { cwd: workspace, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`cargo ${args.join(' ')} failed`);
}
