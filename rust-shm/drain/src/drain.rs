//! The thread that reads a camera's raw video pipe. It keeps one promise whatever happens: the pipe is read
//! until the process at the other end closes it, and the read end is not closed before.
//!
//! Per frame it does nothing but `read` into the slot, two reads of the clock (no system calls) and the
//! stores that publish. It takes no lock and allocates nothing. Whenever it cannot publish it reads into
//! memory that was set aside before the pipe was handed out.

use crate::fail_point::fail_point;
use crate::link::{DrainState, Link};
use crate::ring::{HeldWriter, Ring};
use crate::scratch::{SCRATCH_BYTES, scratch};
use crate::tally::Tally;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::{AsRawFd, BorrowedFd};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

pub(crate) struct Drain {
    link: Arc<Link>,
    /// What to publish into; `None` from the moment that this drain will never publish again.
    ring: Option<Arc<Ring>>,
    tally: Arc<Tally>,
    frame_bytes: usize,
    /// Bytes of the frame that passes through the pipe now that were read already, wherever they went: so
    /// that publishing can begin at a frame's first byte.
    position: usize,
    has_checksums: bool,
}

enum Read {
    Bytes(usize),
    EndOfStream,
    /// The memory to read into is gone. No byte was taken from the pipe.
    MemoryGone,
}

enum Flow {
    Continue,
    EndOfStream,
}

impl Drain {
    pub(crate) fn new(link: Arc<Link>, ring: Arc<Ring>, tally: Arc<Tally>, has_checksums: bool) -> Self {
        let frame_bytes = ring.frame_bytes();
        // Set aside before the pipe is handed out.
        scratch();
        Self {
            link,
            ring: Some(ring),
            tally,
            frame_bytes,
            position: 0,
            has_checksums,
        }
    }

    /// Starts the thread, detached: nothing ever waits for it, and it does not keep a process alive.
    pub(crate) fn start(self) -> io::Result<()> {
        thread::Builder::new()
            .name("vas-drain".into())
            .stack_size(256 << 10)
            .spawn(|| self.run())?;
        Ok(())
    }

    fn run(mut self) {
        while catch_unwind(AssertUnwindSafe(|| self.drain())).is_err() {
            // A bug, or a test. This drain never touches shared memory again, and reads on.
            self.tally.panics.add(1);
            self.ring = None;
            self.count_discarded();
        }
        self.link.set_state(DrainState::Detached);
    }

    /// Reads to the end of the stream.
    fn drain(&mut self) {
        loop {
            let flow = match self.writer_at_frame_boundary() {
                Some(writer) => self.publish(writer),
                None => self.discard(),
            };
            if let Flow::EndOfStream = flow {
                return;
            }
        }
    }

    /// The ring's writer, if a frame begins here and the writer can be had.
    fn writer_at_frame_boundary(&mut self) -> Option<HeldWriter> {
        if self.link.is_retired() {
            self.ring = None;
        }
        let ring = self.ring.as_ref()?;
        if self.position != 0 {
            return None;
        }
        // The former drain of this ring may be letting go only now. Waiting for the frame's first byte before
        // looking gives it the time, and the frame is not lost.
        wait_for_data(self.link.read_end());
        if self.link.is_retired() {
            self.ring = None;
            return None;
        }
        ring.take_writer()
    }

    /// Publishes frame after frame, beginning at a frame's first byte, until it cannot.
    fn publish(&mut self, mut writer: HeldWriter) -> Flow {
        self.link.set_state(DrainState::Publishing);
        let ring = Arc::clone(writer.ring());
        loop {
            let mut slot = writer.begin();
            _ = fail_point!("frame-begun");
            while self.position < self.frame_bytes {
                // SAFETY: the slot has `frame_bytes` bytes, of which `position` lie before the result.
                let rest = unsafe { slot.as_mut_ptr().add(self.position) };
                // SAFETY: the rest of the slot is writable, and only the holder of the writer writes there.
                match unsafe { read(self.link.read_end(), rest, self.frame_bytes - self.position) } {
                    Read::Bytes(count) => self.position += count,
                    Read::EndOfStream => {
                        drop(slot);
                        if self.position > 0 {
                            writer.note_incomplete();
                            self.tally.incomplete.add(1);
                        }
                        return Flow::EndOfStream;
                    }
                    Read::MemoryGone => {
                        // Somebody cut the file off: what is stored there is seen by nobody.
                        ring.end();
                        self.ring = None;
                        return Flow::Continue;
                    }
                }
                if self.link.is_retired() {
                    self.count_discarded();
                    return Flow::Continue;
                }
            }
            if fail_point!("frame-filled") {
                self.ring = None;
                self.count_discarded();
                return Flow::Continue;
            }
            match ring.publish(slot, None, self.has_checksums) {
                Some(stamp) => {
                    self.position = 0;
                    self.tally.count_published(self.frame_bytes, stamp.timestamp_ns);
                }
                None => self.count_discarded(),
            }
            _ = fail_point!("frame-published");
        }
    }

    /// Throws away what one `read` gives, at most the rest of the frame.
    fn discard(&mut self) -> Flow {
        self.link.set_state(DrainState::Discarding);
        _ = fail_point!("discarding");
        let count = SCRATCH_BYTES.min(self.frame_bytes - self.position);
        // SAFETY: `count` is not larger than the scratch memory, whose bytes nobody looks at.
        match unsafe { read(self.link.read_end(), scratch(), count) } {
            Read::Bytes(count) => self.position += count,
            Read::EndOfStream | Read::MemoryGone => return Flow::EndOfStream,
        }
        self.count_discarded();
        Flow::Continue
    }

    /// Accounts for a frame that was not published, once all of it has passed.
    fn count_discarded(&mut self) {
        if self.position == self.frame_bytes {
            self.position = 0;
            self.tally.discarded.add(1);
        }
    }
}

/// `read(2)`, until it gives bytes or none can come any more.
///
/// # Safety
///
/// `to` is writable for `count` bytes, which nobody else in this process accesses meanwhile, or only writes to as well. Memory of a
/// mapping whose file was cut off is allowed: the kernel answers `EFAULT`, and no signal is raised.
unsafe fn read(from: BorrowedFd<'_>, to: *mut u8, count: usize) -> Read {
    loop {
        // SAFETY: the caller vouches for the memory, `BorrowedFd` for the descriptor.
        let result = unsafe { libc::read(from.as_raw_fd(), to.cast(), count) };
        match usize::try_from(result) {
            Ok(0) => return Read::EndOfStream,
            Ok(bytes) => return Read::Bytes(bytes),
            Err(_) => {}
        }
        match io::Error::last_os_error().raw_os_error() {
            Some(libc::EINTR) => {}
            Some(libc::EAGAIN) => wait_for_data(from),
            Some(libc::EFAULT) => return Read::MemoryGone,
            // A pipe gives no other error. The descriptor is not ours any more: somebody closed it by number.
            _ => return Read::EndOfStream,
        }
    }
}

/// Returns when there is something to read, or the stream has ended, or for no reason at all.
fn wait_for_data(pipe: BorrowedFd<'_>) {
    let _ = poll(&mut [PollFd::from_borrowed_fd(pipe, PollFlags::IN)], None);
}
