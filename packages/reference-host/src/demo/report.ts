/** What the demo found, as one document, and as text for a person. */
import type { SourceVideo } from '../ffmpeg/probe.js';
import type { RecordedTimes } from './recorded-times.js';
import type { Verification } from './verification.js';

export interface DemoReport {
  /** Whether there are no problems. */
  readonly ok: boolean;
  readonly problems: readonly string[];
  readonly framePath: 'on' | 'off';
  readonly ffmpeg: { readonly path: string; readonly version: string };
  /** How long pictures were watched. */
  readonly seconds: number;
  /** Holds the pictures and the recordings, and stays. */
  readonly folder: string;
  readonly cameras: readonly CameraReport[];
}

export interface CameraReport {
  readonly cameraId: string;
  readonly input: string;
  /** `null` if the source is not the demo's own. */
  readonly sourceFramesPerSecond: number | null;
  /** `null` if the source could not be opened. */
  readonly video: SourceVideo | null;
  readonly ffmpegStarts: number;
  /** What the reader saw; `null` without the frame path. */
  readonly frames: FramesReport | null;
  readonly rtp: {
    readonly packets: number;
    readonly packetsPerSecond: number;
    readonly lost: number;
    readonly longestGapMs: number;
  };
  readonly recording: { readonly playlist: string; readonly segments: number; readonly bytes: number };
  /** A frame that was read, as a picture. */
  readonly png: string | null;
}

export interface FramesReport extends Verification {
  /** By the time stamps of the frames, without the first second. */
  readonly framesPerSecond: number;
  readonly read: number;
  readonly missed: number;
  /**
   * How many of the missed frames were missed in the first second: what FFmpeg buffered while it opened the stream is decoded all at once,
   * faster than anybody hashes it.
   */
  readonly missedAtStart: number;
  /** How old a frame was when the reader had it. */
  readonly medianAgeMs: number;
  readonly maxAgeMs: number;
  /**
   * When they are shown, beside the recording. `null` if the recording has not the camera's own pictures, or FFmpeg was
   * started more than once, so that there are several clocks.
   */
  readonly times: RecordedTimes | null;
}

/** Everything about a camera that is not as it must be, as sentences. */
export function cameraProblems(camera: CameraReport): string[] {
  const { frames, rtp, recording } = camera;
  const problems: string[] = [];
  if (frames !== null) {
    if (frames.read === 0) problems.push('no frame was read');
    if (frames.mismatched > 0) problems.push(`${frames.mismatched} frames are not what FFmpeg decoded`);
    if (frames.unverified > 0)
      problems.push(`${frames.unverified} frames have no hash of FFmpeg to compare with`);
    const { times } = frames;
    if (times !== null && frames.read > 0 && times.compared === 0)
      problems.push('no frame that was read is found in the recording');
    if (times !== null && times.disagreeing > 0)
      problems.push(`${times.disagreeing} frames have another time than in the recording`);
  }
  if (rtp.packets === 0) problems.push('no RTP packet was received');
  if (recording.segments === 0 || recording.bytes === 0) problems.push('nothing was recorded');
  return problems.map((problem) => `${camera.cameraId}: ${problem}`);
}

export function summary(report: DemoReport): string {
  const lines = [
    '',
    `${report.seconds.toFixed(1)} s with FFmpeg ${report.ffmpeg.version}, frame path ${report.framePath}`,
  ];
  for (const camera of report.cameras) lines.push('', ...cameraSummary(camera));
  lines.push('', ...report.problems.map((problem) => `problem: ${problem}`));
  lines.push(report.ok ? 'All is well.' : 'Not all is well.');
  return `${lines.join('\n')}\n`;
}

function cameraSummary({ cameraId, input, video, frames, rtp, recording, png }: CameraReport): string[] {
  const size = video === null ? 'never opened' : `${video.width}x${video.height} ${video.codec}`;
  return [
    `${cameraId}  ${size}  ${input}`,
    ...(frames === null ? [] : framesSummary(frames)),
    `  rtp        ${rtp.packets} packets, ${rtp.packetsPerSecond.toFixed(0)}/s, ${rtp.lost} lost,` +
      ` longest gap ${rtp.longestGapMs.toFixed(0)} ms`,
    `  recording  ${recording.segments} segments, ${megabytes(recording.bytes)}, ${recording.playlist}`,
    ...(png === null ? [] : [`  picture    ${png}`]),
  ];
}

function framesSummary(frames: FramesReport): string[] {
  return [
    `  frames     ${frames.framesPerSecond.toFixed(2)}/s decoded, ${frames.read} read, ${frames.missed} missed` +
      ` (${frames.missedAtStart} in the burst at the start),` +
      ` age ${frames.medianAgeMs.toFixed(1)} ms (median), ${frames.maxAgeMs.toFixed(1)} ms (highest)`,
    `  bit-exact  ${frames.verified} of ${frames.read}` +
      (frames.dropped > 0 ? `, between them ${frames.dropped} dropped by FFmpeg` : ''),
    ...(frames.times === null ? [] : [timesSummary(frames.times)]),
  ];
}

function timesSummary({ compared, disagreeing, largestDifferenceMs }: RecordedTimes): string {
  return (
    `  times      ${compared - disagreeing} of ${compared} as in the recording,` +
    ` largest difference ${largestDifferenceMs.toFixed(1)} ms`
  );
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(2)} MB`;
}
