import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { frameHashFileName, parseFrameHashFileName } from '../src/camera-host.js';
import { parseFrameMd5, readFrameHashes } from '../src/frame-hashes.js';

const FIRST = '0e749f463b6ca0edcb3756a8c896d47e';
const SECOND = 'df501aa98cf7ea35589a3b69f97d8e69';

function frameMd5(...hashes: string[]): string {
  const lines = hashes.map((hash, index) => `0, ${index}, ${index}, 1,   345600, ${hash}\n`);
  return ['#format: frame checksums\n', '#hash: MD5\n', '#dimensions 0: 640x360\n', ...lines].join('');
}

it('reads the hash of each frame in order and no header line', () => {
  expect(parseFrameMd5(frameMd5(FIRST, SECOND))).toEqual([FIRST, SECOND]);
});

it('leaves out a line that FFmpeg did not finish', () => {
  expect(parseFrameMd5(frameMd5(FIRST, SECOND).slice(0, -1))).toEqual([FIRST]);
  expect(parseFrameMd5('')).toEqual([]);
});

it('numbers the frames of every start from its first frame id', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vas-test-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  writeFileSync(join(folder, frameHashFileName(1, 1)), frameMd5(FIRST, SECOND));
  writeFileSync(join(folder, frameHashFileName(2, 3)), frameMd5(SECOND));
  // The export was opened anew: ids begin again.
  writeFileSync(join(folder, frameHashFileName(3, 1)), frameMd5(SECOND));
  writeFileSync(join(folder, 'notes.txt'), frameMd5(FIRST));
  expect(readFrameHashes(folder)).toEqual(
    new Map([
      [1, new Set([FIRST, SECOND])],
      [2, new Set([SECOND])],
      [3, new Set([SECOND])],
    ]),
  );
});

it('finds in a file name what was put into it', () => {
  expect(parseFrameHashFileName(frameHashFileName(12, 345))).toEqual({ start: 12, firstFrameId: 345 });
  expect(parseFrameHashFileName('345.framemd5')).toBeNull();
});
