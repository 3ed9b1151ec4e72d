/** A platform that packages are built for. */
export interface Target {
  /** `linux-<arch>-<libc>`, as its package is called. */
  readonly platform: string;
  /** What the compiler calls it. */
  readonly target: string;
  readonly zig: string;
  readonly wheel: string;
}

export const OLDEST_GLIBC: string;
export const targets: readonly Target[];
