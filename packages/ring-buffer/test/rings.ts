/** Small rings and recognisable pictures for the tests. */

import type { FrameRingMemory, FrameRingOptions } from '@vas/ring-buffer';
import { FrameRingReader, FrameRingWriter, allocateFrameRing } from '@vas/ring-buffer';

export interface TestRing {
  readonly memory: FrameRingMemory;
  readonly writer: FrameRingWriter;
  readonly reader: FrameRingReader;
}

/** 16x16, three slots, unless told otherwise. */
export function makeRing(options: Partial<FrameRingOptions> & { shared?: boolean } = {}): TestRing {
  const memory = allocateFrameRing({ width: 16, height: 16, slotCount: 3, ...options });
  return { memory, writer: new FrameRingWriter(memory), reader: new FrameRingReader(memory) };
}

export const FRAME_BYTES = 384;

/** A picture that says which frame it is in every byte. */
export function picture(seed: number, bytes = FRAME_BYTES): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => (seed * 31 + i) & 0xff);
}

/** Pushes frames until the newest has the given id. */
export function pushUntil(writer: FrameRingWriter, frameId: number): void {
  while (writer.newestId < frameId) writer.push(picture(writer.newestId + 1));
}

/** All bytes of a ring, to be compared later. */
export function snapshot({ meta, data }: FrameRingMemory): Uint8Array {
  const bytes = new Uint8Array(meta.length + data.length);
  bytes.set(meta);
  bytes.set(data, meta.length);
  return bytes;
}

/** Takes the memory away from everybody who has views of it. */
export function detach({ meta, data }: FrameRingMemory): void {
  for (const { buffer } of [meta, data]) structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
}
