import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFfmpeg } from '@vas/reference-host';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkRecording, presentationSeconds } from '../src/viewer/hls-recording.js';

const { path: ffmpeg } = await findFfmpeg();

describe('the check of a recording', () => {
  let folder = '';

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vas-test-'));
    const source = ['-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=25:duration=4'];
    const encoder = [
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-bf',
      '0',
      '-g',
      '25',
      '-pix_fmt',
      'yuv420p',
    ];
    const segments = [
      '-hls_time',
      '1',
      '-hls_list_size',
      '0',
      '-hls_segment_filename',
      join(folder, '%d.ts'),
    ];
    execFileSync(ffmpeg, ['-v', 'error', ...source, ...encoder, '-f', 'hls', ...segments, playlist()]);
  });

  afterEach(() => rm(folder, { recursive: true }));

  function playlist(): string {
    return join(folder, 'index.m3u8');
  }

  it('finds nothing wrong with what FFmpeg wrote', async () => {
    expect(await checkRecording(ffmpeg, playlist())).toMatchObject({
      segments: 4,
      pictures: 100,
      jumps: 0,
      missing: [],
      errors: [],
    });
  });

  it('measures the time between pictures', async () => {
    const { longestStepMs, pictureSeconds, playlistSeconds } = await checkRecording(ffmpeg, playlist());
    expect(longestStepMs).toBeCloseTo(40, 0);
    expect(pictureSeconds).toBeCloseTo(3.96, 1);
    expect(playlistSeconds).toBeCloseTo(4, 1);
  });

  it('finds a segment that is missing, and the gap it leaves', async () => {
    rmSync(join(folder, '1.ts'));
    const { missing, longestStepMs } = await checkRecording(ffmpeg, playlist());
    expect(missing).toEqual(['1.ts']);
    expect(longestStepMs).toBeGreaterThan(900);
  });

  it('finds a segment that is damaged', async () => {
    const bytes = readFileSync(join(folder, '2.ts'));
    bytes.fill(0xa5, 2000, bytes.length - 2000);
    writeFileSync(join(folder, '2.ts'), bytes);
    expect((await checkRecording(ffmpeg, playlist())).errors).not.toEqual([]);
  });

  it('reads the playlist of a recorder that was killed', async () => {
    writeFileSync(playlist(), readFileSync(playlist(), 'utf8').replace('#EXT-X-ENDLIST\n', ''));
    expect(await checkRecording(ffmpeg, playlist())).toMatchObject({ pictures: 100, errors: [] });
  });

  it('reads presentation times in the time base that FFmpeg states', () => {
    const text =
      '#tb 0: 1/90000\n0,       0,     3600,     3600,      10, 0x1\n0,    3600,     7200,     3600,      10, 0x2\n';
    expect(presentationSeconds(text)).toEqual([0.04, 0.08]);
  });
});
