import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  RingBufferError,
  allocateFrameRing,
  frameRingSizes,
  nv12Geometry,
  nv12SizeBytes,
} from '@vas/ring-buffer';

describe('the geometry of a frame', () => {
  it('P1.6: has the width as its stride unless told otherwise', () => {
    expect(nv12Geometry(1920, 1080)).toEqual({ width: 1920, height: 1080, strideBytes: 1920 });
    expect(nv12SizeBytes(nv12Geometry(1920, 1080))).toBe(3_110_400);
    expect(nv12SizeBytes(nv12Geometry(1918, 1080, 1920))).toBe(3_110_400);
  });

  it('P1.6: is accepted exactly when it is even, positive, in bounds and the stride covers the width', () => {
    const side = fc.oneof(fc.integer({ min: -2, max: 20 }), fc.integer({ min: 16380, max: 16390 }));
    const stride = fc.oneof(side, fc.integer({ min: 65534, max: 65538 }));
    fc.assert(
      fc.property(side, side, stride, (width, height, strideBytes) => {
        const isSide = (n: number): boolean => n > 0 && n <= 16384 && n % 2 === 0;
        const isValid = isSide(width) && isSide(height) && strideBytes >= width && strideBytes <= 65536;
        if (isValid) {
          const geometry = nv12Geometry(width, height, strideBytes);
          expect(nv12SizeBytes(geometry)).toBe(strideBytes * height + (strideBytes * height) / 2);
        } else {
          expect(() => nv12Geometry(width, height, strideBytes)).toThrow(
            expect.objectContaining({ code: 'BAD_GEOMETRY' }),
          );
        }
      }),
      { numRuns: 2000 },
    );
  });

  it.each([NaN, Infinity, 2.5, -0, 2 ** 32 + 2])('P1.6: refuses %d as a side', (side) => {
    expect(() => nv12Geometry(side, 16)).toThrow(RingBufferError);
    expect(() => nv12Geometry(16, side)).toThrow(RingBufferError);
  });

  it('P1.6: is checked before a ring is allocated', () => {
    const allocate = (): unknown => allocateFrameRing({ width: 15, height: 16 });
    expect(allocate).toThrow(expect.objectContaining({ code: 'BAD_GEOMETRY' }));
    expect(allocate).toThrow('width must be even and from 2 to 16384, not 15');
  });

  it('decides the size of a ring', () => {
    expect(frameRingSizes(nv12Geometry(1920, 1080), 4)).toEqual({
      metaBytes: 4096,
      dataBytes: 4 * 3_112_960,
      slotStrideBytes: 3_112_960,
    });
    expect(frameRingSizes(nv12Geometry(16, 16), 64).metaBytes).toBe(12_288);
  });
});
