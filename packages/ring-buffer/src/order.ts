/**
 * The one memory fence of the ring, and why JavaScript needs it.
 *
 * `Atomics` are sequentially consistent among themselves. Towards plain accesses they order one way only: on arm64
 * V8 compiles a load to `ldar`, which keeps LATER accesses behind it, and a store to `stlr`, which keeps
 * EARLIER ones before it. Two steps of the protocol need the other direction: the picture must not be written
 * before the slot is marked open (W2, W6), and must not be read after the slot is checked again (R4).
 *
 * A store followed by a load gives both: earlier accesses stay before the `stlr`, later ones behind the `ldar`, and
 * the pair itself is kept in order because both are the RCsc forms. On x86-64 the store is an `xchg`, a full
 * barrier by itself. A read-modify-write would not do: on ARMv8.0 it is a loop of `ldaxr` and `stlxr`, and
 * accesses from either side can meet in the middle of it.
 *
 * The copy of a picture (`TypedArray.prototype.set`) may use streaming stores on x86-64, which plain stores do not hold
 * back: the `xchg` does, in the fence and in the `Atomics.store` that publishes (W4).
 *
 * The language specification gives racing plain accesses no such promise; this leans on what V8 emits, as
 * every sequence lock leans on its compiler (Boehm, HPL-2012-68). The tests run it with readers in other threads.
 */

/** Two words that nobody else sees; what is in them has no meaning. */
const fenceWords = /* @__PURE__ */ new Int32Array(2);

/** No access moves across it, in either direction. */
export function fence(): void {
  Atomics.store(fenceWords, 0, 0);
  Atomics.load(fenceWords, 1);
}
