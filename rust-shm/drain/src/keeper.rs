//! A thread that is there only while there is something to repair: exports whose files somebody has removed, and what
//! crashed exports left in a base folder. The heartbeat finds the work and never waits for it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use vas_frame_segment::writer::sweep;

/// What is looked after: the files of one export.
pub(crate) trait Kept: Send + Sync {
    /// Whether the export was closed, so that there is nothing left to look after.
    fn is_over(&self) -> bool;
    /// Asks again for memory that somebody else has taken before it was reserved.
    fn ask_for_memory(&self);
    /// Whether the files are where readers look for them, and the lock where other writers do.
    fn is_in_place(&self) -> bool;
    /// Puts a new generation where the files are not in place any more. What somebody else has put there stays, and
    /// is reported.
    fn restore(&self);
}

/// The repairs that are to be made.
#[derive(Default)]
pub(crate) struct Work {
    /// Base folders in which nothing of this process has been looked for yet.
    pub(crate) to_sweep: Vec<PathBuf>,
    pub(crate) to_restore: Vec<Arc<dyn Kept>>,
}

impl Work {
    pub(crate) fn is_empty(&self) -> bool {
        self.to_sweep.is_empty() && self.to_restore.is_empty()
    }

    /// Does the work in a thread of its own. Hands it back if no thread can be had, or the former one is still at work.
    pub(crate) fn start(self) -> Result<(), Self> {
        static IS_AT_WORK: AtomicBool = AtomicBool::new(false);
        // ORDER tally: relaxed, only who is the one to work.
        if IS_AT_WORK.swap(true, Ordering::Relaxed) {
            return Err(self);
        }
        let (hand_over, take_over) = std::sync::mpsc::sync_channel::<Self>(1);
        let thread = thread::Builder::new()
            .name("vas-keeper".into())
            .stack_size(256 << 10);
        let started = thread.spawn(move || {
            if let Ok(work) = take_over.recv() {
                // A defect in here must not be the end of whatever else is to be repaired.
                _ = catch_unwind(AssertUnwindSafe(|| work.run()));
            }
            // ORDER tally: relaxed, as above.
            IS_AT_WORK.store(false, Ordering::Relaxed);
        });
        if started.is_err() {
            // ORDER tally: relaxed, as above.
            IS_AT_WORK.store(false, Ordering::Relaxed);
            return Err(self);
        }
        // The thread waits for it, so this cannot fail.
        hand_over.send(self).map_err(|unsent| unsent.0)
    }

    fn run(self) {
        for export in self.to_restore {
            _ = catch_unwind(AssertUnwindSafe(|| export.restore()));
        }
        for base_dir in self.to_sweep {
            // What cannot be removed is somebody else's, or is there at the next start.
            _ = sweep(&base_dir);
        }
    }
}
