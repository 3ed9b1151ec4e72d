/** Compares the presentation times of the frames that were read with those of the same pictures in the recording. */
import type { RecordedPicture } from '../recorded-pictures.js';
import type { HashedFrame } from './messages.js';

export interface RecordedTimes {
  /**
   * Frames that are in the recording as well. A picture that comes more than once does not say which time is meant.
   */
  readonly compared: number;
  /** How far the clock of the recording is ahead of that of the frames: the muxer begins at a time of its own. */
  readonly offsetMs: number;
  /** The largest difference beside that. */
  readonly largestDifferenceMs: number;
  /** Frames that differ by half the usual time from one picture to the next, or more. */
  readonly disagreeing: number;
}

export function compareTimes(
  read: readonly Pick<HashedFrame, 'hash' | 'timeMs'>[],
  recorded: readonly RecordedPicture[],
): RecordedTimes {
  const recordedAt = unique(recorded.map(({ hash, timeMs }) => [hash, timeMs]));
  const readAt = unique(read.flatMap(({ hash, timeMs }) => (timeMs === null ? [] : [[hash, timeMs]])));
  const differences = [...readAt].flatMap(([hash, timeMs]) => {
    const inRecording = recordedAt.get(hash);
    return inRecording === undefined ? [] : [inRecording - timeMs];
  });
  const offsetMs = median(differences);
  const beside = differences.map((difference) => Math.abs(difference - offsetMs));
  const halfStepMs = median(stepsMs(recorded)) / 2;
  return {
    compared: differences.length,
    offsetMs,
    largestDifferenceMs: Math.max(0, ...beside),
    disagreeing: beside.filter((difference) => difference >= halfStepMs).length,
  };
}

/** The values of the keys that come once. */
function unique(entries: readonly (readonly [string, number])[]): Map<string, number> {
  const values = new Map<string, number>();
  const seen = new Set<string>();
  for (const [key, value] of entries) {
    if (seen.has(key)) values.delete(key);
    else values.set(key, value);
    seen.add(key);
  }
  return values;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** The times from each picture to the next. A camera may begin with two that have almost the same time. */
function stepsMs(recorded: readonly RecordedPicture[]): number[] {
  return recorded.slice(1).map(({ timeMs }, index) => timeMs - (recorded[index]?.timeMs ?? timeMs));
}
