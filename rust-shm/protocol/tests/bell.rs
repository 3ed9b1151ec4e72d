//! The end of a ring changes the word that readers wait on, and nothing that it says of frames.
#![cfg(not(loom))]

mod identity;

use std::sync::Barrier;
use std::thread;

use identity::FIRST;
use vas_frame_protocol::{
    FrameStamp, Geometry, HeapRing, Reader, RingIdentity, RingShape, State, Writer, change_bell, set_state,
};

fn ring() -> HeapRing {
    let identity = RingIdentity {
        first_frame_id: 5,
        ..FIRST
    };
    let shape = RingShape::new(Geometry::nv12(2, 2).unwrap(), 3).unwrap();
    HeapRing::new(shape, &identity).unwrap()
}

fn end(ring: &HeapRing) {
    set_state(&ring, State::Ended);
    change_bell(&ring);
}

#[test]
fn p2_17_the_end_changes_the_word_once_and_no_frame() {
    for frames in 0..4 {
        let ring = ring();
        // SAFETY: the only writer.
        let mut writer = unsafe { Writer::new(&ring) }.unwrap();
        (0..frames).for_each(|_| _ = writer.push(&[7; 6], &FrameStamp::default()).unwrap());
        let reader = Reader::attach(&ring).unwrap();
        let before = (reader.newest_id(), reader.current(), reader.ticket());
        end(&ring);
        let after = (reader.newest_id(), reader.current(), reader.ticket());
        assert_eq!((before.0, before.1), (after.0, after.1));
        assert_ne!(before.2, after.2);
        end(&ring);
        assert_eq!(reader.ticket(), after.2);
        assert_eq!(reader.newest_after(0), (frames > 0).then_some(4 + frames));
    }
}

#[test]
fn p2_17_an_end_beside_a_frame_that_is_being_published_hides_neither() {
    for _ in 0..if cfg!(miri) { 5 } else { 2000 } {
        let (ring, start) = (ring(), Barrier::new(2));
        thread::scope(|threads| {
            threads.spawn(|| {
                // SAFETY: the only writer.
                let mut writer = unsafe { Writer::new(&ring) }.unwrap();
                start.wait();
                writer.push(&[7; 6], &FrameStamp::default()).unwrap();
            });
            start.wait();
            end(&ring);
        });
        let reader = Reader::attach(&ring).unwrap();
        assert_eq!((reader.state(), reader.newest_id()), (Some(State::Ended), 5));
        assert_eq!(reader.current().unwrap().frame_id, 5);
    }
}
