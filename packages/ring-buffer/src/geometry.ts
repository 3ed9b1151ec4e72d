/** The shape of an NV12 picture: what is a valid one, and how many bytes it has. */

import { RingBufferError } from './errors.js';

/** NV12: a plane of luma, then a plane of interleaved chroma at half the height. */
export type PixelFormat = 'nv12';

export interface FrameGeometry {
  /** Pixels; even. */
  readonly width: number;
  /** Pixels; even. */
  readonly height: number;
  /** Bytes from one row to the next, in either plane; at least `width`. */
  readonly strideBytes: number;
}

const MAX_SIDE = 16384;
const MAX_STRIDE_BYTES = 65536;

/**
 * A checked NV12 geometry.
 *
 * @throws RingBufferError `BAD_GEOMETRY` unless width and height are even and from 2 to 16384, and the stride
 *   is from `width` to 65536.
 */
export function nv12Geometry(width: number, height: number, strideBytes = width): FrameGeometry {
  const geometry = { width, height, strideBytes };
  const complaint = geometryComplaint(geometry);
  if (complaint !== null) throw new RingBufferError('BAD_GEOMETRY', complaint);
  return geometry;
}

/** Bytes of one picture: `strideBytes * height * 3 / 2`. */
export function nv12SizeBytes(geometry: FrameGeometry): number {
  return (geometry.strideBytes * geometry.height * 3) / 2;
}

/** What is wrong with a geometry, as a sentence; null if nothing is. */
export function geometryComplaint({ width, height, strideBytes }: FrameGeometry): string | null {
  if (!isEvenSide(width)) return `width must be even and from 2 to ${MAX_SIDE}, not ${width}`;
  if (!isEvenSide(height)) return `height must be even and from 2 to ${MAX_SIDE}, not ${height}`;
  if (!Number.isInteger(strideBytes) || strideBytes < width || strideBytes > MAX_STRIDE_BYTES) {
    return `stride must be an integer from ${width} (the width) to ${MAX_STRIDE_BYTES}, not ${strideBytes}`;
  }
  return null;
}

function isEvenSide(side: number): boolean {
  return Number.isInteger(side) && side % 2 === 0 && side >= 2 && side <= MAX_SIDE;
}
