/** What cargo builds for the checks. Nothing is done where it is there already. */
import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const workspace = fileURLToPath(new URL('../../../rust-shm/', import.meta.url));
export const targetDir = process.env['CARGO_TARGET_DIR'] ?? `${workspace}target`;

/** A reader in Rust that hunts for torn frames. */
export function buildRustHunter(): string {
  cargo('build', '--release', '--package', 'vas-frame-segment', '--example', 'hunt');
  return `${targetDir}/release/examples/hunt`;
}

/** The native file with its fail points compiled in, and the environment of a host that has this fault. */
export function buildFaultyAddon(): (fault: string) => Readonly<Record<string, string>> {
  const script = fileURLToPath(new URL('../../frame-export/native/faulty/build.mjs', import.meta.url));
  const addon = execFileSync(process.execPath, [script], { encoding: 'utf8' }).trim();
  return (fault) => ({ NAPI_RS_NATIVE_LIBRARY_PATH: addon, VAS_FAULT: fault });
}

function cargo(...args: string[]): void {
  const { status } = spawnSync('cargo', [...args, '--quiet'], { cwd: workspace, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`cargo ${args.join(' ')} failed`);
}
