/** Compares the frames that came out of shared memory with what FFmpeg says it decoded. */
import type { HashedFrame } from './messages.js';

export interface Verification {
  /** Frames whose picture is, bit for bit, what FFmpeg decoded under that id. */
  readonly verified: number;
  readonly mismatched: number;
  /** Frames that FFmpeg left no hash of. */
  readonly unverified: number;
}

/** @param decoded hashes that FFmpeg wrote, by frame id; see `readFrameHashes` */
export function verifyFrames(
  read: readonly Pick<HashedFrame, 'frameId' | 'hash'>[],
  decoded: ReadonlyMap<number, ReadonlySet<string>>,
): Verification {
  let [verified, mismatched, unverified] = [0, 0, 0];
  for (const { frameId, hash } of read) {
    const expected = decoded.get(frameId);
    if (expected === undefined) unverified += 1;
    else if (expected.has(hash)) verified += 1;
    else mismatched += 1;
  }
  return { verified, mismatched, unverified };
}
