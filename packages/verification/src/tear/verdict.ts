/** What is wrong with the counts of a tear hunt. */
import { sum } from './counts.js';
import type { TearCounts } from './counts.js';

export interface Hunt {
  /** The counts of each reader by its name. */
  readonly readers: ReadonlyMap<string, TearCounts>;
  /** Whether the readers took whatever they found. Then torn frames are what shows that the hunt can find any. */
  readonly withoutValidation: boolean;
  /** Whether there was so little time that not every reader had its share. */
  readonly isShort: boolean;
}

/** Sentences; none if the hunt is as it must be. */
export function failuresOf({ readers, withoutValidation, isShort }: Hunt): string[] {
  const total = sum([...readers.values()]);
  if (withoutValidation) {
    if (total.tornAccepted === 0) return ['no torn frame was found, though nothing was validated'];
    return isShort
      ? []
      : without(readers, 'tornAccepted', 'found no torn frame, though it validated nothing');
  }
  const failures = [];
  if (total.tornAccepted > 0) failures.push(`${total.tornAccepted} torn frames were accepted`);
  if (total.lapped === 0 || total.tornRefused === 0) failures.push('the readers never raced with the writer');
  return [...failures, ...without(readers, 'accepted', 'read no frame')];
}

function without(
  readers: ReadonlyMap<string, TearCounts>,
  count: keyof TearCounts,
  lacking: string,
): string[] {
  return [...readers].filter(([, counts]) => counts[count] === 0).map(([reader]) => `${reader} ${lacking}`);
}
