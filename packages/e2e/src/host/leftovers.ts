/** What a process has open, mapped and running, as the kernel says. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** Targets of the open descriptors, without what the runtime makes for itself and without the standard ones. */
export function openDescriptors(pid: number | 'self'): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((fd) => {
    try {
      const target = readlinkSync(`${folder}/${fd}`);
      return Number(fd) <= 2 || target.startsWith('anon_inode:') ? [] : [target];
    } catch {
      // Closed meanwhile: the descriptor of the listing itself.
      return [];
    }
  });
}

/** Paths of the mapped files, without repetition. */
export function mappedFiles(pid: number | 'self'): string[] {
  const paths = [...readFileSync(`/proc/${pid}/maps`, 'utf8').matchAll(/\s(\/.*)$/gm)];
  return [...new Set(paths.map((match) => String(match[1])))];
}

/** Names of the threads of the frame path. */
export function frameThreads(pid: number | 'self'): string[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) => {
    try {
      const name = readFileSync(`/proc/${pid}/task/${task}/comm`, 'utf8').trim();
      return name.startsWith('vas-') ? [name] : [];
    } catch {
      // Ended meanwhile.
      return [];
    }
  });
}

/** What `now` has more of than `before`. */
export function surplus(before: readonly string[], now: readonly string[]): string[] {
  const known = [...before];
  return now.filter((entry) => {
    const at = known.indexOf(entry);
    if (at < 0) return true;
    known.splice(at, 1);
    return false;
  });
}
