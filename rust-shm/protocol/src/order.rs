//! The named orderings of PROTOCOL.md, so that both ends of a pair name the same thing.
//!
//! Under `cfg(loom)` a model can weaken one end of one ordering and see what breaks.

use std::sync::atomic::Ordering;

use crate::sync::{Word, fence};

/// An ordering of PROTOCOL.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// W1 before W3, seen by R3 before R5.
    Open,
    /// W3 before W4, seen by R2 before R3.
    Publish,
    /// W4 before W5 and W8, seen by R1 before R2.
    Newest,
    /// W5 before W7: `Open` of the current record.
    CurrentOpen,
    /// W7 before W8: `Publish` of the current record.
    CurrentPublish,
    /// Everything published before the state, seen by the load of the state before R1.
    End,
    /// The state before the change of the word that readers wait on, seen by the load of that word before the state.
    Bell,
}

/// The writer's end as a fence: what is stored before stays before every later store, streaming ones included.
#[inline]
pub(crate) fn release_fence(order: Order) {
    if !weakened(order, Side::Writer) {
        fence(Ordering::Release);
        streaming_fence();
    }
}

/// Keeps streaming (non-temporal) stores on their side of this call.
///
/// A release fence is no instruction on x86-64, because the processor keeps ordinary stores in order by itself. It does
/// not keep streaming stores in order: they may become visible before an older ordinary store and after a younger one.
/// `memcpy` uses them for large copies, and so may whoever fills an open slot in place. On arm64 the fence (`dmb ish`)
/// and the release store (`stlr`) order `stnp` like every other store; see PROTOCOL.md.
///
/// `RUSTFLAGS="--cfg without_streaming_fence"` leaves it out, so that the hunt in `tests/streaming.rs` can be seen to
/// fail.
#[inline]
fn streaming_fence() {
    #[cfg(all(target_arch = "x86_64", not(any(loom, miri, without_streaming_fence))))]
    // SAFETY: the instruction has no operands and changes no register and no memory.
    unsafe {
        std::arch::asm!("sfence", options(nostack, preserves_flags));
    }
}

/// The writer's end as a release store: everything stored earlier stays before it. A store may serve two orderings.
///
/// Streaming stores are ordered by the store that publishes the picture. Nothing else is stored that way.
#[inline]
pub(crate) fn release_store(word: &Word, value: u64, orders: &[Order]) {
    if orders.contains(&Order::Publish) {
        streaming_fence();
    }
    let weak = orders.iter().any(|&order| weakened(order, Side::Writer));
    word.store(
        value,
        if weak {
            Ordering::Relaxed
        } else {
            Ordering::Release
        },
    );
}

/// The reader's end: what was loaded before stays before every later load.
///
/// After a single load it does what acquire order of that load would; [`Word::load`] says why it is a fence.
#[inline]
pub(crate) fn acquire_fence(order: Order) {
    if !weakened(order, Side::Reader) {
        fence(Ordering::Acquire);
    }
}

/// Either end as a full fence: for two places that each store one word and look at the other's.
#[inline]
pub(crate) fn full_fence(order: Order, side: Side) {
    if !weakened(order, side) {
        fence(Ordering::SeqCst);
    }
}

/// An end of an ordering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The release.
    Writer,
    /// The acquire.
    Reader,
}

#[cfg(not(loom))]
#[inline]
const fn weakened(_: Order, _: Side) -> bool {
    false
}

#[cfg(loom)]
pub use hook::weaken;
#[cfg(loom)]
use hook::weakened;

#[cfg(loom)]
mod hook {
    use std::sync::RwLock;

    use super::{Order, Side};

    static WEAKENED: RwLock<Vec<(Order, Side)>> = RwLock::new(Vec::new());

    /// Takes the given ends away, for all threads, until it is called again.
    pub fn weaken(ends: &[(Order, Side)]) {
        *WEAKENED.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = ends.to_vec();
    }

    pub(super) fn weakened(order: Order, side: Side) -> bool {
        WEAKENED
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .contains(&(order, side))
    }
}
