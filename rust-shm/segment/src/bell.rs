//! Waiting and waking by the kernel: the futex calls. Which word is waited on, and when, is decided elsewhere.
//!
//! The kernel knows the word by its file and offset, so all that map the file meet there, and a mapping that may only
//! be read is enough to wait and to wake. Nothing here loads the word: if the file was made shorter, the kernel says
//! so and nobody gets a SIGBUS.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::io::Errno;
use rustix::thread::ClockId;
use rustix::thread::futex::{self, Flags, Timespec, Wait, WaitFlags, WaitPtr, WaitvFlags};
use vas_frame_protocol::{BELL, RingMemory, Ticket};

/// The most words that one thread can wait on at once (Linux 5.16).
pub(crate) const MOST_WORDS: usize = 128;

/// The word of a ring that readers wait on, in shared memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bell<'a>(&'a AtomicU32);

impl<'a> Bell<'a> {
    /// The bell of a ring that is mapped `MAP_SHARED`. On a private mapping a wait would copy the page, and its
    /// reader would never again see what the writer writes there.
    pub(crate) fn of(memory: &'a impl RingMemory) -> Self {
        let word = memory.meta()[BELL / 8..].as_ptr();
        // SAFETY: the mapping lives as long as the borrow, and the word is aligned. The kernel alone looks at it.
        Self(unsafe { AtomicU32::from_ptr(word.cast_mut().cast()) })
    }

    /// The bell in a shared mapping of the first page of meta.
    ///
    /// # Safety
    ///
    /// `page` is the start of such a mapping, which lives as long as `'a`.
    pub(crate) unsafe fn in_page(page: *mut u8) -> Self {
        // SAFETY: the offset lies inside the page.
        let word = unsafe { page.add(BELL) };
        // SAFETY: mapped as the caller promises, and aligned. The kernel alone looks at it.
        Self(unsafe { AtomicU32::from_ptr(word.cast()) })
    }

    /// Wakes one reader that waits here, if there is one. One system call, which waits for nobody.
    pub(crate) fn ring(self) {
        _ = futex::wake(self.0, Flags::empty(), 1);
    }

    /// Wakes one reader that waits here and has seen less than `seen`.
    pub(crate) fn pass_on(self, seen: Ticket) {
        if let Some(bits) = NonZeroU32::new(seen.others()) {
            _ = futex::wake_bitset(self.0, Flags::empty(), 1, bits);
        }
    }

    /// Waits while the word is `ticket`. `Ok`: somebody rang. `AGAIN`: it is not, `TIMEDOUT`, `INTR`, and `FAULT` if
    /// the word is gone.
    pub(crate) fn wait(self, ticket: Ticket, until_ns: u64) -> Result<(), Errno> {
        let Some(bits) = NonZeroU32::new(ticket.bit()) else {
            return Err(Errno::INVAL);
        };
        let until = timespec(until_ns);
        futex::wait_bitset(self.0, Flags::empty(), ticket.value(), Some(&until), bits)
    }

    /// This word, for [`wait_for_any`].
    pub(crate) fn awaited(self, ticket: Ticket) -> Wait {
        word_awaited(self.0, ticket.value(), WaitFlags::SIZE_U32)
    }
}

/// Wakes one thread out of [`wait_any`](crate::wait_any), from any other thread of the process. It need not be
/// waiting yet: an alarm stays raised until a wait has reported it.
#[derive(Debug, Default)]
pub struct Alarm(AtomicU32);

impl Alarm {
    /// An alarm that is not raised.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Ends the wait. Never waits.
    pub fn raise(&self) {
        // ORDER alarm: release, what the raiser did before is seen by the thread that is woken.
        self.0.store(1, Ordering::Release);
        _ = futex::wake(&self.0, Flags::PRIVATE, 1);
    }

    /// Whether the alarm was raised; lowers it.
    pub(crate) fn take(&self) -> bool {
        // ORDER alarm: acquire, as above.
        self.0.swap(0, Ordering::Acquire) == 1
    }

    pub(crate) fn wait(&self, until_ns: u64) -> Result<(), Errno> {
        let until = timespec(until_ns);
        futex::wait_bitset(&self.0, Flags::PRIVATE, 0, Some(&until), NonZeroU32::MAX)
    }

    pub(crate) fn awaited(&self) -> Wait {
        word_awaited(&self.0, 0, WaitFlags::SIZE_U32 | WaitFlags::PRIVATE)
    }
}

fn word_awaited(word: &AtomicU32, value: u32, flags: WaitFlags) -> Wait {
    let mut wait = Wait::new();
    wait.val = value.into();
    wait.uaddr = WaitPtr::new(word.as_ptr().cast());
    wait.flags = flags;
    wait
}

/// Waits while each word has its value; as [`Bell::wait`], and `NOSYS` before Linux 5.16.
pub(crate) fn wait_for_any(words: &[Wait], until_ns: u64) -> Result<(), Errno> {
    let until = timespec(until_ns);
    futex::waitv(words, WaitvFlags::empty(), Some(&until), ClockId::Monotonic).map(|_| ())
}

/// A time of CLOCK_MONOTONIC.
fn timespec(ns: u64) -> Timespec {
    const SECOND: u64 = 1_000_000_000;
    Timespec {
        tv_sec: i64::try_from(ns / SECOND).unwrap_or(i64::MAX),
        tv_nsec: i64::try_from(ns % SECOND).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;
    use std::thread;

    use vas_frame_protocol::{FrameStamp, Geometry, Reader, RingShape, Writer};

    use super::Bell;
    use crate::clock::monotonic_ns;
    use crate::writer::{CameraLock, FileMode, Segment, SegmentOptions, new_epoch};
    use crate::{CameraId, FrameSource};

    const ROUNDS: u64 = 100_000;
    const MINUTE_NS: u64 = 60_000_000_000;

    /// Reads without ever looking by itself between two wakes, so that one lost wake costs a minute.
    fn read(source: &FrameSource, from: u64, to: u64) {
        let reader: &Reader<_> = source.reader();
        let bell = Bell::of(source.memory().as_ref());
        let mut newest = from;
        while newest < to {
            let ticket = reader.ticket();
            newest = reader.newest_id();
            if newest >= to {
                return;
            }
            let waited = bell.wait(ticket, monotonic_ns() + MINUTE_NS);
            assert_ne!(waited, Err(rustix::io::Errno::TIMEDOUT), "a wake was lost");
            if waited.is_ok() {
                bell.pass_on(reader.ticket());
            }
        }
    }

    #[test]
    fn p2_17_no_wake_is_lost_in_a_hundred_thousand_rounds() {
        let random = u64::from_le_bytes(new_epoch().unwrap()[..8].try_into().unwrap());
        let base_dir = PathBuf::from(format!("/dev/shm/vas-test-{random:016x}"));
        let lock = CameraLock::acquire(&base_dir, &CameraId::new("a").unwrap()).unwrap();
        let options = SegmentOptions {
            shape: RingShape::new(Geometry::nv12(2, 2).unwrap(), 3).unwrap(),
            file_mode: FileMode::default(),
            epoch: new_epoch().unwrap(),
            generation: 1,
            first_frame_id: 1,
        };
        let segment = Segment::create(&lock, &options).unwrap();
        let path = segment.path();
        // SAFETY: the only writer of the segment, which was just created.
        let mut writer = unsafe { Writer::new(Arc::clone(segment.memory())) }.unwrap();
        let open = || FrameSource::open_dir(path, crate::SourceOptions::default()).unwrap();
        let (reader, follower, other) = (open(), open(), open());
        thread::scope(|threads| {
            // Three readers: one answers each frame with the next, two only follow.
            for source in [&follower, &other] {
                threads.spawn(move || read(source, 0, ROUNDS));
            }
            let (tell, told) = std::sync::mpsc::sync_channel(1);
            let reader = &reader;
            threads.spawn(move || {
                for id in 1..=ROUNDS {
                    read(reader, id - 1, id);
                    tell.send(()).unwrap();
                }
            });
            for _ in 1..=ROUNDS {
                writer.push(&[0; 6], &FrameStamp::default()).unwrap();
                writer.memory().ring_bell();
                told.recv().unwrap();
            }
        });
        drop(segment);
        drop(lock);
        std::fs::remove_dir_all(&base_dir).unwrap();
    }
}
