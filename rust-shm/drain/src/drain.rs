//! The thread that reads a camera's raw video pipe. It keeps one promise whatever happens: the pipe is read
//! until the process at the other end closes it, and the read end is not closed before.
//!
//! A stream is bare, picture after picture, or framed: Matroska, which says what a picture is and when. Its first bytes
//! tell which.
//!
//! Per frame it does nothing but `read` into the slot, two reads of the clock (no system calls) and the
//! stores that publish. It takes no lock and allocates nothing. Whenever it cannot publish it reads into
//! memory that was set aside before the pipe was handed out. In a framed stream each frame's head is read into
//! a small buffer first: one more `read` per frame at most, and the picture still goes straight into the slot. Where
//! the next frame is in the pipe already, its head comes with the end of the picture, and shows that this one is whole.

use crate::fail_point::fail_point;
use crate::generations::Generations;
use crate::head::Head;
use crate::link::{DrainState, Link, Stream, StreamForm};
use crate::matroska::{Found, Mismatch, Overrun, Parser, judge};
use crate::ring::{HeldWriter, Memory, Ring};
use crate::scratch::{SCRATCH_BYTES, scratch};
use crate::tally::Tally;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsRawFd, BorrowedFd};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use vas_frame_protocol::{OpenSlot, RingShape};

pub(crate) struct Drain {
    link: Arc<Link>,
    /// What to publish into; `None` from the moment that this drain will never publish again.
    generations: Option<Arc<Generations>>,
    ring: Option<Arc<Ring>>,
    tally: Arc<Tally>,
    shape: RingShape,
    frame_bytes: usize,
    /// How many bytes of the frame that passes through the pipe now were read already, wherever they went: publishing
    /// begins only at a frame's first byte.
    position: usize,
    stream: Stream,
    /// Bytes that were read to learn what they are.
    head: Head,
    parser: Parser,
    /// Bytes of the present picture of a framed stream that are still to come.
    left: usize,
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
    pub(crate) fn new(
        link: Arc<Link>,
        generations: Arc<Generations>,
        shape: RingShape,
        tally: Arc<Tally>,
        has_checksums: bool,
    ) -> Self {
        let (frame_bytes, geometry) = (shape.geometry().frame_bytes(), shape.geometry());
        // Set aside before the pipe is handed out.
        scratch();
        Self {
            link,
            ring: generations.current(),
            generations: Some(generations),
            tally,
            shape,
            frame_bytes,
            position: 0,
            stream: Stream::UNKNOWN,
            head: Head::new(),
            parser: Parser::new(geometry.width(), geometry.height(), frame_bytes),
            left: 0,
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
            self.let_go();
            self.count_discarded();
        }
        self.let_go();
        self.link.set_state(DrainState::Detached);
    }

    /// Reads to the end of the stream.
    fn drain(&mut self) {
        loop {
            let flow = match self.stream.form {
                StreamForm::Unknown => self.recognise(),
                StreamForm::Framed => self.next_of_framed(),
                StreamForm::Bare => match self.writer_at_frame_boundary() {
                    Some(writer) => self.publish(writer),
                    None => self.discard(),
                },
            };
            if let Flow::EndOfStream = flow {
                return;
            }
        }
    }

    /// Learns from its first bytes what the stream is. They belong to the first frame if it is bare.
    fn recognise(&mut self) -> Flow {
        let form = match Parser::is_framed(self.head.unread()) {
            Some(true) => StreamForm::Framed,
            Some(false) => StreamForm::Bare,
            None => match self.read_head() {
                Flow::Continue => return Flow::Continue,
                Flow::EndOfStream if self.head.is_empty() => return Flow::EndOfStream,
                Flow::EndOfStream => StreamForm::Bare,
            },
        };
        self.tell(Stream { form, ..self.stream });
        Flow::Continue
    }

    /// Reads a few bytes, to learn what comes next.
    fn read_head(&mut self) -> Flow {
        let is_searching = self.stream.form == StreamForm::Unknown || self.parser.is_searching();
        let room = self.head.room(is_searching);
        if room.is_empty() {
            // A defect: the parser decides on as many bytes as there is room for. The pipe is read on all the same.
            self.head.take(1);
            return Flow::Continue;
        }
        let (start, count) = (room.as_mut_ptr(), room.len());
        // SAFETY: `room` is writable for its length, and it is ours alone.
        match unsafe { read(self.link.read_end(), start, count) } {
            Read::Bytes(count) => {
                self.head.came(count);
                Flow::Continue
            }
            Read::EndOfStream | Read::MemoryGone => Flow::EndOfStream,
        }
    }

    fn tell(&mut self, stream: Stream) {
        if stream != self.stream {
            self.stream = stream;
            self.link.set_stream(stream);
        }
    }

    /// Goes on in a framed stream: with the picture that is on its way, or with what comes next.
    fn next_of_framed(&mut self) -> Flow {
        if self.left > 0 {
            return self.discard_of_framed();
        }
        let found = self.parser.next(self.head.unread());
        let damages = self.parser.take_damages();
        // The byte that woke a retired drain is no damage.
        if damages > 0 && !self.link.is_retired() {
            self.tally.damages.add(damages);
        }
        match found {
            Found::Incomplete => self.read_head(),
            Found::Pass(count) => {
                self.head.take(count);
                Flow::Continue
            }
            Found::Picture {
                head_bytes,
                timestamp_ns,
            } => {
                self.begin_picture(head_bytes, self.frame_bytes, None);
                self.publish_of_framed(timestamp_ns)
            }
            Found::Foreign {
                head_bytes,
                picture_bytes,
                mismatch,
            } => {
                let picture_bytes = usize::try_from(picture_bytes).unwrap_or(usize::MAX);
                self.begin_picture(head_bytes, picture_bytes, Some(mismatch));
                Flow::Continue
            }
        }
    }

    fn begin_picture(&mut self, head_bytes: usize, picture_bytes: usize, mismatch: Option<Mismatch>) {
        self.head.take(head_bytes);
        self.left = picture_bytes;
        self.tell_of_picture(mismatch);
    }

    fn tell_of_picture(&mut self, mismatch: Option<Mismatch>) {
        self.tell(Stream {
            mismatch,
            colours: self.parser.colours(),
            ..self.stream
        });
    }

    /// Reads what is behind a picture, if it is in the pipe already.
    fn look_ahead(&mut self) {
        let is_readable = poll(
            &mut [PollFd::from_borrowed_fd(self.link.read_end(), PollFlags::IN)],
            Some(&Timespec::default()),
        );
        if is_readable == Ok(1) {
            // The end of the stream is found once more by the next one who reads.
            _ = self.read_head();
        }
    }

    fn judge(&mut self, slot: &mut OpenSlot<'_, Memory>) -> Overrun {
        let picture = slot.as_mut_ptr();
        // SAFETY: the picture is readable and writable for `frame_bytes` bytes, and there is no writer but this one,
        // which is borrowed exclusively.
        let picture = unsafe { std::slice::from_raw_parts_mut(picture, self.frame_bytes) };
        judge(&mut self.parser, &mut self.head, picture)
    }

    /// Publishes the picture that begins here, unless the writer cannot be had: then the picture is still to be read.
    fn publish_of_framed(&mut self, timestamp_ns: Option<u64>) -> Flow {
        if self.link.is_retired() {
            self.let_go();
        }
        self.move_over();
        let Some(mut writer) = self.ring.as_ref().and_then(|ring| ring.take_writer()) else {
            return Flow::Continue;
        };
        self.link.set_state(DrainState::Publishing);
        let ring = Arc::clone(writer.ring());
        let mut slot = writer.begin();
        _ = fail_point!("frame-begun");
        if !ring.has_room(&slot) {
            return self.discard_of_framed();
        }
        let known = self.head.take(self.left);
        if slot.write_at(0, known).is_ok() {
            self.left -= known.len();
        }
        let mut timestamp_ns = timestamp_ns;
        loop {
            while self.left > 0 {
                // SAFETY: the slot has `frame_bytes` bytes, of which `left` lie behind the result.
                let rest = unsafe { slot.as_mut_ptr().add(self.frame_bytes - self.left) };
                // As long as more is to come than the pipe holds, one `read` cannot go beyond it, and the plain call
                // costs the kernel less than one into two places.
                let ahead = if self.left > self.link.pipe_bytes() {
                    &mut []
                } else {
                    self.head.room(false)
                };
                // SAFETY: the rest of the slot is writable, and only the holder of the writer writes there.
                match unsafe { read_and_ahead(self.link.read_end(), rest, self.left, ahead) } {
                    Read::Bytes(count) => {
                        self.head.came(count.saturating_sub(self.left));
                        self.left = self.left.saturating_sub(count);
                    }
                    Read::EndOfStream => {
                        drop(slot);
                        writer.note_incomplete();
                        self.tally.incomplete.add(1);
                        return Flow::EndOfStream;
                    }
                    Read::MemoryGone => {
                        // As in `publish`.
                        ring.end();
                        return Flow::Continue;
                    }
                }
                if self.link.is_retired() {
                    self.count_discarded_of_framed();
                    return Flow::Continue;
                }
            }
            if self.parser.may_follow(self.head.unread()) {
                break;
            }
            let judged = self.judge(&mut slot);
            if judged == Overrun::Whole {
                break;
            }
            self.tally.discarded.add(1);
            match judged {
                Overrun::Picture {
                    timestamp_ns: of_next,
                    left,
                } => {
                    (timestamp_ns, self.left) = (of_next, left);
                    self.tell_of_picture(None);
                    if left == 0 {
                        self.look_ahead();
                    }
                }
                Overrun::Foreign { left, mismatch } => {
                    self.left = usize::try_from(left).unwrap_or(usize::MAX);
                    self.tell_of_picture(Some(mismatch));
                    return Flow::Continue;
                }
                Overrun::Nothing | Overrun::Whole => return Flow::Continue,
            }
        }
        if fail_point!("frame-filled") {
            self.let_go();
            self.count_discarded_of_framed();
            return Flow::Continue;
        }
        match ring.publish(slot, timestamp_ns, self.has_checksums) {
            Some(stamp) => self.tally.count_published(self.frame_bytes, stamp.timestamp_ns),
            None => self.count_discarded_of_framed(),
        }
        _ = fail_point!("frame-published");
        Flow::Continue
    }

    /// Throws away what one `read` gives, at most the rest of the picture.
    fn discard_of_framed(&mut self) -> Flow {
        self.link.set_state(DrainState::Discarding);
        _ = fail_point!("discarding");
        let known = self.head.take(self.left).len();
        if known > 0 {
            self.left -= known;
        } else {
            let count = SCRATCH_BYTES.min(self.left);
            // SAFETY: `count` is not larger than the scratch memory, whose bytes nobody looks at.
            match unsafe { read(self.link.read_end(), scratch(), count) } {
                Read::Bytes(count) => self.left -= count,
                Read::EndOfStream | Read::MemoryGone => return Flow::EndOfStream,
            }
        }
        self.count_discarded_of_framed();
        Flow::Continue
    }

    /// Accounts for a picture that was not published, once all of it has passed.
    fn count_discarded_of_framed(&mut self) {
        if self.left == 0 {
            self.tally.discarded.add(1);
        }
    }

    /// The ring's writer, if a frame begins here and the writer can be had.
    fn writer_at_frame_boundary(&mut self) -> Option<HeldWriter> {
        if self.link.is_retired() {
            self.let_go();
        }
        if self.position != 0 || self.generations.is_none() {
            return None;
        }
        // The former drain of this ring may be letting go only now. Waiting for the frame's first byte before
        // looking gives it the time. A frame for which that was too short is thrown away: nothing waits longer.
        if self.head.is_empty() {
            wait_for_data(self.link.read_end());
        }
        if self.link.is_retired() {
            self.let_go();
            return None;
        }
        self.move_over();
        self.ring.as_ref()?.take_writer()
    }

    /// Goes on in the ring after this one, if there is one. The lock that is asked for is never waited for.
    fn move_over(&mut self) {
        if self.ring.as_ref().is_none_or(|ring| ring.is_superseded()) {
            let next = self
                .generations
                .as_ref()
                .and_then(|generations| generations.current());
            // A ring of another shape is for another stream.
            self.ring = next.filter(|ring| ring.shape() == self.shape);
        }
    }

    /// Publishes nothing any more, and keeps no memory.
    fn let_go(&mut self) {
        self.ring = None;
        self.generations = None;
    }

    /// Publishes frame after frame, beginning at a frame's first byte, until it cannot.
    fn publish(&mut self, mut writer: HeldWriter) -> Flow {
        self.link.set_state(DrainState::Publishing);
        let ring = Arc::clone(writer.ring());
        loop {
            if ring.is_superseded() {
                return Flow::Continue;
            }
            let mut slot = writer.begin();
            _ = fail_point!("frame-begun");
            if !ring.has_room(&slot) {
                return self.discard();
            }
            let known = self.head.take(self.frame_bytes);
            if slot.write_at(0, known).is_ok() {
                self.position = known.len();
            }
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
                        return Flow::Continue;
                    }
                }
                if self.link.is_retired() {
                    self.count_discarded();
                    return Flow::Continue;
                }
            }
            if fail_point!("frame-filled") {
                self.let_go();
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
        let known = self.head.take(self.frame_bytes - self.position).len();
        if known > 0 {
            self.position += known;
            self.count_discarded();
            return Flow::Continue;
        }
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
/// `to` is writable for `count` bytes, which nobody else in this process accesses meanwhile, or only writes to as
/// well. Memory of a mapping whose file was cut off is allowed: the kernel answers `EFAULT`, and no signal is raised.
unsafe fn read(from: BorrowedFd<'_>, to: *mut u8, count: usize) -> Read {
    // SAFETY: the caller vouches for the memory.
    unsafe { read_and_ahead(from, to, count, &mut []) }
}

/// [`read`], and what comes behind those bytes into `ahead`, in one system call.
///
/// # Safety
///
/// As for [`read`].
unsafe fn read_and_ahead(from: BorrowedFd<'_>, to: *mut u8, count: usize, ahead: &mut [u8]) -> Read {
    let parts = [
        libc::iovec {
            iov_base: to.cast(),
            iov_len: count,
        },
        libc::iovec {
            iov_base: ahead.as_mut_ptr().cast(),
            iov_len: ahead.len(),
        },
    ];
    loop {
        let result = if ahead.is_empty() {
            // SAFETY: the caller vouches for the memory, `BorrowedFd` for the descriptor.
            unsafe { libc::read(from.as_raw_fd(), to.cast(), count) }
        } else {
            // SAFETY: as above; `ahead` is writable for its length, and it is borrowed exclusively.
            unsafe { libc::readv(from.as_raw_fd(), parts.as_ptr(), 2) }
        };
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
