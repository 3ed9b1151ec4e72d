/** What the host under test can be asked. */
import type { CameraExportStatistics } from '@vas/frame-export';
import type { FrameSourceRef } from '@vas/frame-export/types';
import type { CameraHostEvent } from '@vas/reference-host';
import type { RouterRequests } from './router-requests.js';
import type { RtpIngest } from './video-router.js';

/**
 * What takes the raw frames: nobody, because the host knows nothing of the packages; the packages; or, as a
 * control, a `'data'` handler on the pipe, as one writes it in Node.
 */
export type Tap = 'none' | 'frame-export' | 'data-handler';

export interface HostedCamera {
  readonly cameraId: string;
  /** RTSP URL, or path of a file. */
  readonly input: string;
  /** UDP ports of the camera's viewers. */
  readonly viewerPorts: readonly number[];
  /** Where its FFmpeg sends, if MediaSoup is in a process of its own; `null`: to the host's own MediaSoup. */
  readonly router: { readonly ingest: RtpIngest; readonly sequence: number } | null;
  readonly recordingDir: string;
  /** Where FFmpeg writes the MD5s of its decoded frames; `null` for not at all. */
  readonly frameHashDir: string | null;
  /** Path of a named pipe from which its FFmpeg takes commands; `null` for none. */
  readonly commandPipe: string | null;
}

export interface HostSettings {
  readonly cameras: readonly HostedCamera[];
  readonly tap: Tap;
  /** Whether FFmpeg writes the raw frames so that it depends on nobody who reads them; `false`: to a bare pipe. */
  readonly isTapIsolated: boolean;
  readonly baseDir: string;
  /** `null` takes the one on the PATH. */
  readonly ffmpeg: string | null;
}

export interface CameraStatus {
  readonly cameraId: string;
  readonly ffmpegPid: number | null;
  readonly starts: number;
  readonly events: readonly (CameraHostEvent & { readonly atMs: number })[];
  /** `null` without an open export. */
  readonly source: FrameSourceRef | null;
  readonly statistics: Pick<
    CameraExportStatistics,
    | 'framesWritten'
    | 'framesDiscarded'
    | 'framesIncomplete'
    | 'drain'
    | 'drainPanics'
    | 'generation'
    | 'restored'
    | 'notInPlace'
  > | null;
}

export interface HostStatus {
  readonly cameras: readonly CameraStatus[];
  /** `null` if MediaSoup is in a process of its own. */
  readonly workerPid: number | null;
  /** Native files and files of the frame path in the process's memory map, without repetition. */
  readonly mappedFiles: readonly string[];
  /** Files of the frame path among the open descriptors. */
  readonly openFiles: readonly string[];
}

/** What the host still has after it has stopped everything. */
export interface HostLeftovers {
  readonly descriptors: readonly string[];
  readonly mappings: readonly string[];
  readonly threads: readonly string[];
}

/** What the host can be asked. */
export interface HostRequests extends RouterRequests {
  /** Answered when every camera's FFmpeg runs. */
  readonly start: (settings: HostSettings) => Promise<void>;
  readonly status: () => HostStatus;
  /** Keeps the JavaScript thread busy; answered afterwards. */
  readonly block: (argument: { readonly ms: number }) => void;
  /** Makes garbage and collects it, again and again. */
  readonly collectGarbage: (argument: { readonly ms: number }) => Promise<{ collections: number }>;
  /** Takes memory until there is none; never answered. */
  readonly eatMemory: () => never;
  readonly closeExport: (argument: { readonly cameraId: string }) => void;
  /** Stops every camera and MediaSoup; the process stays. */
  readonly stop: () => Promise<HostLeftovers>;
}
