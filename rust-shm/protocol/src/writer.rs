//! The writer: steps W1 to W9 of PROTOCOL.md. It never waits, and never looks at a reader.

use thiserror::Error;

use crate::header::{AttachError, Header};
use crate::layout::{header as at, word};
use crate::memory::WritableMemory;
use crate::order::{Order, release_fence, release_store};
use crate::picture::copy_in;
use crate::record::FrameStamp;
use crate::sequence;
use crate::sync::{Byte, Word};

/// What the ring counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Published in this generation.
    pub frames_written: u64,
    /// Begun and not published.
    pub frames_incomplete: u64,
    /// Bytes of the published pictures.
    pub bytes_written: u64,
    /// Refused before they were begun.
    pub frames_rejected: u64,
}

impl Counters {
    /// The counters that stand in meta, which the caller has checked to hold a header.
    pub(crate) fn load(meta: &[Word]) -> Self {
        let load = |offset| meta[word(offset)].load();
        Self {
            frames_written: load(at::FRAMES_WRITTEN),
            frames_incomplete: load(at::FRAMES_INCOMPLETE),
            bytes_written: load(at::BYTES_WRITTEN),
            frames_rejected: load(at::FRAMES_REJECTED),
        }
    }

    fn store(&self, meta: &[Word]) {
        let set = |offset, value| meta[word(offset)].set(value);
        set(at::FRAMES_WRITTEN, self.frames_written);
        set(at::FRAMES_INCOMPLETE, self.frames_incomplete);
        set(at::BYTES_WRITTEN, self.bytes_written);
        set(at::FRAMES_REJECTED, self.frames_rejected);
    }
}

/// The one writer of a ring.
///
/// It holds `slot_count` frames and overwrites the oldest. Publishing allocates nothing, makes no system call
/// and takes no lock.
#[derive(Debug)]
pub struct Writer<M: WritableMemory> {
    memory: M,
    header: Header,
    newest: u64,
    counters: Counters,
}

impl<M: WritableMemory> Writer<M> {
    /// Takes a ring over: an empty one, or one that another writer has left, whose ids go on.
    ///
    /// A writer that was lost between W4 and W8 has left a frame that is complete in its slot and that no
    /// reader is told of. It is published now, because its slot's sequence can only grow.
    ///
    /// # Errors
    /// [`AttachError`] if the memory holds no ring.
    ///
    /// # Safety
    ///
    /// While the writer lives, there is no other one for the same memory, in any process.
    pub unsafe fn new(memory: M) -> Result<Self, AttachError> {
        let header = Header::read(&memory)?;
        let meta = memory.meta();
        let newest = sequence::newest(header.current_record(meta).sequence().load());
        let counters = Counters::load(meta);
        let mut writer = Self {
            memory,
            header,
            newest,
            counters,
        };

        let next = writer.next_id();
        let left_behind = writer.header.slot_record(writer.memory.meta(), next);
        if left_behind.sequence().load() == sequence::complete(next) {
            writer.announce(next, &left_behind.stamp());
        }
        Ok(writer)
    }

    /// The memory of the ring.
    pub const fn memory(&self) -> &M {
        &self.memory
    }

    /// Gives the memory back, for the next writer.
    pub fn into_memory(self) -> M {
        self.memory
    }

    /// Identity and shape of the ring.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The newest frame published in this ring; 0 = none.
    pub fn newest_id(&self) -> u64 {
        if self.newest < self.header.first_frame_id() {
            0
        } else {
            self.newest
        }
    }

    /// What was counted in this generation.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// Opens the slot of the next frame. The frame that was in it is gone from here on.
    pub fn begin(&mut self) -> OpenSlot<'_, M> {
        let id = self.next_id();
        let record = self.header.slot_record(self.memory.meta(), id);
        // W1
        record.sequence().set(sequence::open(id));
        // W2
        // ORDER open: W1 before W3.
        release_fence(Order::Open);
        OpenSlot { writer: self, id }
    }

    /// Publishes a picture that is in memory, and returns its id. A picture of another size is counted as
    /// rejected and changes nothing else.
    ///
    /// # Errors
    /// [`WrongSize`]; the frame is counted as rejected.
    pub fn push(&mut self, picture: &[u8], stamp: &FrameStamp) -> Result<u64, WrongSize> {
        let needed = self.header.geometry().frame_bytes();
        if picture.len() != needed {
            self.note_rejected();
            return Err(WrongSize {
                needed,
                has: picture.len(),
            });
        }
        let mut slot = self.begin();
        slot.write_at(0, picture)?;
        Ok(slot.publish(stamp))
    }

    /// Counts a frame that was begun and will not be published. Whether an open slot that is dropped held
    /// any byte of a frame is known to the caller only, so dropping one counts nothing.
    pub fn note_incomplete(&mut self) {
        self.counters.frames_incomplete = self.counters.frames_incomplete.wrapping_add(1);
        self.counters.store(self.memory.meta());
    }

    /// Counts a frame that was refused before it was begun.
    pub fn note_rejected(&mut self) {
        self.counters.frames_rejected = self.counters.frames_rejected.wrapping_add(1);
        self.counters.store(self.memory.meta());
    }

    fn next_id(&self) -> u64 {
        self.newest.saturating_add(1).max(self.header.first_frame_id())
    }

    /// W5 to W9: tells readers of the frame that is complete in its slot.
    fn announce(&mut self, id: u64, stamp: &FrameStamp) {
        let meta = self.memory.meta();
        let current = self.header.current_record(meta);
        // W5
        // ORDER newest: W4 of this frame and of all before it, before W5.
        release_store(current.sequence(), sequence::open(id), &[Order::Newest]);
        // W6
        // ORDER current-open: W5 before W7.
        release_fence(Order::CurrentOpen);
        // W7
        current.set(id, stamp, self.header.slot_offset(id));
        // W8
        // ORDER newest: W4 before W8.
        // ORDER current-publish: W7 before W8.
        release_store(
            current.sequence(),
            sequence::complete(id),
            &[Order::Newest, Order::CurrentPublish],
        );
        // W9
        self.newest = id;
        let bytes = self.header.geometry().frame_bytes() as u64;
        self.counters.frames_written = self.counters.frames_written.wrapping_add(1);
        self.counters.bytes_written = self.counters.bytes_written.wrapping_add(bytes);
        self.counters.store(meta);
    }
}

/// The slot of the next frame, to be filled and published. Dropping it abandons the frame, whose id the next
/// one gets.
#[derive(Debug)]
#[must_use = "a slot that is dropped is a frame that is abandoned"]
pub struct OpenSlot<'a, M: WritableMemory> {
    writer: &'a mut Writer<M>,
    id: u64,
}

impl<M: WritableMemory> OpenSlot<'_, M> {
    /// The id that the frame will have.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Where the picture goes, from the first byte of data.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.writer.header.slot_offset(self.id)
    }

    /// Where the picture goes: [`len`](Self::len) bytes, to be written by whatever can, a `read(2)` included,
    /// while the slot is open.
    pub fn as_mut_ptr(&mut self) -> *mut Byte {
        let offset = self.offset();
        // SAFETY: `Header::read` has checked that all slots lie inside data.
        unsafe { self.writer.memory.data().add(offset) }
    }

    /// Bytes of the picture.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.writer.header.geometry().frame_bytes()
    }

    /// Never true: every picture has bytes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes bytes of the picture, or nothing if they would not all be inside it.
    ///
    /// # Errors
    /// [`WrongSize`]; nothing is written then.
    pub fn write_at(&mut self, offset: usize, bytes: &[u8]) -> Result<(), WrongSize> {
        let end = offset.saturating_add(bytes.len());
        if end > self.len() {
            return Err(WrongSize {
                needed: self.len(),
                has: end,
            });
        }
        let picture = self.as_mut_ptr();
        // SAFETY: `offset <= end <= len`, so the result is inside the picture or one past its end.
        let into = unsafe { picture.add(offset) };
        // SAFETY: `end <= len`, the picture is writable for `len` bytes, and a `&[u8]` cannot lie inside it.
        unsafe { copy_in(bytes.as_ptr(), into, bytes.len()) };
        Ok(())
    }

    /// The checksum of what is in the slot now. A pass over the picture.
    #[cfg(not(loom))]
    pub fn checksum(&mut self) -> u32 {
        let picture = self.as_mut_ptr();
        // SAFETY: the picture is readable for `len` bytes, and there is no writer but this one, which is
        // borrowed exclusively.
        let picture = unsafe { std::slice::from_raw_parts(picture, self.len()) };
        crate::checksum::checksum(picture)
    }

    /// Publishes what is in the slot, and returns the frame's id.
    #[allow(
        clippy::must_use_candidate,
        reason = "the frame is published whether or not its id is used"
    )]
    pub fn publish(self, stamp: &FrameStamp) -> u64 {
        let Self { writer, id } = self;
        let record = writer.header.slot_record(writer.memory.meta(), id);
        // W3
        record.set(id, stamp, writer.header.slot_offset(id));
        // W4
        // ORDER publish: W3 before W4.
        release_store(record.sequence(), sequence::complete(id), &[Order::Publish]);
        writer.announce(id, stamp);
        id
    }
}

/// Bytes that are not a picture of this ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a picture of this ring has {needed} bytes, not {has}")]
pub struct WrongSize {
    /// Bytes of a picture.
    pub needed: usize,
    /// Bytes that were given.
    pub has: usize,
}

impl WrongSize {
    /// The stable code of the error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "WRONG_SIZE"
    }
}
