//! The atomics of `baton.rs` and `gate.rs`. The loom tests compile those two against a module of their own.

pub(crate) use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// The order of taking the baton.
pub(crate) const TAKE: Ordering = Ordering::Acquire;
/// The order of giving it back.
pub(crate) const GIVE_BACK: Ordering = Ordering::Release;
