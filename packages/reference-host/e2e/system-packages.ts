/** The Debian packages that the suite needs beside those for the worker's build. */
import { spawnSync } from 'node:child_process';

const packages = [
  'ffmpeg',
  'strace',
  'util-linux',
  'python3-gi',
  'gir1.2-gst-rtsp-server-1.0',
  'gstreamer1.0-plugins-base',
  'gstreamer1.0-plugins-good',
  'gstreamer1.0-plugins-bad',
  'gstreamer1.0-plugins-ugly',
];

/** @throws Error with the command to run if some are missing and must not be installed */
export function requireSystemPackages(mayInstall: boolean): void {
  const missing = packages.filter((name) => {
    const query = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Status}', name], { encoding: 'utf8' });
    return query.stdout !== 'installed';
  });
  if (missing.length === 0) return;
  const install = ['apt-get', 'install', '-y', '--no-install-recommends', ...missing];
  if (!mayInstall) {
    throw new Error(`packages are missing; install them, or add --install-packages:\n  ${install.join(' ')}`);
  }
  for (const args of [['apt-get', 'update'], install]) {
    const { status } = spawnSync(args[0] ?? '', args.slice(1), { stdio: ['ignore', 2, 2] });
    if (status !== 0) throw new Error(`${args.join(' ')} failed`);
  }
}
