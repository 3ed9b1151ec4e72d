//! One thread per process that tells readers of every live ring that this process still runs, and looks once a second
//! whether the files of every export are still where readers look for them.

use crate::keeper::{Kept, Work};
use crate::ring::Ring;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;
use vas_frame_protocol::layout::HEARTBEAT_PERIOD_NS;
use vas_frame_segment::clock::monotonic_ns;

const PERIOD: Duration = Duration::from_nanos(HEARTBEAT_PERIOD_NS);
/// How many beats there are from one look at the files to the next.
const BEATS_PER_LOOK: u64 = 4;

struct Heart {
    rings: Vec<Weak<Ring>>,
    exports: Vec<Weak<dyn Kept>>,
    /// Base folders that exports of this process have been in, and those of them that are still to be swept.
    base_dirs: Vec<PathBuf>,
    to_sweep: Vec<PathBuf>,
    is_beating: bool,
}

/// Locked for the few stores of a beat, and by whoever opens an export or makes a generation. Ending a ring does not
/// touch it: the next beat finds the ring ended and forgets it.
static HEART: Mutex<Heart> = Mutex::new(Heart {
    rings: Vec::new(),
    exports: Vec::new(),
    base_dirs: Vec::new(),
    to_sweep: Vec::new(),
    is_beating: false,
});

/// Looks after the files of an export until it is closed. Starts the thread if it does not run; it ends with the last
/// export.
pub(crate) fn watch(export: Weak<dyn Kept>) -> io::Result<()> {
    let mut heart = lock();
    if !heart.is_beating {
        thread::Builder::new()
            .name("vas-heartbeat".into())
            .stack_size(256 << 10)
            .spawn(run)?;
        heart.is_beating = true;
    }
    heart.exports.push(export);
    Ok(())
}

/// Beats for `ring` until it has ended. Its export is watched already, so the thread runs.
pub(crate) fn keep_alive(ring: &Arc<Ring>) {
    lock().rings.push(Arc::downgrade(ring));
}

/// Removes what crashed exports left in a base folder, soon and once: when the first camera in it was opened.
pub(crate) fn sweep_once(base_dir: &Path) {
    let mut heart = lock();
    if !heart.base_dirs.iter().any(|known| known == base_dir) {
        heart.base_dirs.push(base_dir.to_owned());
        heart.to_sweep.push(base_dir.to_owned());
    }
}

fn run() {
    let mut beats = 0;
    loop {
        thread::sleep(PERIOD);
        beats += 1;
        if let Ok(true) = catch_unwind(AssertUnwindSafe(beat)) {
            return;
        }
        _ = catch_unwind(AssertUnwindSafe(|| look(beats % BEATS_PER_LOOK == 0)));
    }
}

/// `true`: no export is left, and the thread is not counted on any more.
fn beat() -> bool {
    let mut heart = lock();
    let now_ns = monotonic_ns();
    heart
        .rings
        .retain(|ring| ring.upgrade().is_some_and(|ring| ring.beat(now_ns)));
    heart
        .exports
        .retain(|export| export.upgrade().is_some_and(|export| !export.is_over()));
    heart.is_beating = !(heart.rings.is_empty() && heart.exports.is_empty());
    !heart.is_beating
}

/// Finds what there is to repair, and has it repaired by another thread.
fn look(at_the_files: bool) {
    let (exports, to_sweep) = {
        let mut heart = lock();
        let exports = if at_the_files {
            heart.exports.clone()
        } else {
            Vec::new()
        };
        (exports, std::mem::take(&mut heart.to_sweep))
    };
    let is_gone = |export: &Arc<dyn Kept>| {
        export.ask_for_memory();
        !export.is_in_place()
    };
    let to_restore = exports.iter().filter_map(Weak::upgrade).filter(is_gone).collect();
    let work = Work { to_sweep, to_restore };
    if work.is_empty() {
        return;
    }
    if let Err(work) = work.start() {
        // The exports are found again at the next look.
        lock().to_sweep.extend(work.to_sweep);
    }
}

fn lock() -> MutexGuard<'static, Heart> {
    HEART.lock().unwrap_or_else(PoisonError::into_inner)
}
