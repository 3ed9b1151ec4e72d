/** Values listed in the order of their ids; brought up to date only when somebody asks for them. */

/** From this length on a list is repaired where it changed; a shorter one is made anew. */
const MIN_REPAIRED = 64;

/** What there is to list. Kept by whoever keeps the listing. */
export interface Members<Value> {
  /** In any order. */
  ids(): Iterable<string>;
  /** What is handed out for a member; `undefined`: there is no member of this id. */
  find(id: string): Value | undefined;
  idOf(value: Value): string;
}

/** Ids are compared by UTF-16 code units, as `<` does. */
export class Listing<Value> {
  readonly #members: Members<Value>;
  /** The list as last handed out; `null`: to be made anew. */
  #listed: readonly Value[] | null = null;
  /** Ids whose members came, went or changed since; `null`: none. */
  #touched: Set<string> | null = null;

  constructor(members: Members<Value>) {
    this.#members = members;
  }

  /** Must be called whenever a member comes, goes or changes. */
  touch(id: string): void {
    if (this.#listed === null) return;
    const { length } = this.#listed;
    if (length >= MIN_REPAIRED && (this.#touched ??= new Set()).add(id).size <= length >> 3) return;
    this.#listed = null;
    this.#touched = null;
  }

  /**
   * All values in id order, frozen; the same array as long as nothing changes. After a change it costs one pointer
   * per member and one `find` per touched member; from scratch, a sort of all ids.
   */
  values(): readonly Value[] {
    if (this.#listed !== null && this.#touched === null) return this.#listed;
    const values = this.#merged(this.#listed ?? [], [...(this.#touched ?? this.#members.ids())].sort());
    this.#touched = null;
    return (this.#listed = Object.freeze(values));
  }

  /** `before` with what now stands under each id of `touched`, both in id order. */
  #merged(before: readonly Value[], touched: readonly string[]): Value[] {
    const after: Value[] = [];
    let next = 0;
    for (const id of touched) {
      const end = this.#firstNotBelow(before, id, next);
      while (next < end) after.push(before[next++] as Value);
      const old = before[next];
      if (old !== undefined && this.#members.idOf(old) === id) next += 1;
      const value = this.#members.find(id);
      if (value !== undefined) after.push(value);
    }
    while (next < before.length) after.push(before[next++] as Value);
    return after;
  }

  #firstNotBelow(values: readonly Value[], id: string, from: number): number {
    let low = from;
    let high = values.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#members.idOf(values[middle] as Value) < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
