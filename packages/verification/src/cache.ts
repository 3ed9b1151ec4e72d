/** Programs from registries, in a folder that all checkouts share. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** A folder of the cache, which may not be there yet. */
export function cacheFolder(name: string): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'vas-kernel', name);
}

/** A folder of the cache, filled once and put in its place whole. */
export function fetched(name: string, fill: (work: string) => void): string {
  const folder = cacheFolder(name);
  if (existsSync(folder)) return folder;
  mkdirSync(join(folder, '..'), { recursive: true });
  const work = mkdtempSync(`${folder}-`);
  try {
    fill(work);
    renameSync(work, folder);
  } catch (cause) {
    rmSync(work, { recursive: true, force: true });
    throw cause;
  }
  return folder;
}

/** Unpacks a wheel, such as `imageio-ffmpeg==0.6.0`, into `work`; `platform` is a tag of `pip`. */
export function unpackWheel(work: string, requirement: string, platform: string): void {
  const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:', '--dest', work];
  execFileSync('python3', [...pip, '--platform', platform, requirement], { stdio: ['ignore', 2, 2] });
  const file = readdirSync(work).find((name) => name.endsWith('.whl')) ?? '';
  execFileSync('python3', ['-m', 'zipfile', '-e', join(work, file), work]);
}
