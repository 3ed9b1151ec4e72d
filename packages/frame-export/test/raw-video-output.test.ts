import { describe, expect, it } from 'vitest';
import { rawVideoOutput } from '@vas/frame-export';

const RELEASE = 'ffmpeg version 5.1.9-0+deb12u1 Copyright (c) 2000-2026 the FFmpeg developers';
const size = { width: 640, height: 360 };

function library(version: string): string {
  return `ffmpeg version N-47683-g0e8eb07980-static\nlibavutil 1\nlibavformat    ${version} / ${version}\n`;
}

describe('the output for raw video', () => {
  it('is isolated from the video server unless that is not wanted', () => {
    expect(rawVideoOutput({ ...size, ffmpegVersion: RELEASE }).slice(-9)).toEqual([
      ...['-f', 'fifo', '-fifo_format', 'tee', '-queue_size', '8', '-drop_pkts_on_overflow', '1'],
      '[f=matroska:live=1:onfail=ignore]pipe:3|[f=null]-',
    ]);
    const alone = rawVideoOutput({ ...size, ffmpegVersion: RELEASE, isIsolated: false, descriptor: 5 });
    expect(alone.slice(-5)).toEqual(['-f', 'matroska', '-live', '1', 'pipe:5']);
  });

  it('is bare where that is wanted', () => {
    const bare = { ...size, ffmpegVersion: RELEASE, form: 'bare' } as const;
    expect(rawVideoOutput(bare).at(-1)).toBe('[f=rawvideo:onfail=ignore]pipe:3|[f=null]-');
    expect(rawVideoOutput({ ...bare, isIsolated: false }).slice(-3)).toEqual(['-f', 'rawvideo', 'pipe:3']);
  });

  it.each([
    [RELEASE, '-fps_mode'],
    ['ffmpeg version 5.0.1', '-vsync'],
    ['ffmpeg version n4.4.1-3-g7d7d5a8', '-vsync'],
    ['ffmpeg version n7.1', '-fps_mode'],
    ['4.2.2-static', '-vsync'],
    ['10.0', '-fps_mode'],
    // The libraries decide, where their versions are given.
    [library('58. 24.100'), '-vsync'],
    [library('59. 16.100'), '-vsync'],
    [library('59. 27.100'), '-fps_mode'],
    [library('62.  3.100'), '-fps_mode'],
  ])('spells the option for the frame rate as the version does: %j', (ffmpegVersion, name) => {
    expect(rawVideoOutput({ ...size, ffmpegVersion }).slice(2, 4)).toEqual([name, 'passthrough']);
  });

  it.each([
    [{ width: 641 }, 'BAD_GEOMETRY'],
    [{ height: 0 }, 'BAD_GEOMETRY'],
    [{ ffmpegVersion: 'N-47683-g0e8eb07980-static' }, 'BAD_OPTION'],
    [{ ffmpegVersion: '' }, 'BAD_OPTION'],
    [{ form: 'nut' as 'bare' }, 'BAD_OPTION'],
    [{ descriptor: 0 }, 'BAD_OPTION'],
    [{ descriptor: 3.5 }, 'BAD_OPTION'],
  ])('is refused for %j', (wrong, code) => {
    expect(() => rawVideoOutput({ ...size, ffmpegVersion: RELEASE, ...wrong })).toThrow(
      expect.objectContaining({ code }),
    );
  });
});
