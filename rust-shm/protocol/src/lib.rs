#![doc = include_str!("../PROTOCOL.md")]
#![warn(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]
#![warn(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
// What follows is the crate: layout, writer and reader. No call of the operating system is made here, and
// no other crate of the workspace touches an atomic of the ring.

#[cfg(not(all(target_endian = "little", target_has_atomic = "64")))]
compile_error!("the ring is read and written in place: it needs a little-endian target with 64-bit atomics");

mod bell;
mod checksum;
mod colours;
mod geometry;
mod header;
#[cfg(not(loom))]
mod heap;
pub mod layout;
mod memory;
// For the models, which take an ordering away.
#[doc(hidden)]
pub mod order;
mod picture;
mod reader;
mod record;
pub mod sequence;
mod shape;
mod sync;
mod writer;

// For the crate that waits.
#[doc(hidden)]
pub use bell::{BELL, Ticket, change_bell};
pub use checksum::checksum;
pub use colours::{ChromaSiting, ColourRange, Colours};
pub use geometry::{Geometry, GeometryError};
pub use header::{
    AttachError, Header, InitialiseError, RingIdentity, State, beat, heartbeat_ns, initialise, set_state,
    state,
};
#[cfg(not(loom))]
pub use heap::HeapRing;
pub use memory::{RingMemory, WritableMemory};
pub use picture::RacyBytes;
pub use reader::{Miss, Reader, Taken};
pub use record::{FrameRecord, FrameStamp};
pub use shape::{RingShape, ShapeError};
pub use sync::{Byte, Word};
pub use writer::{Counters, OpenSlot, Writer, WrongSize};
