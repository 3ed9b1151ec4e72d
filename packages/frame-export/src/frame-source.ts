/** The reader of one camera's frames: a `FrameRingReader` over a mapping, and the life of that mapping. */
import { FrameRingReader } from '@vas/ring-buffer';
import type { FrameGeometry, FrameLook, FrameMetadata, FrameRead } from '@vas/ring-buffer';
import { DEFAULT_BASE_DIR, cameraPath } from './camera-path.js';
import { FrameExportError } from './errors.js';
import { callNative, loadNative } from './native.js';
import type { NativeSource } from './native.js';
import type { FrameSourceRef } from './types.js';

/** A writer whose heartbeat is older than this is asked for by its lock; see the protocol document. */
const HEARTBEAT_STALE_NS = 2_000_000_000n;
/** A camera whose newest frame is older than this is idle. */
const IDLE_NS = 2_000_000_000n;

/** Names a camera by id, or a source that the host handed over. */
export type FrameSourceLocation =
  | {
      readonly cameraId: string;
      /** @default '/dev/shm/vas' */
      readonly baseDir?: string | undefined;
    }
  | FrameSourceRef;

/**
 * Why no frame can come from what is open now:
 * `writer-gone`: its process died; `absent`: there is no export at the path; `incompatible`: there is one
 * that this package cannot read. After each of them, and after `ended` and `replaced`, call `reopen`.
 */
export type SourceVerdict =
  | { readonly status: 'writer-gone' }
  | { readonly status: 'absent' }
  | { readonly status: 'incompatible'; readonly error: FrameExportError };

/** Outcome of a copying read. */
export type SourceRead = FrameRead | SourceVerdict;
/** Outcome of a look in place. */
export type SourceLook<T> = FrameLook<T> | SourceVerdict;

/**
 * Outcome of `reopen`: another ring is open now (another start of the export if `isNewEpoch`, else another
 * geometry of the same); what was open is still the newest there is; or nothing can be opened.
 */
export type ReopenResult =
  | { readonly status: 'reopened'; readonly geometry: FrameGeometry; readonly isNewEpoch: boolean }
  | { readonly status: 'unchanged' }
  | { readonly status: 'absent' }
  | { readonly status: 'incompatible'; readonly error: FrameExportError };

/**
 * Health of the writer: frames come (`live`); its process is well but no frame came for 2 s (`idle`); its
 * process lives and does not run (`hung`); its process is gone (`dead`); the camera was stopped (`ended`);
 * there is a newer generation (`replaced`); nothing is open (`absent`).
 */
export type SourceState = 'live' | 'idle' | 'hung' | 'dead' | 'ended' | 'replaced' | 'absent';

export interface SourceHealth {
  readonly state: SourceState;
  /** Milliseconds since the writer's process last showed life, `null` if nothing is open. */
  readonly heartbeatAgeMs: number | null;
  /** Milliseconds since the newest frame was complete, `null` before the first. */
  readonly frameAgeMs: number | null;
  /** Frames between the last one taken here and the newest. */
  readonly lagFrames: number;
}

interface OpenRing {
  readonly native: NativeSource;
  readonly reader: FrameRingReader;
}

/**
 * Follows the frames of one camera. Reads are loads from a private read-only mapping: no system call, nothing
 * that the writer or another reader could notice. Every outcome is a value; only misuse throws.
 *
 * The source remembers the last frame it delivered: `copyNext` and `lookNext` go on from there and tell
 * exactly how many frames were missed, `copyNewest` and `lookNewest` deliver each frame at most once.
 */
export class FrameSource {
  /** Absolute path of the camera's folder. */
  readonly path: string;
  #ring: OpenRing | null = null;
  #unavailable: SourceVerdict = { status: 'absent' };
  #lastFrameId = 0;
  #isClosed = false;

  /** @internal use `openFrameSource` */
  constructor(path: string) {
    this.path = path;
    this.reopen();
  }

  /** Size of the frames, `null` as long as nothing is open. Changes only in `reopen`. */
  get geometry(): FrameGeometry | null {
    return this.#ring?.reader.geometry ?? null;
  }

  /** Bytes that a destination of a copy needs, 0 as long as nothing is open. Changes only in `reopen`. */
  get frameSizeBytes(): number {
    return this.#ring?.reader.frameSizeBytes ?? 0;
  }

  /** Id of the last frame delivered here, 0 for none. */
  get lastFrameId(): number {
    return this.#lastFrameId;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Copies the newest frame, if it is newer than the last one delivered, into the first bytes of `into`.
   *
   * @throws RingBufferError `DESTINATION_TOO_SMALL` if `into` is shorter than `frameSizeBytes`, as every copy does
   */
  copyNewest(into: Uint8Array): SourceRead {
    return this.#take((reader, after) => reader.copyNewest(into, after));
  }

  /** Copies the oldest frame after the last one delivered that is still there. */
  copyNext(into: Uint8Array): SourceRead {
    return this.#take((reader, after) => reader.copyNext(into, after));
  }

  /** Copies a given frame. Does not change what `copyNext` goes on from. */
  copyAt(into: Uint8Array, frameId: number): SourceRead {
    return this.#read((reader) => reader.copyAt(into, frameId));
  }

  /**
   * Shows `look` the newest frame in place. Its result is handed on only if the frame was still whole when
   * `look` returned; until then it may be looking at bytes that change under it. It must not keep the picture.
   */
  lookNewest<T>(look: (picture: Uint8Array, frame: FrameMetadata) => T): SourceLook<T> {
    return this.#take((reader, after) => reader.lookNewest(look, after));
  }

  /** As `lookNewest`, for the oldest frame after the last one delivered that is still there. */
  lookNext<T>(look: (picture: Uint8Array, frame: FrameMetadata) => T): SourceLook<T> {
    return this.#take((reader, after) => reader.lookNext(look, after));
  }

  /** As `lookNewest`, for a given frame. Does not change what `lookNext` goes on from. */
  lookAt<T>(look: (picture: Uint8Array, frame: FrameMetadata) => T, frameId: number): SourceLook<T> {
    return this.#read((reader) => reader.lookAt(look, frameId));
  }

  /**
   * Opens what is at the path now, if it is not what is open already. Cheap enough to be called at each turn
   * of a polling loop while a verdict asks for it. Frame ids go on within an epoch and begin again in a new
   * one; `lastFrameId` follows that. Views of the old mapping become empty.
   *
   * @throws FrameExportError `PERMISSION_DENIED`, `UNSUPPORTED_PLATFORM`, `NATIVE_UNAVAILABLE`, `CLOSED`, `IO`
   */
  reopen(): ReopenResult {
    if (this.#isClosed) throw new FrameExportError('CLOSED', `the frame source ${this.path} was closed`);
    const former = this.#ring;
    if (former !== null && former.reader.state === 'live' && former.native.isCurrent()) {
      return { status: 'unchanged' };
    }
    const found = openRing(this.path);
    if ('status' in found) {
      this.#release();
      this.#unavailable = found;
      return found;
    }
    const isNewEpoch = former?.reader.epoch !== found.reader.epoch;
    this.#release();
    this.#ring = found;
    if (isNewEpoch) this.#lastFrameId = 0;
    return { status: 'reopened', geometry: found.reader.geometry, isNewEpoch };
  }

  /** Asks how the writer is. One system call if its heartbeat is late, otherwise none. */
  health(): SourceHealth {
    if (this.#ring === null) {
      return { state: 'absent', heartbeatAgeMs: null, frameAgeMs: null, lagFrames: 0 };
    }
    const { native, reader } = this.#ring;
    const now = process.hrtime.bigint();
    const heartbeatAge = now - reader.heartbeatNs;
    const newest = reader.lookNewest((_, { timestampNs }) => now - timestampNs);
    // A frame that was overwritten while we looked at it has a younger successor.
    const frameAge = newest.status === 'frame' ? newest.value : newest.status === 'overwritten' ? 0n : null;
    let state: SourceState = reader.state;
    if (state === 'live' && heartbeatAge > HEARTBEAT_STALE_NS)
      state = native.writerHoldsLock() ? 'hung' : 'dead';
    else if (state === 'live' && (frameAge === null || frameAge > IDLE_NS)) state = 'idle';
    return {
      state,
      heartbeatAgeMs: Number(heartbeatAge) / 1e6,
      frameAgeMs: frameAge === null ? null : Number(frameAge) / 1e6,
      lagFrames: Math.max(0, reader.newestId - Math.max(this.#lastFrameId, reader.firstFrameId - 1)),
    };
  }

  /** Lets go of the mapping; views of it become empty. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#release();
    this.#unavailable = { status: 'absent' };
  }

  #take<R extends FrameRead>(read: (reader: FrameRingReader, after: number) => R): R | SourceVerdict {
    const outcome = this.#read((reader) => read(reader, this.#lastFrameId));
    if (outcome.status === 'frame') this.#lastFrameId = outcome.frame.frameId;
    return outcome;
  }

  #read<R extends FrameRead>(read: (reader: FrameRingReader) => R): R | SourceVerdict {
    if (this.#ring === null) return this.#unavailable;
    const outcome = read(this.#ring.reader);
    // Whether the writer still lives is asked only where it matters, and costs nothing while frames come.
    if (outcome.status === 'nothing-newer' && isWriterGone(this.#ring)) return { status: 'writer-gone' };
    return outcome;
  }

  #release(): void {
    this.#ring?.native.close();
    this.#ring = null;
  }
}

function isWriterGone({ native, reader }: OpenRing): boolean {
  return process.hrtime.bigint() - reader.heartbeatNs > HEARTBEAT_STALE_NS && !native.writerHoldsLock();
}

function openRing(path: string): OpenRing | Exclude<SourceVerdict, { status: 'writer-gone' }> {
  const binding = loadNative();
  try {
    const native = callNative(() => binding.NativeSource.open(path));
    try {
      const memory = { meta: new Uint8Array(native.meta), data: new Uint8Array(native.data) };
      return { native, reader: new FrameRingReader(memory) };
    } catch (cause) {
      native.close();
      throw FrameExportError.from(cause);
    }
  } catch (cause) {
    const error = FrameExportError.from(cause);
    if (error.code === 'SOURCE_NOT_FOUND') return { status: 'absent' };
    if (error.code === 'INCOMPATIBLE_LAYOUT') return { status: 'incompatible', error };
    throw error;
  }
}

/**
 * Opens the frames of a camera for reading. The camera need not be there yet: reads then say `absent`, and
 * `reopen` finds it once it is.
 *
 * @throws FrameExportError `BAD_CAMERA_ID`, `PERMISSION_DENIED`, `UNSUPPORTED_PLATFORM`, `NATIVE_UNAVAILABLE`, `IO`
 */
export function openFrameSource(location: FrameSourceLocation): FrameSource {
  if ('path' in location) return new FrameSource(location.path);
  return new FrameSource(cameraPath(location.baseDir ?? DEFAULT_BASE_DIR, location.cameraId));
}
