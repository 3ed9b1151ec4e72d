/**
 * The outputs of a camera's FFmpeg: H.264 over RTP for the viewers, an HLS recording, raw NV12 for the frame
 * path.
 *
 * One process, one decode. RTP and recording take the camera's own packets whenever they can: it costs next to
 * nothing, the recording is what the camera sent, and decoding happens for the raw output only. That also is
 * why the raw output is the decode boundary: there is no other place where decoded frames exist. What viewers
 * cannot take (anything but H.264), or what should have key frames more often than the camera sends them
 * (MediaSoup cannot ask FFmpeg for one), is encoded.
 */
import type { FfmpegBinary } from './binary.js';
import type { SourceVideo } from './probe.js';

/** Where the RTP of a camera goes; the fields of a MediaSoup plain transport with its producer. */
export interface RtpTarget {
  readonly ip: string;
  readonly port: number;
  /** May be `port` if the receiver takes both on one. */
  readonly rtcpPort: number;
  /** @default any free port */
  readonly localPort?: number;
  /** @default any free port */
  readonly localRtcpPort?: number;
  /** 96 to 127. */
  readonly payloadType: number;
  /** Below 2^31, which is as far as FFmpeg's option goes. */
  readonly ssrc: number;
}

export interface CameraOutputs {
  readonly rtp: RtpTarget;
  /**
   * Sequence number of the first RTP packet, 0 to 65535.
   * @default chosen by FFmpeg, below 4096
   */
  readonly firstSequence?: number | undefined;
  /**
   * `copy` sends H.264 as the camera made it and encodes anything else; `encode` always encodes.
   * @default 'copy'
   */
  readonly rtpVideo?: 'copy' | 'encode' | undefined;
  /**
   * Frames between key frames where video is encoded.
   * @default 50
   */
  readonly keyFrameInterval?: number | undefined;
  /** Arguments of the output for raw frames; `null` for none. */
  readonly raw: readonly string[] | null;
  /** Where FFmpeg writes the MD5 of every frame it decodes, for comparison; `null` for not at all. */
  readonly frameHashFile?: string | null | undefined;
}

/** What the arguments depend on. */
type Sent = Pick<SourceVideo, 'codec' | 'width' | 'height'>;

/** Name of the playlist in the recording's folder. */
export const PLAYLIST = 'index.m3u8';

/** Fits the usual 1500 bytes of a link with room for the headers of tunnels and SRTP. */
const RTP_PACKET_BYTES = 1200;
const SEGMENT_SECONDS = 2;
/** Codecs that an MPEG-TS segment takes as they are. */
export const RECORDABLE_CODECS = new Set(['h264', 'hevc']);

/**
 * The arguments of all outputs. The recording goes into the working directory of FFmpeg, which therefore is the folder
 * of the recording: other paths are absolute.
 */
export function outputArguments(binary: FfmpegBinary, source: Sent, outputs: CameraOutputs): string[] {
  return [
    ...rtpOutput(source, outputs),
    ...recordingOutput(source, outputs),
    ...(outputs.raw ?? []),
    ...(outputs.frameHashFile == null
      ? []
      : // Flushed line by line, so that a killed FFmpeg leaves what it had.
        [
          ...decodedPictures(binary, source),
          '-flush_packets',
          '1',
          '-f',
          'framemd5',
          '-y',
          outputs.frameHashFile,
        ]),
  ];
}

function rtpOutput(source: Sent, outputs: CameraOutputs): string[] {
  const { ip, port, rtcpPort, localPort, localRtcpPort, payloadType, ssrc } = outputs.rtp;
  const query = new URLSearchParams({ rtcpport: `${rtcpPort}`, pkt_size: `${RTP_PACKET_BYTES}` });
  if (localPort !== undefined) query.set('localrtpport', `${localPort}`);
  if (localRtcpPort !== undefined) query.set('localrtcpport', `${localRtcpPort}`);
  const isCopied = source.codec === 'h264' && outputs.rtpVideo !== 'encode';
  return [
    ...['-map', '0:v:0'],
    // A camera may send its parameter sets once, in its SDP; viewers who come later need them in the stream.
    ...(isCopied ? ['-c:v', 'copy', '-bsf:v', 'h264_mp4toannexb,dump_extra'] : encoded(source, outputs)),
    ...['-payload_type', `${payloadType}`, '-ssrc', `${ssrc}`],
    ...(outputs.firstSequence == null ? [] : ['-seq', `${outputs.firstSequence}`]),
    ...['-f', 'rtp', `rtp://${ip}:${port}?${query.toString()}`],
  ];
}

function recordingOutput(source: Sent, outputs: CameraOutputs): string[] {
  return [
    ...['-map', '0:v:0'],
    ...(RECORDABLE_CODECS.has(source.codec) ? ['-c:v', 'copy'] : encoded(source, outputs)),
    // A restarted FFmpeg goes on where the former one ended, and marks the discontinuity.
    ...['-f', 'hls', '-hls_time', `${SEGMENT_SECONDS}`, '-hls_list_size', '0', '-hls_flags', 'append_list'],
    // Without a folder: FFmpeg reads a `%` in its name as part of the pattern, and no way to write one is understood.
    ...['-hls_segment_filename', '%06d.ts', PLAYLIST],
  ];
}

function encoded(source: Sent, { keyFrameInterval = 50 }: CameraOutputs): string[] {
  const { width, height } = evenSize(source);
  const isOdd = width !== source.width || height !== source.height;
  return [
    ...(isOdd ? ['-vf', `scale=${width}:${height}`] : []),
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency'],
    ...['-pix_fmt', 'yuv420p', '-g', `${keyFrameInterval}`],
  ];
}

/** Neither NV12 nor what viewers can decode has an odd width or height: the last row or column is scaled away. */
export function evenSize({ width, height }: Pick<SourceVideo, 'width' | 'height'>): {
  width: number;
  height: number;
} {
  return { width: Math.max(2, width - (width % 2)), height: Math.max(2, height - (height % 2)) };
}

/** Every decoded frame once, and as `rawVideoOutput` of `@vas/frame-export` has it: bit for bit the exported one. */
export function decodedPictures(
  binary: FfmpegBinary,
  source: Pick<SourceVideo, 'width' | 'height'>,
): string[] {
  const { width, height } = evenSize(source);
  return [
    ...['-map', '0:v:0', binary.options.frameRateMode, 'passthrough', '-enc_time_base', '1:90000'],
    ...['-vf', `scale=${width}:${height}:out_range=tv`, '-c:v', 'rawvideo', '-pix_fmt', 'nv12'],
  ];
}

/** An SDP with which any player can receive the RTP of a camera: `ffplay -protocol_whitelist file,rtp,udp x.sdp`. */
export function sessionDescription({ ip, port, rtcpPort, payloadType }: RtpTarget): string {
  const lines = [
    'v=0',
    `o=- 0 0 IN IP4 ${ip}`,
    's=camera',
    `c=IN IP4 ${ip}`,
    't=0 0',
    `m=video ${port} RTP/AVP ${payloadType}`,
    `a=rtpmap:${payloadType} H264/90000`,
    `a=fmtp:${payloadType} packetization-mode=1`,
    `a=rtcp:${rtcpPort}`,
  ];
  return lines.map((line) => `${line}\r\n`).join('');
}
