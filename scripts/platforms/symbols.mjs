// What a native file asks of the system that loads it, and whether the platform that it is for can be relied on for it.
import { execFileSync } from 'node:child_process';
import { OLDEST_GLIBC } from './targets.mjs';

/** Libraries that belong to the C library itself, on whichever architecture. */
const ofTheCLibrary = {
  gnu: /^(libc\.so\.6|libm\.so\.6|libpthread\.so\.0|libdl\.so\.2|librt\.so\.1|ld-linux-[\w-]+\.so\.\d)$/,
  musl: /^libc\.(so|musl-\w+\.so\.1)$/,
};
const machines = { x64: 'Advanced Micro Devices X86-64', arm64: 'AArch64' };

/**
 * @param {string} file path of a native file
 * @param {string} platform `linux-<arch>-<libc>`
 * @param {{ mayBeUnloaded: boolean }} host whether the program that loads it may unload it
 * @returns {string[]} sentences; none if the file may be published for the platform
 */
export function problemsOf(file, platform, { mayBeUnloaded }) {
  const [, arch, library] = platform.split('-');
  const readelf = (...options) => execFileSync('readelf', ['-W', ...options, file], { encoding: 'utf8' });
  const problems = [];

  const machine = /Machine: +(.*)/.exec(readelf('--file-header'))?.[1];
  if (machine !== machines[arch]) problems.push(`it is for ${machine}, not for ${machines[arch]}`);

  const dynamic = readelf('--dynamic');
  for (const [, name] of dynamic.matchAll(/\(NEEDED\).*\[(.*)\]/g)) {
    if (!ofTheCLibrary[library].test(name)) problems.push(`it needs ${name}`);
  }
  // A worker thread that ends unloads its addons while drains still run in this one. musl unloads nothing.
  if (mayBeUnloaded && library === 'gnu' && !/NODELETE/.test(dynamic))
    problems.push('it can be unloaded (-z nodelete is missing)');

  const versions = [...readelf('--version-info').matchAll(/GLIBC_([\d.]+)/g)].map(([, version]) => version);
  const newest = versions.sort(byVersion).at(-1);
  if (newest !== undefined && byVersion(newest, OLDEST_GLIBC) > 0)
    problems.push(`it needs glibc ${newest}, and has to run from ${OLDEST_GLIBC} on`);
  return problems;
}

function byVersion(a, b) {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  return left[0] - right[0] || (left[1] ?? 0) - (right[1] ?? 0);
}
