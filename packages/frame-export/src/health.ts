/** How the writer of a ring is: the table of the protocol document. */
import type { FrameRingReader } from '@vas/ring-buffer';

/** A heartbeat or a frame that is older than this is old. */
export const OLD_AFTER_MS = 2000;

/** How the writer of a ring that is open is. */
export type RingHealth = 'live' | 'idle' | 'hung' | 'dead' | 'ended' | 'replaced' | 'damaged';

/** The table. `frameAgeMs` is `null` before the first frame; the lock is asked for only where the answer depends on it. */
export function judge(
  state: FrameRingReader['state'],
  heartbeatAgeMs: number,
  frameAgeMs: number | null,
  holdsLock: () => boolean,
): RingHealth {
  if (state !== 'live') return state;
  if (heartbeatAgeMs > OLD_AFTER_MS) return holdsLock() ? 'hung' : 'dead';
  return frameAgeMs === null || frameAgeMs > OLD_AFTER_MS ? 'idle' : 'live';
}
