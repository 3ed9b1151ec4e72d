/** Compares the frames that came out of shared memory with what FFmpeg says it decoded. */
import type { DecodedRun } from '../frame-hashes.js';
import type { HashedFrame } from './messages.js';

export interface Verification {
  /** Frames whose picture is, bit for bit, what FFmpeg decoded, in its order. */
  readonly verified: number;
  readonly mismatched: number;
  /** Frames that FFmpeg left no hash of: it was killed before it wrote them. */
  readonly unverified: number;
  /** Frames that FFmpeg decoded between those that were read, and dropped because it could not get rid of them. */
  readonly dropped: number;
}

/** A run of FFmpeg, and how far it has been compared. */
interface Compared extends DecodedRun {
  /** Decoded frames that are not exported, up to the last one that was read. */
  dropped: number;
  next: number;
}

/**
 * @param read in the order of their ids
 * @param runs what FFmpeg decoded; see `readDecodedRuns`
 */
export function verifyFrames(
  read: readonly Pick<HashedFrame, 'frameId' | 'hash'>[],
  runs: readonly DecodedRun[],
): Verification {
  const compared = runs.map((run): Compared => ({ ...run, dropped: 0, next: 0 }));
  let [verified, mismatched, unverified] = [0, 0, 0];
  for (const frame of read) {
    // Ids begin again when an export is opened anew, so that several runs may have the frame.
    const places = compared
      .filter(({ firstFrameId }) => firstFrameId <= frame.frameId)
      .map((run) => ({ run, ...placeIn(run, frame) }));
    const found = places.find(({ index }) => index >= 0);
    if (found !== undefined) {
      const { run, index } = found;
      run.dropped = index - (frame.frameId - run.firstFrameId);
      run.next = index + 1;
      verified += 1;
    } else if (places.every(({ earliest, run }) => earliest >= run.hashes.length)) unverified += 1;
    else mismatched += 1;
  }
  const dropped = compared.reduce((sum, run) => sum + run.dropped, 0);
  return { verified, mismatched, unverified, dropped };
}

/**
 * Where a frame is among those that a run decoded; -1: nowhere. Each frame that was dropped moves those after it by one,
 * so it is where its id says, or later.
 */
function placeIn(
  { firstFrameId, hashes, dropped, next }: Compared,
  { frameId, hash }: Pick<HashedFrame, 'frameId' | 'hash'>,
): { earliest: number; index: number } {
  const earliest = Math.max(next, frameId - firstFrameId + dropped);
  return { earliest, index: hashes.indexOf(hash, earliest) };
}
