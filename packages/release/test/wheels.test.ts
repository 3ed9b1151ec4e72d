/** What an index must not get of a wheel, each with what it is for. The wheels themselves are built by the rehearsal. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { run } from '../src/command.js';
import { wheelProblems } from '../src/wheels.js';

const INFO = 'vas_frames-1.0.0.dist-info';
const BILL = `${INFO}/sboms/vas-frame-python-binding.cyclonedx.json`;
const METADATA = [
  ...['Metadata-Version: 2.4', 'Name: vas-frames', 'Version: 1.0.0', 'Summary: A sample'],
  ...['License-File: LICENSE', 'Description-Content-Type: text/markdown', '', '# vas-frames', ''],
].join('\n');
const FILES: Readonly<Record<string, string>> = {
  'vas_frames/__init__.py': '',
  'vas_frames/py.typed': '',
  'vas_frames/_native.abi3.so': '',
  [`${INFO}/METADATA`]: METADATA,
  [`${INFO}/WHEEL`]: 'Wheel-Version: 1.0\nTag: cp311-abi3-manylinux_2_28_x86_64\n',
  [`${INFO}/RECORD`]: '',
  [`${INFO}/licenses/LICENSE`]: 'MIT',
  [BILL]: '{}',
};
const ZIP = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    for name, text in json.loads(sys.argv[2]).items():
        if text is not None:
            wheel.writestr(name, text)
`;

/** What is said of a wheel of `FILES` with some changed; `null`: left out. */
function problemsWith(changed: Readonly<Record<string, string | null>>, version = '1.0.0'): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'vas-wheels-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const path = join(folder, 'vas_frames-1.0.0-cp311-abi3-manylinux_2_28_x86_64.whl');
  run('python3', ['-c', ZIP, path, JSON.stringify({ ...FILES, ...changed })], { cwd: folder });
  return wheelProblems(path, version);
}

it('D3: a wheel passes as it should be', () => {
  expect(problemsWith({})).toEqual([]);
});

it.each<[string, string, Readonly<Record<string, string | null>>]>([
  ['without its licence', 'licenses/LICENSE is missing', { [`${INFO}/licenses/LICENSE`]: null }],
  ['without saying what is in it', 'cyclonedx.json is missing', { [BILL]: null }],
  ['without its types', 'py.typed is missing', { 'vas_frames/py.typed': null }],
  ['without its native file', '_native.abi3.so is missing', { 'vas_frames/_native.abi3.so': null }],
  ['with a file that does not belong', 'tests/test_own.py does not belong', { 'tests/test_own.py': '' }],
  [
    'without what documents it',
    'long_description',
    { [`${INFO}/METADATA`]: METADATA.replace('# vas-frames\n', '') },
  ],
])('D3: a wheel %s is refused', (_, why, changed) => {
  expect(problemsWith(changed)).toEqual([expect.stringContaining(why)]);
});

it('D3: a wheel of another version than the crates is refused', () => {
  expect(problemsWith({}, '1.1.0')).toContainEqual(expect.stringContaining('not a wheel of 1.1.0'));
});
