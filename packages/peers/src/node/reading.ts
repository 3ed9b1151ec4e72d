/** What a reader counts, and the report that it leaves: `rust/src/read.rs` in JavaScript. */
import { renameSync, writeFileSync } from 'node:fs';
import type { ReaderReport } from '../protocol.js';
import { head, Pictures } from './picture.js';

export interface ReadingOptions {
  readonly report: string;
  /** Whether every byte of each frame is compared. */
  readonly isChecked: boolean;
}

export class Reading {
  readonly #path: string;
  readonly #pictures: Pictures | undefined;
  readonly #latencyUs: number[] = [];
  #firstId = 0;
  #lastId = 0;
  #repeated = 0;
  #torn = 0;

  constructor({ report, isChecked }: ReadingOptions) {
    this.#path = report.replace(/\.json$/, '');
    this.#pictures = isChecked ? new Pictures() : undefined;
  }

  begin(): void {
    writeFileSync(`${this.#path}.ready`, '');
  }

  count(copy: Uint8Array): void {
    const seenNs = process.hrtime.bigint();
    const { id, publishedNs } = head(copy);
    this.#latencyUs.push(Number(seenNs - publishedNs) / 1000);
    if (this.#pictures?.isWhole(copy, id) === false) this.#torn += 1;
    else if (id <= this.#lastId) this.#repeated += 1;
    this.#firstId ||= id;
    this.#lastId = id;
  }

  end(error: string | null): void {
    const report: ReaderReport = {
      latency_us: this.#latencyUs,
      first_id: this.#firstId,
      last_id: this.#lastId,
      repeated: this.#repeated,
      torn: this.#torn,
      // What is overwritten meanwhile is no outcome of either way to read.
      refused: 0,
      error,
    };
    writeFileSync(`${this.#path}.draft`, JSON.stringify(report));
    renameSync(`${this.#path}.draft`, `${this.#path}.json`);
  }
}
