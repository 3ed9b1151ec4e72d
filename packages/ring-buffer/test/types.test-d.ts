import { expectTypeOf, it } from 'vitest';
import type {
  FrameGeometry,
  FrameLook,
  FrameMetadata,
  FrameRead,
  FrameRingMemory,
  FrameRingStatistics,
  FrameRingWriter,
  OpenFrame,
  PixelFormat,
  RingBufferError,
  RingBufferErrorCode,
} from '@vas/ring-buffer';
import { FrameRingReader, allocateFrameRing, nv12Geometry } from '@vas/ring-buffer';

declare const reader: FrameRingReader;
declare const writer: FrameRingWriter;

it('a copy gives a frame or the reason why there is none, told apart by status', () => {
  const read = reader.copyNewest(new Uint8Array(1));
  expectTypeOf(read).toEqualTypeOf<FrameRead>();
  expectTypeOf(read.status).toEqualTypeOf<
    'frame' | 'nothing-newer' | 'overwritten' | 'damaged' | 'ended' | 'replaced'
  >();
  // @ts-expect-error a frame is there only if the status says so
  expectTypeOf(read.frame);
  if (read.status === 'frame') {
    expectTypeOf(read.frame).toEqualTypeOf<FrameMetadata>();
    expectTypeOf(read.missed).toBeNumber();
  }
  if (read.status === 'overwritten') expectTypeOf(read.frameId).toBeNumber();
});

it('a look gives what its callback returned', () => {
  const look = reader.lookNext((picture, frame): string | null => {
    expectTypeOf(picture).toEqualTypeOf<Uint8Array>();
    expectTypeOf(frame).toEqualTypeOf<FrameMetadata>();
    return frame.frameId > 1 ? 'text' : null;
  }, 0);
  expectTypeOf(look).toEqualTypeOf<FrameLook<string | null>>();
  if (look.status === 'frame') expectTypeOf(look.value).toEqualTypeOf<string | null>();
});

it('metadata and geometry cannot be written to', () => {
  expectTypeOf<FrameMetadata>().toEqualTypeOf<Readonly<FrameMetadata>>();
  expectTypeOf<FrameMetadata['timestampNs']>().toEqualTypeOf<bigint>();
  expectTypeOf<FrameMetadata['sourceTimestampNs']>().toEqualTypeOf<bigint | null>();
  expectTypeOf<FrameMetadata['pixelFormat']>().toEqualTypeOf<'nv12'>();
  expectTypeOf<PixelFormat>().toEqualTypeOf<'nv12'>();
  expectTypeOf(nv12Geometry(2, 2)).toEqualTypeOf<FrameGeometry>();
  expectTypeOf<FrameGeometry>().toEqualTypeOf<Readonly<Required<FrameGeometry>>>();
});

it('a frame is pushed as bytes or as chunks, with a stamp in bigint', () => {
  expectTypeOf<FrameRingWriter['push']>().parameter(0).toEqualTypeOf<Uint8Array | readonly Uint8Array[]>();
  expectTypeOf<FrameRingWriter['push']>().returns.toBeNumber();
  expectTypeOf(writer.begin()).toEqualTypeOf<OpenFrame>();
  expectTypeOf(writer.statistics()).toEqualTypeOf<FrameRingStatistics>();
  // @ts-expect-error milliseconds in a number are not nanoseconds
  writer.push(new Uint8Array(1), { timestampNs: Date.now() });
  // @ts-expect-error a ring has two ends only
  writer.end('live');
});

it('a ring is made of any bytes, shared or not', () => {
  expectTypeOf(allocateFrameRing).returns.toEqualTypeOf<FrameRingMemory>();
  expectTypeOf(FrameRingReader).constructorParameters.toEqualTypeOf<[FrameRingMemory]>();
  expectTypeOf<{
    meta: Uint8Array<SharedArrayBuffer>;
    data: Uint8Array<ArrayBuffer>;
  }>().toExtend<FrameRingMemory>();
  // @ts-expect-error width and height are needed
  allocateFrameRing({ width: 2 });
});

it('errors are told apart by code', () => {
  expectTypeOf<RingBufferError['code']>().toEqualTypeOf<RingBufferErrorCode>();
  expectTypeOf<RingBufferError>().toExtend<Error>();
});
