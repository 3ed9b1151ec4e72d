/** What is said between the benchmark and the programs that play the peers, in whatever language they are written. */

/** A line to a publisher: frames to publish, as fast as possible where the interval is 0. */
export interface PublishRequest {
  readonly frames: number;
  readonly interval_us: number;
}

/** A line to a publisher whose readers live in its process or are its children: the arguments of a reader. */
export interface ReadRequest {
  readonly read: readonly string[];
}

/** Ends the readers that live in the process of the publisher, or kills the first of them. */
export interface EndRequest {
  readonly end: 'all' | 'first';
}

export interface PublishAnswer {
  readonly publish_us: readonly number[];
  readonly errors: number;
  readonly first_error: string | null;
}

/** The process of a reader; the publisher's own where it is a thread. */
export interface ReadAnswer {
  readonly pid: number;
}

/** The file that a reader leaves when it is told to end. */
export interface ReaderReport {
  readonly latency_us: readonly number[];
  readonly first_id: number;
  readonly last_id: number;
  readonly repeated: number;
  readonly torn: number;
  readonly refused: number;
  readonly error: string | null;
}
