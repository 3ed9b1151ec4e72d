//! A slow reader in model time: the writer publishes at a steady pace, and a look takes as long as it is told to.

use std::cell::{Cell, RefCell};

use vas_frame_protocol::{FrameStamp, Geometry, HeapRing, Miss, Reader, RingShape, Writer};

use crate::identity::FIRST;

/// Time is counted in thousandths of the interval between two frames.
pub const INTERVAL: u64 = 1000;

/// A ring of the smallest pictures.
pub fn ring(slot_count: u32) -> HeapRing {
    let shape = RingShape::new(Geometry::nv12(2, 2).unwrap(), slot_count).unwrap();
    HeapRing::new(shape, &FIRST).unwrap()
}

/// A writer that has published every frame whose time has come, and has opened the slot of the next one.
pub struct Clock<'a> {
    now: Cell<u64>,
    writer: RefCell<Writer<&'a HeapRing>>,
}

impl<'a> Clock<'a> {
    pub fn new(ring: &'a HeapRing) -> Self {
        // SAFETY: each test makes one clock for a ring of its own.
        let writer = RefCell::new(unsafe { Writer::new(ring) }.unwrap());
        let now = Cell::new(0);
        Self { now, writer }
    }

    pub fn now(&self) -> u64 {
        self.now.get()
    }

    pub fn advance(&self, time: u64) {
        self.now.set(self.now.get() + time);
        let mut writer = self.writer.borrow_mut();
        let picture = vec![0; writer.header().geometry().frame_bytes()];
        while (writer.newest_id() + 1) * INTERVAL <= self.now.get() {
            writer.push(&picture, &FrameStamp::default()).unwrap();
            // The drain, too, has the next slot open while its frame arrives.
            drop(writer.begin());
        }
    }

    pub fn wait_for_the_next(&self) {
        self.advance(INTERVAL - self.now.get() % INTERVAL);
    }
}

#[derive(Debug, Default)]
pub struct Told {
    pub delivered: u64,
    pub missed: u64,
    pub newest: u64,
    pub looks_in_one_call: u64,
}

/// Reads for the time `run` by looks at the `newest` or the `next` frame.
pub fn read(slot_count: u32, look: u64, run: u64, call: &str) -> Told {
    let ring = ring(slot_count);
    let reader = Reader::attach(&ring).unwrap();
    let clock = Clock::new(&ring);
    let mut told = Told::default();
    while clock.now() < run {
        let mut looks = 0;
        let after = told.newest;
        let mut take = || {
            looks += 1;
            clock.advance(look);
        };
        let result = match call {
            "newest" => reader.look_newest(after, |_, _| take()),
            call => {
                assert_eq!(call, "next");
                reader.look_next(after, |_, _| take())
            }
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
