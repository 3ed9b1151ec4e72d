/** A reader of one camera's frames in a process of its own. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openFrameSource } from '@vas/frame-export/reader';
import type { FrameSource, SourceRead } from '@vas/frame-export/reader';
import type { FrameSourceRef } from '@vas/frame-export/types';
import { answerRequests } from '@vas/processes';
import type { ReaderMode, ReaderReport, ReaderRequests, SeenFrame, Verdict } from './requests.js';

const POLL_MS = 5;
/** A parked reader that finds this much time gone between two looks at the clock was stopped meanwhile. */
const STOPPED_MS = 1_000;
/** How long a racing reader reads before it looks at its messages. */
const RACE_SLICE_MS = 50;

let reader: Reader | undefined;

answerRequests<ReaderRequests>({
  ready: () => undefined,
  start: ({ source, mode }) => {
    reader = new Reader(source);
    void reader.run(mode);
  },
  park: ({ source, insideFile }) => park(source, insideFile),
  report: () => {
    if (reader === undefined) throw new Error('nothing was started');
    return reader.report();
  },
});

class Reader {
  readonly #source: FrameSource;
  readonly #verdicts: Verdict[] = [];
  readonly #seen: SeenFrame[] = [];
  #into = new Uint8Array(0);
  #epoch = 0;
  #frames = 0;
  #missed = 0;
  #overwritten = 0;
  #firstMs = 0;
  #lastMs = 0;

  constructor(source: FrameSourceRef) {
    this.#source = openFrameSource(source);
    this.#fitDestination();
  }

  async run(mode: ReaderMode): Promise<void> {
    if (mode === 'hold') {
      while (this.#frames === 0) await this.#turn(this.#source.copyNext(this.#into));
      return;
    }
    for (;;) {
      if (mode === 'race') await this.#race();
      else await this.#follow();
    }
  }

  report(): ReaderReport {
    const seconds = (this.#lastMs - this.#firstMs) / 1000;
    return {
      frames: this.#frames,
      missed: this.#missed,
      overwritten: this.#overwritten,
      verdicts: this.#verdicts,
      seen: this.#seen,
      health: this.#source.health().state,
      framesPerSecond: seconds > 0 ? (this.#frames - 1) / seconds : 0,
    };
  }

  async #follow(): Promise<void> {
    const outcome = this.#source.copyNext(this.#into);
    if (outcome.status === 'frame') {
      const { frameId, dataSizeBytes } = outcome.frame;
      const md5 = createHash('md5').update(this.#into.subarray(0, dataSizeBytes)).digest('hex');
      this.#seen.push({ frameId, epoch: this.#epoch, md5 });
    }
    await this.#turn(outcome);
  }

  async #race(): Promise<void> {
    const until = performance.now() + RACE_SLICE_MS;
    let outcome: SourceRead = this.#source.copyNewest(this.#into);
    while (performance.now() < until && isUsual(outcome)) {
      this.#count(outcome);
      outcome = this.#source.copyNewest(this.#into);
    }
    // Reads the same frame again and again when there is no newer one: the race goes on between frames.
    if (outcome.status === 'nothing-newer') this.#source.copyAt(this.#into, this.#source.lastFrameId);
    await (isUsual(outcome) ? sleep(0) : this.#turn(outcome));
  }

  async #turn(outcome: SourceRead): Promise<void> {
    this.#count(outcome);
    if (outcome.status === 'frame' || outcome.status === 'overwritten') return;
    if (outcome.status !== 'nothing-newer') {
      if (this.#verdicts.at(-1)?.status !== outcome.status) {
        this.#verdicts.push({ status: outcome.status, atMs: Date.now() });
      }
      this.#reopen();
    }
    await sleep(POLL_MS);
  }

  #count(outcome: SourceRead): void {
    if (outcome.status === 'frame') {
      this.#lastMs = performance.now();
      if (this.#frames === 0) this.#firstMs = this.#lastMs;
      this.#frames += 1;
      this.#missed += outcome.missed;
    } else if (outcome.status === 'overwritten') {
      this.#overwritten += 1;
    }
  }

  #reopen(): void {
    const { lastFrameId } = this.#source;
    const result = this.#source.reopen();
    if (result.status !== 'reopened') return;
    this.#verdicts.push({ status: result.isNewEpoch ? 'new-epoch' : 'new-generation', atMs: Date.now() });
    if (result.isNewEpoch && lastFrameId > 0) this.#epoch += 1;
    this.#fitDestination();
  }

  #fitDestination(): void {
    this.#into = new Uint8Array(this.#source.frameSizeBytes);
  }
}

function isUsual(outcome: SourceRead): boolean {
  return outcome.status === 'frame' || outcome.status === 'nothing-newer' || outcome.status === 'overwritten';
}

async function park(location: FrameSourceRef, insideFile: string): Promise<string> {
  const source = openFrameSource(location);
  const into = new Uint8Array(source.frameSizeBytes);
  try {
    while (source.copyNewest(into).status !== 'frame') await sleep(POLL_MS);
    // A given frame: a look at the newest would begin again with a newer one.
    return source.lookAt(() => {
      // Before the file is there: whoever sees it may stop us at once.
      let before = performance.now();
      writeFileSync(insideFile, '');
      for (let now = before; now - before < STOPPED_MS; now = performance.now()) before = now;
    }, source.lastFrameId).status;
  } finally {
    source.close();
  }
}
