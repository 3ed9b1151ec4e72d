/** Finds the simulator of memory models: `herd7` on the PATH, or Debian's package in a folder of the cache. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { unpackedFromDebian } from './debian.js';

/** Command and first arguments that run `herd7`. */
export type Herd = readonly [command: string, ...args: string[]];

/**
 * @throws Error if `herd7` is neither installed nor to be had from Debian; the message says how to get it
 */
export function findHerd(): Herd {
  if (spawnSync('herd7', ['-version']).status === 0) return ['herd7'];
  const folder = unpackedFromDebian(
    'herdtools7',
    ['herdtools7', 'libc6', 'libgmp10'],
    'herd7 is not on the PATH. Debian on x64 gets it by itself; elsewhere install herdtools7, from a package or with opam',
  );
  return [
    join(folder, 'usr/lib64/ld-linux-x86-64.so.2'),
    '--library-path',
    join(folder, 'usr/lib/x86_64-linux-gnu'),
    join(folder, 'usr/bin/herd7'),
    '-set-libdir',
    join(folder, 'usr/share/herdtools7/herd'),
  ];
}
