/** The Debian packages that the suite needs beside those for the worker's build. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { packageFolder } from '../package-folder.js';
import { findChromium } from './chromium.js';

const packages = [
  'ffmpeg',
  'openssl',
  'strace',
  'util-linux',
  'python3-gi',
  'gir1.2-gst-rtsp-server-1.0',
  'gstreamer1.0-plugins-base',
  'gstreamer1.0-plugins-good',
  'gstreamer1.0-plugins-bad',
  'gstreamer1.0-plugins-ugly',
];

const script = fileURLToPath(new URL('../../scripts/system-packages.mjs', packageFolder));

/** @throws Error if some are missing and not installed; how to get them is on standard error */
export function requireSystemPackages(args: readonly string[], hasBrowsers: boolean): void {
  const browser = hasBrowsers && findChromium() === null ? ['chromium'] : [];
  const { status } = spawnSync(process.execPath, [script, ...args, ...packages, ...browser], {
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('packages are missing; which ones is said above');
}
