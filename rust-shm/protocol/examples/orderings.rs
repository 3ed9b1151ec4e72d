//! The steps of PROTOCOL.md as functions whose machine code can be looked at. `npm run verify -- emitted` does.

use vas_frame_protocol::{FrameStamp, HeapRing, OpenSlot, Reader, Writer};

/// W1 and W2.
#[unsafe(no_mangle)]
#[inline(never)]
pub fn vas_ordering_open(writer: &mut Writer<&HeapRing>) -> u64 {
    writer.begin().id()
}

/// W4 to W9, behind the fields of the slot's record.
#[unsafe(no_mangle)]
#[inline(never)]
pub fn vas_ordering_publish(slot: OpenSlot<'_, &HeapRing>, stamp: &FrameStamp) -> u64 {
    slot.publish(stamp)
}

/// R1.
#[unsafe(no_mangle)]
#[inline(never)]
pub fn vas_ordering_newest(reader: &Reader<&HeapRing>) -> u64 {
    reader.newest_id()
}

/// R2 to R5 around a copy of the picture, which is a call.
#[unsafe(no_mangle)]
#[inline(never)]
pub fn vas_ordering_look(reader: &Reader<&HeapRing>, id: u64, into: &mut [u8]) -> bool {
    reader.look(id, |_, picture| picture.copy_to(into)).is_ok()
}
