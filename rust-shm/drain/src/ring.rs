//! One generation of an export, as the parties that write it share it: its memory, the right to write, and
//! its end.

use crate::baton::Baton;
use crate::gate::Gate;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use vas_frame_protocol::{AttachError, FrameStamp, OpenSlot, RingShape, Writer, beat};
use vas_frame_segment::clock::{monotonic_ns, wall_ns};
use vas_frame_segment::writer::{WritableMapping, reserve_later};

pub(crate) type Memory = Arc<WritableMapping>;

/// Shared by the export, the drains that publish into it and the heartbeat. The memory stays mapped until the
/// last of them lets go, whatever becomes of the files.
#[derive(Debug)]
pub(crate) struct Ring {
    memory: Memory,
    writer: Baton<Writer<Memory>>,
    gate: Gate,
    shape: RingShape,
    has_ended: AtomicBool,
    rings_bell: bool,
    is_superseded: AtomicBool,
}

impl Ring {
    /// Takes over the memory of a segment that was just created, so that nobody writes it yet.
    pub(crate) fn new(memory: &Memory, rings_bell: bool) -> Result<Self, AttachError> {
        // SAFETY: the camera's lock keeps other exports away, and this one makes one `Ring` per segment, whose
        // writer is held by one party at a time.
        let writer = unsafe { Writer::new(Arc::clone(memory)) }?;
        let header = writer.header();
        let gate = Gate::new(header.identity().first_frame_id - 1);
        let shape = header.shape();
        let (memory, writer) = (Arc::clone(memory), Baton::new(writer));
        Ok(Self {
            memory,
            writer,
            gate,
            shape,
            has_ended: AtomicBool::new(false),
            rings_bell,
            is_superseded: AtomicBool::new(false),
        })
    }

    pub(crate) fn frame_bytes(&self) -> usize {
        self.shape.geometry().frame_bytes()
    }

    pub(crate) fn shape(&self) -> RingShape {
        self.shape
    }

    /// The writer, unless somebody holds it or there is nothing to write any more.
    pub(crate) fn take_writer(self: &Arc<Self>) -> Option<HeldWriter> {
        if self.has_ended() {
            return None;
        }
        let writer = self.writer.take()?;
        Some(HeldWriter {
            writer: ManuallyDrop::new(writer),
            ring: Arc::clone(self),
        })
    }

    /// Whether there is memory for the picture of a slot. One load, but for the first pictures of a large ring.
    pub(crate) fn has_room(&self, slot: &OpenSlot<'_, Memory>) -> bool {
        self.memory.has_room(slot.offset(), slot.len())
    }

    /// Whether memory that was free when the ring was made was taken by somebody else.
    pub(crate) fn lacks_memory(&self) -> bool {
        self.memory.lacks_memory()
    }

    /// Asks again for memory that was refused.
    pub(crate) fn ask_for_memory(&self) {
        if self.lacks_memory() {
            reserve_later(&self.memory);
        }
    }

    pub(crate) fn data_bytes(&self) -> usize {
        self.shape.data_bytes()
    }

    /// Publishes what is in a slot of this ring, stamped with the present time. `None`: the ring is paused or has
    /// ended, and the frame is abandoned.
    pub(crate) fn publish(
        &self,
        mut slot: OpenSlot<'_, Memory>,
        source_timestamp_ns: Option<u64>,
        has_checksums: bool,
    ) -> Option<FrameStamp> {
        let checksum = has_checksums.then(|| slot.checksum());
        let (timestamp_ns, wall_clock_ns) = (monotonic_ns(), wall_ns());
        let stamp = FrameStamp {
            timestamp_ns,
            wall_clock_ns,
            source_timestamp_ns,
            checksum,
        };
        (!self.memory.is_lost() && self.gate.grant(slot.id())).then(|| {
            slot.publish(&stamp);
            // W10. Nobody is waited for, and an error would change nothing.
            if self.rings_bell {
                self.memory.ring_bell();
            }
            stamp
        })
    }

    /// Publishes nothing until `resume`; the newest frame id that was or is being published.
    pub(crate) fn pause(&self) -> u64 {
        self.gate.shut()
    }

    pub(crate) fn resume(&self) {
        self.gate.reopen();
    }

    /// Publishes nothing any more, and leaves the memory alone. A frame that is being published at this moment
    /// still is.
    pub(crate) fn end(&self) {
        self.gate.shut();
        // ORDER tally: relaxed, whoever sees it late does what it would have done a moment before.
        self.has_ended.store(true, Ordering::Relaxed);
    }

    pub(crate) fn has_ended(&self) -> bool {
        // ORDER tally: relaxed, as above.
        self.has_ended.load(Ordering::Relaxed) || self.memory.is_lost()
    }

    /// Tells whoever publishes here that there is a ring after this one, to which frames go from now on.
    pub(crate) fn supersede(&self) {
        // ORDER tally: relaxed, whoever sees it late finds the gate shut meanwhile.
        self.is_superseded.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_superseded(&self) -> bool {
        // ORDER tally: relaxed, as above.
        self.is_superseded.load(Ordering::Relaxed)
    }

    /// Tells readers that this process runs. `false`: the ring has ended and needs no more beats.
    pub(crate) fn beat(&self, now_ns: u64) -> bool {
        let is_live = !self.has_ended() && !self.is_superseded();
        if is_live {
            beat(&self.memory, now_ns);
        }
        is_live
    }
}

/// A ring's writer in the hands of one party. Dropping it gives the writer back, also when a panic passes.
pub(crate) struct HeldWriter {
    writer: ManuallyDrop<Box<Writer<Memory>>>,
    ring: Arc<Ring>,
}

impl HeldWriter {
    pub(crate) fn ring(&self) -> &Arc<Ring> {
        &self.ring
    }
}

impl Deref for HeldWriter {
    type Target = Writer<Memory>;

    fn deref(&self) -> &Self::Target {
        &self.writer
    }
}

impl DerefMut for HeldWriter {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.writer
    }
}

impl Drop for HeldWriter {
    fn drop(&mut self) {
        // SAFETY: taken once, here, where nobody can look at the field any more.
        let writer = unsafe { ManuallyDrop::take(&mut self.writer) };
        self.ring.writer.give_back(writer);
    }
}
