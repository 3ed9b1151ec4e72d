/**
 * Members by id, and their values listed in id order. Adding, finding and removing cost what a Map costs; the list
 * is brought up to date only when somebody asks for it.
 */

/** From this size on a list is repaired where it changed; a shorter one is made anew. */
const MIN_REPAIRED = 64;

/** `Value` is what is handed out for a `Member`. Ids are compared by UTF-16 code units, as `<` does. */
export class Listing<Member, Value = Member> {
  readonly #members = new Map<string, Member>();
  readonly #idOf: (value: Value) => string;
  readonly #valueOf: (member: Member) => Value;
  /** The list as last handed out; `null`: to be made anew. */
  #listed: readonly Value[] | null = null;
  /** Ids whose members came, went or changed since; `null`: none. */
  #touched: Set<string> | null = null;

  constructor(idOf: (value: Value) => string, valueOf: (member: Member) => Value) {
    this.#idOf = idOf;
    this.#valueOf = valueOf;
  }

  get size(): number {
    return this.#members.size;
  }

  get(id: string): Member | undefined {
    return this.#members.get(id);
  }

  set(id: string, member: Member): void {
    this.#members.set(id, member);
    this.touch(id);
  }

  delete(id: string): void {
    this.#members.delete(id);
    this.touch(id);
  }

  /** Must follow every change inside a member. */
  touch(id: string): void {
    if (this.#listed === null) return;
    const size = this.#members.size;
    if (size >= MIN_REPAIRED && (this.#touched ??= new Set()).add(id).size <= size >> 3) return;
    this.#listed = null;
    this.#touched = null;
  }

  /**
   * All values in id order, frozen; the same array as long as nothing changes. After a change it costs one pointer
   * per member and one `valueOf` per touched member; from scratch, a sort of all ids.
   */
  values(): readonly Value[] {
    if (this.#listed !== null && this.#touched === null) return this.#listed;
    const values = this.#merged(this.#listed ?? [], [...(this.#touched ?? this.#members.keys())].sort());
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
      if (old !== undefined && this.#idOf(old) === id) next += 1;
      const member = this.#members.get(id);
      if (member !== undefined) after.push(this.#valueOf(member));
    }
    while (next < before.length) after.push(before[next++] as Value);
    return after;
  }

  #firstNotBelow(values: readonly Value[], id: string, from: number): number {
    let low = from;
    let high = values.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#idOf(values[middle] as Value) < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
