/** Compares the frames that a reader took with FFmpeg's own digests of what it decoded. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseFrameMd5, readFrameHashes } from '@vas/reference-host';
import type { SeenFrame } from '../reader/requests.js';

export interface FrameCheck {
  /** Frames that FFmpeg never decoded: torn, mixed up, or invented. */
  readonly unknown: number;
  /** Frames that FFmpeg decoded, but not as the frame of that id, or not in that order. */
  readonly misplaced: number;
  /** Frames that FFmpeg had decoded and not digested yet when it was killed. */
  readonly unverifiable: number;
}

/**
 * @param isCounted whether every decoded frame is published, so that frame ids count FFmpeg's frames. An FFmpeg whose
 *   raw output is isolated drops frames by itself when it is behind; then only their order can be asked for.
 */
export function checkFrames(
  seen: readonly SeenFrame[],
  frameHashDir: string,
  isCounted: boolean,
): FrameCheck {
  const runs = readdirSync(frameHashDir).map((name) =>
    parseFrameMd5(readFileSync(join(frameHashDir, name), 'utf8')),
  );
  const known = new Set(runs.flat());
  const byId = readFrameHashes(frameHashDir);
  const unverifiable = seen.filter(({ frameId }) => isCounted && !byId.has(frameId));
  const unknown = seen.filter((frame) => !known.has(frame.md5) && !unverifiable.includes(frame));
  const misplaced = isCounted
    ? seen.filter(
        ({ frameId, md5 }) => known.has(md5) && byId.has(frameId) && byId.get(frameId)?.has(md5) !== true,
      ).length
    : outOfOrder(
        seen.filter(({ md5 }) => known.has(md5)),
        runs,
      );
  return { unknown: unknown.length, misplaced, unverifiable: unverifiable.length };
}

/** How many frames were seen in another order than that of their run of FFmpeg, or more often. */
function outOfOrder(seen: readonly SeenFrame[], runs: readonly (readonly string[])[]): number {
  const next = runs.map(() => 0);
  let count = 0;
  for (const { md5 } of seen) {
    const found = runs.map((hashes, run) => hashes.indexOf(md5, next[run]));
    const run = found.findIndex((index) => index >= 0);
    if (run >= 0) next[run] = (found[run] ?? 0) + 1;
    else count += 1;
  }
  return count;
}
