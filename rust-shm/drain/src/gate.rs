//! Decides which frame is the last of a ring, without waiting for the thread that publishes into it.
//!
//! * **gate**: one word, changed by read-modify-write operations only. Those are totally ordered by
//!   themselves, and nothing else is read on the strength of what they give: relaxed is enough everywhere.

use super::sync::{AtomicU64, Ordering};

const SHUT: u64 = 1;

/// The newest frame id that was granted, and whether more are granted.
///
/// A publisher asks before each frame. Whoever ends the ring shuts the gate and learns in the same step the
/// last id that was or will be published, even if the publisher is in the middle of it: so the next
/// generation can begin with the id after it, and no id is given twice or left out.
#[derive(Debug)]
pub(crate) struct Gate {
    /// The newest id, shifted left by one; the lowest bit is `SHUT`.
    word: AtomicU64,
}

impl Gate {
    /// An open gate behind `newest_id`, 0 if no frame was published yet.
    pub(crate) fn new(newest_id: u64) -> Self {
        Self {
            word: AtomicU64::new(newest_id << 1),
        }
    }

    /// Grants `id`, which is the one after the newest. `false`: the gate is shut, the frame must not appear.
    pub(crate) fn grant(&self, id: u64) -> bool {
        let expected = id.wrapping_sub(1) << 1;
        // ORDER gate: relaxed, see above.
        self.word
            .compare_exchange(expected, id << 1, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }

    /// Grants nothing from now on; the newest id that was granted. Idempotent.
    pub(crate) fn shut(&self) -> u64 {
        // ORDER gate: relaxed, see above.
        self.word.fetch_or(SHUT, Ordering::Relaxed) >> 1
    }

    /// Undoes `shut`.
    pub(crate) fn reopen(&self) {
        // ORDER gate: relaxed, see above.
        self.word.fetch_and(!SHUT, Ordering::Relaxed);
    }
}
