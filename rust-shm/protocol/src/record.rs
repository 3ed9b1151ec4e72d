//! The record of a frame: the words it is made of, what the writer puts there and what a reader makes of it.

use crate::checksum::checksum;
use crate::geometry::Geometry;
use crate::layout::{NV12, RECORD_SIZE, VERSION, pack, record as at, unpack, word};
use crate::sync::Word;

/// What the writer knows about a frame when it is complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameStamp {
    /// CLOCK_MONOTONIC.
    pub timestamp_ns: u64,
    /// CLOCK_REALTIME.
    pub wall_clock_ns: u64,
    /// The host's own time stamp.
    pub source_timestamp_ns: Option<u64>,
    /// [`checksum`](crate::checksum()) of the picture, in verify mode.
    pub checksum: Option<u32>,
}

/// A frame that a reader has found: everything but the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRecord {
    /// The frame's id, from 1.
    pub frame_id: u64,
    /// When it was complete, and what else the writer knew.
    pub stamp: FrameStamp,
    /// The shape of the picture: that of the ring.
    pub geometry: Geometry,
    /// Where the picture starts in data.
    pub data_offset: usize,
}

impl FrameRecord {
    /// Whether `picture` has the checksum that stands in the record; `None` if none does.
    #[must_use]
    pub fn verify(&self, picture: &[u8]) -> Option<bool> {
        Some(self.stamp.checksum? == checksum(picture))
    }
}

/// A record in place.
#[derive(Clone, Copy)]
pub(crate) struct RecordWords<'a>(&'a [Word]);

impl<'a> RecordWords<'a> {
    /// The record that begins at word `first` of meta. The caller has checked that it is inside.
    pub(crate) fn at(meta: &'a [Word], first: usize) -> Self {
        Self(&meta[first..first + word(at::END)])
    }

    fn word(self, offset: usize) -> &'a Word {
        &self.0[word(offset)]
    }

    pub(crate) fn sequence(self) -> &'a Word {
        self.word(at::SEQUENCE)
    }

    /// Writes what stays the same for the life of a slot. The rest is zero already.
    pub(crate) fn initialise(self, geometry: Geometry, data_offset: u64) {
        self.word(at::VERSION_AND_SIZE).set(pack(VERSION, RECORD_SIZE));
        self.word(at::WIDTH_AND_HEIGHT)
            .set(pack(geometry.width(), geometry.height()));
        self.word(at::FORMAT_AND_STRIDE)
            .set(pack(NV12, geometry.stride()));
        self.word(at::DATA_SIZE).set(geometry.frame_bytes() as u64);
        self.word(at::DATA_OFFSET).set(data_offset);
    }

    /// Writes what is new with each frame.
    pub(crate) fn set(self, frame_id: u64, stamp: &FrameStamp, data_offset: usize) {
        let mut flags = 0;
        if stamp.source_timestamp_ns.is_some() {
            flags |= at::HAS_SOURCE_TIMESTAMP;
        }
        if stamp.checksum.is_some() {
            flags |= at::HAS_CHECKSUM;
        }
        self.word(at::FRAME_ID).set(frame_id);
        self.word(at::TIMESTAMP_NS).set(stamp.timestamp_ns);
        self.word(at::DATA_OFFSET).set(data_offset as u64);
        self.word(at::WALL_CLOCK_NS).set(stamp.wall_clock_ns);
        self.word(at::SOURCE_TIMESTAMP_NS)
            .set(stamp.source_timestamp_ns.unwrap_or(0));
        self.word(at::FLAGS_AND_CHECKSUM)
            .set(pack(flags, stamp.checksum.unwrap_or(0)));
    }

    /// Reads what the writer wrote last.
    pub(crate) fn stamp(self) -> FrameStamp {
        let (flags, checksum) = unpack(self.word(at::FLAGS_AND_CHECKSUM).load());
        let source_timestamp_ns = self.word(at::SOURCE_TIMESTAMP_NS).load();
        FrameStamp {
            timestamp_ns: self.word(at::TIMESTAMP_NS).load(),
            wall_clock_ns: self.word(at::WALL_CLOCK_NS).load(),
            source_timestamp_ns: (flags & at::HAS_SOURCE_TIMESTAMP != 0).then_some(source_timestamp_ns),
            checksum: (flags & at::HAS_CHECKSUM != 0).then_some(checksum),
        }
    }

    /// Reads the record; `None` if it is not that of frame `id`, of this geometry, with the picture at `data_offset`.
    /// The caller has checked that a picture there lies inside data.
    pub(crate) fn read(self, geometry: Geometry, data_offset: usize, id: u64) -> Option<FrameRecord> {
        let (version, record_size) = unpack(self.word(at::VERSION_AND_SIZE).load());
        let frame_id = self.word(at::FRAME_ID).load();
        let data_size = self.word(at::DATA_SIZE).load();
        let is_sound = version >= VERSION
            && record_size >= RECORD_SIZE
            && frame_id == id
            && self.word(at::WIDTH_AND_HEIGHT).load() == pack(geometry.width(), geometry.height())
            && self.word(at::FORMAT_AND_STRIDE).load() == pack(NV12, geometry.stride())
            && data_size == geometry.frame_bytes() as u64
            && self.word(at::DATA_OFFSET).load() == data_offset as u64;
        is_sound.then(|| FrameRecord {
            frame_id,
            stamp: self.stamp(),
            geometry,
            data_offset,
        })
    }
}
