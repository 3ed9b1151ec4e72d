//! How large a ring is: a geometry, a number of slots, and the sizes that follow from them.

use thiserror::Error;

use crate::geometry::Geometry;
use crate::layout::{MAX_SLOTS, MIN_SLOTS, PAGE, RECORD_STRIDE, SLOT_RECORDS};

/// Geometry and number of slots. A value of this type is always valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RingShape {
    geometry: Geometry,
    slot_count: u32,
}

impl RingShape {
    /// A ring of `slot_count` pictures, 3 to 64.
    pub const fn new(geometry: Geometry, slot_count: u32) -> Result<Self, ShapeError> {
        if slot_count < MIN_SLOTS || slot_count > MAX_SLOTS {
            return Err(ShapeError { slot_count });
        }
        Ok(Self { geometry, slot_count })
    }

    /// The shape of every picture.
    pub const fn geometry(self) -> Geometry {
        self.geometry
    }

    /// How many pictures the ring holds.
    pub const fn slot_count(self) -> u32 {
        self.slot_count
    }

    /// Bytes from one slot to the next.
    pub const fn slot_stride(self) -> usize {
        self.geometry.frame_bytes().next_multiple_of(PAGE)
    }

    /// Bytes of meta.
    pub const fn meta_bytes(self) -> usize {
        (SLOT_RECORDS + self.slot_count as usize * RECORD_STRIDE).next_multiple_of(PAGE)
    }

    /// Bytes of data.
    pub const fn data_bytes(self) -> usize {
        self.slot_count as usize * self.slot_stride()
    }
}

/// A number of slots that no ring can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("slot count {slot_count} must be from {MIN_SLOTS} to {MAX_SLOTS}")]
pub struct ShapeError {
    /// The number asked for.
    pub slot_count: u32,
}

impl ShapeError {
    /// The stable code of the error.
    pub const fn code(&self) -> &'static str {
        "BAD_SLOT_COUNT"
    }
}
