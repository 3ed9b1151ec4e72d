import { describe, expect, it } from 'vitest';
import { nv12ToRgb } from '../src/picture.js';

/** A picture of one colour. */
function plain(
  width: number,
  height: number,
  [y, u, v]: [number, number, number],
  strideBytes = width,
): Uint8Array {
  const bytes = new Uint8Array((strideBytes * height * 3) / 2).fill(y, 0, strideBytes * height);
  for (let at = strideBytes * height; at < bytes.length; at += 2) bytes.set([u, v], at);
  return nv12ToRgb({ width, height, strideBytes, bytes });
}

function pixel(rgb: Uint8Array, index: number): number[] {
  return [...rgb.subarray(index * 3, index * 3 + 3)];
}

describe('nv12ToRgb', () => {
  it.each([
    ['black', [16, 128, 128], [0, 0, 0]],
    ['white', [235, 128, 128], [255, 255, 255]],
    ['grey', [126, 128, 128], [128, 128, 128]],
    // ITU-R BT.601, limited range.
    ['red', [81, 90, 240], [254, 0, 0]],
    ['green', [145, 54, 34], [0, 255, 1]],
    ['blue', [41, 240, 110], [0, 0, 255]],
  ] as const)('takes %s below 720 lines as BT.601', (_name, yuv, rgb) => {
    expect(pixel(plain(4, 4, [...yuv]), 0)).toEqual([...rgb]);
  });

  it.each([
    ['red', [63, 102, 240], [255, 1, 0]],
    ['green', [173, 42, 26], [0, 255, 1]],
    ['blue', [32, 240, 118], [1, 0, 255]],
  ] as const)('takes %s from 720 lines on as BT.709', (_name, yuv, rgb) => {
    expect(pixel(plain(2, 720, [...yuv]), 0)).toEqual([...rgb]);
  });

  it('clamps what lies outside the limited range', () => {
    expect(pixel(plain(2, 2, [255, 128, 128]), 0)).toEqual([255, 255, 255]);
    expect(pixel(plain(2, 2, [0, 128, 128]), 0)).toEqual([0, 0, 0]);
  });

  it('gives each block of four pixels its own chroma and skips the padding of a row', () => {
    const strideBytes = 6;
    const bytes = new Uint8Array(strideBytes * 3).fill(99);
    bytes.set([81, 81, 41, 41], 0);
    bytes.set([81, 81, 41, 41], strideBytes);
    bytes.set([90, 240, 240, 110], 2 * strideBytes);
    const rgb = nv12ToRgb({ width: 4, height: 2, strideBytes, bytes });
    expect(rgb).toHaveLength(4 * 2 * 3);
    const [red, blue] = [
      [254, 0, 0],
      [0, 0, 255],
    ];
    expect([0, 1, 2, 3, 4, 5, 6, 7].map((index) => pixel(rgb, index))).toEqual([
      ...[red, red, blue, blue],
      ...[red, red, blue, blue],
    ]);
  });
});
