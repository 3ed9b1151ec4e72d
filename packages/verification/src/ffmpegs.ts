/** FFmpegs from 2018 to today: the installed one, and others in the cache. */
import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { fetched, unpackWheel } from './cache.js';
import { programFromDebian } from './debian.js';

export interface FfmpegSource {
  readonly name: string;
  /** Command and first arguments that run it. Fetches what is missing. */
  readonly command: () => Command | Promise<Command>;
}

export type Command = readonly [string, ...string[]];

const DEBIAN_ONLY = "Debian's FFmpegs are taken by a Debian on x64, which this machine is not";

export const ffmpegSources: readonly FfmpegSource[] = [
  { name: 'installed', command: () => ['ffmpeg'] },
  {
    name: '@ffmpeg-installer/ffmpeg',
    command: async () => [(await import('@ffmpeg-installer/ffmpeg')).default.path],
  },
  fromWheel('0.4.2', 'manylinux2010_x86_64', 'ffmpeg-linux64-v4.2.2'),
  fromWheel('0.6.0', 'manylinux2014_x86_64', 'ffmpeg-linux-x86_64-v7.0.2'),
  fromWheel('0.8.1', 'manylinux_2_28_x86_64', 'ffmpeg-linux-x86_64-v9.0.2'),
  ...['trixie', 'sid'].map((suite): FfmpegSource => ({
    name: `Debian ${suite}`,
    command: () => programFromDebian('ffmpeg', suite, DEBIAN_ONLY),
  })),
];

/** What `ffmpeg -version` prints. */
export function versionText([file, ...args]: Command): string {
  return execFileSync(file, [...args, '-version'], { encoding: 'utf8' });
}

function fromWheel(version: string, platform: string, file: string): FfmpegSource {
  return {
    name: `imageio-ffmpeg ${version}`,
    command: () => {
      const folder = fetched(`imageio-ffmpeg-${version}`, (work) => {
        unpackWheel(work, `imageio-ffmpeg==${version}`, platform);
        chmodSync(join(work, 'imageio_ffmpeg/binaries', file), 0o755);
      });
      return [join(folder, 'imageio_ffmpeg/binaries', file)];
    },
  };
}
