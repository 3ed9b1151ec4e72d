import { resolve } from 'node:path';
import { rawVideoOutput } from '@vas/frame-export';
import { describe, expect, it } from 'vitest';
import { optionNames } from '../src/ffmpeg/binary.js';
import type { FfmpegBinary } from '../src/ffmpeg/binary.js';
import { parseColours } from '../src/ffmpeg/colours.js';
import { ingestArguments, parseIngest } from '../src/ffmpeg/ingest.js';
import { outputArguments, sessionDescription } from '../src/ffmpeg/outputs.js';
import { parseProbe } from '../src/ffmpeg/probe.js';

const modern: FfmpegBinary = {
  path: 'ffmpeg',
  version: '5.1.9',
  versionText: 'ffmpeg version 5.1.9-0+deb12u1 Copyright (c) 2000-2026 the FFmpeg developers',
  options: { frameRateMode: '-fps_mode', rtspTimeout: '-timeout' },
};
const old: FfmpegBinary = {
  path: 'ffmpeg',
  version: 'N-47683',
  versionText: 'ffmpeg version N-47683-g0e8eb07980\nlibavformat    58. 24.100 / 58. 24.100\n',
  options: { frameRateMode: '-vsync', rtspTimeout: '-stimeout' },
};
const notSaid = { matrix: null, primaries: null, transfer: null };
const h264 = { codec: 'h264', width: 640, height: 360 };
const rtp = { ip: '127.0.0.1', port: 5004, rtcpPort: 5005, payloadType: 101, ssrc: 7 };
const raw = ['-map', '0:v:0', '-f', 'rawvideo', 'pipe:3'];
const outputs = { rtp, raw };

/** The arguments between one `-map` and the next: one output each. */
function split(args: string[]): string[] {
  return args
    .join(' ')
    .split(/(?=-map )/)
    .map((output) => output.trim());
}

describe('the option names of an FFmpeg', () => {
  it('are taken from the help of version 5.1 and later', () => {
    const help =
      '-vsync              set video sync method globally; deprecated\n-fps_mode[:<stream_spec>]  set';
    expect(optionNames(help, '  -timeout           <int64>      set timeout')).toEqual(modern.options);
  });

  it('are taken from the help of version 4', () => {
    const rtspHelp =
      '  -timeout           <int>   set maximum timeout\n  -stimeout          <int>   set timeout';
    expect(optionNames('-vsync              video sync method', rtspHelp)).toEqual(old.options);
  });
});

describe('the ingest', () => {
  it('pulls RTSP over TCP and gives up a silent camera', () => {
    const ingest = parseIngest('rtsp://camera/stream');
    const expected = '-rtsp_transport tcp -timeout 5000000 -i rtsp://camera/stream';
    expect(ingestArguments(ingest, modern.options).join(' ')).toBe(expected);
    expect(ingestArguments(ingest, old.options)).toContain('-stimeout');
    expect(ingestArguments(ingest, old.options)).not.toContain('-timeout');
  });

  it('plays everything else as a file at its own speed, whatever the name looks like', () => {
    expect(ingestArguments(parseIngest('http:x.mp4'), modern.options)).toEqual([
      '-re',
      '-i',
      `file:${resolve('http:x.mp4')}`,
    ]);
  });

  it('waits for a camera that publishes', () => {
    const args = ingestArguments({ kind: 'rtsp-listen', url: 'rtsp://127.0.0.1:8554/cam' }, modern.options);
    expect(args.join(' ')).toBe(
      '-rtsp_transport tcp -rtsp_flags listen -listen_timeout 60 -i rtsp://127.0.0.1:8554/cam',
    );
  });
});

describe('the outputs', () => {
  it('are RTP, recording and raw frames', () => {
    expect(split(outputArguments(modern, h264, outputs))).toEqual([
      '-map 0:v:0 -c:v copy -bsf:v h264_mp4toannexb,dump_extra -payload_type 101 -ssrc 7' +
        ' -f rtp rtp://127.0.0.1:5004?rtcpport=5005&pkt_size=1200',
      '-map 0:v:0 -c:v copy -f hls -hls_time 2 -hls_list_size 0 -hls_flags append_list' +
        ' -hls_segment_filename %06d.ts index.m3u8',
      '-map 0:v:0 -f rawvideo pipe:3',
    ]);
  });

  it('G7: without raw frames are those of a host that never had them', () => {
    const withRaw = outputArguments(modern, h264, outputs);
    const without = outputArguments(modern, h264, { ...outputs, raw: null });
    expect(split(without)).toEqual(split(withRaw).slice(0, 2));
    expect(without.join(' ')).not.toMatch(/rawvideo|pipe:/);
  });

  it.each([modern, old])('hash the frames with the very options of the raw output ($version)', (binary) => {
    const frameHashFile = '/x.framemd5';
    const [, , , hashes = ''] = split(outputArguments(binary, h264, { ...outputs, frameHashFile }));
    const bare = { form: 'bare', isIsolated: false } as const;
    const exported = rawVideoOutput({ ...h264, ...bare, ffmpegVersion: binary.versionText }).join(' ');
    expect(exported).toContain(`${binary.options.frameRateMode} passthrough`);
    expect(hashes).toBe(
      exported.replace('-f rawvideo pipe:3', '-flush_packets 1 -f framemd5 -y /x.framemd5'),
    );
  });

  it('encode for viewers what is not H.264, and record what MPEG-TS takes', () => {
    const [rtpOutput, recording] = split(outputArguments(modern, { ...h264, codec: 'hevc' }, outputs));
    expect(rtpOutput).toContain('-c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 50');
    expect(recording).toContain('-c:v copy');
    expect(split(outputArguments(modern, { ...h264, codec: 'mjpeg' }, outputs))[1]).toContain('-c:v libx264');
  });

  it('encode with the wanted key frame interval where that is asked for', () => {
    const args = outputArguments(modern, h264, { ...outputs, rtpVideo: 'encode', keyFrameInterval: 25 });
    expect(split(args)[0]).toContain(
      '-c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 25',
    );
    expect(split(args)[1]).toContain('-c:v copy');
  });

  it('send RTP from fixed ports where the receiver knows the sender by them', () => {
    const fixed = { ...rtp, localPort: 6004, localRtcpPort: 6005 };
    expect(outputArguments(modern, h264, { ...outputs, rtp: fixed })).toContain(
      'rtp://127.0.0.1:5004?rtcpport=5005&pkt_size=1200&localrtpport=6004&localrtcpport=6005',
    );
  });
});

it('the session description names address, ports and payload type', () => {
  expect(sessionDescription(rtp).split('\r\n')).toEqual([
    'v=0',
    'o=- 0 0 IN IP4 127.0.0.1',
    's=camera',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    'm=video 5004 RTP/AVP 101',
    'a=rtpmap:101 H264/90000',
    'a=fmtp:101 packetization-mode=1',
    'a=rtcp:5005',
    '',
  ]);
});

describe('the probe', () => {
  const header = [
    '#software: Lavf59.27.100',
    '#tb 0: 1/90000',
    '#codec_id 0: hevc',
    '#dimensions 0: 640x360',
    '#codec_id 1: rawvideo',
    '#dimensions 1: 360x640',
  ];

  it('takes the codec of the source and the size of its decoded frames', () => {
    expect(parseProbe(header.join('\n'))).toEqual({ codec: 'hevc', width: 360, height: 640 });
  });

  it('takes nothing from a header that is not whole', () => {
    expect(parseProbe(header.slice(0, 5).join('\n'))).toBeNull();
    expect(parseProbe('')).toBeNull();
  });
});

describe('the colours of a source', () => {
  const stream = (format: string): string =>
    `[info] Input #0, rtsp, from 'rtsp://camera/stream':\n[info]   Stream #0:0: Video: ${format}, 640x360, 25 fps\n` +
    '[info]   Stream #0:1: Audio: aac (LC), 48000 Hz, stereo, fltp\n' +
    '[info]   Stream #0:0: Video: rawvideo (NV12 / 0x3231564E), nv12(tv, fcc), 640x360\n';

  it.each([
    ['h264 (High), yuv420p(tv, bt709, progressive)', 1, 1, 1],
    ['h264 (High) (avc1 / 0x31637661), yuv420p(tv, bt709)', 1, 1, 1],
    ['hevc (Main 10), yuv420p10le(pc, bt2020nc/bt2020/arib-std-b67)', 9, 9, 18],
    ['h264 (High), yuv420p(smpte170m/bt470bg/unknown, top first)', 6, 5, null],
    ['h264 (High), yuv420p(tv, unknown/bt709/bt709)', null, 1, 1],
    ['mjpeg (Baseline), yuvj420p(pc, bt470bg/unknown/unknown)', 5, null, null],
    ['h264 (High), yuv420p(tv, progressive)', null, null, null],
    ['h264 (High), yuv420p', null, null, null],
    ['h264 (High), gbrp(pc, gbr/bt709/iec61966-2-1)', null, null, null],
  ])('P2.14: are learned from what FFmpeg says of it: %s', (format, matrix, primaries, transfer) => {
    expect(parseColours(stream(format))).toEqual({ matrix, primaries, transfer });
  });

  it('P2.14: are not said where FFmpeg says nothing', () => {
    expect(parseColours('')).toEqual(notSaid);
  });
});
