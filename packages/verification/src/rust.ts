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

/** A reader in C that hunts for torn frames, with the library that it is linked to. */
export function buildCHunter(): string {
  const prefix = `${targetDir}/verification`;
  run(`${workspace}c-binding/install.sh`, prefix);
  const program = `${prefix}/hunt`;
  const warnings = ['-std=c99', '-O2', '-Wall', '-Wextra', '-Wpedantic', '-Werror'];
  const library = [`-I${prefix}/include`, `-L${prefix}/lib`, '-lvas_frames', `-Wl,-rpath,${prefix}/lib`];
  run('cc', ...warnings, '-o', program, `${workspace}c-binding/examples/hunt.c`, ...library);
  return program;
}

/**
 * A reader that hunts for torn frames with the Python package, installed from its wheel: the interpreter and the script.
 * Fetches NumPy and what builds the wheel.
 */
export function buildPackageHunter(): readonly [string, string] {
  const environment = `${targetDir}/verification/python`;
  run('python3', '-m', 'venv', environment);
  const python = `${environment}/bin/python`;
  run(python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'numpy==2.4.6');
  const wheel = buildWheel(`linux-${process.arch}-gnu`);
  run(
    python,
    ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'],
    '--force-reinstall',
    '--no-deps',
    wheel,
  );
  return [python, `${workspace}python/tests/tear_hunt.py`];
}

/** The wheel of the Python package for a platform: its path. */
export function buildWheel(platform: string): string {
  const script = fileURLToPath(new URL('../../../scripts/platforms/wheels.mjs', import.meta.url));
  return execFileSync(process.execPath, [script, '--platform', platform], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 2],
  }).trim();
}

/** The command line tool. */
export function buildCommandLineTool(): string {
  cargo('build', '--package', 'vas-frames-cli');
  return `${targetDir}/debug/vas-frames`;
}

/** The native file with its fail points compiled in, and the environment of a host that has this fault. */
export function buildFaultyAddon(): (fault: string) => Readonly<Record<string, string>> {
  const script = fileURLToPath(new URL('../../frame-export/native/faulty/build.mjs', import.meta.url));
  const addon = execFileSync(process.execPath, [script], { encoding: 'utf8' }).trim();
  return (fault) => ({ NAPI_RS_NATIVE_LIBRARY_PATH: addon, VAS_FAULT: fault });
}

function cargo(...args: string[]): void {
  run('cargo', ...args, '--quiet');
}

function run(command: string, ...args: string[]): void {
  const { status } = spawnSync(command, args, { cwd: workspace, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed`);
}
