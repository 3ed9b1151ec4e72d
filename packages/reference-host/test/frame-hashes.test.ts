import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { frameHashFileName, parseFrameHashFileName } from '../src/camera-host.js';
import { parseFrameMd5, readFrameHashes } from '../src/frame-hashes.js';

const first = '0e749f463b6ca0edcb3756a8c896d47e';
const second = 'df501aa98cf7ea35589a3b69f97d8e69';

function frameMd5(...hashes: string[]): string {
  const lines = hashes.map((hash, index) => `0, ${index}, ${index}, 1,   345600, ${hash}\n`);
  return ['#format: frame checksums\n', '#hash: MD5\n', '#dimensions 0: 640x360\n', ...lines].join('');
}

it('reads the hash of each frame in order and no header line', () => {
  expect(parseFrameMd5(frameMd5(first, second))).toEqual([first, second]);
});

it('leaves out a line that FFmpeg did not finish', () => {
  expect(parseFrameMd5(frameMd5(first, second).slice(0, -1))).toEqual([first]);
  expect(parseFrameMd5('')).toEqual([]);
});

it('numbers the frames of every start from its first frame id', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vas-test-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  writeFileSync(join(folder, frameHashFileName(1, 1)), frameMd5(first, second));
  writeFileSync(join(folder, frameHashFileName(2, 3)), frameMd5(second));
  // The export was opened anew: ids begin again.
  writeFileSync(join(folder, frameHashFileName(3, 1)), frameMd5(second));
  writeFileSync(join(folder, 'notes.txt'), frameMd5(first));
  expect(readFrameHashes(folder)).toEqual(
    new Map([
      [1, new Set([first, second])],
      [2, new Set([second])],
      [3, new Set([second])],
    ]),
  );
});

it('finds in a file name what was put into it', () => {
  expect(parseFrameHashFileName(frameHashFileName(12, 345))).toEqual({ start: 12, firstFrameId: 345 });
  expect(parseFrameHashFileName('345.framemd5')).toBeNull();
});
