/** A process of the demo: reports by itself, once more when it is asked to finish, and says how it ended. */
import { AnsweringProcess, ProcessEnded } from '@vas/processes';
import type { WorkerRequests } from './messages.js';

/** Files of the built demo, side by side. */
export type WorkerName = 'demo-reader' | 'demo-viewer';

/** A process that has not finished this long after it was asked to is killed. */
const GRACE_MS = 10_000;

export class Worker {
  /** Resolves when it has ended and its last report has arrived. */
  readonly ended: Promise<void>;
  readonly #name: WorkerName;
  readonly #process: AnsweringProcess<WorkerRequests>;
  readonly #onReport: (report: unknown) => void;
  #isStopping = false;
  #failure: string | null = null;

  constructor(name: WorkerName, task: object, onReport: (report: unknown) => void) {
    this.#name = name;
    this.#onReport = onReport;
    this.#process = new AnsweringProcess(new URL(`${name}.js`, import.meta.url), {
      args: [JSON.stringify(task)],
      // Standard output belongs to the demo.
      stdout: 'ignore',
      onReport,
    });
    this.ended = this.#process.ended().then(() => {
      this.#judge();
    });
  }

  /** Why it ended before it was asked to, or otherwise than well; `null` if it did not. */
  get failure(): string | null {
    return this.#failure;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    const kill = setTimeout(() => void this.#process.kill(), GRACE_MS);
    try {
      this.#onReport(await this.#process.ask('finish'));
    } catch (error) {
      // How it ended says it all.
      if (!(error instanceof ProcessEnded)) this.#failure = `${this.#name}: ${String(error)}`;
    }
    await this.#process.stop();
    clearTimeout(kill);
    await this.ended;
  }

  #judge(): void {
    const { ending } = this.#process;
    if (this.#isStopping && ending === '0') return;
    this.#failure ??= `${this.#name} ended with ${/^\d/.test(ending) ? `exit code ${ending}` : ending}`;
  }
}
