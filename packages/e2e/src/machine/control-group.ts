/** A control group with a limit that one process is to reach; version 1 or 2 of the kernel's. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = '/sys/fs/cgroup';

/** What is limited: the file of the limit in version 2, and the folder and the file in version 1. */
const LIMITS = {
  memory: { unified: 'memory.max', folder: 'memory', file: 'memory.limit_in_bytes' },
  tasks: { unified: 'pids.max', folder: 'pids', file: 'pids.max' },
} as const;

export class ControlGroup {
  readonly #parent: string;
  readonly #folder: string;
  readonly #limitFile: string;

  /**
   * Moves the process, and none of its children, into a group of its own. Children that it has later are in the group.
   *
   * @throws Error that says what is missing where control groups may not be made
   */
  constructor(pid: number, limited: keyof typeof LIMITS) {
    const { unified, folder, file } = LIMITS[limited];
    const isUnified = existsSync(join(ROOT, 'cgroup.controllers'));
    this.#parent = isUnified ? ROOT : join(ROOT, folder);
    this.#folder = join(this.#parent, `vas-e2e-${pid}`);
    this.#limitFile = join(this.#folder, isUnified ? unified : file);
    try {
      mkdirSync(this.#folder);
      writeFileSync(join(this.#folder, 'cgroup.procs'), String(pid));
      // Not every kernel has every controller.
      readFileSync(this.#limitFile);
    } catch (error) {
      throw new Error(
        `a limit of ${limited} needs a control group that this user may make in ${ROOT}: ${String(error)}`,
        { cause: error },
      );
    }
  }

  /** @param limit bytes, or processes and threads; `max` for no limit */
  limit(limit: number | 'max'): void {
    writeFileSync(this.#limitFile, String(limit));
  }

  /** Processes and threads in the group of `tasks` now. */
  get tasks(): number {
    return Number(readFileSync(join(this.#folder, 'pids.current'), 'utf8'));
  }

  /** Processes that are still in the group go back to where groups are made. */
  remove(): void {
    for (const pid of readFileSync(join(this.#folder, 'cgroup.procs'), 'utf8').trim().split('\n')) {
      try {
        if (pid !== '') writeFileSync(join(this.#parent, 'cgroup.procs'), pid);
      } catch {
        // It ended meanwhile.
      }
    }
    rmdirSync(this.#folder);
  }
}
