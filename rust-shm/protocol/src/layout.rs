//! Every offset and size of PROTOCOL.md, in bytes, and nothing that acts on them.

/// The layout version that this crate writes.
pub const VERSION: u32 = 1;
/// The first eight bytes of the ring header.
pub const MAGIC: [u8; 8] = *b"VASFRAME";
/// The only pixel format: a Y plane, then an interleaved UV plane of half its height.
pub const NV12: u32 = 0;

/// Slots begin at multiples of this, and both ranges end at one.
pub const PAGE: usize = 4096;
/// How often the writer's process shows that it is there.
pub const HEARTBEAT_PERIOD_NS: u64 = 250_000_000;
/// A heartbeat or a frame that is older than this is old.
pub const OLD_AFTER_NS: u64 = 2_000_000_000;
/// The fewest slots with which a reader still has a frame to read while another is written.
pub const MIN_SLOTS: u32 = 3;
/// The most slots.
pub const MAX_SLOTS: u32 = 64;

/// The largest width and height.
pub const MAX_SIDE: u32 = 16_384;
/// The largest stride.
pub const MAX_STRIDE: u32 = 65_536;

/// Bytes of a record that have meaning.
pub const RECORD_SIZE: u32 = 88;
/// Bytes from one record to the next.
pub const RECORD_STRIDE: usize = 128;
/// Where the slots' records begin.
pub const SLOT_RECORDS: usize = 512;

/// Offsets from the start of a record. Two `u32` fields that share a word are read and written together.
pub mod record {
    /// `version` (low half) and `record_size` (high half).
    pub const VERSION_AND_SIZE: usize = 0;
    /// `frame_id`
    pub const FRAME_ID: usize = 8;
    /// `timestamp_ns`
    pub const TIMESTAMP_NS: usize = 16;
    /// `width` (low half) and `height` (high half).
    pub const WIDTH_AND_HEIGHT: usize = 24;
    /// `pixel_format` (low half) and `stride` (high half).
    pub const FORMAT_AND_STRIDE: usize = 32;
    /// `data_size`
    pub const DATA_SIZE: usize = 40;
    /// `data_offset`
    pub const DATA_OFFSET: usize = 48;
    /// `sequence`
    pub const SEQUENCE: usize = 56;
    /// `wall_clock_ns`
    pub const WALL_CLOCK_NS: usize = 64;
    /// `source_timestamp_ns`
    pub const SOURCE_TIMESTAMP_NS: usize = 72;
    /// `flags` (low half) and `checksum` (high half).
    pub const FLAGS_AND_CHECKSUM: usize = 80;
    /// The first reserved byte.
    pub const END: usize = 88;

    /// Flag: `source_timestamp_ns` has meaning.
    pub const HAS_SOURCE_TIMESTAMP: u32 = 1 << 0;
    /// Flag: `checksum` has meaning.
    pub const HAS_CHECKSUM: u32 = 1 << 1;
}

/// Offsets from the start of meta.
pub mod header {
    /// The record of the newest frame.
    pub const CURRENT_RECORD: usize = 0;
    /// `magic`
    pub const MAGIC: usize = 128;
    /// `header_size` (low half) and `slot_count` (high half).
    pub const SIZE_AND_SLOT_COUNT: usize = 136;
    /// `slot_stride`
    pub const SLOT_STRIDE: usize = 144;
    /// `meta_size`
    pub const META_SIZE: usize = 152;
    /// `data_size`
    pub const DATA_SIZE: usize = 160;
    /// `slot_records_offset` (low half) and `slot_record_stride` (high half).
    pub const SLOT_RECORDS: usize = 168;
    /// `epoch`, 16 bytes.
    pub const EPOCH: usize = 176;
    /// `generation`
    pub const GENERATION: usize = 192;
    /// `first_frame_id`
    pub const FIRST_FRAME_ID: usize = 200;
    /// `data_inode`
    pub const DATA_INODE: usize = 208;
    /// `created_ns`
    pub const CREATED_NS: usize = 216;
    /// `created_wall_ns`
    pub const CREATED_WALL_NS: usize = 224;
    /// `width` (low half) and `height` (high half).
    pub const WIDTH_AND_HEIGHT: usize = 232;
    /// `pixel_format` (low half) and `stride` (high half).
    pub const FORMAT_AND_STRIDE: usize = 240;
    /// `matrix`, `primaries`, `transfer`, `range` and `chroma_siting`, a byte each from the lowest on; three reserved.
    pub const COLOURS: usize = 248;
    /// `state` (low half); the high half is reserved.
    pub const STATE: usize = 256;
    /// `heartbeat_ns`
    pub const HEARTBEAT_NS: usize = 320;
    /// `frames_written`
    pub const FRAMES_WRITTEN: usize = 384;
    /// `frames_incomplete`
    pub const FRAMES_INCOMPLETE: usize = 392;
    /// `bytes_written`
    pub const BYTES_WRITTEN: usize = 400;
    /// `frames_rejected`
    pub const FRAMES_REJECTED: usize = 408;
    /// The first reserved byte after the counters.
    pub const END: usize = 416;

    /// `header_size`: bytes from `magic` on that have meaning.
    pub const SIZE: u32 = 288;
}

/// The word that holds the byte at `offset`.
pub(crate) const fn word(offset: usize) -> usize {
    offset / 8
}

/// Two `u32` fields as the word that holds them.
pub(crate) const fn pack(low: u32, high: u32) -> u64 {
    (high as u64) << 32 | low as u64
}

/// The two `u32` fields that a word holds: low half, high half.
#[allow(
    clippy::cast_possible_truncation,
    reason = "taking the halves apart is the purpose"
)]
pub(crate) const fn unpack(word: u64) -> (u32, u32) {
    (word as u32, (word >> 32) as u32)
}

const CACHE_LINE: usize = 64;

const _: () = {
    // A record: every word is used once, in order, up to the reserved bytes.
    let words = [
        record::VERSION_AND_SIZE,
        record::FRAME_ID,
        record::TIMESTAMP_NS,
        record::WIDTH_AND_HEIGHT,
        record::FORMAT_AND_STRIDE,
        record::DATA_SIZE,
        record::DATA_OFFSET,
        record::SEQUENCE,
        record::WALL_CLOCK_NS,
        record::SOURCE_TIMESTAMP_NS,
        record::FLAGS_AND_CHECKSUM,
        record::END,
    ];
    let mut i = 0;
    while i < words.len() {
        assert!(words[i] == i * 8);
        i += 1;
    }
    assert!(record::END == RECORD_SIZE as usize);
    assert!(record::END <= RECORD_STRIDE);

    // The header: the identity follows the current record without a gap, then one line each for what is
    // written at different times.
    assert!(header::CURRENT_RECORD == 0);
    assert!(header::MAGIC == RECORD_STRIDE);
    assert!(header::SIZE_AND_SLOT_COUNT == header::MAGIC + 8);
    assert!(header::SLOT_STRIDE == header::SIZE_AND_SLOT_COUNT + 8);
    assert!(header::META_SIZE == header::SLOT_STRIDE + 8);
    assert!(header::DATA_SIZE == header::META_SIZE + 8);
    assert!(header::SLOT_RECORDS == header::DATA_SIZE + 8);
    assert!(header::EPOCH == header::SLOT_RECORDS + 8);
    assert!(header::GENERATION == header::EPOCH + 16);
    assert!(header::FIRST_FRAME_ID == header::GENERATION + 8);
    assert!(header::DATA_INODE == header::FIRST_FRAME_ID + 8);
    assert!(header::CREATED_NS == header::DATA_INODE + 8);
    assert!(header::CREATED_WALL_NS == header::CREATED_NS + 8);
    assert!(header::WIDTH_AND_HEIGHT == header::CREATED_WALL_NS + 8);
    assert!(header::FORMAT_AND_STRIDE == header::WIDTH_AND_HEIGHT + 8);
    assert!(header::COLOURS == header::FORMAT_AND_STRIDE + 8);
    assert!(header::COLOURS + 8 == header::STATE);
    assert!(header::STATE % CACHE_LINE == 0);
    assert!(header::HEARTBEAT_NS == header::STATE + CACHE_LINE);
    assert!(header::FRAMES_WRITTEN == header::HEARTBEAT_NS + CACHE_LINE);
    assert!(header::FRAMES_INCOMPLETE == header::FRAMES_WRITTEN + 8);
    assert!(header::BYTES_WRITTEN == header::FRAMES_INCOMPLETE + 8);
    assert!(header::FRAMES_REJECTED == header::BYTES_WRITTEN + 8);
    assert!(header::END == header::FRAMES_REJECTED + 8);
    assert!(header::END == header::MAGIC + header::SIZE as usize);
    assert!(SLOT_RECORDS == header::FRAMES_WRITTEN + 2 * CACHE_LINE);

    // Some heartbeats may come late before the writer is taken for hung.
    assert!(OLD_AFTER_NS >= 4 * HEARTBEAT_PERIOD_NS);
    assert!(RECORD_STRIDE % CACHE_LINE == 0 && PAGE % RECORD_STRIDE == 0);
};
