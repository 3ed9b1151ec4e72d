// The platforms that packages are built for. A target is what the compiler is asked for, with the oldest glibc that Node
// itself runs on; a wheel is how Python calls the platform.
export const OLDEST_GLIBC = '2.28';

export const targets = [
  {
    platform: 'linux-x64-gnu',
    target: 'x86_64-unknown-linux-gnu',
    zig: `x86_64-unknown-linux-gnu.${OLDEST_GLIBC}`,
    wheel: 'manylinux_2_28',
  },
  {
    platform: 'linux-arm64-gnu',
    target: 'aarch64-unknown-linux-gnu',
    zig: `aarch64-unknown-linux-gnu.${OLDEST_GLIBC}`,
    wheel: 'manylinux_2_28',
  },
  {
    platform: 'linux-x64-musl',
    target: 'x86_64-unknown-linux-musl',
    zig: 'x86_64-unknown-linux-musl',
    wheel: 'musllinux_1_2',
  },
  {
    platform: 'linux-arm64-musl',
    target: 'aarch64-unknown-linux-musl',
    zig: 'aarch64-unknown-linux-musl',
    wheel: 'musllinux_1_2',
  },
];
