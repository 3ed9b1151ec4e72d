// Frames that say in every 64 bytes which frame they are. Shared by the writing and the reading worker.

/** The words of a picture that carry the frame id: one in 64 bytes. */
export const WORDS_APART = 16;

export function fill(words, frameId) {
  for (let i = 0; i < words.length; i += WORDS_APART) words[i] = frameId;
}

export function isWhole(words, frameId) {
  for (let i = 0; i < words.length; i += WORDS_APART) if (words[i] !== frameId) return false;
  return true;
}

export function wordsOf(bytes) {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}
