//! A writer and readers at full speed on the same memory, with frames that say in each 64-byte block who they
//! are. No torn frame is accepted; and those that were not accepted show that the race took place.
#![cfg(not(loom))]

mod identity;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use identity::FIRST;
use vas_frame_protocol::{FrameStamp, Geometry, HeapRing, Miss, RacyBytes, Reader, RingShape, Writer};

/// Blocks of a picture; each begins with the frame's id.
const BLOCK: usize = 64;
/// How long the readers go on at least; longer until they have seen what they are there for.
const RUN: Duration = Duration::from_secs(2);
/// How long they wait for it on a machine that is slow or busy.
const LIMIT: Duration = Duration::from_secs(60);

fn ring() -> HeapRing {
    let geometry = if cfg!(miri) {
        Geometry::nv12(16, 16)
    } else {
        Geometry::nv12(320, 180)
    }
    .unwrap();
    HeapRing::new(RingShape::new(geometry, 3).unwrap(), &FIRST).unwrap()
}

/// Writes frames until told to stop; their id is in every block and in every field of the stamp.
fn write_on(ring: &HeapRing, is_over: &AtomicBool) {
    // SAFETY: the ring has no other writer.
    let mut writer = unsafe { Writer::new(ring) }.unwrap();
    let mut picture = vec![0; writer.header().geometry().frame_bytes()];
    while !is_over.load(Ordering::Relaxed) {
        let id = writer.newest_id() + 1;
        for block in picture.chunks_mut(BLOCK) {
            block[..8].copy_from_slice(&id.to_le_bytes());
        }
        let stamp = FrameStamp {
            timestamp_ns: id,
            wall_clock_ns: id,
            source_timestamp_ns: Some(id),
            checksum: None,
        };
        assert_eq!(writer.push(&picture, &stamp), Ok(id));
    }
}

/// Whether all blocks are of frame `id`.
fn is_whole(picture: &[u8], id: u64) -> bool {
    picture.chunks(BLOCK).all(|block| block[..8] == id.to_le_bytes())
}

/// The same, block by block in place.
fn is_whole_in_place(picture: RacyBytes<'_>, id: u64) -> bool {
    (0..picture.len()).step_by(BLOCK).all(|at| {
        let mut block = [0; 8];
        picture.slice(at, 8).unwrap().copy_to(&mut block);
        block == id.to_le_bytes()
    })
}

#[derive(Debug, Default)]
struct Seen {
    accepted: u64,
    lapped: u64,
    torn_and_accepted: u64,
    torn_and_rejected: u64,
}

impl Seen {
    fn has_raced(&self) -> bool {
        self.accepted > 0 && self.lapped > 0 && self.torn_and_rejected > 0
    }

    fn count(&mut self, is_accepted: bool, is_whole: bool) {
        *match (is_accepted, is_whole) {
            (true, true) => &mut self.accepted,
            (true, false) => &mut self.torn_and_accepted,
            (false, false) => &mut self.torn_and_rejected,
            (false, true) => &mut self.lapped,
        } += 1;
        self.lapped += u64::from(!is_accepted && !is_whole);
    }
}

/// Reads the newest frame and then the oldest, over and over, until the race has been seen and time is up.
fn read_on(ring: &HeapRing, mut read: impl FnMut(&Reader<&HeapRing>, u64, &mut Seen)) -> Seen {
    let reader = Reader::attach(ring).unwrap();
    let began = Instant::now();
    let mut seen = Seen::default();
    while began.elapsed() < RUN || (!seen.has_raced() && began.elapsed() < LIMIT) {
        if let (Some(oldest), Some(newest)) = (reader.next_after(0), reader.newest_after(0)) {
            read(&reader, newest, &mut seen);
            read(&reader, oldest, &mut seen);
        }
    }
    seen
}

fn copy(reader: &Reader<&HeapRing>, id: u64, picture: &mut [u8], seen: &mut Seen) {
    picture.fill(0);
    match reader.copy(id, picture) {
        Ok(record) => {
            let is_stamped = record.stamp.timestamp_ns == id
                && record.stamp.wall_clock_ns == id
                && record.stamp.source_timestamp_ns == Some(id);
            seen.count(true, is_stamped && is_whole(picture, id));
        }
        // What is in `picture` is what a reader without R5 would have taken. It is untouched if R2 said no.
        Err(Miss::Overwritten) => seen.count(false, picture[..8] == [0; 8] || is_whole(picture, id)),
        Err(miss) => assert_eq!(miss, Miss::NothingNewer),
    }
}

fn look(reader: &Reader<&HeapRing>, id: u64, seen: &mut Seen) {
    let mut without_validation = None;
    let result = reader.look(id, |_, picture| {
        let is_whole = is_whole_in_place(picture, id);
        without_validation = Some(is_whole);
        is_whole
    });
    match result {
        Ok((_, is_whole)) => seen.count(true, is_whole),
        Err(Miss::Overwritten) => seen.count(false, without_validation.unwrap_or(true)),
        Err(miss) => assert_eq!(miss, Miss::NothingNewer),
    }
}

#[test]
fn p2_4_no_torn_frame_is_accepted_and_without_validation_torn_frames_are_seen() {
    let ring = ring();
    let is_over = AtomicBool::new(false);
    let (copied, looked) = thread::scope(|scope| {
        scope.spawn(|| write_on(&ring, &is_over));
        let copying = scope.spawn(|| {
            let mut picture = vec![0; Reader::attach(&ring).unwrap().frame_bytes()];
            read_on(&ring, |reader, id, seen| copy(reader, id, &mut picture, seen))
        });
        let looking = scope.spawn(|| read_on(&ring, look));
        let seen = (copying.join(), looking.join());
        is_over.store(true, Ordering::Relaxed);
        seen
    });
    for seen in [copied.unwrap(), looked.unwrap()] {
        assert_eq!(seen.torn_and_accepted, 0, "{seen:?}");
        assert!(seen.has_raced(), "{seen:?}");
    }
}
