//! The memory of a large ring is reserved, and given back, by another thread than the one that opens and closes the
//! camera; frames are published meanwhile.

#![allow(missing_docs, reason = "a test")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod stage;

use stage::{Feeder, Stage, eventually, in_a_namespace, mount_tmpfs, numbers, picture, shape};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::mpsc::{Receiver, Sender, channel};
use vas_frame_drain::{Export, Outcome};
use vas_frame_segment::writer::drop_later;

const LARGE: usize = 1 << 20;

/// Keeps the thread for long work busy, until it is told to go on.
struct Busy(Receiver<()>);

impl Busy {
    fn for_a_while() -> Sender<()> {
        let (go_on, told) = channel();
        drop_later(LARGE, Self(told));
        go_on
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.recv().ok();
    }
}

fn reserved_bytes(stage: &Stage) -> u64 {
    let data = fs::metadata(stage.base_dir.join("camera/frame.data")).unwrap();
    data.blocks() * 512
}

#[test]
fn p2_8_memory_is_reserved_beside_the_frames_and_not_by_who_opens_the_camera() {
    const TEST: &str = "p2_8_memory_is_reserved_beside_the_frames_and_not_by_who_opens_the_camera";
    let stage = Stage::new();
    // Alone in its process: the thread is one for all.
    if !in_a_namespace(TEST, &stage.base_dir) {
        return;
    }
    let shape = shape(640, 480, 6);
    let go_on = Busy::for_a_while();
    let mut export = stage.open("camera", shape);
    assert!(reserved_bytes(&stage) < LARGE as u64 / 2);
    let source = stage.source("camera");
    assert_eq!(export.publish(&picture(shape, 1), None), Outcome::Published(1));
    let mut feeder = Feeder::attach(&mut export);
    feeder.feed(&picture(shape, 2));
    feeder.feed(&picture(shape, 3));
    feeder.end_and_drain(&export);
    assert_eq!(numbers(&source), [(1, 1), (2, 2), (3, 3)]);
    assert!(
        reserved_bytes(&stage) < shape.data_bytes() as u64,
        "the last slot is still to be had"
    );
    assert_eq!(export.statistics().not_in_place, None);
    drop(go_on);
    eventually("the rest is reserved", || {
        reserved_bytes(&stage) >= shape.data_bytes() as u64
    });
    drop(source);
    // A change of geometry and the end are such calls too.
    let go_on = Busy::for_a_while();
    let larger = stage::shape(800, 600, 4);
    export.reshape(larger).unwrap();
    assert!(reserved_bytes(&stage) < LARGE as u64 / 2);
    let source = stage.source("camera");
    assert_eq!(export.publish(&picture(larger, 4), None), Outcome::Published(4));
    assert_eq!(numbers(&source), [(4, 4)]);
    drop(source);
    export.close();
    assert_eq!(stage.names(), [""; 0]);
    let maps = || fs::read_to_string("/proc/self/maps").unwrap();
    let base_dir = stage.base_dir.to_str().unwrap();
    assert!(
        maps().contains(base_dir),
        "the memory is given back by another thread"
    );
    drop(go_on);
    eventually("the memory is given back", || !maps().contains(base_dir));
}

#[test]
fn p2_8_memory_that_somebody_takes_before_it_is_reserved_is_reported_and_costs_frames_only() {
    const TEST: &str =
        "p2_8_memory_that_somebody_takes_before_it_is_reserved_is_reported_and_costs_frames_only";
    let stage = Stage::new();
    if !in_a_namespace(TEST, &stage.base_dir) {
        return;
    }
    mount_tmpfs(&stage.base_dir, c"size=4m,mode=755");
    let shape = shape(640, 480, 4);
    let go_on = Busy::for_a_while();
    let mut export = stage.open("camera", shape);
    let source = stage.source("camera");
    let filler = stage.base_dir.join("filler");
    fs::write(&filler, vec![1; 8 << 20]).unwrap_err();
    // Neither a signal nor a wait: what cannot be published is read and thrown away.
    assert_eq!(export.publish(&picture(shape, 1), None), Outcome::Closed);
    let mut feeder = Feeder::attach(&mut export);
    for number in 2..=4 {
        feeder.feed(&picture(shape, number));
    }
    drop(go_on);
    eventually("it is reported", || export.statistics().not_in_place.is_some());
    let told = export.statistics().not_in_place.unwrap();
    assert_eq!(told.code, "NO_SPACE", "{}", told.message);
    assert!(told.message.contains("camera camera"), "{}", told.message);
    assert!(export.has_lost_memory());
    eventually("they are thrown away", || {
        export.statistics().frames_discarded == 3
    });
    assert_eq!(numbers(&source), []);

    fs::remove_file(filler).unwrap();
    eventually("there is memory", || export.statistics().not_in_place.is_none());
    assert!(!export.has_lost_memory());
    feeder.feed(&picture(shape, 5));
    feeder.end_and_drain(&export);
    assert_eq!(numbers(&source), [(1, 5)], "the same ring");
}

#[test]
fn p2_8_memory_that_was_promised_or_just_given_back_is_counted_right() {
    const TEST: &str = "p2_8_memory_that_was_promised_or_just_given_back_is_counted_right";
    let stage = Stage::new();
    if !in_a_namespace(TEST, &stage.base_dir) {
        return;
    }
    mount_tmpfs(&stage.base_dir, c"size=4m,mode=755");
    // 1.8 MB each.
    let shape = shape(640, 480, 4);
    for round in 0..20 {
        let mut first = stage.open("first", shape);
        let second = stage.open("second", shape);
        let refused = Export::open(stage.options("third", shape)).map(drop).unwrap_err();
        assert_eq!(refused.code(), "NO_SPACE", "{round}: {refused}");
        for export in [&first, &second] {
            assert_eq!(export.statistics().not_in_place, None, "{round}");
        }
        first.close();
        let third = stage.open("third", shape);
        drop((first, second, third));
    }
}
