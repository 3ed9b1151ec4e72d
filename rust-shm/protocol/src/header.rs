//! Identity, shape and state of a ring: how they are written once, and how a reader that trusts nothing
//! checks them.

use thiserror::Error;

use crate::colours::Colours;
use crate::geometry::{Geometry, GeometryError};
use crate::layout::{self, header as at, pack, record, unpack, word};
use crate::memory::{RingMemory, WritableMemory};
use crate::order::{Order, acquire_fence, release_store};
use crate::record::RecordWords;
use crate::shape::{RingShape, ShapeError};
use crate::sync::Word;

/// What tells one ring from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingIdentity {
    /// Random, new for every start of the export.
    pub epoch: [u8; 16],
    /// From 1 within the epoch.
    pub generation: u64,
    /// The id that the first frame of this generation gets, from 1.
    pub first_frame_id: u64,
    /// The inode of the data file; 0 if the ring is not in files.
    pub data_inode: u64,
    /// CLOCK_MONOTONIC when the ring was made.
    pub created_ns: u64,
    /// CLOCK_REALTIME when the ring was made.
    pub created_wall_ns: u64,
}

/// How far a ring's life has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Frames may follow.
    Live,
    /// The camera was closed.
    Ended,
    /// The next generation is at the same path.
    Replaced,
}

impl State {
    /// The state that a number of the ring header stands for; `None` for one that no writer writes.
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Live),
            2 => Some(Self::Ended),
            3 => Some(Self::Replaced),
            _ => None,
        }
    }

    /// The number that stands for it in the ring header.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Live => 1,
            Self::Ended => 2,
            Self::Replaced => 3,
        }
    }
}

/// Writes an empty ring of the given shape into `memory`: every byte of meta, no byte of data.
///
/// To be called before anybody else can see the memory.
///
/// # Errors
/// [`InitialiseError`]; nothing is written then.
pub fn initialise<M: WritableMemory>(
    memory: &M,
    shape: RingShape,
    identity: &RingIdentity,
) -> Result<(), InitialiseError> {
    let meta = memory.meta();
    let has = meta.len() * 8;
    if has < shape.meta_bytes() {
        return Err(InitialiseError::MetaTooSmall {
            needed: shape.meta_bytes(),
            has,
        });
    }
    if memory.data_len() < shape.data_bytes() {
        return Err(InitialiseError::DataTooSmall {
            needed: shape.data_bytes(),
            has: memory.data_len(),
        });
    }
    if identity.first_frame_id == 0 || identity.generation == 0 {
        return Err(InitialiseError::NotFromOne);
    }
    for word in meta {
        word.set(0);
    }

    let geometry = shape.geometry();
    let (epoch_low, epoch_high) = identity.epoch.split_at(8);
    let set = |offset, value| meta[word(offset)].set(value);
    set(at::MAGIC, u64::from_le_bytes(layout::MAGIC));
    set(at::SIZE_AND_SLOT_COUNT, pack(at::SIZE, shape.slot_count()));
    set(at::SLOT_STRIDE, shape.slot_stride() as u64);
    set(at::META_SIZE, shape.meta_bytes() as u64);
    set(at::DATA_SIZE, shape.data_bytes() as u64);
    set(at::SLOT_RECORDS, pack(SLOT_RECORDS_U32, RECORD_STRIDE_U32));
    set(at::EPOCH, u64_from_le(epoch_low));
    set(at::EPOCH + 8, u64_from_le(epoch_high));
    set(at::GENERATION, identity.generation);
    set(at::FIRST_FRAME_ID, identity.first_frame_id);
    set(at::DATA_INODE, identity.data_inode);
    set(at::CREATED_NS, identity.created_ns);
    set(at::CREATED_WALL_NS, identity.created_wall_ns);
    set(at::WIDTH_AND_HEIGHT, pack(geometry.width(), geometry.height()));
    set(at::FORMAT_AND_STRIDE, pack(layout::NV12, geometry.stride()));
    set(at::COLOURS, shape.colours().to_word());
    set(at::STATE, pack(State::Live.number(), 0));

    RecordWords::at(meta, word(at::CURRENT_RECORD)).initialise(geometry, 0);
    for slot in 0..shape.slot_count() as usize {
        let first_word = word(layout::SLOT_RECORDS + slot * layout::RECORD_STRIDE);
        RecordWords::at(meta, first_word).initialise(geometry, (slot * shape.slot_stride()) as u64);
    }
    Ok(())
}

#[allow(clippy::cast_possible_truncation, reason = "the constant is 512")]
const SLOT_RECORDS_U32: u32 = layout::SLOT_RECORDS as u32;
#[allow(clippy::cast_possible_truncation, reason = "the constant is 128")]
const RECORD_STRIDE_U32: u32 = layout::RECORD_STRIDE as u32;

fn u64_from_le(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |value, &byte| value << 8 | u64::from(byte))
}

/// Memory that cannot hold the ring, or an identity that no ring can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InitialiseError {
    /// Meta is too small for the shape.
    #[error("meta needs {needed} bytes and has {has}")]
    MetaTooSmall {
        /// Bytes that the shape needs.
        needed: usize,
        /// Bytes that there are.
        has: usize,
    },
    /// Data is too small for the shape.
    #[error("data needs {needed} bytes and has {has}")]
    DataTooSmall {
        /// Bytes that the shape needs.
        needed: usize,
        /// Bytes that there are.
        has: usize,
    },
    /// Generation or first frame id is 0.
    #[error("generations and frame ids are counted from 1")]
    NotFromOne,
}

/// Tells that the writer's process is alive. From any thread; a single store.
pub fn beat<M: WritableMemory>(memory: &M, now_ns: u64) {
    if let Some(heartbeat) = memory.meta().get(word(at::HEARTBEAT_NS)) {
        heartbeat.set(now_ns);
    }
}

/// The last heartbeat, CLOCK_MONOTONIC; 0 = none yet.
pub fn heartbeat_ns<M: RingMemory>(memory: &M) -> u64 {
    memory.meta().get(word(at::HEARTBEAT_NS)).map_or(0, Word::load)
}

/// Tells readers how the ring's life has ended. After the last frame was published, from any thread.
pub fn set_state<M: WritableMemory>(memory: &M, state: State) {
    if let Some(word) = memory.meta().get(word(at::STATE)) {
        // ORDER end: every frame before the state.
        release_store(word, pack(state.number(), 0), &[Order::End]);
    }
}

/// The state, or `None` for a number that no writer writes.
///
/// Ask for it before the newest frame: an ended ring that has nothing newer after that has nothing more to come.
pub fn state<M: RingMemory>(memory: &M) -> Option<State> {
    let (number, _) = unpack(memory.meta().get(word(at::STATE))?.load());
    // ORDER end: the state before R1.
    acquire_fence(Order::End);
    State::from_number(number)
}

/// What stands in the header of a ring, checked against the memory it was read from.
///
/// It is a copy: what is written into the ring later changes nothing here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    version: u32,
    shape: RingShape,
    identity: RingIdentity,
    slot_stride: usize,
    first_slot_record: usize,
    words_per_slot_record: usize,
}

impl Header {
    /// Reads and checks the header as PROTOCOL.md tells a reader to, whatever stands there.
    ///
    /// `data_inode` is for whoever opened the files to compare.
    ///
    /// # Errors
    /// [`AttachError`] says what does not fit.
    pub fn read<M: RingMemory>(memory: &M) -> Result<Self, AttachError> {
        let meta = memory.meta();
        if meta.len() < word(layout::SLOT_RECORDS) {
            return Err(AttachError::MetaTooSmall);
        }
        let load = |offset| meta[word(offset)].load();

        if load(at::MAGIC).to_le_bytes() != layout::MAGIC {
            return Err(AttachError::Magic);
        }
        let (version, record_size) = unpack(load(at::CURRENT_RECORD + record::VERSION_AND_SIZE));
        if version < layout::VERSION {
            return Err(AttachError::Version(version));
        }
        let (header_size, slot_count) = unpack(load(at::SIZE_AND_SLOT_COUNT));
        if header_size < at::SIZE {
            return Err(AttachError::HeaderSize(header_size));
        }
        if record_size < layout::RECORD_SIZE {
            return Err(AttachError::RecordSize(record_size));
        }

        let meta_size = load(at::META_SIZE);
        let data_size = load(at::DATA_SIZE);
        let meta_has = meta.len() * 8;
        let Some(meta_size) = within(meta_size, meta_has) else {
            return Err(AttachError::MetaSize {
                says: meta_size,
                has: meta_has,
            });
        };
        let Some(data_size) = within(data_size, memory.data_len()) else {
            return Err(AttachError::DataSize {
                says: data_size,
                has: memory.data_len(),
            });
        };

        let (width, height) = unpack(load(at::WIDTH_AND_HEIGHT));
        let (pixel_format, stride) = unpack(load(at::FORMAT_AND_STRIDE));
        if pixel_format != layout::NV12 {
            return Err(AttachError::PixelFormat(pixel_format));
        }
        let geometry = Geometry::nv12(width, height)?.with_stride(stride)?;
        let colours = Colours::from_word(load(at::COLOURS));
        let shape = RingShape::new(geometry, slot_count)?.with_colours(colours);

        let (records, record_stride) = unpack(load(at::SLOT_RECORDS));
        let (records, record_stride) = (records as usize, record_stride as usize);
        let records_end = (slot_count as usize)
            .checked_mul(record_stride)
            .and_then(|all| all.checked_add(records));
        if record_stride < layout::RECORD_STRIDE
            || record_stride % 8 != 0
            || records % 8 != 0
            || records < layout::SLOT_RECORDS
            || records_end.is_none_or(|end| end > meta_size)
        {
            return Err(AttachError::SlotRecords);
        }

        let slot_stride = usize::try_from(load(at::SLOT_STRIDE)).map_err(|_| AttachError::SlotStride)?;
        let slots_end = (slot_count as usize).checked_mul(slot_stride);
        if slot_stride < geometry.frame_bytes() || slots_end.is_none_or(|end| end > data_size) {
            return Err(AttachError::SlotStride);
        }

        let first_frame_id = load(at::FIRST_FRAME_ID);
        if first_frame_id == 0 {
            return Err(AttachError::FirstFrameId);
        }

        let mut epoch = [0; 16];
        epoch[..8].copy_from_slice(&load(at::EPOCH).to_le_bytes());
        epoch[8..].copy_from_slice(&load(at::EPOCH + 8).to_le_bytes());
        Ok(Self {
            version,
            shape,
            identity: RingIdentity {
                epoch,
                generation: load(at::GENERATION),
                first_frame_id,
                data_inode: load(at::DATA_INODE),
                created_ns: load(at::CREATED_NS),
                created_wall_ns: load(at::CREATED_WALL_NS),
            },
            slot_stride,
            first_slot_record: word(records),
            words_per_slot_record: word(record_stride),
        })
    }

    /// The layout version of the writer, at least 1.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Geometry and number of slots.
    #[must_use]
    pub const fn shape(&self) -> RingShape {
        self.shape
    }

    /// The shape of every picture.
    #[must_use]
    pub const fn geometry(&self) -> Geometry {
        self.shape.geometry()
    }

    /// What the colours of every picture mean.
    #[must_use]
    pub const fn colours(&self) -> Colours {
        self.shape.colours()
    }

    /// What tells this ring from another.
    #[must_use]
    pub const fn identity(&self) -> &RingIdentity {
        &self.identity
    }

    /// The first id that a frame of this ring can have; at least 1, as `read` has checked.
    pub(crate) const fn first_frame_id(&self) -> u64 {
        self.identity.first_frame_id
    }

    #[allow(
        clippy::cast_possible_truncation,
        reason = "the remainder is less than slot_count, at most 64"
    )]
    const fn slot_of(&self, id: u64) -> usize {
        (id % self.shape.slot_count() as u64) as usize
    }

    /// Where the picture of frame `id` is, by its slot: inside data, as `read` has checked.
    pub(crate) const fn slot_offset(&self, id: u64) -> usize {
        self.slot_of(id) * self.slot_stride
    }

    /// The record of the slot of frame `id`: inside meta, as `read` has checked.
    pub(crate) fn slot_record<'a>(&self, meta: &'a [Word], id: u64) -> RecordWords<'a> {
        RecordWords::at(
            meta,
            self.first_slot_record + self.slot_of(id) * self.words_per_slot_record,
        )
    }

    /// The record of the newest frame.
    pub(crate) fn current_record<'a>(&self, meta: &'a [Word]) -> RecordWords<'a> {
        RecordWords::at(meta, word(at::CURRENT_RECORD))
    }
}

/// `says` as a length, if that many bytes exist.
fn within(says: u64, has: usize) -> Option<usize> {
    usize::try_from(says).ok().filter(|&says| says <= has)
}

/// Memory in which there is no ring that this reader understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AttachError {
    /// Meta is smaller than a header.
    #[error("meta is too small to hold a ring header")]
    MetaTooSmall,
    /// The magic is another one.
    #[error("no frame ring: the magic is not VASFRAME")]
    Magic,
    /// The version is one that was never given out.
    #[error("layout version {0} does not exist")]
    Version(u32),
    /// The header is smaller than that of version 1.
    #[error("the ring header has {0} bytes, fewer than version 1")]
    HeaderSize(u32),
    /// The records are smaller than those of version 1.
    #[error("a record has {0} bytes, fewer than version 1")]
    RecordSize(u32),
    /// Meta is smaller than the header says.
    #[error("the header speaks of {says} bytes of meta, there are {has}")]
    MetaSize {
        /// Bytes by the header.
        says: u64,
        /// Bytes that there are.
        has: usize,
    },
    /// Data is smaller than the header says.
    #[error("the header speaks of {says} bytes of data, there are {has}")]
    DataSize {
        /// Bytes by the header.
        says: u64,
        /// Bytes that there are.
        has: usize,
    },
    /// The pixel format is not NV12.
    #[error("pixel format {0} is not known")]
    PixelFormat(u32),
    /// The geometry is not one that a ring can have.
    #[error(transparent)]
    Geometry(#[from] GeometryError),
    /// The number of slots is not one that a ring can have.
    #[error(transparent)]
    SlotCount(#[from] ShapeError),
    /// The slots' records are not inside meta behind the header, or too small.
    #[error("the slot records do not lie inside meta behind the header")]
    SlotRecords,
    /// The first frame id is 0, which no frame has.
    #[error("frame ids are counted from 1, and the first one here would be 0")]
    FirstFrameId,
    /// The slots are not inside data, or too small for a picture.
    #[error("the slots do not lie inside data, or are too small for a picture")]
    SlotStride,
}

impl AttachError {
    /// The stable code of the error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "INCOMPATIBLE_LAYOUT"
    }
}
