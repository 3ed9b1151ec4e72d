//! Slow readers, in model time: the writer publishes at a steady pace, and a look takes as long as it is told to.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, reason = "a failing test may panic")]
#![allow(missing_docs, reason = "a test")]

use std::cell::{Cell, RefCell};

use vas_frame_protocol::{FrameStamp, Geometry, HeapRing, Miss, Reader, RingIdentity, RingShape, Writer};

/// Time is counted in thousandths of the interval between two frames.
const INTERVAL: u64 = 1000;
/// How many intervals each reader reads for.
const RUN: u64 = 2000 * INTERVAL;

/// A writer that has published every frame whose time has come, and has opened the slot of the next one.
struct Clock<'a> {
    now: Cell<u64>,
    writer: RefCell<Writer<&'a HeapRing>>,
}

impl Clock<'_> {
    fn advance(&self, time: u64) {
        self.now.set(self.now.get() + time);
        let mut writer = self.writer.borrow_mut();
        let picture = vec![0; writer.header().geometry().frame_bytes()];
        while (writer.newest_id() + 1) * INTERVAL <= self.now.get() {
            writer.push(&picture, &FrameStamp::default()).unwrap();
            // As the drain does, which fills the next slot while its frame arrives.
            drop(writer.begin());
        }
    }

    fn wait_for_the_next(&self) {
        self.advance(INTERVAL - self.now.get() % INTERVAL);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Newest,
    Next,
}

#[derive(Debug, Default)]
struct Told {
    delivered: u64,
    missed: u64,
    newest: u64,
    looks_in_one_call: u64,
}

fn read(slot_count: u32, look: u64, call: Call) -> Told {
    let identity = RingIdentity {
        epoch: [1; 16],
        generation: 1,
        first_frame_id: 1,
        data_inode: 0,
        created_ns: 0,
        created_wall_ns: 0,
    };
    let shape = RingShape::new(Geometry::nv12(2, 2).unwrap(), slot_count).unwrap();
    let ring = HeapRing::new(shape, &identity).unwrap();
    let reader = Reader::attach(&ring).unwrap();
    // SAFETY: the ring was made above and this is its only writer.
    let writer = RefCell::new(unsafe { Writer::new(&ring) }.unwrap());
    let now = Cell::new(0);
    let clock = Clock { now, writer };
    let mut told = Told::default();
    while clock.now.get() < RUN {
        let mut looks = 0;
        let after = told.newest;
        let mut take = || {
            looks += 1;
            clock.advance(look);
        };
        let result = match call {
            Call::Newest => reader.look_newest(after, |_, _| take()),
            Call::Next => reader.look_next(after, |_, _| take()),
        };
        told.looks_in_one_call = told.looks_in_one_call.max(looks);
        match result {
            Ok(taken) => {
                told.delivered += 1;
                told.missed += taken.missed;
                told.newest = taken.record.frame_id;
            }
            Err(Miss::NothingNewer) => clock.wait_for_the_next(),
            Err(miss) => assert_eq!(miss, Miss::Overwritten),
        }
    }
    told
}

#[test]
fn p2_19_every_call_delivers_what_there_is_time_for_up_to_the_documented_length_of_a_look() {
    for slot_count in 3..=8 {
        for look in (50..=u64::from(slot_count - 2) * INTERVAL).step_by(50) {
            // A look of 0.9 intervals can take every frame, one of 1.5 intervals two of three.
            let there_is_time_for = RUN / look.max(INTERVAL);
            for call in [Call::Newest, Call::Next] {
                let told = read(slot_count, look, call);
                let what = format!("{slot_count} slots, {call:?}, looks of {look}: {told:?}");
                assert!(told.delivered * 100 >= there_is_time_for * 95, "{what}");
                assert!(told.looks_in_one_call <= 2, "{what}");
                assert_eq!(told.delivered + told.missed, told.newest, "{what}");
            }
        }
    }
}

#[test]
fn p2_19_a_call_that_cannot_succeed_ends_after_two_looks() {
    for slot_count in 3..=8 {
        for call in [Call::Newest, Call::Next] {
            let told = read(slot_count, u64::from(slot_count + 1) * INTERVAL, call);
            assert_eq!(told.delivered, 0, "{slot_count} slots, {call:?}: {told:?}");
            assert_eq!(
                told.looks_in_one_call, 2,
                "{slot_count} slots, {call:?}: {told:?}"
            );
        }
    }
}

#[test]
fn p2_19_a_copying_reader_that_works_longer_than_any_look_may_gets_what_it_has_time_for() {
    for slot_count in 3..=8 {
        for work in (INTERVAL..=12 * INTERVAL).step_by(700) {
            let identity = RingIdentity {
                epoch: [1; 16],
                generation: 1,
                first_frame_id: 1,
                data_inode: 0,
                created_ns: 0,
                created_wall_ns: 0,
            };
            let shape = RingShape::new(Geometry::nv12(2, 2).unwrap(), slot_count).unwrap();
            let ring = HeapRing::new(shape, &identity).unwrap();
            let reader = Reader::attach(&ring).unwrap();
            // SAFETY: the ring was made above and this is its only writer.
            let writer = RefCell::new(unsafe { Writer::new(&ring) }.unwrap());
            let now = Cell::new(0);
            let clock = Clock { now, writer };
            let (mut delivered, mut seen, mut into) = (0, 0, vec![0; reader.frame_bytes()]);
            while clock.now.get() < RUN {
                match reader.copy_next(seen, &mut into) {
                    Ok(taken) => {
                        delivered += 1;
                        seen = taken.record.frame_id;
                        clock.advance(work);
                    }
                    Err(miss) => {
                        assert_eq!(miss, Miss::NothingNewer);
                        clock.wait_for_the_next();
                    }
                }
            }
            let there_is_time_for = RUN / work;
            assert!(
                delivered * 100 >= there_is_time_for * 95,
                "{slot_count} slots, work of {work}: {delivered}"
            );
        }
    }
}

#[test]
fn p2_19_a_reader_that_copies_gets_every_frame_even_if_it_comes_late_now_and_then() {
    let identity = RingIdentity {
        epoch: [1; 16],
        generation: 1,
        first_frame_id: 1,
        data_inode: 0,
        created_ns: 0,
        created_wall_ns: 0,
    };
    let shape = RingShape::new(Geometry::nv12(2, 2).unwrap(), 4).unwrap();
    let ring = HeapRing::new(shape, &identity).unwrap();
    let reader = Reader::attach(&ring).unwrap();
    // SAFETY: the ring was made above and this is its only writer.
    let writer = RefCell::new(unsafe { Writer::new(&ring) }.unwrap());
    let now = Cell::new(0);
    let clock = Clock { now, writer };
    let mut seen = 0;
    while clock.now.get() < RUN {
        // Two frames and a bit late; the frames are there, and each copy takes a fiftieth of an interval.
        clock.advance(2 * INTERVAL + 170);
        while let Ok(taken) = reader.look_next(seen, |_, _| clock.advance(20)) {
            assert_eq!(taken.missed, 0, "frame {}", taken.record.frame_id);
            seen = taken.record.frame_id;
        }
    }
    assert!(seen > 1900);
}
