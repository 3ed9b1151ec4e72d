/** What every check is: a function that tries to break the frame path and says in numbers what it saw. */

export interface CheckOptions {
  /** How long to go on, for checks that run for a time; each has its own default. */
  readonly seconds?: number | undefined;
  /** Go on until at least so many frames were read. */
  readonly reads?: number | undefined;
  /** Let the readers of the tear hunt accept what they saw without looking at the sequence again. */
  readonly withoutValidation: boolean;
  /** Let the writer of the tear hunt copy with streaming stores, which large pictures get on many machines. */
  readonly isStreaming?: boolean;
  /** Leave out every runtime whose name does not contain this. */
  readonly only?: string | undefined;
}

export type Row = Readonly<Record<string, string | number>>;

export interface CheckResult {
  readonly rows: readonly Row[];
  /** Sentences; none if the check has passed. */
  readonly failures: readonly string[];
}

export interface Check {
  readonly summary: string;
  run(options: CheckOptions): Promise<CheckResult>;
}
