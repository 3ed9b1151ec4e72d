/** How an export is, in one word, as its host sees it: judged from its statistics, without asking anybody. */
import type { CameraExportStatistics } from './camera-statistics.js';

/**
 * | state | meaning |
 * | --- | --- |
 * | `live` | frames come |
 * | `slow` | frames come, and fewer than `expectedFramesPerSecond` says |
 * | `waiting` | an FFmpeg is attached and has written nothing yet, for less than 10 s |
 * | `stalled` | an FFmpeg is attached, and no frame came for 2 s (of slow cameras: for three frames) |
 * | `idle` | nothing is attached, and the host publishes nothing |
 * | `unattached` | FFmpeg was started without export: `attachError` says why |
 * | `gone` | the files, or their memory, are not there for readers: `notInPlace` says why; tried again by itself |
 * | `wrong-stream` | the stream says that its pictures have another size or pixel format than the export |
 * | `discarding` | frames are thrown away: `discardReason` says why |
 * | `closed` | the camera was closed |
 * | `disabled` | the flag is off |
 */
export type CameraHealthState =
  | 'live'
  | 'slow'
  | 'waiting'
  | 'stalled'
  | 'idle'
  | 'unattached'
  | 'gone'
  | 'wrong-stream'
  | 'discarding'
  | 'closed'
  | 'disabled';

/** How one camera is. Plain data: JSON can carry it. */
export interface CameraHealth {
  readonly cameraId: string;
  readonly state: CameraHealthState;
  /** A sentence for the log where something is to be done, or `null`. */
  readonly reason: string | null;
  /**
   * Frames per second over the last 5 to 10 s, or since health was last asked if that is longer; `null` until there is
   * something to count.
   */
  readonly framesPerSecond: number | null;
  /** Milliseconds since the newest frame was complete, `null` before the first. */
  readonly frameAgeMs: number | null;
}

/** A camera that gives fewer frames than this part of what is expected is slow. */
const SLOW_BELOW = 0.8;
/** A camera without a frame for as long is not live. */
const OLD_MS = 2000;
/** The time that FFmpeg has to connect to its camera. */
const CONNECTING_MS = 10_000;
/** Frames are counted over at least this time, and at least so many expected frames. */
const WINDOW_MS = 5000;
const WINDOW_FRAMES = 20;
/** Less than that says nothing about a rate. */
const SHORTEST_WINDOW_MS = 1000;

interface Count {
  readonly ms: number;
  readonly frames: number;
}

/** Judges one camera. However often it is asked, and by however many, it counts over the same windows. */
export class CameraHealthJudge {
  readonly #cameraId: string;
  readonly #expected: number | null;
  #attachedMs = 0;
  #former: Count;
  #latest: Count;

  constructor(cameraId: string, expectedFramesPerSecond: number | null) {
    this.#cameraId = cameraId;
    this.#expected = expectedFramesPerSecond;
    this.#former = this.#latest = { ms: performance.now(), frames: 0 };
  }

  /** Counting begins anew: a camera is not slow because no FFmpeg was running. */
  begin(framesWritten: number): void {
    this.#attachedMs = performance.now();
    this.#former = this.#latest = { ms: this.#attachedMs, frames: framesWritten };
  }

  judge(statistics: CameraExportStatistics, isClosed: boolean): CameraHealth {
    const now = performance.now();
    const framesPerSecond = this.#rate(now, statistics.framesWritten);
    const { frameAgeMs } = statistics;
    const [state, reason] = isClosed
      ? (['closed', null] as const)
      : this.#judgeOpen(statistics, now - this.#attachedMs, framesPerSecond);
    return { cameraId: this.#cameraId, state, reason, framesPerSecond, frameAgeMs };
  }

  #judgeOpen(
    { drain, discardReason, notInPlace, attachError, frameAgeMs }: CameraExportStatistics,
    attachedMs: number,
    framesPerSecond: number | null,
  ): readonly [CameraHealthState, string | null] {
    if (notInPlace !== null) return ['gone', `${notInPlace.code}: ${notInPlace.message}`];
    if (discardReason === 'wrong-size' || discardReason === 'wrong-format') {
      return ['wrong-stream', `the stream that FFmpeg writes does not fit the export: ${discardReason}`];
    }
    if (discardReason !== null) return ['discarding', `frames are thrown away: ${discardReason}`];
    const oldMs = this.#expected === null ? OLD_MS : Math.max(OLD_MS, 3000 / this.#expected);
    const isYoung = frameAgeMs !== null && frameAgeMs <= oldMs;
    if (attachError !== null && !isYoung)
      return ['unattached', `${attachError.code}: ${attachError.message}`];
    if (drain === 'waiting' && attachedMs < CONNECTING_MS) return ['waiting', null];
    if (!isYoung && drain === 'detached') return ['idle', null];
    if (!isYoung) {
      const since = frameAgeMs === null ? 'since it was attached' : `for ${seconds(frameAgeMs)} s`;
      return ['stalled', `no frame came from FFmpeg ${since}`];
    }
    if (
      this.#expected !== null &&
      framesPerSecond !== null &&
      framesPerSecond < this.#expected * SLOW_BELOW
    ) {
      return ['slow', `${framesPerSecond.toFixed(1)} frames per second instead of ${String(this.#expected)}`];
    }
    return ['live', null];
  }

  /** Frames per second since the last window but one began; the first window begins with the first frame. */
  #rate(ms: number, frames: number): number | null {
    if (this.#former === this.#latest && this.#former.frames === frames) {
      this.#former = this.#latest = { ms, frames };
      return null;
    }
    const windowMs = Math.max(
      WINDOW_MS,
      this.#expected === null ? 0 : (WINDOW_FRAMES * 1000) / this.#expected,
    );
    if (ms - this.#latest.ms >= windowMs) {
      this.#former = this.#latest;
      this.#latest = { ms, frames };
    }
    const passedMs = ms - this.#former.ms;
    if (passedMs < Math.max(SHORTEST_WINDOW_MS, windowMs / 5)) return null;
    return ((frames - this.#former.frames) * 1000) / passedMs;
  }
}

/** What every camera of a host without export says. */
export function disabledHealth(cameraId: string): CameraHealth {
  return { cameraId, state: 'disabled', reason: null, framesPerSecond: null, frameAgeMs: null };
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
