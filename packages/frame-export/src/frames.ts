/** The loop that most readers want: frames of one camera or of many, as they come, without polling. */
import type { FrameMetadata } from '@vas/ring-buffer';
import { FrameExportError } from './errors.js';
import { openFrameSource } from './frame-source.js';
import type { FrameSource, FrameSourceLocation, SourceLook } from './frame-source.js';
import { callNative, loadNative } from './native.js';
import type { NativeWaiter } from './native.js';
import { checkedOptions, described } from './options.js';

/** Why no frame comes from a source now. */
export type SourceLoss = Exclude<SourceLook<never>['status'], 'frame' | 'nothing-newer' | 'overwritten'>;

/** What to do then: go on with what is at the path next, whenever that is, or without this source. */
export type AfterLoss = 'reopen' | 'leave';

export interface FramesOptions {
  /** Ends the loop: it throws the signal's reason, as the iterators of Node do. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Which frame comes next: the newest, so that a slow loop skips frames, or the oldest that is still there.
   * @default 'newest'
   */
  readonly order?: 'newest' | 'next' | undefined;
  /**
   * Asked once whenever a source has lost its ring: `absent`, `replaced`, `damaged`, `writer-gone`, `ended`,
   * `incompatible`. A loop that has no source left ends.
   * @default leaves a source whose camera was stopped (`ended`), and reopens in every other case
   */
  readonly onLoss?: ((loss: SourceLoss, source: FrameSource) => AfterLoss) | undefined;
}

/** A frame, and how many came and went since the last one of the same source. */
export interface ArrivedFrame {
  readonly source: FrameSource;
  readonly frame: FrameMetadata;
  readonly missed: number;
  /** A copy, which the next frame of the same source is written over. */
  readonly picture: Uint8Array;
}

/** An arrived frame, with what `look` made of the picture in place instead of a copy. */
export interface SeenFrame<T> {
  readonly source: FrameSource;
  readonly frame: FrameMetadata;
  readonly missed: number;
  readonly value: T;
}

/** A camera by its id, by its folder, or by a source that is open already. */
export type FramesOf = FrameSourceLocation | FrameSource;

type Look<T> = (picture: Uint8Array, frame: FrameMetadata, source: FrameSource) => T;

/** A source of the loop. */
interface Followed {
  readonly source: FrameSource;
  /** Opened here, so closed here. */
  readonly isOwn: boolean;
  readonly take: () => SourceLook<unknown>;
  /** What the caller was asked about last. */
  loss: SourceLoss | null;
  isLeft: boolean;
}

/**
 * Frames of one source or of many, each at most once, as they come. The event loop is never blocked and runs no
 * timer: one thread of the process waits in the kernel for all sources at once. Sources that were given open stay
 * open; those given by location are closed when the loop ends.
 *
 * With `look` nothing is copied: it sees the picture in place, and what it returned for a frame that was overwritten
 * meanwhile is dropped; it is called a second time then, with the newest frame. A look may take `slotCount - 2`
 * intervals between frames.
 *
 * @throws FrameExportError `BAD_OPTION` and the codes of `openFrameSource`, by the first turn
 */
export function frames(
  sources: FramesOf | readonly FramesOf[],
  options?: FramesOptions & { readonly look?: undefined },
): AsyncGenerator<ArrivedFrame, void, undefined>;
export function frames<T>(
  sources: FramesOf | readonly FramesOf[],
  options: FramesOptions & { readonly look: Look<T> },
): AsyncGenerator<SeenFrame<T>, void, undefined>;
export async function* frames<T>(
  sources: FramesOf | readonly FramesOf[],
  options: FramesOptions & { readonly look?: Look<T> | undefined } = {},
): AsyncGenerator<ArrivedFrame | SeenFrame<T>, void, undefined> {
  const { signal, onLoss = leaveAtEnd } = checkedOptions('the options of frames', options);
  signal?.throwIfAborted();
  const followed: Followed[] = [];
  let waiter: Waiter | null = null;
  try {
    for (const given of isList(sources) ? sources : [sources]) followed.push(follow(given, options));
    waiter = new Waiter(signal);
    // A source that always has a frame must not hide the others: each turn asks every one of them.
    for (;;) {
      let hadFrame = false;
      for (const one of followed) {
        const outcome = takeFrom(one, onLoss);
        if (outcome === null) continue;
        hadFrame = true;
        const { frame, missed, value } = outcome;
        yield options.look === undefined
          ? { source: one.source, frame, missed, picture: value as Uint8Array }
          : { source: one.source, frame, missed, value: value as T };
        signal?.throwIfAborted();
      }
      if (followed.every(({ isLeft }) => isLeft)) return;
      if (!hadFrame) await waiter.wait(followed);
      signal?.throwIfAborted();
    }
  } finally {
    waiter?.close();
    for (const { source, isOwn } of followed) if (isOwn) source.close();
  }
}

function leaveAtEnd(loss: SourceLoss): AfterLoss {
  return loss === 'ended' ? 'leave' : 'reopen';
}

function isList(sources: FramesOf | readonly FramesOf[]): sources is readonly FramesOf[] {
  return Array.isArray(sources);
}

/** Tells a source by what it can do: it may come from another copy of this module. */
function isSource(given: FramesOf): given is FrameSource {
  return typeof given === 'object' && 'waitTarget' in given;
}

function follow<T>(
  given: FramesOf,
  { order = 'newest', look }: FramesOptions & { readonly look?: Look<T> | undefined },
): Followed {
  if (!['newest', 'next'].includes(order)) {
    throw new FrameExportError('BAD_OPTION', `order is ${described(order)}, neither 'newest' nor 'next'`);
  }
  const isOwn = !isSource(given);
  const source = isOwn ? openFrameSource(given) : given;
  const take = look === undefined ? copying(source, order) : looking(source, order, look);
  return { source, isOwn, take, loss: null, isLeft: false };
}

function looking<T>(source: FrameSource, order: 'newest' | 'next', look: Look<T>): () => SourceLook<T> {
  const seen = (picture: Uint8Array, frame: FrameMetadata): T => look(picture, frame, source);
  return order === 'newest' ? () => source.lookNewest(seen) : () => source.lookNext(seen);
}

function copying(source: FrameSource, order: 'newest' | 'next'): () => SourceLook<Uint8Array> {
  let picture = new Uint8Array(0);
  return () => {
    if (picture.length !== source.frameSizeBytes) picture = new Uint8Array(source.frameSizeBytes);
    const read = order === 'newest' ? source.copyNewest(picture) : source.copyNext(picture);
    return read.status === 'frame' ? { ...read, value: picture } : read;
  };
}

/** The next frame of a source, in whatever ring is at its path now; `null` if it has to be waited for. */
function takeFrom(
  one: Followed,
  onLoss: (loss: SourceLoss, source: FrameSource) => AfterLoss,
): Extract<SourceLook<unknown>, { status: 'frame' }> | null {
  while (!one.isLeft) {
    if (one.source.isClosed) {
      one.isLeft = true;
      break;
    }
    const outcome = one.take();
    switch (outcome.status) {
      case 'frame':
        one.loss = null;
        return outcome;
      // Overwritten: the writer is faster than the loop, and the next frame is about to come.
      case 'nothing-newer':
      case 'overwritten':
        one.loss = null;
        return null;
      case 'ended':
      case 'replaced':
      case 'damaged':
      case 'writer-gone':
      case 'absent':
      case 'incompatible':
        if (one.loss !== outcome.status && onLoss(outcome.status, one.source) === 'leave') {
          one.isLeft = true;
          break;
        }
        one.loss = outcome.status;
        if (one.source.reopen().status !== 'reopened') return null;
    }
  }
  return null;
}

/** Waits for news of many sources, and keeps the event loop alive meanwhile and no longer. */
class Waiter {
  readonly #native: NativeWaiter;
  readonly #signal: AbortSignal | undefined;
  /** What the native thread waits for. */
  #started = '';
  #resume: (() => void) | null = null;
  readonly #wake = (): void => {
    this.#resume?.();
  };

  constructor(signal: AbortSignal | undefined) {
    const { NativeWaiter } = loadNative();
    this.#native = callNative(() => new NativeWaiter(this.#wake));
    this.#signal = signal;
    signal?.addEventListener('abort', this.#wake);
  }

  async wait(followed: readonly Followed[]): Promise<void> {
    const left = followed.filter(({ isLeft }) => !isLeft);
    // Frames are waited for as long as rings stay what they are; the thread knows what it has told of.
    const target = left.map(({ source, loss }) => source.waitTarget(loss !== null));
    await new Promise<void>((resolve, reject) => {
      this.#resume = resolve;
      try {
        callNative(() => {
          const started = target.map(({ key }) => key).join('\n');
          if (started === this.#started) {
            this.#native.again();
          } else {
            for (const { add } of target) add(this.#native);
            this.#native.start();
            this.#started = started;
          }
          this.#native.hold(true);
        });
      } catch (cause) {
        reject(FrameExportError.from(cause));
      }
      if (this.#signal?.aborted === true) resolve();
    });
    this.#resume = null;
    this.#native.hold(false);
  }

  close(): void {
    this.#signal?.removeEventListener('abort', this.#wake);
    this.#native.hold(false);
    this.#native.close();
  }
}
