/** The export of one camera, as the host holds it: a live one, and the one that stands in while export is off. */
import { join, resolve } from 'node:path';
import { LAYOUT_VERSION } from '@vas/ring-buffer';
import type { FrameColours } from '@vas/ring-buffer';
import { ageMs } from './age.js';
import { CameraHealthJudge, disabledHealth } from './camera-health.js';
import type { CameraHealth } from './camera-health.js';
import { DEFAULT_BASE_DIR, baseDirOf, cameraPath } from './camera-path.js';
import type { CameraExportStatistics, DiscardReason } from './camera-statistics.js';
import { FrameExportError } from './errors.js';
import type { FrameExportFailure } from './errors.js';
import { callNative, loadNative } from './native.js';
import type { NativeExport } from './native.js';
import { keepUntilClosed, letGo } from './open-exports.js';
import {
  checkedBoolean,
  checkedColours,
  checkedGeometry,
  checkedInteger,
  checkedOptions,
  checkedRate,
  isAsyncFunction,
  isPromise,
} from './options.js';
import type { FrameSourceRef } from './types.js';

/** Size of the frames of a camera, and what their numbers mean. */
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
  /**
   * What the numbers of the pictures mean as colours, in the codes of ITU-T H.273; what is left out is not said. Left
   * out as a whole, `openCamera` says nothing, and `changeGeometry` changes nothing. Other colours are another
   * generation: readers open again.
   */
  readonly colours?: Partial<FrameColours> | undefined;
}

export interface OpenCameraOptions extends CameraGeometry {
  /** 1 to 64 characters of `A-Z a-z 0-9 . _ -`, no leading dot. */
  readonly cameraId: string;
  /**
   * Frames that shared memory holds for this camera, 3 to 64. The memory, about
   * `slotCount * width * height * 1.5` bytes, is promised when the camera is opened, and reserved soon after.
   * @default 4
   */
  readonly slotCount?: number | undefined;
  /**
   * Frames per second that the camera should give; above 0, at most 1000. `health()` says `slow` when it gives less
   * than four fifths of that. Left out: nothing is expected.
   */
  readonly expectedFramesPerSecond?: number | undefined;
}

/**
 * What became of a frame given to `publish`: in shared memory; refused because its size is not that of the
 * geometry; refused because an attached FFmpeg is the writer now; or nothing, because the export is closed or
 * off.
 */
export type PublishOutcome = 'published' | 'wrong-size' | 'draining' | 'closed' | 'disabled';

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
   * returns; its result is passed through, and what it throws as well. After it has thrown, an FFmpeg that was
   * attached before goes on as it was.
   *
   * The descriptor is `null` if there is nothing to write to: the flag is off, the export is closed, no pipe
   * could be had, the last `changeGeometry` failed and does so again, or another `attach` of this camera has not
   * returned yet (`statistics().attachError` says which). Start FFmpeg without its raw output then: the video of
   * the camera never depends on the export.
   *
   * From then on a thread of its own reads the pipe until FFmpeg ends, whatever happens here. Attaching again,
   * after a restart of FFmpeg, continues in the same memory; a former FFmpeg that still runs is read on and
   * its frames are thrown away.
   *
   * @throws FrameExportError `BAD_OPTION` if `spawn` is no function, is an `async` function (it is not called then)
   * or returns a promise: the descriptor is gone before whatever comes after its first `await`
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
   * @throws FrameExportError `BAD_GEOMETRY`, `NO_SPACE`, `PERMISSION_DENIED`, `CLOSED`, ...; what is attached is
   * then exported as before. The next `attach` tries the same change again, and hands out no descriptor if that
   * fails too: frames of one size are never published as those of another. A call with the old geometry takes the
   * change back.
   */
  changeGeometry(geometry: CameraGeometry): void;

  statistics(): CameraExportStatistics;

  /** How the export is, in one word and, where something is to be done, a sentence. Costs what `statistics` costs. */
  health(): CameraHealth;

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
  readonly wakeReaders: boolean | undefined;
  readonly onClose: (camera: LiveCameraExport) => void;
}

export class LiveCameraExport implements CameraExport {
  readonly cameraId: string;
  readonly isEnabled = true;
  readonly source: FrameSourceRef;
  readonly #native: NativeExport;
  readonly #onClose: (camera: LiveCameraExport) => void;
  #isClosed = false;
  /** Whether a `spawn` callback holds a descriptor of ours, which must not be closed under it. */
  #isAttaching = false;
  /** The geometry that the host wants and does not have. */
  #wanted: CameraGeometry | null = null;
  #attachError: FrameExportFailure | null = null;
  /** Whether what is attached writes frames of a former geometry. */
  #isOutdated = false;
  #panicsBefore = 0;
  readonly #health: CameraHealthJudge;

  /** @throws FrameExportError any code but `SOURCE_NOT_FOUND` and `CLOSED` */
  constructor(options: OpenCameraOptions, settings: CameraExportSettings) {
    checkedOptions('the argument of openCamera', options);
    const baseDir = baseDirOf(settings.baseDir);
    const path = cameraPath(baseDir, options.cameraId);
    const geometry = checkedGeometry(options);
    const slotCount = checkedInteger('slotCount', options.slotCount ?? 4, 3, 64);
    const fileMode = checkedInteger('fileMode', settings.fileMode ?? 0o644, 0, 0o777);
    const checksum = checkedBoolean('checksum', settings.checksum ?? false);
    const ringsBell = checkedBoolean('wakeReaders', settings.wakeReaders ?? true);
    const expected = options.expectedFramesPerSecond;
    this.#health = new CameraHealthJudge(
      textOr('', options.cameraId),
      expected === undefined ? null : checkedRate('expectedFramesPerSecond', expected),
    );
    const colours = checkedColours(options.colours ?? {});
    const native = loadNative();
    this.#native = callNative(() =>
      native.NativeExport.open({
        baseDir,
        cameraId: options.cameraId,
        ...geometry,
        colours,
        slotCount,
        fileMode,
        checksum,
        ringsBell,
      }),
    );
    this.cameraId = options.cameraId;
    this.source = Object.freeze({ cameraId: options.cameraId, path, layoutVersion: LAYOUT_VERSION });
    this.#onClose = settings.onClose;
    keepUntilClosed(this);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  attach<T>(spawn: (fd: number | null) => T): T {
    if (typeof spawn !== 'function' || isAsyncFunction(spawn)) throw notSynchronous('is not');
    if (this.#isAttaching) {
      const message = `camera ${this.cameraId} is being attached already: attach was called by its own callback`;
      this.#attachError = { code: 'BAD_OPTION', message };
      return spawn(null);
    }
    const fd = this.#openPipe();
    if (fd === null) return spawn(null);
    let isSpawned = false;
    this.#isAttaching = true;
    try {
      const result = spawn(fd);
      if (isPromise(result)) {
        result.catch(() => {
          // Refused already, below.
        });
        throw notSynchronous('returned a promise, so it is not');
      }
      isSpawned = true;
      this.#isOutdated = false;
      return result;
    } finally {
      this.#isAttaching = false;
      // FFmpeg has its own copy now. As long as we hold ours the drain would never see the end of the stream.
      if (isSpawned) this.#native.releasePipe();
      else this.#native.discardPipe();
      if (this.#isClosed) this.#native.close();
    }
  }

  /** The descriptor for the next FFmpeg, or `null` with the reason in `#attachError`. */
  #openPipe(): number | null {
    this.#attachError = null;
    try {
      // The new FFmpeg writes the size that the host wants, not the one that could not be changed.
      if (this.#wanted !== null) this.changeGeometry(this.#wanted);
      const { framesWritten, drainPanics } = callNative(() => this.#native.statistics());
      const fd = callNative(() => this.#native.openPipe());
      this.#panicsBefore = drainPanics;
      this.#health.begin(framesWritten);
      return fd;
    } catch (cause) {
      this.#attachError = FrameExportError.from(cause).toJSON();
      return null;
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
    if (this.#isClosed) throw new FrameExportError('CLOSED', `the export of ${this.cameraId} was closed`);
    this.#wanted = geometry;
    checkedOptions('the argument of changeGeometry', geometry);
    const { width, height, strideBytes } = checkedGeometry(geometry);
    const colours = geometry.colours === undefined ? undefined : checkedColours(geometry.colours);
    // A copy: what the host does with its own later is no wish.
    this.#wanted = { width, height, strideBytes, colours: geometry.colours && { ...geometry.colours } };
    const { generation } = callNative(() => this.#native.statistics());
    callNative(() => {
      this.#native.changeGeometry(width, height, strideBytes, colours);
    });
    this.#wanted = null;
    this.#isOutdated ||= callNative(() => this.#native.statistics()).generation !== generation;
  }

  statistics(): CameraExportStatistics {
    const { lastFrameNs, notInPlace, hasLostMemory, streamMismatch, ...totals } = callNative(() =>
      this.#native.statistics(),
    );
    const frameAgeMs = lastFrameNs === null ? null : ageMs(lastFrameNs);
    const discardReason =
      totals.drain === 'discarding'
        ? this.#discardReason(streamMismatch, hasLostMemory, totals.drainPanics)
        : null;
    return {
      ...totals,
      frameAgeMs,
      discardReason,
      notInPlace: notInPlace === null ? null : FrameExportError.from(notInPlace).toJSON(),
      attachError: this.#attachError,
    };
  }

  #discardReason(
    streamMismatch: DiscardReason | null,
    hasLostMemory: boolean,
    drainPanics: number,
  ): DiscardReason {
    if (this.#isClosed) return 'closed';
    if (this.#isOutdated) return 'geometry-changed';
    if (streamMismatch !== null) return streamMismatch;
    if (hasLostMemory) return 'memory-lost';
    return drainPanics > this.#panicsBefore ? 'defect' : 'taking-over';
  }

  health(): CameraHealth {
    return this.report().health;
  }

  /** @internal both at once, of one moment: half of what asking twice costs. */
  report(): { readonly health: CameraHealth; readonly statistics: CameraExportStatistics } {
    const statistics = this.statistics();
    return { health: this.#health.judge(statistics, this.#isClosed), statistics };
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    letGo(this);
    // Closing the native part closes the descriptor that a callback of `attach` was given: that is done later.
    if (!this.#isAttaching) this.#native.close();
    this.#onClose(this);
  }

  /** @internal the thread exits: removes the files and does nothing else. */
  leave(): void {
    this.#isClosed = true;
    this.#native.leave();
  }
}

const DISABLED_STATISTICS: CameraExportStatistics = Object.freeze({
  framesWritten: 0,
  framesIncomplete: 0,
  framesRejected: 0,
  framesDiscarded: 0,
  bytesWritten: 0,
  frameAgeMs: null,
  drain: 'detached',
  discardReason: null,
  stream: 'unknown',
  streamDamages: 0,
  pipeSizeBytes: 0,
  generation: 0,
  drainPanics: 0,
  restored: 0,
  notInPlace: null,
  attachError: null,
});

/** Stands in for every camera while export is off: no state, no checks, no native code. */
export class DisabledCameraExport implements CameraExport {
  readonly isEnabled = false;
  readonly cameraId: string;
  readonly source: FrameSourceRef;
  #isClosed = false;

  constructor(options: Partial<OpenCameraOptions> | null | undefined, baseDir: unknown) {
    this.cameraId = textOr('', options?.cameraId);
    const path = join(resolve(textOr(DEFAULT_BASE_DIR, baseDir)), this.cameraId);
    this.source = Object.freeze({ cameraId: this.cameraId, path, layoutVersion: LAYOUT_VERSION });
  }

  get isClosed(): boolean {
    return this.#isClosed;
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

  health(): CameraHealth {
    return disabledHealth(this.cameraId);
  }

  close(): void {
    this.#isClosed = true;
  }
}

function textOr(otherwise: string, value: unknown): string {
  return typeof value === 'string' ? value : otherwise;
}

function notSynchronous(how: string): FrameExportError {
  return new FrameExportError(
    'BAD_OPTION',
    `the callback of attach ${how} a function that has started FFmpeg when it returns: its descriptor is closed ` +
      'then. Await what is to be awaited before attach, and spawn in the callback.',
  );
}
