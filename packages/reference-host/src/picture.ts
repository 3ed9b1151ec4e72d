/** NV12 to RGB, for looking at a frame. Not for speed and not for the frame path. */

export interface Nv12Picture {
  readonly width: number;
  readonly height: number;
  readonly strideBytes: number;
  /** The Y plane, then the interleaved UV plane, both with `strideBytes` per row. */
  readonly bytes: Uint8Array;
}

/** Weights of red and blue in luma. */
const BT601 = { red: 0.299, blue: 0.114 };
const BT709 = { red: 0.2126, blue: 0.0722 };

/**
 * Three bytes per pixel, red first. NV12 does not say how its colours are meant; assumed is what video mostly
 * is: limited range (luma 16 to 235, chroma 16 to 240), BT.709 from 720 lines on and BT.601 below.
 */
export function nv12ToRgb({ width, height, strideBytes, bytes }: Nv12Picture): Uint8Array {
  const { red, blue } = height >= 720 ? BT709 : BT601;
  const green = 1 - red - blue;
  const redFromV = 2 * (1 - red);
  const blueFromU = 2 * (1 - blue);
  const chroma = strideBytes * height;
  // Rounds to nearest and clamps to 0..255 on store.
  const rgb = new Uint8ClampedArray(width * height * 3);
  let out = 0;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const uv = chroma + (row >> 1) * strideBytes + (column & ~1);
      const y = ((bytes[row * strideBytes + column] ?? 0) - 16) * (255 / 219);
      const u = ((bytes[uv] ?? 0) - 128) * (255 / 224);
      const v = ((bytes[uv + 1] ?? 0) - 128) * (255 / 224);
      rgb[out++] = y + redFromV * v;
      rgb[out++] = y - (blueFromU * blue * u + redFromV * red * v) / green;
      rgb[out++] = y + blueFromU * u;
    }
  }
  return new Uint8Array(rgb.buffer);
}
