/** What a case finds out: a list of statements, each true or false, with the numbers behind it. */

export interface Check {
  /** A sentence that should be true. */
  readonly statement: string;
  readonly isTrue: boolean;
  /** The numbers, for a person who wants to know how true or how false. */
  readonly detail: string;
  /** Whether it is about pace, hence may be false because the machine itself stood still. */
  readonly isOfPace: boolean;
}

export class Checks {
  readonly #all: Check[] = [];

  add(statement: string, isTrue: boolean, detail: string | number = ''): void {
    this.#all.push({ statement, isTrue, detail: String(detail), isOfPace: false });
  }

  /** Adds a statement about how evenly or how fast something goes. */
  addPace(statement: string, isTrue: boolean, detail: string | number = ''): void {
    this.#all.push({ statement, isTrue, detail: String(detail), isOfPace: true });
  }

  get all(): readonly Check[] {
    return this.#all;
  }
}
