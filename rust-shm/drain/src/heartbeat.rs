//! One thread per process that tells readers of every live ring that this process still runs.

use crate::ring::Ring;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;
use vas_frame_segment::clock::monotonic_ns;

const PERIOD: Duration = Duration::from_millis(250);

struct Heart {
    rings: Vec<Weak<Ring>>,
    is_beating: bool,
}

/// Locked for the few stores of a beat and by `keep_alive`. Ending a ring does not touch it: the next beat
/// finds the ring ended and forgets it.
static HEART: Mutex<Heart> = Mutex::new(Heart {
    rings: Vec::new(),
    is_beating: false,
});

/// Beats for `ring` until it has ended. Starts the thread if it does not run; it ends with the last ring.
pub(crate) fn keep_alive(ring: &Arc<Ring>) -> io::Result<()> {
    let mut heart = lock();
    if !heart.is_beating {
        thread::Builder::new()
            .name("vas-heartbeat".into())
            .stack_size(256 << 10)
            .spawn(run)?;
        heart.is_beating = true;
    }
    heart.rings.push(Arc::downgrade(ring));
    Ok(())
}

fn run() {
    loop {
        thread::sleep(PERIOD);
        if let Ok(true) = catch_unwind(AssertUnwindSafe(beat)) {
            return;
        }
    }
}

/// `true`: no ring is left, and the thread is not counted on any more.
fn beat() -> bool {
    let mut heart = lock();
    let now_ns = monotonic_ns();
    heart
        .rings
        .retain(|ring| ring.upgrade().is_some_and(|ring| ring.beat(now_ns)));
    heart.is_beating = !heart.rings.is_empty();
    !heart.is_beating
}

fn lock() -> MutexGuard<'static, Heart> {
    HEART.lock().unwrap_or_else(PoisonError::into_inner)
}
