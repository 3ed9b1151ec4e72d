//! How large a ring is: a geometry, a number of slots, and the sizes that follow from them.

use thiserror::Error;

use crate::colours::Colours;
use crate::geometry::Geometry;
use crate::layout::{MAX_SLOTS, MIN_SLOTS, PAGE, RECORD_STRIDE, SLOT_RECORDS};

/// Geometry, number of slots and colours: what is the same for all pictures of a ring. Always valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RingShape {
    geometry: Geometry,
    slot_count: u32,
    colours: Colours,
}

impl RingShape {
    /// A ring of `slot_count` pictures, 3 to 64, whose colours are not said.
    ///
    /// # Errors
    /// [`ShapeError`] for any other number of slots.
    pub const fn new(geometry: Geometry, slot_count: u32) -> Result<Self, ShapeError> {
        if slot_count < MIN_SLOTS || slot_count > MAX_SLOTS {
            return Err(ShapeError { slot_count });
        }
        let colours = Colours {
            matrix: None,
            primaries: None,
            transfer: None,
            range: None,
            chroma_siting: None,
        };
        Ok(Self {
            geometry,
            slot_count,
            colours,
        })
    }

    /// The same shape with pictures of these colours.
    #[must_use]
    pub const fn with_colours(self, colours: Colours) -> Self {
        Self { colours, ..self }
    }

    /// What the colours of every picture mean.
    #[must_use]
    pub const fn colours(self) -> Colours {
        self.colours
    }

    /// The shape of every picture.
    #[must_use]
    pub const fn geometry(self) -> Geometry {
        self.geometry
    }

    /// How many pictures the ring holds.
    #[must_use]
    pub const fn slot_count(self) -> u32 {
        self.slot_count
    }

    /// Bytes from one slot to the next.
    #[must_use]
    pub const fn slot_stride(self) -> usize {
        self.geometry.frame_bytes().next_multiple_of(PAGE)
    }

    /// Bytes of meta.
    #[must_use]
    pub const fn meta_bytes(self) -> usize {
        (SLOT_RECORDS + self.slot_count as usize * RECORD_STRIDE).next_multiple_of(PAGE)
    }

    /// Bytes of data.
    #[must_use]
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
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "BAD_SLOT_COUNT"
    }
}
