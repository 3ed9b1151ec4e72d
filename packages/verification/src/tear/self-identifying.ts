/** Frames that say in each 64 bytes, and in their metadata, which frame they are. */
import type { FrameMetadata } from '@vas/frame-export';

/** The words of a picture that carry the frame id: one in 64 bytes. */
const WORDS_APART = 16;

export function fill(picture: Uint8Array, frameId: number): void {
  const words = wordsOf(picture);
  for (let i = 0; i < words.length; i += WORDS_APART) words[i] = frameId;
}

/** Whether picture and metadata are of one frame. */
export function isWhole(picture: Uint8Array, frame: FrameMetadata): boolean {
  return frame.sourceTimestampNs === BigInt(frame.frameId) && carries(picture, frame.frameId);
}

/** Whether all blocks are of one frame, whichever. */
export function isUniform(picture: Uint8Array): boolean {
  return carries(picture, wordsOf(picture)[0] ?? 0);
}

function carries(picture: Uint8Array, frameId: number): boolean {
  const words = wordsOf(picture);
  for (let i = 0; i < words.length; i += WORDS_APART) if (words[i] !== frameId) return false;
  return true;
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}
