//! Slow readers of a writer at full speed, through the functions that a program in C calls. How much one gets at which
//! length of its work is conformance data.

mod stage;

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use stage::camera::Camera;
use stage::with_writer;
use vas_frames::*;

const SIZE: (u32, u32) = (640, 360);
const FRAMES: usize = 40;
const SLEEP: Duration = Duration::from_millis(5);
const TIME_LIMIT_NS: u64 = 30_000_000_000;
/// Far more than a call takes, which may be the processor's doing; a call that starves takes the time limit.
const LONGEST_CALL: Duration = Duration::from_secs(5);

/// Calls until there are enough frames, and sleeps between. Each is as many after the one before as were missed
/// between them.
fn read(path: &Path, mut call: impl FnMut(&Camera, &mut [u8]) -> Option<(u64, u64)>) {
    let camera = Camera::open(path);
    let mut into = vec![0; camera.geometry().frame_bytes];
    let mut seen: Vec<(u64, u64)> = Vec::new();
    let began = Instant::now();
    while seen.len() < FRAMES {
        sleep(SLEEP);
        let called = Instant::now();
        let frame = call(&camera, &mut into);
        assert!(called.elapsed() < LONGEST_CALL, "{:?}", called.elapsed());
        assert!(began.elapsed() < Duration::from_nanos(TIME_LIMIT_NS));
        if let Some((id, missed)) = frame {
            if let Some((former, _)) = seen.last() {
                assert_eq!(id, former + 1 + missed);
            }
            seen.push((id, missed));
        }
    }
    // The writer did not wait for the reader.
    assert!(seen[1..].iter().map(|(_, missed)| missed).sum::<u64>() > 0);
}

#[test]
fn p2_19_a_reader_that_sleeps_between_starves_in_no_call() {
    with_writer(SIZE, Duration::ZERO, |path| {
        for call in [Camera::copy_newest, Camera::copy_next] {
            read(path, |camera, into| {
                let (status, frame) = call(camera, TIME_LIMIT_NS, into);
                assert_eq!(status, VasStatus::Ok);
                Some((frame.id, frame.missed))
            });
        }
    });
}

#[test]
fn p2_19_a_look_that_is_short_enough_gets_frames() {
    with_writer(SIZE, Duration::ZERO, |path| {
        read(path, |camera, _| {
            let (mut looks, mut seen) = (0, (0, 0));
            let status = camera.look(TIME_LIMIT_NS, |picture| {
                looks += 1;
                seen = (picture.frame.id, picture.frame.missed);
            });
            assert!((1..=2).contains(&looks));
            assert!(matches!(status, VasStatus::Ok | VasStatus::Overwritten));
            (status == VasStatus::Ok).then_some(seen)
        });
    });
}

#[test]
fn p2_19_a_look_that_is_too_long_ends_after_two() {
    with_writer(SIZE, Duration::ZERO, |path| {
        let camera = Camera::open(path);
        for _ in 0..5 {
            let mut looks = 0;
            let called = Instant::now();
            let status = camera.look(TIME_LIMIT_NS, |_| {
                looks += 1;
                // By the thousand frames per second of this writer, some hundred frames.
                sleep(Duration::from_millis(300));
            });
            assert_eq!((status, looks), (VasStatus::Overwritten, 2));
            assert!(called.elapsed() < LONGEST_CALL);
        }
    });
}
