/** Where a host begins: the flag is read here, once, and decides what every camera gets. */
import { DisabledCameraExport, LiveCameraExport } from './camera-export.js';
import type { CameraExport, OpenCameraOptions } from './camera-export.js';
import { baseDirOf } from './camera-path.js';
import { FrameExportError } from './errors.js';
import { NO_TOTALS, reportOf, withCamera } from './exporter-statistics.js';
import type { FrameExporterStatistics } from './exporter-statistics.js';
import { readFlag } from './flag.js';
import { callNative, loadNative } from './native.js';

export interface FrameExporterOptions {
  /**
   * Absolute folder under which each camera gets a folder of its own; on a tmpfs, and the same for all
   * readers. It is created if its parent exists, and never removed: containers may have it mounted.
   * @default '/dev/shm/vas'
   */
  readonly baseDir?: string | undefined;
  /**
   * Mode of the exported files, whatever the umask. Read bits only for group and others.
   * @default 0o644
   */
  readonly fileMode?: number | undefined;
  /**
   * Verify mode: stores a CRC-32 with every frame, for hunting faults on a live system. Costs a pass over
   * each frame on the thread that writes it.
   * @default false
   */
  readonly checksum?: boolean | undefined;
  /**
   * Whether a reader that waits for a frame is woken: one system call per frame, of constant cost, on the thread that
   * writes it. Without it readers look when the next frame is due.
   * @default true
   */
  readonly wakeReaders?: boolean | undefined;
  /**
   * Where `AI_FRAME_EXPORT_ENABLED` is looked up.
   * @default process.env
   */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

export interface FrameExporter {
  /** Whether `AI_FRAME_EXPORT_ENABLED` was `true` when the exporter was made. */
  readonly isEnabled: boolean;
  readonly isClosed: boolean;

  /**
   * Makes one camera visible to readers. If export is off, returns an export that does nothing, without looking at
   * the options.
   *
   * Takes less than a millisecond where there is room: what a ring of more than 512 KiB needs is checked here, and
   * reserved by another thread. What another program takes in between is reported by `statistics()` as `notInPlace`
   * with `NO_SPACE`, costs the frames that have no place, and is asked for again. Where less is free than is needed and
   * promised, the call reserves the memory itself, so that it is certain.
   *
   * It stays visible until it is closed: files that somebody removes are back within 2 s, and readers are told
   * `replaced`. `statistics()` says how often, and why not where that cannot be.
   *
   * @throws FrameExportError with the reason and what to do: `CLOSED` after `close()`. Nothing was created then;
   * start the camera without export.
   */
  openCamera(options: OpenCameraOptions): CameraExport;

  /**
   * Removes everything that processes left in the base folder when they died. Opening a camera does that for this
   * camera alone; `sweep` is for cameras that are not opened again. Does nothing if export is off.
   *
   * @returns number of cameras whose leftovers were removed
   * @throws FrameExportError `BASE_DIR_SYMLINK`, `BASE_DIR_NOT_OURS`, `PERMISSION_DENIED`, `CLOSED`, ...
   */
  sweep(): number;

  /**
   * Health and statistics of all cameras at once, and the totals of the exporter: some microseconds per camera, no
   * system call.
   */
  statistics(): FrameExporterStatistics;

  /** Closes every camera of this exporter, and opens none from then on; idempotent. */
  close(): void;
}

/**
 * Makes the exporter of a host. Never throws: a value of the flag that is neither `true` nor `false` is off,
 * with one process warning that names it.
 */
export function createFrameExporter(options?: FrameExporterOptions): FrameExporter {
  const given = options ?? {};
  const flag = readFlag(given.env ?? process.env);
  if (flag.warning !== null) process.emitWarning(flag.warning, { code: 'VAS_FRAME_EXPORT_FLAG' });
  return flag.isEnabled ? new LiveFrameExporter(given) : new DisabledFrameExporter(given);
}

class LiveFrameExporter implements FrameExporter {
  readonly isEnabled = true;
  readonly #options: FrameExporterOptions;
  readonly #cameras = new Set<LiveCameraExport>();
  /** Totals of the cameras that were closed. */
  #closed = NO_TOTALS;
  #isClosed = false;

  constructor(options: FrameExporterOptions) {
    this.#options = options;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  openCamera(options: OpenCameraOptions): CameraExport {
    this.#checkOpen();
    const { baseDir, fileMode, checksum, wakeReaders } = this.#options;
    const camera = new LiveCameraExport(options, {
      baseDir,
      fileMode,
      checksum,
      wakeReaders,
      onClose: (closed) => {
        this.#cameras.delete(closed);
        this.#closed = withCamera(this.#closed, closed.statistics());
      },
    });
    this.#cameras.add(camera);
    return camera;
  }

  sweep(): number {
    this.#checkOpen();
    const baseDir = baseDirOf(this.#options.baseDir);
    const native = loadNative();
    return callNative(() => native.sweep(baseDir));
  }

  statistics(): FrameExporterStatistics {
    const cameras = [...this.#cameras].map(reportOf);
    const totals = cameras.reduce((sum, { statistics }) => withCamera(sum, statistics), this.#closed);
    return { isEnabled: true, cameras, totals };
  }

  #checkOpen(): void {
    if (!this.#isClosed) return;
    throw new FrameExportError('CLOSED', 'the exporter was closed: make another one to open cameras again');
  }

  close(): void {
    this.#isClosed = true;
    for (const camera of this.#cameras) camera.close();
  }
}

class DisabledFrameExporter implements FrameExporter {
  readonly isEnabled = false;
  readonly #baseDir: unknown;
  #isClosed = false;

  constructor(options: FrameExporterOptions) {
    this.#baseDir = options.baseDir;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  openCamera(options?: Partial<OpenCameraOptions>): CameraExport {
    return new DisabledCameraExport(options, this.#baseDir);
  }

  sweep(): number {
    return 0;
  }

  statistics(): FrameExporterStatistics {
    return { isEnabled: false, cameras: [], totals: NO_TOTALS };
  }

  close(): void {
    this.#isClosed = true;
  }
}
