/** The time of a frame without an object per frame: nanoseconds as pairs of 32-bit words. */

/**
 * Writes the time of now into four words: the monotonic clock in nanoseconds (low word, high word), then Unix time in
 * nanoseconds (low word, high word). Called once per frame that comes without its own times; must not throw.
 */
export type FrameClock = (now: Uint32Array) => void;

/**
 * The platform's clocks. Monotonic time is `performance.now()`, set once against `process.hrtime` where there is
 * one, so that it counts as CLOCK_MONOTONIC does; Unix time is `Date.now()` and steps in milliseconds. Both yield
 * plain numbers, which optimised code keeps in registers: nothing is allocated per frame.
 */
export function systemClock(): FrameClock {
  const { process } = globalThis as { process?: { hrtime?: { bigint?: () => bigint } } };
  const monotonicNow = process?.hrtime?.bigint?.() ?? nanosecondsOf(performance.now());
  const origin = monotonicNow - nanosecondsOf(performance.now());
  const originSeconds = Number(origin / 1_000_000_000n);
  const originNanoseconds = Number(origin % 1_000_000_000n);
  return (now) => {
    const monotonicMs = performance.now();
    storeNanoseconds(
      now,
      0,
      originSeconds + Math.floor(monotonicMs / 1000),
      originNanoseconds + Math.floor((monotonicMs % 1000) * 1e6),
    );
    const wallMs = Date.now();
    storeNanoseconds(now, 2, Math.floor(wallMs / 1000), (wallMs % 1000) * 1e6);
  };
}

/** Exact for any 32-bit number of seconds, where a plain product would pass 2^53 after 104 days. */
function storeNanoseconds(words: Uint32Array, at: number, seconds: number, nanoseconds: number): void {
  const upper = Math.floor(seconds / 65536) * 1e9;
  const lower = (seconds % 65536) * 1e9 + nanoseconds + (upper % 65536) * 65536;
  words[at] = lower;
  words[at + 1] = Math.floor(upper / 65536) + Math.floor(lower / 2 ** 32);
}

function nanosecondsOf(milliseconds: number): bigint {
  return BigInt(Math.floor(milliseconds * 1e6));
}
