/** What a process holds, as the kernel counts it. */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface Usage {
  readonly descriptors: number;
  /** Mappings of files of a ring. */
  readonly mappings: number;
  readonly threads: number;
  /** Resident memory that belongs to no file. */
  readonly anonymousMb: number;
}

export function usageOf(pid: number | 'self', baseDir: string): Usage {
  const proc = `/proc/${pid}`;
  const status = readFileSync(`${proc}/status`, 'utf8');
  const maps = readFileSync(`${proc}/maps`, 'utf8').split('\n');
  return {
    descriptors: readdirSync(`${proc}/fd`).length,
    mappings: maps.filter((line) => line.includes(baseDir)).length,
    threads: readdirSync(`${proc}/task`).length,
    anonymousMb: Math.round(Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024),
  };
}

/** Kilobytes that the files of a folder occupy. */
export function occupiedKb(baseDir: string): number {
  const files = readdirSync(baseDir, { recursive: true, encoding: 'utf8' });
  const blocks = files.map((file) => statSync(join(baseDir, file), { throwIfNoEntry: false })?.blocks ?? 0);
  return blocks.reduce((sum, count) => sum + count, 0) / 2;
}
