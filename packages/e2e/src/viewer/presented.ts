/** What a viewer saw: pauses between the pictures that a browser presented. */
import { NOTABLE_GAP_MS } from './rtp-counter.js';
import type { Gap } from './rtp-counter.js';
import type { PresentedFrame } from './viewer-requests.js';

export interface Presented {
  readonly cameraId: string;
  readonly frames: number;
  readonly framesPerSecond: number;
  /** Pictures that arrived in whole, drawn or not; `null` where the stream was consumed anew meanwhile. */
  readonly received: number | null;
  /** Between two presented pictures, or since the last one: a picture that never comes back counts as well. */
  readonly longestGapMs: number;
  /** The same by the arrival of their last packets: as long as this at most, a picture was late before it was drawn. */
  readonly longestDeliveryGapMs: number;
  /** Every pause of at least 100 ms between presented pictures. */
  readonly gaps: readonly Gap[];
  /** Pictures presented in each 100 ms since the measurement began. */
  readonly per100Ms: readonly number[];
  /** Every time between two presented pictures, with the one before the first and the one still open at the end. */
  readonly intervals: readonly Gap[];
}

/**
 * @param frames every picture that was presented, in order
 * @param fromMs when the measurement began, by the wall clock
 * @param received pictures that arrived since then, if known
 */
export function presentedBetween(
  cameraId: string,
  frames: readonly PresentedFrame[],
  fromMs: number,
  untilMs: number,
  received: number | null = null,
): Presented {
  const measured = frames.filter(({ presentedMs }) => presentedMs >= fromMs && presentedMs <= untilMs);
  const presented = pauses(
    measured.map(({ presentedMs }) => presentedMs),
    fromMs,
    untilMs,
  );
  const delivered = pauses(
    measured.map(({ receivedMs }) => receivedMs).sort((a, b) => a - b),
    fromMs,
    untilMs,
  );
  const per100Ms = Array.from({ length: Math.ceil((untilMs - fromMs) / 100) }, () => 0);
  for (const { presentedMs } of measured) {
    const index = Math.min(per100Ms.length - 1, Math.floor((presentedMs - fromMs) / 100));
    per100Ms[index] = (per100Ms[index] ?? 0) + 1;
  }
  return {
    cameraId,
    frames: measured.length,
    received,
    framesPerSecond: (measured.length * 1000) / (untilMs - fromMs),
    longestGapMs: Math.max(...presented.map(({ ms }) => ms)),
    longestDeliveryGapMs: Math.max(...delivered.map(({ ms }) => ms)),
    gaps: presented.filter(({ ms }) => ms >= NOTABLE_GAP_MS),
    per100Ms,
    intervals: presented,
  };
}

/** From the beginning to the first, from each to the next, and from the last to the end. */
function pauses(timesMs: readonly number[], fromMs: number, untilMs: number): Gap[] {
  const edges = [fromMs, ...timesMs, untilMs];
  return edges.slice(1).map((ms, index) => {
    const before = edges[index] ?? fromMs;
    return { atMs: before - fromMs, ms: ms - before };
  });
}
