//! The reader: steps R1 to R5 of PROTOCOL.md. It loads and never stores, and it believes nothing that stands
//! in memory before it has checked it.

use std::sync::atomic::{AtomicU64, Ordering};

use thiserror::Error;

use crate::header::{AttachError, Header, State, heartbeat_ns, state};
use crate::layout::{pack, unpack};
use crate::memory::RingMemory;
use crate::order::{Order, acquire_fence};
use crate::picture::RacyBytes;
use crate::record::{FrameRecord, RecordWords};
use crate::sequence;
use crate::writer::Counters;

/// One of any number of readers of a ring.
///
/// The frames that can be relied on to be there are the newest `slot_count - 1`, and a look at the newest may take
/// `slot_count - 2` frame intervals. For anything longer copy the picture: that takes a fraction of an interval.
#[derive(Debug)]
pub struct Reader<M: RingMemory> {
    memory: M,
    header: Header,
    /// How many frames were published during the last look (low half) and during the one before (high half). It is a
    /// guess at the length of the next look and nothing else, so any thread may change it.
    pace: AtomicU64,
}

/// A frame that was taken after another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken<T = ()> {
    /// The frame.
    pub record: FrameRecord,
    /// How many frames were lost between the one asked from and this one. A reader that has seen none (0) begins with
    /// the ring's first frame.
    pub missed: u64,
    /// What was made of the picture.
    pub value: T,
}

/// Why there is no frame: outcomes of the table in PROTOCOL.md. All but `DestinationTooSmall` and `Damaged` are
/// ordinary. [`Reader::state`] says whether more is to come when there is nothing newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Miss {
    /// The frame is not there yet, or there is none newer.
    #[error("the frame is not there yet")]
    NothingNewer,
    /// The frame is gone, or was overwritten while it was read.
    #[error("the frame was overwritten")]
    Overwritten,
    /// The record says what no writer writes. The memory is damaged.
    #[error("the record of the frame contradicts the header of the ring")]
    Damaged,
    /// The picture does not fit.
    #[error("the picture needs {needed} bytes")]
    DestinationTooSmall {
        /// Bytes of the picture.
        needed: usize,
    },
}

impl<M: RingMemory> Reader<M> {
    /// Checks the header and takes a copy of it. Whatever stands in memory, the answer is a reader or an error.
    ///
    /// # Errors
    /// [`AttachError`] says what does not fit.
    pub fn attach(memory: M) -> Result<Self, AttachError> {
        let header = Header::read(&memory)?;
        let pace = AtomicU64::new(0);
        Ok(Self { memory, header, pace })
    }

    /// The memory of the ring.
    pub const fn memory(&self) -> &M {
        &self.memory
    }

    /// Identity and shape of the ring, as they were when the reader attached.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Bytes of a picture.
    pub const fn frame_bytes(&self) -> usize {
        self.header.geometry().frame_bytes()
    }

    /// How far the ring's life has come; see [`state`] for the order of questions.
    pub fn state(&self) -> Option<State> {
        state(&self.memory)
    }

    /// The writer's last heartbeat, CLOCK_MONOTONIC; 0 = none yet.
    pub fn heartbeat_ns(&self) -> u64 {
        heartbeat_ns(&self.memory)
    }

    /// What the ring counts. Each number is exact, but they need not be of the same moment.
    pub fn counters(&self) -> Counters {
        Counters::load(self.memory.meta())
    }

    /// The newest frame of this ring; 0 = none yet.
    pub fn newest_id(&self) -> u64 {
        let current = self.header.current_record(self.memory.meta());
        // R1
        let newest = sequence::newest(current.sequence().load());
        // ORDER newest: R1 before R2.
        acquire_fence(Order::Newest);
        if newest < self.header.first_frame_id() {
            0
        } else {
            newest
        }
    }

    /// The newest frame, if it is newer than `after`.
    pub fn newest_after(&self, after: u64) -> Option<u64> {
        Some(self.newest_id()).filter(|&newest| newest > after)
    }

    /// How many frames a reader misses if it took frame `after` last and takes frame `id` now. A reader that has taken
    /// none (0) begins with the first frame of this ring.
    #[must_use]
    pub fn missed_between(&self, after: u64, id: u64) -> u64 {
        let seen = if after == 0 {
            self.header.first_frame_id() - 1
        } else {
            after
        };
        id.saturating_sub(seen).saturating_sub(1)
    }

    /// The oldest frame newer than `after` that is still there, and will be for as long as the last look took. A reader
    /// that keeps up with the writer gets every frame.
    pub fn next_after(&self, after: u64) -> Option<u64> {
        let newest = self.newest_after(after)?;
        let oldest = self
            .oldest_for_a_look(newest)
            .max(self.header.first_frame_id())
            .max(after + 1);
        let is_there = |id: &u64| {
            let record = self.header.slot_record(self.memory.meta(), *id);
            record.sequence().load() == sequence::complete(*id)
        };
        // At most `slot_count` frames to ask. The newest is the answer even if it has gone meanwhile: reading
        // it will tell.
        Some((oldest..newest).find(is_there).unwrap_or(newest))
    }

    /// The oldest frame to choose: the oldest that may be there, or a younger one if frames were published during both
    /// of the last looks. As many and one more may be published during the next look, and the slot of a frame is opened
    /// again `slot_count` frames later.
    fn oldest_for_a_look(&self, newest: u64) -> u64 {
        let slots = u64::from(self.header.shape().slot_count());
        let (last, before) = unpack(self.pace.load(Ordering::Relaxed));
        let reserve = match last.min(before) {
            0 => 1,
            published => u64::from(published) + 3,
        };
        newest.saturating_add(reserve).saturating_sub(slots).min(newest)
    }

    fn note_look(&self, published: u64) {
        let (last, _) = unpack(self.pace.load(Ordering::Relaxed));
        let published = u32::try_from(published).unwrap_or(u32::MAX);
        self.pace.store(pack(published, last), Ordering::Relaxed);
    }

    /// Copies the picture of frame `id` into the beginning of `into`. The bytes there are void on a miss.
    ///
    /// # Errors
    /// [`Miss`].
    pub fn copy(&self, id: u64, into: &mut [u8]) -> Result<FrameRecord, Miss> {
        let into = self.destination(into)?;
        let (record, _) = self.look(id, |_, picture| picture.copy_to(into))?;
        Ok(record)
    }

    /// Calls `look` with the picture of frame `id` in place. What it returned is dropped if the frame was
    /// overwritten meanwhile.
    ///
    /// Neither the record nor the bytes may be relied on inside of `look`; they are what the writer left or is
    /// just leaving there. Only the result of this call says that they were a frame.
    ///
    /// # Errors
    /// [`Miss`].
    pub fn look<T>(
        &self,
        id: u64,
        look: impl FnOnce(&FrameRecord, RacyBytes<'_>) -> T,
    ) -> Result<(FrameRecord, T), Miss> {
        if id < self.header.first_frame_id() {
            return Err(Miss::Overwritten);
        }
        if id > sequence::MAX_FRAME_ID {
            return Err(Miss::NothingNewer);
        }
        let slot = self.header.slot_record(self.memory.meta(), id);
        // R2
        let seen = slot.sequence().load();
        // ORDER publish: R2 before R3.
        acquire_fence(Order::Publish);
        if seen != sequence::complete(id) {
            return Err(if seen < sequence::complete(id) {
                Miss::NothingNewer
            } else {
                Miss::Overwritten
            });
        }
        // R3
        let found = self.record(slot, id).map(|record| {
            let picture = self.picture(&record);
            (record, look(&record, picture))
        });
        // R4
        // ORDER open: R3 before R5.
        acquire_fence(Order::Open);
        // R5
        if slot.sequence().load() != seen {
            return Err(Miss::Overwritten);
        }
        found.ok_or(Miss::Damaged)
    }

    /// Copies the newest frame, if it is newer than `after`.
    ///
    /// # Errors
    /// [`Miss`].
    pub fn copy_newest(&self, after: u64, into: &mut [u8]) -> Result<Taken, Miss> {
        let into = self.destination(into)?;
        self.take(after, Self::newest_after, |_, picture| _ = picture.copy_to(into))
    }

    /// Looks at the newest frame, if it is newer than `after`. `look` is called a second time, with the frame that is
    /// the newest then, if the writer was faster.
    ///
    /// # Errors
    /// [`Miss`].
    pub fn look_newest<T>(
        &self,
        after: u64,
        look: impl FnMut(&FrameRecord, RacyBytes<'_>) -> T,
    ) -> Result<Taken<T>, Miss> {
        self.take(after, Self::newest_after, look)
    }

    /// Copies the oldest frame newer than `after` that is still there.
    ///
    /// # Errors
    /// [`Miss`].
    pub fn copy_next(&self, after: u64, into: &mut [u8]) -> Result<Taken, Miss> {
        let into = self.destination(into)?;
        self.take(after, Self::next_after, |_, picture| _ = picture.copy_to(into))
    }

    /// Looks at the oldest frame newer than `after` that is still there and lives long enough, going by the last
    /// look. `look` is called a second time, with the newest frame, if the writer was faster.
    ///
    /// # Errors
    /// [`Miss`].
    pub fn look_next<T>(
        &self,
        after: u64,
        look: impl FnMut(&FrameRecord, RacyBytes<'_>) -> T,
    ) -> Result<Taken<T>, Miss> {
        self.take(after, Self::next_after, look)
    }

    /// The record of the newest frame, without going to its slot unless the writer is just changing it.
    ///
    /// # Errors
    /// [`Miss`].
    pub fn current(&self) -> Result<FrameRecord, Miss> {
        let current = self.header.current_record(self.memory.meta());
        match self.stable(current) {
            Some((0, _)) => Err(Miss::NothingNewer),
            Some((_, record)) => record.ok_or(Miss::Damaged),
            None => {
                let newest = self.newest_after(0).ok_or(Miss::NothingNewer)?;
                self.look(newest, |_, _| ()).map(|(record, ())| record)
            }
        }
    }

    /// The id and the record that stand in the current record, unless it is being changed.
    fn stable(&self, current: RecordWords<'_>) -> Option<(u64, Option<FrameRecord>)> {
        let seen = current.sequence().load();
        // ORDER current-publish: the sequence before the fields.
        acquire_fence(Order::CurrentPublish);
        let id = sequence::newest(seen);
        let record = self.record(current, id);
        // ORDER current-open: the fields before the sequence again.
        acquire_fence(Order::CurrentOpen);
        let is_stable = seen == sequence::complete(id) && current.sequence().load() == seen;
        is_stable.then_some((id, record))
    }

    /// Chooses a frame and reads it; if the writer was faster, the newest, which lives longest. Two looks at most.
    fn take<T>(
        &self,
        after: u64,
        choose: impl Fn(&Self, u64) -> Option<u64>,
        mut look: impl FnMut(&FrameRecord, RacyBytes<'_>) -> T,
    ) -> Result<Taken<T>, Miss> {
        let first = choose(self, after).ok_or(Miss::NothingNewer)?;
        match self.take_one(first, after, &mut look) {
            Err(Miss::Overwritten | Miss::NothingNewer) => {
                let newest = self.newest_after(after).ok_or(Miss::NothingNewer)?;
                self.take_one(newest, after, &mut look)
            }
            done => done,
        }
    }

    /// Reads frame `id` and notes how long that took, in frames.
    fn take_one<T>(
        &self,
        id: u64,
        after: u64,
        look: &mut impl FnMut(&FrameRecord, RacyBytes<'_>) -> T,
    ) -> Result<Taken<T>, Miss> {
        let mut published = None;
        let result = self.look(id, |record, picture| {
            let before = self.newest_id();
            let value = look(record, picture);
            published = Some(self.newest_id().saturating_sub(before));
            value
        });
        if let Some(published) = published {
            self.note_look(published);
        }
        let (record, value) = result?;
        Ok(Taken {
            record,
            missed: self.missed_between(after, id),
            value,
        })
    }

    /// As much of `into` as a picture needs.
    fn destination<'a>(&self, into: &'a mut [u8]) -> Result<&'a mut [u8], Miss> {
        let needed = self.frame_bytes();
        into.get_mut(..needed).ok_or(Miss::DestinationTooSmall { needed })
    }

    fn record(&self, words: RecordWords<'_>, id: u64) -> Option<FrameRecord> {
        words.read(self.header.geometry(), self.header.slot_offset(id), id)
    }

    fn picture(&self, record: &FrameRecord) -> RacyBytes<'_> {
        // SAFETY: `RecordWords::read` has compared it with the offset of a slot, which `Header::read` has checked
        // to end inside data.
        let start = unsafe { self.memory.data().add(record.data_offset) };
        // SAFETY: as above, and data stays mapped and readable while `self.memory` lives.
        unsafe { RacyBytes::new(start, self.frame_bytes()) }
    }
}
