/** What the processes of the demo tell each other. */
import type { RtpReception } from '../rtp-reception.js';

/** First argument of the reader process, as JSON. */
export interface ReaderTask {
  readonly baseDir: string;
  readonly cameraId: string;
  /** Where the picture of the last frame goes. */
  readonly pngFile: string;
}

export interface ReaderStatus {
  readonly framesRead: number;
  readonly framesMissed: number;
  /** How many of the missed frames were missed in the first second. */
  readonly framesMissedAtStart: number;
  /** The rate of the frames by their own time stamps, in the last seconds and altogether. */
  readonly recentFramesPerSecond: number;
  readonly framesPerSecond: number;
  /** How old a frame was when this process had it: the last one, half of them, the worst. */
  readonly ageMs: number;
  readonly medianAgeMs: number;
  readonly maxAgeMs: number;
}

export interface HashedFrame {
  readonly frameId: number;
  /** MD5 of the picture, as hex. */
  readonly hash: string;
  /** Presentation time on the media clock of its FFmpeg; `null` if it has none. */
  readonly timeMs: number | null;
}

/** From a reader: how it stands, and the frames since the last message. */
export interface ReaderMessage {
  readonly status: ReaderStatus;
  readonly hashes: readonly HashedFrame[];
  /** In the last message only: the picture that was written, `null` if there was no frame. */
  readonly pngFile?: string | null;
}

/** First argument of the viewer process: how many streams it is to receive. */
export interface ViewerTask {
  readonly streams: number;
}

export interface ViewerStatus extends RtpReception {
  readonly recentPacketsPerSecond: number;
  readonly packetsPerSecond: number;
}

/** From the viewer: its ports, once, then how the streams stand, in the order of the ports. */
export type ViewerMessage =
  { readonly ports: readonly number[] } | { readonly streams: readonly ViewerStatus[] };

/** What either can be asked: to report for the last time. */
export interface WorkerRequests {
  readonly finish: () => Promise<object>;
}

/** How often they report. */
export const REPORT_MS = 250;
