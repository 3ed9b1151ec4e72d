//! The atomics of `baton.rs` and `gate.rs`. The loom tests compile those two against a module of their own.
//!
//! The names of the orderings in this crate, which are about memory of one process and no part of the frame
//! protocol: **baton** in `baton.rs`, **gate** in `gate.rs`, **retire** in `link.rs`, **close** in `generations.rs`, and **tally** for counters
//! and states that somebody may look at: relaxed, since nothing is concluded from them.

pub(crate) use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// The order of taking the baton.
pub(crate) const TAKE: Ordering = Ordering::Acquire;
/// The order of giving it back.
pub(crate) const GIVE_BACK: Ordering = Ordering::Release;
