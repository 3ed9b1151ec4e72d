/** The export of one camera, as the host holds it: a live one, and the one that stands in while export is off. */
import { LAYOUT_VERSION, nv12Geometry } from '@vas/ring-buffer';
import { DEFAULT_BASE_DIR, cameraPath } from './camera-path.js';
import { FrameExportError } from './errors.js';
import { callNative, loadNative } from './native.js';
import type { NativeExport } from './native.js';
import type { FrameSourceRef } from './types.js';

/** Size of the frames of a camera. */
export interface CameraGeometry {
  /** Pixels, even, at most 16384. */
  readonly width: number;
  /** Pixels, even, at most 16384. */
  readonly height: number;
  /**
   * Bytes per row of either plane, at least `width`.
   * @default width, which is what FFmpeg's rawvideo output has
   */
  readonly strideBytes?: number | undefined;
}

export interface OpenCameraOptions extends CameraGeometry {
  /** 1 to 64 characters of `A-Z a-z 0-9 . _ -`, no leading dot. */
  readonly cameraId: string;
  /**
   * Frames that shared memory holds for this camera, 3 to 64. The memory, about
   * `slotCount * width * height * 1.5` bytes, is reserved when the camera is opened.
   * @default 4
   */
  readonly slotCount?: number | undefined;
}

/**
 * What became of a frame given to `publish`: in shared memory; refused because its size is not that of the
 * geometry; refused because an attached FFmpeg is the writer now; or nothing, because the export is closed or
 * off.
 */
export type PublishOutcome = 'published' | 'wrong-size' | 'draining' | 'closed' | 'disabled';

/**
 * What the attached pipe does: nothing is attached; it waits for the former one to let go; frames are
 * published; or they are read and thrown away, because they cannot be published.
 */
export type DrainState = 'detached' | 'waiting' | 'publishing' | 'discarding';

export interface CameraExportStatistics {
  /** Frames published since the camera was opened. */
  readonly framesWritten: number;
  /** Frames that ended early, dropped. */
  readonly framesIncomplete: number;
  /** Frames refused by `publish` for their size. */
  readonly framesRejected: number;
  /** Frames read from FFmpeg and thrown away because they could not be published. */
  readonly framesDiscarded: number;
  /** Bytes of the published frames. */
  readonly bytesWritten: number;
  /** When the newest frame was complete, on the clock of `process.hrtime.bigint()`; `null` before the first. */
  readonly lastFrameNs: bigint | null;
  readonly drain: DrainState;
  /** Capacity of the attached pipe in bytes, 0 when none is attached. */
  readonly pipeSizeBytes: number;
  /** Counts the changes of geometry, from 1. */
  readonly generation: number;
  /** Defects of the native part that were caught; each ended the publishing of one pipe, never its reading. */
  readonly drainPanics: number;
  /** Why the last `attach` had to run without export, or `null`. */
  readonly attachError: FrameExportError | null;
}

/**
 * The export of one camera.
 *
 * One writer at a time: an FFmpeg that was attached, or the host through `publish`. Nothing here waits for a
 * reader or for FFmpeg.
 */
export interface CameraExport {
  readonly cameraId: string;
  /** `false` if the flag is off: every method then does nothing. */
  readonly isEnabled: boolean;
  readonly isClosed: boolean;
  /** Where readers find the frames, or would find them: give it to another process, or to `openFrameSource`. */
  readonly source: FrameSourceRef;

  /**
   * Starts an FFmpeg whose raw NV12 output is exported.
   *
   * `spawn` is called once, at once, with the descriptor to put into `stdio`: FFmpeg then writes to that
   * position as `pipe:N`. Our copy is closed when `spawn` returns, so it must start the process before it
   * returns; its result is passed through, and what it throws as well.
   *
   * The descriptor is `null` if there is nothing to write to: the flag is off, the export is closed, or no
   * pipe could be had (`statistics().attachError`). Start FFmpeg without its raw output then: the video of
   * the camera never depends on the export.
   *
   * From then on a thread of its own reads the pipe until FFmpeg ends, whatever happens here. Attaching again,
   * after a restart of FFmpeg, continues in the same memory; a former FFmpeg that still runs is read on and
   * its frames are thrown away.
   */
  attach<T>(spawn: (fd: number | null) => T): T;

  /**
   * Publishes a frame that the host has in memory: one copy, no allocation. Never throws; arguments of another
   * type are `wrong-size`.
   * @param picture NV12, exactly `strideBytes * height * 3 / 2` bytes
   * @param sourceTimestampNs the host's own time stamp, stored as it is if it is an unsigned 64-bit number
   */
  publish(picture: Uint8Array, sourceTimestampNs?: bigint): PublishOutcome;

  /**
   * Goes on with frames of another size, in new memory; readers are told to open again, frame ids go on. An
   * attached FFmpeg writes the old size: it is read on, its frames are thrown away, and the one that replaces
   * it is attached after this call. The same geometry changes nothing.
   *
   * @throws FrameExportError `BAD_GEOMETRY`, `NO_SPACE`, `PERMISSION_DENIED`, `CLOSED`, ...; the export then
   * stays as it was
   */
  changeGeometry(geometry: CameraGeometry): void;

  statistics(): CameraExportStatistics;

  /**
   * Removes the export. Readers learn that it ended; an FFmpeg that is attached is read on until it ends, and
   * never notices. Returns at once; a second call does nothing.
   */
  close(): void;
}

export interface CameraExportSettings {
  readonly baseDir: string | undefined;
  readonly fileMode: number | undefined;
  readonly checksum: boolean | undefined;
  readonly onClose: (camera: CameraExport) => void;
}

/** An export lives until it is closed, not until the host forgets its handle. */
const openExports = new Set<CameraExport>();

export class LiveCameraExport implements CameraExport {
  readonly cameraId: string;
  readonly isEnabled = true;
  readonly source: FrameSourceRef;
  readonly #native: NativeExport;
  readonly #onClose: (camera: CameraExport) => void;
  #isClosed = false;
  #attachError: FrameExportError | null = null;

  /** @throws FrameExportError any code but `SOURCE_NOT_FOUND` and `CLOSED` */
  constructor(options: OpenCameraOptions, settings: CameraExportSettings) {
    const baseDir = settings.baseDir ?? DEFAULT_BASE_DIR;
    const path = cameraPath(baseDir, options.cameraId);
    const native = loadNative();
    this.#native = callNative(() =>
      native.NativeExport.open({
        baseDir,
        cameraId: options.cameraId,
        ...checkedGeometry(options),
        slotCount: checkedInteger('slotCount', options.slotCount ?? 4, 3, 64),
        fileMode: checkedInteger('fileMode', settings.fileMode ?? 0o644, 0, 0o777),
        checksum: settings.checksum ?? false,
      }),
    );
    this.cameraId = options.cameraId;
    this.source = Object.freeze({ cameraId: options.cameraId, path, layoutVersion: LAYOUT_VERSION });
    this.#onClose = settings.onClose;
    openExports.add(this);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  attach<T>(spawn: (fd: number | null) => T): T {
    let fd: number | null = null;
    this.#attachError = null;
    try {
      fd = this.#native.openPipe();
    } catch (cause) {
      this.#attachError = FrameExportError.from(cause);
    }
    try {
      return spawn(fd);
    } finally {
      // FFmpeg has its own copy now. As long as we hold ours the drain would never see the end of the stream.
      if (fd !== null) this.#native.releasePipe();
    }
  }

  publish(picture: Uint8Array, sourceTimestampNs?: bigint): PublishOutcome {
    try {
      return this.#native.publish(picture, sourceTimestampNs);
    } catch {
      // Not a byte array, or a time stamp that is no u64: only a host without types gets here.
      return 'wrong-size';
    }
  }

  changeGeometry(geometry: CameraGeometry): void {
    const { width, height, strideBytes } = checkedGeometry(geometry);
    callNative(() => {
      this.#native.changeGeometry(width, height, strideBytes);
    });
  }

  statistics(): CameraExportStatistics {
    return { ...callNative(() => this.#native.statistics()), attachError: this.#attachError };
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#native.close();
    openExports.delete(this);
    this.#onClose(this);
  }
}

const DISABLED_STATISTICS: CameraExportStatistics = Object.freeze({
  framesWritten: 0,
  framesIncomplete: 0,
  framesRejected: 0,
  framesDiscarded: 0,
  bytesWritten: 0,
  lastFrameNs: null,
  drain: 'detached',
  pipeSizeBytes: 0,
  generation: 0,
  drainPanics: 0,
  attachError: null,
});

/** Stands in for every camera while export is off: no state, no checks, no native code. */
export class DisabledCameraExport implements CameraExport {
  readonly isEnabled = false;
  readonly isClosed = false;
  readonly source: FrameSourceRef;

  constructor(
    readonly cameraId: string,
    path: string,
  ) {
    this.source = { cameraId, path, layoutVersion: LAYOUT_VERSION };
  }

  attach<T>(spawn: (fd: number | null) => T): T {
    return spawn(null);
  }

  publish(): PublishOutcome {
    return 'disabled';
  }

  changeGeometry(): void {
    // Off: there is nothing to change.
  }

  statistics(): CameraExportStatistics {
    return DISABLED_STATISTICS;
  }

  close(): void {
    // Off: there is nothing to close.
  }
}

function checkedGeometry(geometry: CameraGeometry): { width: number; height: number; strideBytes: number } {
  try {
    return nv12Geometry(geometry.width, geometry.height, geometry.strideBytes);
  } catch (cause) {
    throw FrameExportError.from(cause);
  }
}

function checkedInteger(name: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new FrameExportError(
      'BAD_OPTION',
      `${name} is ${String(value)}, which is not an integer from ${String(least)} to ${String(most)}`,
    );
  }
  return value;
}
