//! Slow readers, in model time. How much they get at which length of a look is conformance data.
#![cfg(not(loom))]

mod identity;
mod slow_reader;

use slow_reader::{Clock, INTERVAL, read, ring};
use vas_frame_protocol::{Miss, Reader};

/// How long each reader reads for.
const RUN: u64 = 2000 * INTERVAL;

#[test]
fn p2_19_what_a_slow_reader_got_and_what_it_missed_is_what_was_published() {
    for slot_count in 3..=8 {
        for look in (50..=u64::from(slot_count + 1) * INTERVAL).step_by(50) {
            for call in ["newest", "next"] {
                let told = read(slot_count, look, RUN / 10, call);
                assert_eq!(
                    told.delivered + told.missed,
                    told.newest,
                    "{slot_count} slots, {call}, {look}"
                );
            }
        }
    }
}

#[test]
fn p2_19_a_copying_reader_that_works_longer_than_any_look_may_gets_what_it_has_time_for() {
    for slot_count in 3..=8 {
        for work in (INTERVAL..=12 * INTERVAL).step_by(700) {
            let ring = ring(slot_count);
            let reader = Reader::attach(&ring).unwrap();
            let clock = Clock::new(&ring);
            let (mut delivered, mut seen, mut into) = (0, 0, vec![0; reader.frame_bytes()]);
            while clock.now() < RUN {
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
            assert!(
                delivered * 100 >= RUN / work * 95,
                "{slot_count} slots, work of {work}: {delivered}"
            );
        }
    }
}

#[test]
fn p2_19_a_reader_with_short_looks_gets_every_frame_even_if_it_comes_late_now_and_then() {
    let ring = ring(4);
    let reader = Reader::attach(&ring).unwrap();
    let clock = Clock::new(&ring);
    let mut seen = 0;
    while clock.now() < RUN {
        // Two frames and a bit late; the frames are there, and each look takes a fiftieth of an interval.
        clock.advance(2 * INTERVAL + 170);
        while let Ok(taken) = reader.look_next(seen, |_, _| clock.advance(20)) {
            assert_eq!(taken.missed, 0, "frame {}", taken.record.frame_id);
            seen = taken.record.frame_id;
        }
    }
    assert!(seen > 1900);
}
