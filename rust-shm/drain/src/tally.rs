//! Running totals of one export, over all of its generations and attached pipes.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters that several threads add to and anyone may read; each is exact by itself, none says anything
/// about another.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) frames: Count,
    pub(crate) bytes: Count,
    pub(crate) incomplete: Count,
    pub(crate) rejected: Count,
    pub(crate) discarded: Count,
    pub(crate) damages: Count,
    pub(crate) panics: Count,
    pub(crate) last_frame_ns: Count,
}

impl Tally {
    pub(crate) fn count_published(&self, frame_bytes: usize, timestamp_ns: u64) {
        self.frames.add(1);
        self.bytes.add(frame_bytes as u64);
        self.last_frame_ns.set(timestamp_ns);
    }
}

#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, more: u64) {
        // ORDER tally: relaxed, nothing is concluded from a counter.
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, value: u64) {
        // ORDER tally: relaxed, as above.
        self.0.store(value, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        // ORDER tally: relaxed, as above.
        self.0.load(Ordering::Relaxed)
    }
}
