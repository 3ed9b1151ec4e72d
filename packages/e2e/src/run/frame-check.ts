/** Compares the frames that a reader took with FFmpeg's own digests of what it decoded. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseFrameMd5, readFrameHashes } from '@vas/reference-host';
import type { SeenFrame } from '../reader/requests.js';

export interface FrameCheck {
  /** Frames that FFmpeg never decoded: torn, mixed up, or invented. */
  readonly unknown: number;
  /** Frames that FFmpeg decoded, but not as the frame of that id. */
  readonly misplaced: number;
  /** Frames that FFmpeg had decoded and not digested yet when it was killed. */
  readonly unverifiable: number;
}

/**
 * @param isCounted whether every decoded frame is published, so that frame ids count FFmpeg's frames
 */
export function checkFrames(
  seen: readonly SeenFrame[],
  frameHashDir: string,
  isCounted: boolean,
): FrameCheck {
  const known = new Set<string>();
  for (const name of readdirSync(frameHashDir)) {
    for (const hash of parseFrameMd5(readFileSync(join(frameHashDir, name), 'utf8'))) known.add(hash);
  }
  const byId = readFrameHashes(frameHashDir);
  const unverifiable = seen.filter(({ frameId }) => isCounted && !byId.has(frameId));
  const unknown = seen.filter((frame) => !known.has(frame.md5) && !unverifiable.includes(frame));
  const misplaced = seen.filter(
    ({ frameId, md5 }) =>
      isCounted && known.has(md5) && byId.has(frameId) && byId.get(frameId)?.has(md5) !== true,
  );
  return { unknown: unknown.length, misplaced: misplaced.length, unverifiable: unverifiable.length };
}
