//! Random sequences of whole operations against a plain model of the ring.
#![cfg(not(loom))]

mod identity;

use std::collections::HashMap;

use identity::FIRST;
use proptest::prelude::*;
use vas_frame_protocol::{
    Counters, FrameStamp, Geometry, HeapRing, Miss, Reader, RingIdentity, RingShape, Writer, WrongSize,
    checksum,
};

#[derive(Clone, Debug)]
enum Operation {
    Push {
        seed: u8,
        source: Option<u64>,
        has_checksum: bool,
    },
    PushWrongSize {
        short_by: usize,
    },
    FillInPieces {
        seed: u8,
        piece: usize,
    },
    Abandon {
        filled: usize,
        is_counted: bool,
    },
    TakeOver,
    Read {
        id: u64,
    },
    ReadNewest {
        after: u64,
    },
    ReadNext {
        after: u64,
    },
    Walk,
}

fn operation(ids: std::ops::Range<u64>) -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => (any::<u8>(), any::<Option<u64>>(), any::<bool>())
            .prop_map(|(seed, source, has_checksum)| Operation::Push { seed, source, has_checksum }),
        1 => (1..20usize).prop_map(|short_by| Operation::PushWrongSize { short_by }),
        2 => (any::<u8>(), 1..40usize).prop_map(|(seed, piece)| Operation::FillInPieces { seed, piece }),
        1 => (0..24usize, any::<bool>())
            .prop_map(|(filled, is_counted)| Operation::Abandon { filled, is_counted }),
        1 => Just(Operation::TakeOver),
        3 => ids.clone().prop_map(|id| Operation::Read { id }),
        2 => ids.clone().prop_map(|after| Operation::ReadNewest { after }),
        2 => ids.prop_map(|after| Operation::ReadNext { after }),
        2 => Just(Operation::Walk),
    ]
}

/// What the ring should hold: every frame ever published, and which of them must still be there.
struct Model {
    slots: u64,
    first: u64,
    newest: u64,
    frames: HashMap<u64, (Vec<u8>, FrameStamp)>,
    /// The slot of the next frame was opened and given up.
    is_open_slot_void: bool,
    counters: Counters,
}

impl Model {
    fn next(&self) -> u64 {
        if self.newest == 0 {
            self.first
        } else {
            self.newest + 1
        }
    }

    fn published(&mut self, picture: Vec<u8>, stamp: FrameStamp) -> u64 {
        let id = self.next();
        self.counters.frames_written += 1;
        self.counters.bytes_written += picture.len() as u64;
        self.frames.insert(id, (picture, stamp));
        self.newest = id;
        self.is_open_slot_void = false;
        id
    }

    fn read(&self, id: u64) -> Result<&(Vec<u8>, FrameStamp), Miss> {
        if id < self.first {
            return Err(Miss::Overwritten);
        }
        if id >= self.next() {
            return Err(Miss::NothingNewer);
        }
        let oldest = self.next().saturating_sub(self.slots) + u64::from(self.is_open_slot_void);
        if id < oldest {
            Err(Miss::Overwritten)
        } else {
            Ok(&self.frames[&id])
        }
    }

    /// A reader that has seen nothing begins with the first frame of the ring.
    fn missed(&self, after: u64, id: u64) -> u64 {
        let seen = if after == 0 { self.first - 1 } else { after };
        id - seen - 1
    }

    fn next_after(&self, after: u64) -> Option<u64> {
        (self.first.max(after + 1)..self.next()).find(|&id| self.read(id).is_ok())
    }
}

fn picture(seed: u8, len: usize) -> Vec<u8> {
    (0..len)
        .map(|i| seed.wrapping_mul(31).wrapping_add(i as u8))
        .collect()
}

fn run(slot_count: u32, first: u64, width: u32, operations: Vec<Operation>) -> Result<(), TestCaseError> {
    let geometry = Geometry::nv12(width, 2).unwrap().with_stride(width + 3).unwrap();
    let identity = RingIdentity {
        epoch: [7; 16],
        generation: 3,
        first_frame_id: first,
        data_inode: 0,
        created_ns: 1,
        created_wall_ns: 2,
    };
    let ring = HeapRing::new(RingShape::new(geometry, slot_count).unwrap(), &identity).unwrap();
    // SAFETY: the only writer; it is given up before the next one is made below.
    let mut writer = unsafe { Writer::new(&ring) }.unwrap();
    let reader = Reader::attach(&ring).unwrap();
    let len = reader.frame_bytes();
    let mut model = Model {
        slots: u64::from(slot_count),
        first,
        newest: 0,
        frames: HashMap::new(),
        is_open_slot_void: false,
        counters: Counters::default(),
    };
    let mut bytes = vec![0; len];

    for (step, operation) in operations.into_iter().enumerate() {
        let stamp = FrameStamp {
            timestamp_ns: step as u64,
            wall_clock_ns: !0,
            ..FrameStamp::default()
        };
        match operation {
            Operation::Push {
                seed,
                source,
                has_checksum,
            } => {
                let picture = picture(seed, len);
                let checksum = has_checksum.then(|| checksum(&picture));
                let stamp = FrameStamp {
                    source_timestamp_ns: source,
                    checksum,
                    ..stamp
                };
                let id = writer.push(&picture, &stamp);
                prop_assert_eq!(id, Ok(model.published(picture, stamp)));
            }
            Operation::PushWrongSize { short_by } => {
                let has = len.saturating_sub(short_by);
                let refused = writer.push(&vec![0; has], &stamp);
                prop_assert_eq!(refused, Err(WrongSize { needed: len, has }));
                model.counters.frames_rejected += 1;
            }
            Operation::FillInPieces { seed, piece } => {
                let picture = picture(seed, len);
                let mut slot = writer.begin();
                for (i, part) in picture.chunks(piece).enumerate() {
                    slot.write_at(i * piece, part).unwrap();
                }
                prop_assert!(slot.write_at(len, &[0]).is_err());
                prop_assert!(slot.write_at(usize::MAX, &[0]).is_err());
                let stamp = FrameStamp {
                    checksum: Some(slot.checksum()),
                    ..stamp
                };
                let id = slot.publish(&stamp);
                prop_assert_eq!(id, model.published(picture, stamp));
            }
            Operation::Abandon { filled, is_counted } => {
                let mut slot = writer.begin();
                slot.write_at(0, &vec![0xEE; filled.min(len)]).unwrap();
                drop(slot);
                model.is_open_slot_void = true;
                if is_counted {
                    writer.note_incomplete();
                    model.counters.frames_incomplete += 1;
                }
            }
            Operation::TakeOver => {
                let memory = writer.into_memory();
                // SAFETY: the writer before is gone.
                writer = unsafe { Writer::new(memory) }.unwrap();
            }
            Operation::Read { id } => {
                let seen = reader
                    .copy(id, &mut bytes)
                    .map(|record| (bytes.clone(), record.stamp));
                prop_assert_eq!(seen, model.read(id).cloned());
                if let Ok(record) = reader.copy(id, &mut bytes) {
                    prop_assert_eq!(record.frame_id, id);
                    prop_assert_eq!(record.geometry, geometry);
                    prop_assert_ne!(record.verify(&bytes), Some(false));
                    bytes[0] ^= 1;
                    prop_assert_ne!(record.verify(&bytes), Some(true));
                }
            }
            Operation::ReadNewest { after } => {
                let newest = Some(model.newest).filter(|&id| id > after);
                let seen = reader.copy_newest(after, &mut bytes);
                prop_assert_eq!(seen.map(|taken| taken.record.frame_id).ok(), newest);
                prop_assert_eq!(
                    seen.map(|taken| taken.missed).ok(),
                    newest.map(|id| model.missed(after, id))
                );
            }
            Operation::ReadNext { after } => {
                let next = model.next_after(after);
                let seen = reader.look_next(after, |_, picture| {
                    picture.slice(1, 3).unwrap().copy_to(&mut bytes)
                });
                prop_assert_eq!(seen.map(|taken| taken.record.frame_id).ok(), next);
                prop_assert_eq!(
                    seen.map(|taken| taken.missed).ok(),
                    next.map(|id| model.missed(after, id))
                );
                if let Some(id) = next {
                    prop_assert_eq!(&bytes[..3], &model.frames[&id].0[1..4]);
                }
            }
            Operation::Walk => {
                let mut seen = 0;
                let mut missed = 0;
                let mut after = 0;
                while let Ok(taken) = reader.copy_next(after, &mut bytes) {
                    prop_assert_eq!(&bytes, &model.frames[&taken.record.frame_id].0);
                    seen += 1;
                    missed += taken.missed;
                    after = taken.record.frame_id;
                }
                prop_assert_eq!(seen + missed, model.counters.frames_written);
            }
        }
        let current = reader.current().map(|record| (record.frame_id, record.stamp));
        let expected = if model.newest == 0 {
            Err(Miss::NothingNewer)
        } else {
            Ok(model.newest)
        };
        prop_assert_eq!(current, expected.map(|id| (id, model.frames[&id].1)));
        prop_assert_eq!(writer.newest_id(), model.newest);
        prop_assert_eq!(reader.newest_id(), model.newest);
        prop_assert_eq!(reader.counters(), model.counters);
        prop_assert_eq!(writer.counters(), model.counters);
    }
    Ok(())
}

proptest! {
    #[test]
    fn p1_4_readers_and_writer_agree_with_the_model(
        slot_count in 3..=8u32,
        first in prop_oneof![Just(1u64), 2..10u64, Just(1 << 40)],
        width in (1..8u32).prop_map(|half| half * 2),
        operations in prop::collection::vec(operation(0..24), 1..80),
    ) {
        // Ids are asked for near those that there are.
        let operations = operations.into_iter().map(|operation| match operation {
            Operation::Read { id } => Operation::Read { id: id + first.saturating_sub(2) },
            Operation::ReadNewest { after } => Operation::ReadNewest { after: after + first - 1 },
            Operation::ReadNext { after } => Operation::ReadNext { after: after + first - 1 },
            operation => operation,
        });
        run(slot_count, first, width, operations.collect())?;
    }
}

#[test]
fn p1_4_a_destination_that_is_too_small_is_told_and_not_touched() {
    let geometry = Geometry::nv12(4, 4).unwrap();
    let ring = HeapRing::new(RingShape::new(geometry, 3).unwrap(), &FIRST).unwrap();
    // SAFETY: the only writer.
    let mut writer = unsafe { Writer::new(&ring) }.unwrap();
    writer.push(&[9; 24], &FrameStamp::default()).unwrap();
    let mut bytes = [0; 23];
    let refused = Reader::attach(&ring).unwrap().copy(1, &mut bytes);
    assert_eq!(refused, Err(Miss::DestinationTooSmall { needed: 24 }));
    assert_eq!(bytes, [0; 23]);
}

/// A writer lost between W4 and W8 has made a frame that no reader is told of.
#[test]
fn p2_7_taking_over_publishes_the_frame_that_was_complete_but_not_announced() {
    let geometry = Geometry::nv12(16, 16).unwrap();
    let golden = |name| std::fs::read(format!("{}/golden/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let mut meta = golden("wrapped.meta");
    // The current record of `wrapped` as it is between W5 and W8 of frame 5.
    meta[56..64].copy_from_slice(&9u64.to_le_bytes());
    let ring = HeapRing::from_bytes(&meta, &golden("wrapped.data"));
    let reader = Reader::attach(&ring).unwrap();
    assert_eq!(reader.newest_id(), 4);
    assert_eq!(reader.current().unwrap().frame_id, 4);

    // SAFETY: the only writer.
    let mut writer = unsafe { Writer::new(&ring) }.unwrap();
    assert_eq!(reader.newest_id(), 5);
    assert_eq!(reader.current().unwrap().stamp.source_timestamp_ns, Some(12_345));
    assert_eq!(
        writer.push(&vec![1; geometry.frame_bytes()], &FrameStamp::default()),
        Ok(6)
    );
}
