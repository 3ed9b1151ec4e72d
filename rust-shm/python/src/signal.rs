//! A descriptor that wakes an event loop, and those that are woken when a camera is closed.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustix::event::{EventfdFlags, eventfd};

/// A descriptor that becomes readable when it is told to.
pub(crate) struct Signal(OwnedFd);

impl Signal {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    pub(crate) fn descriptor(&self) -> i32 {
        self.0.as_raw_fd()
    }

    /// Never waits: a count that cannot grow is one that nobody has read yet.
    pub(crate) fn tell(&self) {
        _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }

    pub(crate) fn clear(&self) {
        _ = rustix::io::read(&self.0, &mut [0; 8]);
    }
}

/// The signals of those that want to know when a camera is closed.
#[derive(Default)]
pub(crate) struct Listeners(Mutex<Vec<Weak<Signal>>>);

impl Listeners {
    pub(crate) fn add(&self, signal: &Arc<Signal>) {
        let mut signals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        signals.retain(|signal| signal.strong_count() > 0);
        signals.push(Arc::downgrade(signal));
    }

    pub(crate) fn tell(&self) {
        let signals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        signals
            .iter()
            .filter_map(Weak::upgrade)
            .for_each(|signal| signal.tell());
    }
}
