/** The wheels of the Python package, as they are published, and what an index must not get of them. */
import { basename, join } from 'node:path';
import { fromPyPi } from '../../../scripts/platforms/toolchain.mjs';
import { CommandFailed, run } from './command.js';

const TWINE = '7.0.0';

/** Builds the wheel of each platform from the copy of the repository at `root`, and gives their paths. */
export function buildWheels(
  root: string,
  platforms: readonly string[],
  out: string,
  targetDir: string,
): string[] {
  const named = platforms.flatMap((platform) => ['--platform', platform]);
  return run(process.execPath, ['scripts/platforms/wheels.mjs', ...named, '--out', out], {
    cwd: root,
    env: { CARGO_TARGET_DIR: targetDir },
  })
    .trim()
    .split('\n');
}

/** What an index must not get of a wheel (D3). */
export function wheelProblems(path: string, version: string): string[] {
  const name = basename(path);
  const files = JSON.parse(run('python3', ['-c', LIST, path], { cwd: '/' })) as readonly string[];
  const info = `vas_frames-${version}.dist-info`;
  // What is in the native file, which maturin says.
  const bill = `${info}/sboms/vas-frame-python-binding.cyclonedx.json`;
  const needed = [bill, `${info}/licenses/LICENSE`, 'vas_frames/py.typed', 'vas_frames/_native.abi3.so'];
  return [
    ...(name.startsWith(`vas_frames-${version}-cp311-abi3-`) ? [] : [`it is not a wheel of ${version}`]),
    ...needed.filter((file) => !files.includes(file)).map((file) => `${file} is missing`),
    ...files.filter((file) => !belongs(file, info)).map((file) => `${file} does not belong`),
    ...twineProblems(path),
  ].map((why) => `${name}: ${why}`);
}

const LIST = 'import json, sys, zipfile; print(json.dumps(zipfile.ZipFile(sys.argv[1]).namelist()))';

function belongs(file: string, info: string): boolean {
  if (/^vas_frames\/(\w+\.pyi?|py\.typed|_native\.abi3\.so)$/.test(file)) return true;
  const inside = ['METADATA', 'WHEEL', 'RECORD', 'entry_points.txt', 'licenses/LICENSE'];
  return inside.some((each) => file === `${info}/${each}`) || file.startsWith(`${info}/sboms/`);
}

/** What twine says of the metadata, warnings included. */
function twineProblems(path: string): string[] {
  const twine = join(fromPyPi(`twine-${TWINE}`, [`twine==${TWINE}`]), 'bin/python');
  try {
    run(twine, ['-m', 'twine', 'check', '--strict', path], { cwd: '/' });
    return [];
  } catch (error) {
    if (error instanceof CommandFailed) return [error.message];
    throw error;
  }
}
