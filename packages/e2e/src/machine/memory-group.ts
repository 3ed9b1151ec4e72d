/** A control group with a memory limit, for one process that is to die of it; version 1 or 2 of the kernel's. */
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = '/sys/fs/cgroup';

export class MemoryGroup {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Moves the process, and none of its children, under a limit of its own.
   *
   * @throws Error that says what is missing where control groups may not be made
   */
  static limit(pid: number, bytes: number): MemoryGroup {
    const isUnified = existsSync(join(ROOT, 'cgroup.controllers'));
    const folder = join(isUnified ? ROOT : join(ROOT, 'memory'), `vas-e2e-${pid}`);
    try {
      mkdirSync(folder);
      writeFileSync(join(folder, isUnified ? 'memory.max' : 'memory.limit_in_bytes'), String(bytes));
      writeFileSync(join(folder, 'cgroup.procs'), String(pid));
    } catch (error) {
      throw new Error(
        `a memory limit needs a control group that this user may make in ${ROOT}: ${String(error)}`,
        { cause: error },
      );
    }
    return new MemoryGroup(folder);
  }

  /** To be called when the process has ended. */
  remove(): void {
    rmdirSync(this.#folder);
  }
}
