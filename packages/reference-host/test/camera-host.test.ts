import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { FfmpegBinary } from '../src/ffmpeg/binary.js';
import { findFfmpeg } from '../src/ffmpeg/binary.js';
import { PLAYLIST, sessionDescription } from '../src/ffmpeg/outputs.js';
import { FfmpegProcess } from '../src/ffmpeg/process.js';
import { readFrameHashes } from '../src/frame-hashes.js';
import {
  cameraUrl,
  ffmpegBinaries,
  freeTcpPort,
  rtpTo,
  startCamera,
  startHost,
  started,
  temporaryFolder,
  udpReceiver,
  until,
} from './pipeline.js';

/** Writes a short H.264 file. */
async function filmFile(ffmpeg: FfmpegBinary, seconds: number): Promise<string> {
  const file = join(temporaryFolder(), 'film.mp4');
  const film = new FfmpegProcess({
    path: ffmpeg.path,
    args: [
      ...['-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=25', '-t', `${seconds}`],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '25', file],
    ],
  });
  expect(await film.exited).toEqual({ code: 0, signal: null, lastWords: '' });
  return file;
}

describe.each(await ffmpegBinaries())('a camera host with FFmpeg $name', ({ ffmpeg }) => {
  it('sends RTP and records, connects again when FFmpeg is killed, and goes on with the same recording', async () => {
    const url = await cameraUrl();
    startCamera(ffmpeg, url);
    const recordingDir = temporaryFolder();
    const { port, counter } = await udpReceiver();
    const { host, events } = startHost({
      ffmpeg,
      ingest: { kind: 'rtsp-listen', url },
      rtp: rtpTo(port),
      recordingDir,
    });

    await until(() => counter.reception().packets > 100 && existsSync(join(recordingDir, PLAYLIST)));
    expect(started(events)).toEqual([
      {
        type: 'ffmpeg-started',
        pid: host.ffmpegPid,
        video: {
          ...{ codec: 'h264', width: 320, height: 240 },
          colours: { matrix: 1, primaries: 1, transfer: 1 },
        },
        isExported: false,
      },
    ]);

    process.kill(host.ffmpegPid ?? Number.NaN, 'SIGKILL');
    await until(() => started(events).length === 2);
    const before = counter.reception().packets;
    await until(() => counter.reception().packets > before + 100);
    await host.stop();

    expect(events.map((event) => event.type).filter((type) => type !== 'probe-failed')).toEqual([
      'ffmpeg-started',
      'ffmpeg-ended',
      'ffmpeg-started',
      'ffmpeg-ended',
      'stopped',
    ]);
    expect(counter.reception().lost).toBe(0);
    const playlist = readFileSync(join(recordingDir, PLAYLIST), 'utf8');
    const segments = playlist.split('\n').filter((line) => line.endsWith('.ts'));
    expect(segments.length).toBeGreaterThanOrEqual(2);
    expect(new Set(segments).size).toBe(segments.length);
    expect(segments.every((name) => statSync(join(recordingDir, name)).size > 0)).toBe(true);
    expect(playlist).toContain('#EXT-X-DISCONTINUITY');
    expect(playlist.trimEnd().endsWith('#EXT-X-ENDLIST')).toBe(true);
  });

  it('records whole segments into a folder with a percent sign in its name', async () => {
    const recordingDir = join(temporaryFolder(), '50%d 5%');
    mkdirSync(recordingDir);
    const { host, events } = startHost({
      ffmpeg,
      ingest: { kind: 'file', path: await filmFile(ffmpeg, 3) },
      rtp: rtpTo(await freeTcpPort()),
      recordingDir,
      frameHashDir: recordingDir,
    });
    await until(() => events.some(({ type }) => type === 'ffmpeg-ended'));
    await host.stop();
    expect(events).toContainEqual(expect.objectContaining({ type: 'ffmpeg-ended', code: 0 }));
    const names = ['000000.ts', '000001.ts'];
    expect(readdirSync(recordingDir).sort()).toEqual([...names, '1-1.framemd5', PLAYLIST]);
    const playlist = readFileSync(join(recordingDir, PLAYLIST), 'utf8');
    expect(playlist.split('\n').filter((line) => line.endsWith('.ts'))).toEqual(names);
  });

  it('takes relative paths of the film, the recording and the hashes', async () => {
    const folder = relative('.', temporaryFolder());
    const { host, events } = startHost({
      ffmpeg,
      ingest: { kind: 'file', path: relative('.', await filmFile(ffmpeg, 1)) },
      rtp: rtpTo(await freeTcpPort()),
      recordingDir: folder,
      frameHashDir: folder,
    });
    await host.finished;
    expect(events.at(-2)).toMatchObject({ type: 'ffmpeg-ended', code: 0 });
    expect(readdirSync(folder).sort()).toEqual(['000000.ts', '1-1.framemd5', PLAYLIST]);
  });

  it('sends RTP that a receiver with nothing but the session description decodes', async () => {
    const folder = temporaryFolder();
    const file = await filmFile(ffmpeg, 6);
    const rtp = rtpTo(await freeTcpPort());
    const description = join(folder, 'camera.sdp');
    writeFileSync(description, sessionDescription(rtp));
    const viewer = new FfmpegProcess({
      path: ffmpeg.path,
      args: [
        ...['-protocol_whitelist', 'file,rtp,udp', '-i', description],
        ...['-frames:v', '30', '-f', 'framemd5', '-flush_packets', '1', 'pipe:1'],
      ],
    });
    onTestFinished(async () => {
      await viewer.stop();
    });
    const { host } = startHost({ ffmpeg, ingest: { kind: 'file', path: file }, rtp, recordingDir: folder });
    await until(() => viewer.output.split('\n').filter((line) => line.startsWith('0,')).length >= 30);
    expect(viewer.output).toContain('#dimensions 0: 320x240');
    await host.stop();
  });

  it('plays a file once, hashing every frame, and is finished then', async () => {
    const file = await filmFile(ffmpeg, 2);
    const frameHashDir = temporaryFolder();
    const { port, counter } = await udpReceiver();
    const { host, events } = startHost({
      ffmpeg,
      ingest: { kind: 'file', path: file },
      rtp: rtpTo(port),
      recordingDir: temporaryFolder(),
      frameHashDir,
    });
    await host.finished;
    expect(events.map((event) => event.type)).toEqual(['ffmpeg-started', 'ffmpeg-ended', 'stopped']);
    expect(readdirSync(frameHashDir)).toEqual(['1-1.framemd5']);
    const hashes = readFrameHashes(frameHashDir);
    expect([...hashes.keys()]).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
    expect(new Set([...hashes.values()].flatMap((set) => [...set])).size).toBe(50);
    expect(counter.reception().packets).toBeGreaterThan(50);
  });

  it('encodes for viewers where key frames are wanted more often than the camera sends them', async () => {
    const file = await filmFile(ffmpeg, 2);
    const { port, counter } = await udpReceiver();
    const { host, events } = startHost({
      ffmpeg,
      ingest: { kind: 'file', path: file },
      rtp: rtpTo(port),
      rtpVideo: 'encode',
      keyFrameInterval: 10,
      recordingDir: temporaryFolder(),
    });
    await host.finished;
    expect(events.at(-2)).toMatchObject({ type: 'ffmpeg-ended', code: 0 });
    expect(counter.reception().packets).toBeGreaterThan(50);
  });

  it('stops at once while it waits for a camera that never comes', async () => {
    const url = await cameraUrl();
    const { host, events } = startHost({
      ffmpeg,
      ingest: { kind: 'rtsp-listen', url },
      rtp: rtpTo(await freeTcpPort()),
      recordingDir: temporaryFolder(),
    });
    await host.stop();
    expect(events).toEqual([{ type: 'stopped' }]);
    expect(host.ffmpegPid).toBeUndefined();
  });

  it('takes a start of FFmpeg that throws for a run that ends at once, and tries again', async () => {
    const { host, events } = startHost({
      ffmpeg,
      ingest: { kind: 'file', path: await filmFile(ffmpeg, 1) },
      rtp: rtpTo(await freeTcpPort()),
      // No argument of a process can have a null character.
      recordingDir: `${temporaryFolder()}\0`,
    });
    await until(() => events.length === 2);
    await host.stop();
    for (const event of events.slice(0, 2)) {
      expect(event).toEqual({
        type: 'ffmpeg-ended',
        code: null,
        signal: null,
        message: expect.stringContaining('null bytes') as string,
      });
    }
    expect(events.at(-1)).toEqual({ type: 'stopped' });
  });

  it('numbers the packets of each start as it is told', async () => {
    const file = await filmFile(ffmpeg, 1);
    const { socket, port, counter } = await udpReceiver();
    const sequences: number[] = [];
    socket.on('message', (datagram) => {
      const isRtcp = datagram.readUInt8(1) >= 192 && datagram.readUInt8(1) <= 223;
      if (!isRtcp) sequences.push(datagram.readUInt16BE(2));
    });
    const { host } = startHost({
      ffmpeg,
      ingest: { kind: 'file', path: file },
      rtp: rtpTo(port),
      nextSequence: () => Promise.resolve(65_530),
      recordingDir: temporaryFolder(),
    });
    await host.finished;
    expect(sequences[0]).toBe(65_530);
    expect(counter.reception()).toMatchObject({ lost: 0 });
  });

  it('says in the words of FFmpeg why a source cannot be opened, and tries again', async () => {
    const { host, events } = startHost({
      ffmpeg,
      ingest: { kind: 'file', path: '/nowhere/film.mp4' },
      rtp: rtpTo(await freeTcpPort()),
      recordingDir: temporaryFolder(),
    });
    await until(() => events.length === 2);
    await host.stop();
    for (const event of events.slice(0, 2)) {
      expect(event).toEqual({
        type: 'probe-failed',
        message: expect.stringContaining('/nowhere/film.mp4: No such file or directory') as string,
      });
    }
  });
});

it('finds the FFmpeg that npm brought where there is none on the PATH', async () => {
  const { path, version, options } = await findFfmpeg(undefined, {});
  expect(path).toContain(join('node_modules', '@ffmpeg-installer'));
  expect(version).toMatch(/^N-|^4/);
  expect(options).toEqual({ frameRateMode: '-vsync', rtspTimeout: '-stimeout' });
});

it('a binary that cannot be started is a run that ends at once', async () => {
  const ffmpeg = new FfmpegProcess({ path: '/nowhere/ffmpeg', args: [] });
  expect(ffmpeg.pid).toBeUndefined();
  expect(await ffmpeg.exited).toMatchObject({
    code: null,
    lastWords: expect.stringContaining('ENOENT') as string,
  });
});
