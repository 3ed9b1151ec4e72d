import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { frameHashFileName } from '@vas/reference-host';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SeenFrame } from '../src/reader/requests.js';
import { checkFrames } from '../src/run/frame-check.js';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vas-frame-check-'));
  mkdirSync(folder, { recursive: true });
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function md5(frame: number): string {
  return frame.toString(16).padStart(32, '0');
}

/** A run of FFmpeg that decoded these frames, the first of them as the frame of this id. */
function run(firstFrameId: number, frames: readonly number[]): void {
  const lines = frames.map((frame, index) => `0, ${index}, ${index}, 1, 345600, ${md5(frame)}\n`);
  writeFileSync(join(folder, frameHashFileName(firstFrameId, firstFrameId)), lines.join(''));
}

function seen(...frames: readonly (readonly [frameId: number, frame: number])[]): SeenFrame[] {
  return frames.map(([frameId, frame]) => ({ frameId, epoch: 0, md5: md5(frame) }));
}

describe('the frames that a reader took', () => {
  it('are those of their ids where every frame is published', () => {
    run(1, [101, 102, 103]);
    expect(checkFrames(seen([1, 101], [3, 103]), folder, true).misplaced).toBe(0);
    expect(checkFrames(seen([1, 101], [2, 103]), folder, true).misplaced).toBe(1);
  });

  it('are in their order where FFmpeg drops some, also after a restart', () => {
    run(1, [101, 102, 103, 104]);
    run(4, [201, 202, 203]);
    expect(checkFrames(seen([1, 101], [2, 103], [3, 202], [4, 203]), folder, false).misplaced).toBe(0);
    expect(checkFrames(seen([1, 103], [2, 101]), folder, false).misplaced).toBe(1);
    expect(checkFrames(seen([1, 101], [2, 101]), folder, false).misplaced).toBe(1);
  });

  it('are unknown if FFmpeg never decoded them', () => {
    run(1, [101, 102]);
    expect(checkFrames(seen([1, 101], [2, 999]), folder, false).unknown).toBe(1);
  });
});
