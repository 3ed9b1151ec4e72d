//! The scenarios of `golden/README.md`: how each ring is made, and what a reader must see in it, worked out
//! from the description and not by reading the ring.

use serde::{Deserialize, Serialize};
use vas_frame_protocol::{
    ChromaSiting, ColourRange, Colours, FrameStamp, Geometry, HeapRing, RingIdentity, RingShape, State,
    Writer, beat, checksum, set_state,
};

/// What a reader must see. Nanoseconds are strings: they are too large for a number of JavaScript.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    pub epoch: String,
    pub generation: u64,
    pub first_frame_id: u64,
    pub data_inode: u64,
    pub created_ns: String,
    pub created_wall_ns: String,
    pub width: u32,
    pub height: u32,
    pub stride: u32,
    pub slot_count: u32,
    pub slot_stride: usize,
    pub meta_size: usize,
    pub data_size: usize,
    pub state: String,
    pub heartbeat_ns: String,
    pub frames_written: u64,
    pub frames_incomplete: u64,
    pub bytes_written: u64,
    pub frames_rejected: u64,
    /// 0 = none.
    pub newest_id: u64,
    /// The frames that can be read, oldest first.
    pub frames: Vec<ExpectedFrame>,
    /// The frames that were there and are gone.
    pub overwritten: Vec<u64>,
    /// Frames that are not there yet.
    pub not_yet: Vec<u64>,
    /// What the ring says of its colours, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colours: Option<ExpectedColours>,
}

/// Codes of H.273, and names for range and siting.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedColours {
    pub matrix: Option<u8>,
    pub primaries: Option<u8>,
    pub transfer: Option<u8>,
    pub range: Option<String>,
    pub chroma_siting: Option<String>,
}

impl ExpectedColours {
    pub fn of(colours: Colours) -> Option<Self> {
        (colours != Colours::default()).then(|| Self {
            matrix: colours.matrix,
            primaries: colours.primaries,
            transfer: colours.transfer,
            range: colours.range.map(|range| range.name().into()),
            chroma_siting: colours.chroma_siting.map(|siting| siting.name().into()),
        })
    }
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedFrame {
    pub id: u64,
    pub timestamp_ns: String,
    pub wall_clock_ns: String,
    pub source_timestamp_ns: Option<String>,
    pub checksum: Option<u32>,
    pub data_offset: usize,
    /// CRC-32 of the picture, whether or not it stands in the ring.
    pub picture_crc32: u32,
}

/// A ring and what is in it.
pub struct Scenario {
    pub name: &'static str,
    pub ring: HeapRing,
    pub expected: Expected,
}

/// The picture of frame `id`: every byte differs from its neighbours and from itself in the next frame.
pub fn picture(id: u64, len: usize) -> Vec<u8> {
    (0..len as u64).map(|i| ((id * 31 + i) & 0xff) as u8).collect()
}

/// The stamp of frame `id`; frame 5 has everything that is optional.
pub fn stamp(id: u64, geometry: Geometry) -> FrameStamp {
    FrameStamp {
        timestamp_ns: id * 40_000_000,
        wall_clock_ns: 1_700_000_000_000_000_000 + id * 40_000_000,
        source_timestamp_ns: (id == 5).then_some(12_345),
        checksum: (id == 5).then(|| checksum(&picture(id, geometry.frame_bytes()))),
    }
}

pub fn all() -> Vec<Scenario> {
    vec![
        scenario("empty", |_| ()),
        scenario("two-frames", |ring| ring.publish(1..=2)),
        scenario("wrapped", |ring| ring.publish(1..=5)),
        scenario("mid-write", |ring| {
            ring.publish(1..=2);
            let mut slot = ring.writer.begin();
            slot.write_at(0, &[0xEE; 100]).unwrap();
        }),
        scenario("ended", |ring| {
            ring.publish(1..=5);
            drop(ring.writer.begin());
            ring.overwritten_by_open_slot = Some(3);
            ring.writer.note_incomplete();
            ring.writer.note_rejected();
            beat(*ring.writer.memory(), 7_000);
            set_state(*ring.writer.memory(), State::Ended);
            ring.expected.frames_incomplete = 1;
            ring.expected.frames_rejected = 1;
            ring.expected.heartbeat_ns = "7000".into();
            ring.expected.state = "ended".into();
        }),
        scenario("next-generation", |ring| ring.publish(6..=7)),
        scenario("colours", |ring| ring.publish(1..=2)),
    ]
}

/// A ring in the making.
struct Making<'a> {
    writer: Writer<&'a HeapRing>,
    geometry: Geometry,
    expected: Expected,
    published: Vec<u64>,
    overwritten_by_open_slot: Option<u64>,
}

impl Making<'_> {
    fn publish(&mut self, ids: std::ops::RangeInclusive<u64>) {
        for id in ids {
            let picture = picture(id, self.geometry.frame_bytes());
            let published = self.writer.push(&picture, &stamp(id, self.geometry)).unwrap();
            assert_eq!(published, id);
            self.published.push(id);
        }
    }
}

fn scenario(name: &'static str, make: impl FnOnce(&mut Making<'_>)) -> Scenario {
    let is_next = name == "next-generation";
    let geometry = if is_next {
        Geometry::nv12(32, 16).unwrap().with_stride(48).unwrap()
    } else {
        Geometry::nv12(16, 16).unwrap()
    };
    let colours = if name == "colours" {
        Colours {
            matrix: Some(1),
            primaries: Some(9),
            transfer: Some(16),
            range: Some(ColourRange::Limited),
            chroma_siting: Some(ChromaSiting::TopLeft),
        }
    } else {
        Colours::default()
    };
    let shape = RingShape::new(geometry, 3).unwrap().with_colours(colours);
    let identity = RingIdentity {
        epoch: std::array::from_fn(|i| i as u8),
        generation: if is_next { 2 } else { 1 },
        first_frame_id: if is_next { 6 } else { 1 },
        data_inode: 0,
        created_ns: 1_000,
        created_wall_ns: 2_000,
    };
    let ring = HeapRing::new(shape, &identity).unwrap();
    // SAFETY: the ring was made above and this is its only writer.
    let writer = unsafe { Writer::new(&ring) }.unwrap();
    let mut making = Making {
        writer,
        geometry,
        expected: Expected {
            colours: ExpectedColours::of(colours),
            ..empty(geometry, &identity)
        },
        published: Vec::new(),
        overwritten_by_open_slot: None,
    };
    make(&mut making);

    let Making {
        mut expected,
        published,
        overwritten_by_open_slot,
        ..
    } = making;
    let newest = published.last().copied().unwrap_or(0);
    let is_there = |id: u64| id + 3 > newest && overwritten_by_open_slot != Some(id);
    expected.newest_id = newest;
    expected.frames_written = published.len() as u64;
    expected.bytes_written = published.len() as u64 * geometry.frame_bytes() as u64;
    expected.overwritten = published.iter().copied().filter(|&id| !is_there(id)).collect();
    expected.not_yet = vec![newest.max(identity.first_frame_id - 1) + 1];
    expected.frames = published
        .into_iter()
        .filter(|&id| is_there(id))
        .map(|id| expected_frame(id, geometry))
        .collect();
    Scenario { name, ring, expected }
}

fn empty(geometry: Geometry, identity: &RingIdentity) -> Expected {
    Expected {
        epoch: identity.epoch.iter().map(|byte| format!("{byte:02x}")).collect(),
        generation: identity.generation,
        first_frame_id: identity.first_frame_id,
        data_inode: identity.data_inode,
        created_ns: identity.created_ns.to_string(),
        created_wall_ns: identity.created_wall_ns.to_string(),
        width: geometry.width(),
        height: geometry.height(),
        stride: geometry.stride(),
        slot_count: 3,
        slot_stride: 4096,
        meta_size: 4096,
        data_size: 3 * 4096,
        state: "live".into(),
        heartbeat_ns: "0".into(),
        frames_written: 0,
        frames_incomplete: 0,
        bytes_written: 0,
        frames_rejected: 0,
        newest_id: 0,
        frames: Vec::new(),
        overwritten: Vec::new(),
        not_yet: Vec::new(),
        colours: None,
    }
}

fn expected_frame(id: u64, geometry: Geometry) -> ExpectedFrame {
    let stamp = stamp(id, geometry);
    ExpectedFrame {
        id,
        timestamp_ns: stamp.timestamp_ns.to_string(),
        wall_clock_ns: stamp.wall_clock_ns.to_string(),
        source_timestamp_ns: stamp.source_timestamp_ns.map(|ns| ns.to_string()),
        checksum: stamp.checksum,
        data_offset: (id % 3) as usize * 4096,
        picture_crc32: checksum(&picture(id, geometry.frame_bytes())),
    }
}
