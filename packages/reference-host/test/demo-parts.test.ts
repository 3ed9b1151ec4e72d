import { describe, expect, it } from 'vitest';
import { AgeStatistics } from '../src/demo/age.js';
import { parseOptions } from '../src/demo/options.js';
import { RateMeter } from '../src/demo/rate.js';
import { compareTimes } from '../src/demo/recorded-times.js';
import { cameraProblems, summary } from '../src/demo/report.js';
import type { CameraReport, DemoReport } from '../src/demo/report.js';
import { tableLines } from '../src/demo/table.js';
import { verifyFrames } from '../src/demo/verification.js';

describe('the command line', () => {
  it('has defaults for everything', () => {
    expect(parseOptions([])).toEqual({ input: null, cameras: 1, seconds: 20, isJson: false, ffmpeg: null });
  });

  it('takes every option', () => {
    const args = '--input rtsp://camera/1 --cameras 2 --seconds 0.5 --ffmpeg /opt/ffmpeg --json'.split(' ');
    expect(parseOptions(args)).toEqual({
      input: 'rtsp://camera/1',
      cameras: 2,
      seconds: 0.5,
      isJson: true,
      ffmpeg: '/opt/ffmpeg',
    });
    expect(parseOptions(['--json', '-h'])).toBe('help');
  });

  it.each([
    ['--cameras=0'],
    ['--cameras=1.5'],
    ['--cameras=65'],
    ['--seconds=0'],
    ['--seconds=x'],
    ['--seconds'],
    ['x'],
  ])('refuses %s with a sentence', (arg) => {
    expect(() => parseOptions([arg])).toThrow(TypeError);
  });
});

describe('the rate of a counter', () => {
  it('is 0 before there are two samples at different times', () => {
    const rate = new RateMeter();
    expect([rate.recent, rate.steady]).toEqual([0, 0]);
    rate.add(1, 100);
    rate.add(2, 100);
    expect([rate.recent, rate.steady]).toEqual([0, 0]);
  });

  it('leaves the burst of the first second out of the steady rate', () => {
    const rate = new RateMeter();
    for (let frame = 1; frame <= 30; frame++) rate.add(frame, frame);
    for (let frame = 31; frame <= 280; frame++) rate.add(frame, (frame - 30) * 40);
    expect(rate.steady).toBeCloseTo(25, 9);
  });

  it('takes what there is if that is less than a second', () => {
    const rate = new RateMeter();
    for (let frame = 1; frame <= 11; frame++) rate.add(frame, frame * 40);
    expect(rate.steady).toBeCloseTo(25, 9);
  });

  it('forgets in its recent value what is two seconds old', () => {
    const rate = new RateMeter();
    for (let frame = 0; frame <= 100; frame++) rate.add(frame, frame * 10);
    for (let frame = 101; frame <= 140; frame++) rate.add(frame, 1000 + (frame - 100) * 100);
    expect(rate.recent).toBeCloseTo(10, 9);
  });
});

it('ages have a last, a highest and a median of the latest', () => {
  const ages = new AgeStatistics();
  expect([ages.last, ages.max, ages.median]).toEqual([0, 0, 0]);
  for (const age of [5, 900, 1]) ages.add(age);
  expect([ages.last, ages.max, ages.median]).toEqual([1, 900, 5]);
  for (let added = 0; added < 2000; added++) ages.add(7);
  expect([ages.last, ages.max, ages.median]).toEqual([7, 900, 7]);
});

describe('frames beside what FFmpeg decoded', () => {
  const runs = [
    { firstFrameId: 1, hashes: ['a', 'b', 'c', 'd', 'e', 'f'] },
    { firstFrameId: 5, hashes: ['A', 'B'] },
  ];
  const read = (...frames: readonly (readonly [number, string])[]): Parameters<typeof verifyFrames>[0] =>
    frames.map(([frameId, hash]) => ({ frameId, hash }));

  it('are verified, mismatched or without a hash to compare with', () => {
    expect(verifyFrames(read([1, 'a'], [3, 'c'], [4, 'x'], [5, 'A'], [7, 'C']), runs)).toEqual({
      verified: 3,
      mismatched: 1,
      unverified: 1,
      dropped: 0,
    });
    expect(verifyFrames(read([1, 'a']), [])).toMatchObject({ verified: 0, unverified: 1 });
  });

  it('P2.15: may be fewer, where FFmpeg dropped some', () => {
    expect(verifyFrames(read([1, 'a'], [2, 'd'], [3, 'e'], [5, 'B']), runs)).toEqual({
      verified: 4,
      mismatched: 0,
      unverified: 0,
      dropped: 3,
    });
  });

  it.each([
    ['twice', read([1, 'a'], [2, 'a'])],
    ['in another order', read([1, 'a'], [2, 'd'], [3, 'c'])],
    ['earlier than their ids say', read([1, 'a'], [3, 'b'])],
  ])('are mismatched where they come %s', (_name, frames) => {
    expect(verifyFrames(frames, runs)).toMatchObject({ mismatched: 1 });
  });
});

describe('presentation times beside the recording', () => {
  const recorded = ['a', 'b', 'c', 'd', 'e'].map((hash, index) => ({ hash, timeMs: 1400 + 40 * index }));
  const read = (
    ...times: readonly (readonly [string, number | null])[]
  ): Parameters<typeof compareTimes>[0] => times.map(([hash, timeMs]) => ({ hash, timeMs }));

  it('P2.14: agree where the two clocks differ by the same time at every picture', () => {
    expect(compareTimes(read(['b', 40], ['c', 80], ['e', 160.4], ['z', 9999]), recorded)).toEqual({
      compared: 3,
      offsetMs: 1400,
      largestDifferenceMs: expect.closeTo(0.4, 6) as number,
      disagreeing: 0,
    });
  });

  it('P2.14: disagree from half a picture on', () => {
    const times = compareTimes(read(['a', 0], ['b', 40], ['c', 99], ['d', 100]), recorded);
    expect(times).toMatchObject({ compared: 4, largestDifferenceMs: 20, disagreeing: 1 });
  });

  it('say nothing of a picture that comes twice, or of a frame without a time', () => {
    const twice = [...recorded, { hash: 'a', timeMs: 1600 }];
    expect(compareTimes(read(['a', 0], ['b', null], ['c', 80], ['d', 120], ['d', 160]), twice)).toMatchObject(
      {
        compared: 1,
        disagreeing: 0,
      },
    );
  });
});

it('the table has columns of equal width under their headings', () => {
  const row = ['camera-10', 'running', '25.0/s', '1', '0', '2.0 ms', '230/s', '0', '1.00 MB'];
  expect(tableLines([row])).toEqual([
    'camera     state    decoded  read  missed  age     rtp    lost  recording',
    'camera-10  running  25.0/s   1     0       2.0 ms  230/s  0     1.00 MB',
  ]);
});

describe('the report', () => {
  const good: CameraReport = {
    cameraId: 'camera-1',
    input: 'film.mp4',
    sourceFramesPerSecond: null,
    video: { codec: 'h264', width: 640, height: 360, colours: { matrix: 1, primaries: 1, transfer: 1 } },
    ffmpegStarts: 1,
    frames: {
      framesPerSecond: 25,
      read: 100,
      missed: 2,
      missedAtStart: 2,
      verified: 100,
      mismatched: 0,
      unverified: 0,
      dropped: 0,
      medianAgeMs: 2,
      maxAgeMs: 9,
      times: { compared: 98, offsetMs: 1400, largestDifferenceMs: 0.5, disagreeing: 0 },
    },
    rtp: { packets: 10, packetsPerSecond: 5, lost: 0, longestGapMs: 40 },
    recording: { playlist: '/x/index.m3u8', segments: 1, bytes: 1_500_000 },
    png: '/x.png',
  };

  it('finds nothing wrong with a camera that is well, with or without the frame path', () => {
    expect(cameraProblems(good)).toEqual([]);
    expect(cameraProblems({ ...good, frames: null, png: null })).toEqual([]);
  });

  it.each([
    [{ frames: { ...good.frames, read: 0 } }, 'no frame was read'],
    [{ frames: { ...good.frames, mismatched: 1 } }, '1 frames are not what FFmpeg decoded'],
    [{ frames: { ...good.frames, unverified: 3 } }, '3 frames have no hash of FFmpeg to compare with'],
    [
      { frames: { ...good.frames, times: { ...good.frames?.times, compared: 0 } } },
      'no frame that was read is found in the recording',
    ],
    [
      { frames: { ...good.frames, times: { ...good.frames?.times, disagreeing: 4 } } },
      '4 frames have another time than in the recording',
    ],
    [{ rtp: { ...good.rtp, packets: 0 } }, 'no RTP packet was received'],
    [{ recording: { ...good.recording, bytes: 0 } }, 'nothing was recorded'],
  ])('names what is wrong: %j', (change, problem) => {
    expect(cameraProblems({ ...good, ...change } as CameraReport)).toEqual([`camera-1: ${problem}`]);
  });

  it('is a summary that a person can read', () => {
    const report: DemoReport = {
      ok: false,
      problems: ['camera-1: no frame was read'],
      framePath: 'on',
      ffmpeg: { path: '/usr/bin/ffmpeg', version: '5.1' },
      seconds: 4,
      folder: '/x',
      cameras: [good],
    };
    expect(summary(report)).toBe(`
4.0 s with FFmpeg 5.1, frame path on

camera-1  640x360 h264  film.mp4
  frames     25.00/s decoded, 100 read, 2 missed (2 in the burst at the start), age 2.0 ms (median), 9.0 ms (highest)
  bit-exact  100 of 100
  times      98 of 98 as in the recording, largest difference 0.5 ms
  rtp        10 packets, 5/s, 0 lost, longest gap 40 ms
  recording  1 segments, 1.50 MB, /x/index.m3u8
  picture    /x.png

problem: camera-1: no frame was read
Not all is well.
`);
  });
});
