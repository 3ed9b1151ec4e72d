/** The reader of one camera's frames: a `FrameRingReader` over a mapping, and the life of that mapping. */
import { resolve } from 'node:path';
import { FrameRingReader } from '@vas/ring-buffer';
import type { FrameGeometry, FrameLook, FrameMetadata, FrameRead } from '@vas/ring-buffer';
import { ageMs, frameAgeMs } from './age.js';
import { baseDirOf, cameraPath } from './camera-path.js';
import { FrameExportError } from './errors.js';
import { OLD_AFTER_MS, judge } from './health.js';
import { loadNative } from './native.js';
import type { NativeSource, NativeWaiter } from './native.js';
import { checkedInteger, checkedOptions, checkedPath, described } from './options.js';
import { Stores } from './stores.js';
import type { FrameSourceRef } from './types.js';

/** The owner whose frames a source accepts. */
export interface FrameSourceOptions {
  /**
   * User id that the camera's folder and both files must belong to; checked on the open files.
   *
   * `/dev/shm` is open to every local user: somebody else could make the base folder first and show any picture. Left
   * out, the frames of this process's own user and of root are accepted, and those of any user if the base folder must
   * have been put where it is by an administrator: if it is a mount point, as in a container, or if nobody else may
   * write to the folder above it.
   */
  readonly owner?: number | undefined;
}

/** Names a camera by its id, or by its folder: a `FrameSourceRef` that a host handed over does that, too. */
export type FrameSourceLocation = FrameSourceOptions &
  (
    | {
        readonly cameraId: string;
        /**
         * Absolute.
         * @default '/dev/shm/vas'
         */
        readonly baseDir?: string | undefined;
        readonly path?: undefined;
      }
    | (Partial<FrameSourceRef> & {
        /** Absolute path of the folder that holds `frame.meta` and `frame.data`. */
        readonly path: string;
      })
  );

/**
 * Why no frame can come from what is open now:
 * `writer-gone`: its process died; `absent`: there is no export at the path; `incompatible`: there is one
 * that this package cannot read. After each of them, and after `ended`, `replaced` and `damaged`, call `reopen`.
 */
export type SourceVerdict =
  | { readonly status: 'writer-gone' }
  | { readonly status: 'absent' }
  | { readonly status: 'incompatible'; readonly error: FrameExportError };

/**
 * Outcome of a copying read. A frame says how old it is: after a crash of the host its last frames are still there, and
 * are as whole as they were.
 */
export type SourceRead =
  | (Extract<FrameRead, { status: 'frame' }> & {
      /** Milliseconds since the frame was complete. */
      readonly ageMs: number;
    })
  | Exclude<FrameRead, { status: 'frame' }>
  | SourceVerdict;
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
 * there is a newer generation (`replaced`); the ring says what no writer writes, as after a file was cut short
 * (`damaged`); nothing is open (`absent`).
 */
export type SourceState = 'live' | 'idle' | 'hung' | 'dead' | 'ended' | 'replaced' | 'damaged' | 'absent';

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
  /** All bytes of `frame.data`: none once somebody has taken the buffer away (`transfer()`). */
  readonly data: Uint8Array;
  readonly stores: Stores;
}

/**
 * Follows the frames of one camera. Reads are loads from a private mapping, nothing that the writer or another
 * reader could notice. They make a system call twice a second, to undo what looks may have stored, and when the
 * writer's heartbeat is late. Every outcome is a value; only misuse throws.
 *
 * The source remembers the last frame it delivered: `copyNext` and `lookNext` go on from there and tell
 * exactly how many frames were missed, `copyNewest` and `lookNewest` deliver each frame at most once.
 */
export class FrameSource {
  /** Absolute path of the camera's folder. */
  readonly path: string;
  readonly #owner: number | undefined;
  #ring: OpenRing | null = null;
  #unavailable: SourceVerdict = { status: 'absent' };
  #lastFrameId = 0;
  /** Epoch of the ring that was open last: frame ids mean the same in rings of the same epoch only. */
  #epoch: string | null = null;
  #isClosed = false;

  /** @internal use `openFrameSource` */
  constructor(path: string, owner: number | undefined) {
    this.path = path;
    this.#owner = owner;
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
    return aged(this.#take((reader, after) => reader.copyNewest(into, after)));
  }

  /** Copies the oldest frame after the last one delivered that is still there. */
  copyNext(into: Uint8Array): SourceRead {
    return aged(this.#take((reader, after) => reader.copyNext(into, after)));
  }

  /** Copies a given frame. Does not change what `copyNext` goes on from. */
  copyAt(into: Uint8Array, frameId: number): SourceRead {
    return aged(this.#read((reader) => reader.copyAt(into, frameId)));
  }

  /**
   * Shows `look` the newest frame in place. Its result is handed on only if the frame was still whole when
   * `look` returned; until then it may be looking at bytes that change under it. `look` may be called again with
   * a younger frame if it was overtaken.
   *
   * The picture is read-only, and must not be kept. What is stored into it is seen by this source alone, hides what
   * the writer writes there, and is undone within a second.
   */
  lookNewest<T>(look: (picture: Uint8Array, frame: FrameMetadata) => T): SourceLook<T> {
    this.#ring?.stores.allow();
    return this.#take((reader, after) => reader.lookNewest(look, after));
  }

  /** Does what `lookNewest` does, for the oldest frame after the last one delivered that is still there. */
  lookNext<T>(look: (picture: Uint8Array, frame: FrameMetadata) => T): SourceLook<T> {
    this.#ring?.stores.allow();
    return this.#take((reader, after) => reader.lookNext(look, after));
  }

  /** Does what `lookNewest` does, for a given frame. Does not change what `lookNext` goes on from. */
  lookAt<T>(look: (picture: Uint8Array, frame: FrameMetadata) => T, frameId: number): SourceLook<T> {
    this.#ring?.stores.allow();
    return this.#read((reader) => reader.lookAt(look, frameId));
  }

  /**
   * Opens what is at the path now, if it is not what is open already. Cheap enough to be called at each turn
   * of a polling loop while the outcome of a read asks for that. Frame ids go on within an epoch and begin again in a
   * new one; `lastFrameId` follows that. Views of the old mapping become empty.
   *
   * @throws FrameExportError `PERMISSION_DENIED`, `WRONG_OWNER`, `RING_TOO_LARGE`, `UNSUPPORTED_PLATFORM`,
   *   `NATIVE_UNAVAILABLE`, `CLOSED`, `IO`
   */
  reopen(): ReopenResult {
    if (this.#isClosed) throw new FrameExportError('CLOSED', `the frame source ${this.path} was closed`);
    const former = this.#ring;
    if (former !== null && isWhole(former) && former.reader.state === 'live' && former.native.isCurrent()) {
      return { status: 'unchanged' };
    }
    const found = openRing(this.path, this.#owner);
    if ('status' in found) {
      this.#release();
      this.#unavailable = found;
      return found;
    }
    // A host that died between telling its readers and removing its files has left the ring that is open here.
    if (former !== null && isWhole(former) && isSameRing(former.reader, found.reader)) {
      found.native.close();
      return former.reader.state === 'live' ? { status: 'unchanged' } : { status: 'absent' };
    }
    const isNewEpoch = this.#epoch !== found.reader.epoch;
    this.#release();
    this.#ring = found;
    this.#epoch = found.reader.epoch;
    if (isNewEpoch) this.#lastFrameId = 0;
    return { status: 'reopened', geometry: found.reader.geometry, isNewEpoch };
  }

  /** Asks how the writer is. One system call if its heartbeat is late, otherwise none. */
  health(): SourceHealth {
    if (this.#ring === null || !isWhole(this.#ring)) {
      return { state: 'absent', heartbeatAgeMs: null, frameAgeMs: null, lagFrames: 0 };
    }
    const { native, reader } = this.#ring;
    const now = process.hrtime.bigint();
    const heartbeatAgeMs = ageMs(reader.heartbeatNs, now);
    // The newest frame is asked for by its id: a look of this kind says nothing about how long the caller's own looks
    // take.
    const { newestId } = reader;
    const newest =
      newestId === 0 ? null : reader.lookAt((_, { timestampNs }) => ageMs(timestampNs, now), newestId);
    // A frame that was overwritten while we looked at it has a younger successor.
    const frameAgeMs =
      newest?.status === 'frame' ? newest.value : newest?.status === 'overwritten' ? 0 : null;
    const state = judge(reader.state, heartbeatAgeMs, frameAgeMs, () => native.writerHoldsLock());
    const lagFrames = Math.max(0, reader.newestId - Math.max(this.#lastFrameId, reader.firstFrameId - 1));
    return { state, heartbeatAgeMs, frameAgeMs, lagFrames };
  }

  /**
   * What a waiter waits for: a newer frame in the ring that is open, or another ring at the path. The key is the same
   * as long as that is the same.
   * @internal
   */
  waitTarget(isLost: boolean): { readonly key: string; readonly add: (waiter: NativeWaiter) => void } {
    const ring = this.#ring;
    const after = this.#lastFrameId;
    const { path } = this;
    const identity = ring === null ? '' : `${ring.reader.epoch} ${String(ring.reader.generation)}`;
    return {
      key: `${path} ${identity} ${String(isLost)}`,
      add: (waiter) => {
        if (ring === null || isLost) waiter.addPath(path, ring?.native);
        else waiter.addRing(ring.native, after);
      },
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
    const ring = this.#ring;
    if (ring === null) return this.#unavailable;
    if (!isWhole(ring)) return this.#lost();
    if (ring.stores.areDue()) ring.native.dropStores();
    const outcome = read(ring.reader);
    // A look may have taken the memory away itself, and have looked at nothing from then on.
    if (!isWhole(ring)) return this.#lost();
    // Whether the writer still lives is asked only where it matters, and costs nothing while frames come.
    if (outcome.status === 'nothing-newer' && isWriterGone(ring)) return { status: 'writer-gone' };
    return outcome;
  }

  /** The memory was taken away by somebody in this thread: `reopen` maps it anew. */
  #lost(): SourceVerdict {
    this.#release();
    this.#unavailable = { status: 'absent' };
    return this.#unavailable;
  }

  #release(): void {
    this.#ring?.native.close();
    this.#ring = null;
  }
}

function aged(outcome: FrameRead | SourceVerdict): SourceRead {
  if (outcome.status !== 'frame') return outcome;
  const { frame, missed } = outcome;
  return { status: 'frame', frame, missed, ageMs: frameAgeMs(frame) };
}

function isWhole({ data }: OpenRing): boolean {
  return data.length > 0;
}

function isSameRing(one: FrameRingReader, other: FrameRingReader): boolean {
  return one.epoch === other.epoch && one.generation === other.generation;
}

function isWriterGone({ native, reader }: OpenRing): boolean {
  return ageMs(reader.heartbeatNs) > OLD_AFTER_MS && !native.writerHoldsLock();
}

function openRing(
  path: string,
  owner: number | undefined,
): OpenRing | Exclude<SourceVerdict, { status: 'writer-gone' }> {
  const binding = loadNative();
  try {
    const native = binding.NativeSource.open(path, owner === undefined ? {} : { owner });
    try {
      const meta = new Uint8Array(native.meta);
      const data = new Uint8Array(native.data);
      return { native, reader: new FrameRingReader({ meta, data }), data, stores: new Stores(meta) };
    } catch (cause) {
      native.close();
      throw cause;
    }
  } catch (cause) {
    const error = isTooLarge(cause) ? tooLarge(path, cause) : FrameExportError.from(cause);
    if (error.code === 'SOURCE_NOT_FOUND') return { status: 'absent' };
    if (error.code === 'INCOMPATIBLE_LAYOUT') return { status: 'incompatible', error };
    throw error;
  }
}

/** Node's own words for a buffer that it cannot have: from 4 GiB on before Node 22. */
function isTooLarge(cause: unknown): boolean {
  return (cause as { code?: unknown } | null)?.code === 'ERR_BUFFER_TOO_LARGE';
}

function tooLarge(path: string, cause: unknown): FrameExportError {
  return new FrameExportError(
    'RING_TOO_LARGE',
    `the ring in ${path} is larger than buffers of Node ${process.versions.node} can be (4 GiB before Node 22): ` +
      'export fewer slots or smaller frames, or read with a later version of Node',
    { cause },
  );
}

/**
 * Opens the frames of a camera for reading. The camera need not be there yet: reads then say `absent`, and
 * `reopen` finds it once it is.
 *
 * @throws FrameExportError `BAD_CAMERA_ID`, `BAD_OPTION`, `PERMISSION_DENIED`, `WRONG_OWNER`, `RING_TOO_LARGE`,
 *   `UNSUPPORTED_PLATFORM`, `NATIVE_UNAVAILABLE`, `IO`
 */
export function openFrameSource(location: FrameSourceLocation): FrameSource {
  if (typeof location === 'string') {
    const given = described(location);
    throw new FrameExportError('BAD_OPTION', `openFrameSource takes { cameraId } or { path }, not ${given}`);
  }
  checkedOptions('the argument of openFrameSource', location);
  const owner =
    location.owner === undefined ? undefined : checkedInteger('owner', location.owner, 0, 2 ** 32 - 2);
  const path =
    location.path === undefined
      ? cameraPath(baseDirOf(location.baseDir), location.cameraId)
      : resolve(checkedPath('path', location.path));
  return new FrameSource(path, owner);
}
