/**
 * Programs outside of the repository, in Rust and in Python, that are built against the packed crates and install the
 * wheel from a local index, and read what the released exporter of an npm consumer writes.
 */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandFailed, run } from './command.js';
import { buildCrates, type PackedCrate } from './crates.js';

/** Runs the command that it is given while a camera stands with a frame of sevens, and prints what that prints. */
const HOST = `
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createFrameExporter } from '@vas/frame-export';
const [command, ...args] = process.argv.slice(2);
const baseDir = mkdtempSync('/dev/shm/vas-test-');
try {
  const camera = createFrameExporter({ baseDir }).openCamera({ cameraId: 'cam', width: 16, height: 16 });
  camera.publish(new Uint8Array(384).fill(7));
  const env = { ...process.env, VAS_FRAMES_BASE_DIR: baseDir };
  process.stdout.write(execFileSync(command, args, { env, timeout: 60_000 }));
  camera.close();
} finally {
  rmSync(baseDir, { recursive: true });
}
`;

const RUST = `
use std::path::Path;
use std::time::Duration;
use vas_frame_picture::Conversion;
use vas_frame_segment::{CameraId, FrameSource, Waited};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = std::env::var("VAS_FRAMES_BASE_DIR")?;
    let source = FrameSource::open(Path::new(&base), &CameraId::new("cam")?)?;
    let mut picture = vec![0; source.reader().frame_bytes()];
    assert!(matches!(source.wait_newer(0, Duration::from_secs(5)), Waited::Newer(_)));
    source.reader().copy_next(0, &mut picture)?;
    println!("{} {}", picture[0], Conversion::new(1, false).is_some());
    Ok(())
}
`;

const PYTHON = `
import os
import vas_frames

with vas_frames.open("cam", base_dir=os.environ["VAS_FRAMES_BASE_DIR"], wait=10) as camera:
    frame = camera.latest(timeout=5)
    print(frame.y[0, 0], frame.y.shape)
`;

/** Where the programs are made, and the npm consumer whose exporter writes what they read. */
export interface ForeignReaders {
  readonly folder: string;
  readonly host: string;
}

/** Throws if a program built against the packed crates, or the tool that is one of them, reads less than it should. */
export function checkCrateConsumer(
  { folder, host }: ForeignReaders,
  crates: readonly PackedCrate[],
  { lock, targetDir }: { readonly lock: string; readonly targetDir: string },
): void {
  const version = crates[0]?.version ?? '';
  const needed = ['vas-frame-segment', 'vas-frame-picture'].map((name) => `${name} = "=${version}"`);
  const program = {
    'Cargo.toml': `[package]\nname = "consumer"\nversion = "1.0.0"\nedition = "2024"\n[dependencies]\n${needed.join('\n')}\n`,
    'src/main.rs': RUST,
  };
  const built = buildCrates(crates, { folder: join(folder, 'crates'), targetDir, lock, program });
  expectEqual(whileExported(host, join(built, 'consumer')), '7 true', 'the program in Rust');
  const tool = join(built, 'vas-frames');
  expectEqual(whileExported(host, tool, '--version'), `vas-frames ${version}`, 'the tool');
  expectEqual(whileExported(host, tool, 'health', 'cam'), 'live', 'the tool, asked for the health');
}

/** Throws if a clean environment that installs the wheel from a folder as its index reads less than it should. */
export function checkWheelConsumer({ folder, host }: ForeignReaders, wheel: string, version: string): void {
  const environment = join(folder, 'python');
  run('python3', ['-m', 'venv', environment], { cwd: folder });
  const python = join(environment, 'bin/python');
  const pip = (...args: readonly string[]): string =>
    run(python, ['-m', 'pip', '--disable-pip-version-check', ...args], { cwd: folder });
  const index = join(folder, 'index');
  mkdirSync(index);
  cpSync(wheel, join(index, wheel.slice(wheel.lastIndexOf('/') + 1)));
  pip('download', '--quiet', '--only-binary=:all:', '--dest', index, 'numpy>=2.0');
  pip('install', '--quiet', '--no-index', '--find-links', index, `vas-frames==${version}`);
  writeFileSync(join(folder, 'main.py'), PYTHON);
  expectEqual(whileExported(host, python, join(folder, 'main.py')), '7 (16, 16)', 'the program in Python');
  const tool = join(environment, 'bin/vas-frames');
  expectEqual(whileExported(host, tool, '--version'), `vas-frames ${version}`, 'the tool of the wheel');
}

function whileExported(host: string, ...command: readonly string[]): string {
  writeFileSync(join(host, 'host.mjs'), HOST);
  const env = { AI_FRAME_EXPORT_ENABLED: 'true' };
  return run(process.execPath, ['host.mjs', ...command], { cwd: host, env }).trim();
}

function expectEqual(actual: string, expected: string, what: string): void {
  if (actual !== expected) throw new CommandFailed(what, `printed ${actual}, not ${expected}`);
}
