//! The end of the interpreter, while threads of this module copy or wait with the interpreter lock released.
//!
//! Up to 3.13, CPython ends a thread that asks for the lock too late by unwinding its stack, through frames of Rust
//! that nobody may unwind in this way. So from the time at which the interpreter begins to end, a thread does not ask
//! any more: it waits for the end of the process.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::prelude::*;

/// How long the interpreter is kept from ending by threads that are asking for its lock.
const PATIENCE: Duration = Duration::from_secs(5);

static IS_ENDING: AtomicBool = AtomicBool::new(false);

/// The threads that ask for the interpreter lock.
static RETURNING: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Whether this thread ends the interpreter: it alone may have the lock to the last.
    static ENDS: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` with the interpreter lock released. Does not return if the interpreter ends meanwhile.
pub(crate) fn detached<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> T {
    let _returned = Returned;
    py.detach(|| {
        let _gate = Gate;
        work()
    })
}

/// Passed by a thread before it asks for the lock, also if its work has panicked.
struct Gate;

impl Drop for Gate {
    fn drop(&mut self) {
        // ORDER ending: sequentially consistent, the count before the flag: either this thread sees the flag, or the
        // one that ends the interpreter sees the count, and waits.
        RETURNING.fetch_add(1, Ordering::SeqCst);
        // ORDER ending: sequentially consistent, as above.
        if IS_ENDING.load(Ordering::SeqCst) && !ENDS.get() {
            // ORDER ending: sequentially consistent, as above.
            RETURNING.fetch_sub(1, Ordering::SeqCst);
            loop {
                thread::park();
            }
        }
    }
}

/// Dropped by a thread that has the lock again.
struct Returned;

impl Drop for Returned {
    fn drop(&mut self) {
        // ORDER ending: sequentially consistent, as above.
        RETURNING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Registered with `atexit`: lets no other thread return from a wait any more.
#[pyfunction]
pub(crate) fn end(py: Python<'_>) {
    ENDS.set(true);
    // ORDER ending: sequentially consistent, the flag before the count, as in `Gate`.
    IS_ENDING.store(true, Ordering::SeqCst);
    py.detach(|| {
        let until = Instant::now() + PATIENCE;
        // ORDER ending: sequentially consistent, as above.
        while RETURNING.load(Ordering::SeqCst) > 0 && Instant::now() < until {
            thread::sleep(Duration::from_micros(100));
        }
    });
}

/// Registered for the children of a fork, which have none of the other threads.
#[pyfunction]
pub(crate) fn begin_in_child() {
    // ORDER ending: sequentially consistent, as above; this is the only thread.
    RETURNING.store(0, Ordering::SeqCst);
}
