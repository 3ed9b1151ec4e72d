/** The time of a frame, without an object per frame. */

/**
 * Writes the monotonic clock into `now[0]` and Unix time into `now[1]`, both in nanoseconds. Called once per frame
 * that comes without its own times; must not throw.
 */
export type FrameClock = (now: BigUint64Array) => void;

const SECOND = 1_000_000_000n;
const MILLISECOND = 1_000_000n;

/**
 * The clocks of the platform. Monotonic time is that of `process.hrtime`, which is CLOCK_MONOTONIC on Linux; where
 * there is none, `performance.now()`.
 *
 * Unix time is monotonic time plus an offset that is compared with `Date.now()` once a second: it follows when the
 * system's clock is set, but does not jump about with the millisecond that `Date.now()` is rounded to.
 *
 * A frame allocates nothing: between typed arrays, optimised code adds and moves 64-bit integers in registers, without
 * making BigInts of them. `Date.now()` and `performance.now()` would each return a new object.
 */
export function systemClock(): FrameClock {
  const { process } = globalThis as { process?: { hrtime?: { bigint?: () => bigint } } };
  const monotonicNs = process?.hrtime?.bigint ?? (() => BigInt(Math.floor(performance.now() * 1e6)));
  const checkedAt = new BigUint64Array(1);
  const offset = new BigUint64Array(1);

  const checkOffset = (nowNs: bigint): void => {
    const measured = BigInt(Date.now()) * MILLISECOND - nowNs;
    const deviation = measured - (offset[0] ?? 0n);
    if (deviation > MILLISECOND || deviation < -MILLISECOND) offset[0] = measured;
    checkedAt[0] = nowNs;
  };
  checkOffset(monotonicNs());

  return (now) => {
    now[0] = monotonicNs();
    if (BigInt.asUintN(64, now[0] - (checkedAt[0] ?? 0n)) > SECOND) checkOffset(now[0]);
    now[1] = BigInt.asUintN(64, now[0] + (offset[0] ?? 0n));
  };
}
