//! What a program in C gets to know, as plain data.

use vas_frame_protocol::{ChromaSiting, ColourRange, Colours, FrameRecord, Header, RingIdentity};
use vas_frame_segment::Health;

/// The version of this interface. A program that was compiled with another one must not go on.
pub const VAS_FRAMES_ABI_VERSION: u32 = 1;

/// The owner whose frames are accepted; checked on the folder and the files that were opened.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VasOwner {
    /// Frames of this process's user, of root, and of anyone to whom an administrator gave the base folder.
    Trusted = 0,
    /// Frames of the user `user`.
    User = 1,
    /// Frames of everybody.
    Anyone = 2,
}

/// How a camera is opened. All zero is what NULL means.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct VasOptions {
    /// A `VasOwner`.
    pub owner: i32,
    /// The id of the user, for VAS_OWNER_USER.
    pub user: u32,
}

/// A frame: everything but its picture.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct VasFrame {
    /// From 1; within an epoch no id comes twice.
    pub id: u64,
    /// How many frames there were between the one taken before and this one. 0 for `..._at`.
    pub missed: u64,
    /// When it was complete, CLOCK_MONOTONIC.
    pub timestamp_ns: u64,
    /// When it was complete, CLOCK_REALTIME.
    pub wall_clock_ns: u64,
    /// The time stamp that its source gave it, if `has_source_timestamp`.
    pub source_timestamp_ns: u64,
    /// From 1; one more with each change of shape within an epoch.
    pub generation: u64,
    /// The start of the export that the frame belongs to: random bytes.
    pub epoch: [u8; 16],
    /// Pixels per row, even.
    pub width: u32,
    /// Rows of luma, even.
    pub height: u32,
    /// Bytes from one row to the next, in either plane.
    pub stride: u32,
    /// CRC-32 of the picture, if `has_checksum`.
    pub checksum: u32,
    /// 1 if the source gave the frame a time stamp.
    pub has_source_timestamp: u8,
    /// 1 in verify mode.
    pub has_checksum: u8,
    /// Zero.
    pub reserved: [u8; 6],
}

/// A picture in place, as the callback of a look sees it. Its bytes may change while they are looked at; whether they
/// were one frame is known when the look has returned.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct VasPicture {
    /// Luma: `height` rows of `width` bytes, `stride` apart.
    pub y: *const u8,
    /// Chroma: `height / 2` rows of `width / 2` pairs Cb, Cr, `stride` apart.
    pub uv: *const u8,
    /// Bytes of the whole picture, from `y` on.
    pub len: usize,
    /// What is said of the frame.
    pub frame: VasFrame,
}

/// What the numbers of a picture mean, in the codes of ITU-T H.273; 0 is "not said" in each field.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct VasColours {
    /// MatrixCoefficients: 1 = BT.709, 5 and 6 = BT.601, 9 = BT.2020.
    pub matrix: u8,
    /// ColourPrimaries: 1 = BT.709, 5 and 6 = BT.601, 9 = BT.2020.
    pub primaries: u8,
    /// TransferCharacteristics: 1 = BT.709, 6 = BT.601, 13 = sRGB.
    pub transfer: u8,
    /// 1 = limited: luma from 16 to 235, chroma from 16 to 240; 2 = full: from 0 to 255.
    pub range: u8,
    /// One more than Chroma420SampleLocType: 1 = left, 2 = center, 3 = top left, 4 = top, 5 = bottom left, 6 = bottom.
    pub chroma_siting: u8,
    /// Zero.
    pub reserved: [u8; 3],
}

/// The shape of the frames that are read now.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct VasGeometry {
    /// Pixels per row.
    pub width: u32,
    /// Rows of luma.
    pub height: u32,
    /// Bytes from one row to the next, in either plane.
    pub stride: u32,
    /// How many frames shared memory holds.
    pub slot_count: u32,
    /// Bytes of a picture: what a destination must have room for.
    pub frame_bytes: usize,
    /// The start of the export: random bytes.
    pub epoch: [u8; 16],
    /// From 1; one more with each change of shape or colours within an epoch.
    pub generation: u64,
    /// What the numbers of the pictures mean.
    pub colours: VasColours,
}

/// How the writer of a camera is. None of them is the end: reading goes on when there are frames again.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VasHealth {
    /// Frames come.
    Live = 1,
    /// The writer's process is well, and no frame came for 2 s.
    Idle = 2,
    /// The writer's process is there and has not run for 2 s.
    Hung = 3,
    /// The writer's process is gone.
    Dead = 4,
    /// The camera was closed.
    Ended = 5,
    /// There is a newer ring at the path.
    Replaced = 6,
    /// The files were cut short.
    Damaged = 7,
}

/// How the writer of a camera is, with the ages that say so.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct VasHealthReport {
    /// A `VasHealth`.
    pub health: i32,
    /// 1 if there is a frame, so that `frame_age_ns` means something.
    pub has_frame: i32,
    /// Since the writer's process last showed life.
    pub heartbeat_age_ns: u64,
    /// Since the newest frame was complete.
    pub frame_age_ns: u64,
}

impl VasFrame {
    pub(crate) fn new(record: &FrameRecord, missed: u64, identity: &RingIdentity) -> Self {
        let (geometry, stamp) = (record.geometry, &record.stamp);
        Self {
            id: record.frame_id,
            missed,
            timestamp_ns: stamp.timestamp_ns,
            wall_clock_ns: stamp.wall_clock_ns,
            source_timestamp_ns: stamp.source_timestamp_ns.unwrap_or(0),
            generation: identity.generation,
            epoch: identity.epoch,
            width: geometry.width(),
            height: geometry.height(),
            stride: geometry.stride(),
            checksum: stamp.checksum.unwrap_or(0),
            has_source_timestamp: stamp.source_timestamp_ns.is_some().into(),
            has_checksum: stamp.checksum.is_some().into(),
            reserved: [0; 6],
        }
    }
}

impl VasGeometry {
    pub(crate) fn of(header: &Header) -> Self {
        let (shape, identity) = (header.shape(), header.identity());
        let geometry = shape.geometry();
        Self {
            width: geometry.width(),
            height: geometry.height(),
            stride: geometry.stride(),
            slot_count: shape.slot_count(),
            frame_bytes: geometry.frame_bytes(),
            epoch: identity.epoch,
            generation: identity.generation,
            colours: VasColours::from(shape.colours()),
        }
    }
}

impl From<Colours> for VasColours {
    fn from(colours: Colours) -> Self {
        let range = colours.range.map_or(0, |range| match range {
            ColourRange::Limited => 1,
            ColourRange::Full => 2,
        });
        let chroma_siting = colours.chroma_siting.map_or(0, |siting| match siting {
            ChromaSiting::Left => 1,
            ChromaSiting::Center => 2,
            ChromaSiting::TopLeft => 3,
            ChromaSiting::Top => 4,
            ChromaSiting::BottomLeft => 5,
            ChromaSiting::Bottom => 6,
        });
        Self {
            matrix: colours.matrix.unwrap_or(0),
            primaries: colours.primaries.unwrap_or(0),
            transfer: colours.transfer.unwrap_or(0),
            range,
            chroma_siting,
            reserved: [0; 3],
        }
    }
}

impl From<Health> for VasHealth {
    fn from(health: Health) -> Self {
        match health {
            Health::Live => Self::Live,
            Health::Idle => Self::Idle,
            Health::Hung => Self::Hung,
            Health::Dead => Self::Dead,
            Health::Ended => Self::Ended,
            Health::Replaced => Self::Replaced,
            Health::Damaged => Self::Damaged,
        }
    }
}
