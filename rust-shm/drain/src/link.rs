//! What an export and the thread that drains a pipe for it know of each other.

use crate::pipe::ReadEnd;
use rustix::fd::{AsFd, AsRawFd, BorrowedFd};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::write;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// What the thread that reads the attached pipe is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrainState {
    /// There is no pipe, or it was drained to its end.
    Detached,
    /// A pipe is attached; nothing has come through it yet.
    Waiting,
    /// What comes through the pipe is published.
    Publishing,
    /// What comes through the pipe is read and thrown away.
    Discarding,
}

const STATES: [DrainState; 4] = [
    DrainState::Detached,
    DrainState::Waiting,
    DrainState::Publishing,
    DrainState::Discarding,
];

/// What one drain thread owns and its export may ask. It holds the read end of the pipe: the descriptor stays
/// open, and its number stays ours, until the stream has ended and nobody is waking the thread.
#[derive(Debug)]
pub(crate) struct Link {
    read_end: ReadEnd,
    retired: AtomicBool,
    state: AtomicU8,
}

impl Link {
    pub(crate) fn new(read_end: ReadEnd) -> Self {
        let link = Self {
            read_end,
            retired: AtomicBool::new(false),
            state: AtomicU8::new(0),
        };
        link.set_state(DrainState::Waiting);
        link
    }

    pub(crate) fn read_end(&self) -> BorrowedFd<'_> {
        self.read_end.as_fd()
    }

    pub(crate) fn pipe_bytes(&self) -> usize {
        self.read_end.bytes()
    }

    pub(crate) fn state(&self) -> DrainState {
        // ORDER tally: relaxed, nothing is concluded from it.
        STATES[usize::from(self.state.load(Ordering::Relaxed)) % STATES.len()]
    }

    pub(crate) fn set_state(&self, state: DrainState) {
        // ORDER tally: relaxed, as above.
        self.state.store(state as u8, Ordering::Relaxed);
    }

    pub(crate) fn is_retired(&self) -> bool {
        // ORDER retire: acquire, pairs with the release in `retire`.
        self.retired.load(Ordering::Acquire)
    }

    /// Tells the drain to publish nothing any more, to let go of the ring, and to read on until the end of
    /// the stream. Does not wait for it. Idempotent.
    pub(crate) fn retire(&self) {
        // ORDER retire: release, pairs with the acquire in `is_retired`: whoever reads the byte that `wake`
        // writes finds itself retired.
        if !self.retired.swap(true, Ordering::Release) {
            self.wake();
        }
    }

    /// Ends a read that may be blocked because FFmpeg is silent, with a byte of our own.
    ///
    /// The write end is opened for that and closed again, so that the stream still ends when FFmpeg does: a copy that
    /// was kept would keep the end from coming. The pipe's mode allows it to this process whatever user it has become.
    /// If the pipe is full the drain is not blocked; without `/proc` it takes notice with the next byte.
    fn wake(&self) {
        let path = format!("/proc/self/fd/{}", self.read_end.as_fd().as_raw_fd());
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        if let Ok(write_end) = open(path, flags, Mode::empty()) {
            let _ = write(write_end, &[0]);
        }
    }
}
