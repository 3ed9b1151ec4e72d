//! The atomics of this crate. The loom tests compile `baton.rs` and `gate.rs` against loom's instead.

pub(crate) use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
