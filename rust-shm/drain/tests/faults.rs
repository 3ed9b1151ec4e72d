//! What becomes of a stream when the drain fails on purpose. Each fault is in a process of its own, which is this
//! test binary with `VAS_FAULT` set.

mod stage;

use stage::{Feeder, Stage, eventually, numbers, picture, shape};
use std::env;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};
use vas_frame_drain::Statistics;
use vas_frame_segment::writer::sweep;

/// Runs `test` of this binary again, with a fault. `None`: this is that process.
fn with_fault(test: &str, fault: &str) -> Option<Output> {
    if env::var_os("VAS_FAULT").is_some() {
        return None;
    }
    let mut command = Command::new(env::current_exe().unwrap());
    Some(
        command
            .args(["--exact", test])
            .env("VAS_FAULT", fault)
            .output()
            .unwrap(),
    )
}

fn assert_passed(output: Option<Output>) {
    if let Some(output) = output {
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stdout)
        );
    }
}

/// Feeds 200 frames, and more when the first are through; the process must not notice anything.
fn statistics_of_200_frames() -> (Stage, Statistics) {
    let stage = Stage::new();
    let shape = shape(64, 48, 64);
    let mut export = stage.open("camera", shape);
    let mut feeder = Feeder::attach(&mut export);
    for number in 1..=200 {
        feeder.feed(&picture(shape, number));
    }
    feeder.end_and_drain(&export);
    let statistics = export.statistics();

    let mut next = Feeder::attach(&mut export);
    next.feed(&picture(shape, 201));
    next.end_and_drain(&export);
    (stage, statistics)
}

#[test]
fn g1_a_drain_that_panics_reads_on() {
    let test = "g1_a_drain_that_panics_reads_on";
    let output = with_fault(test, "frame-filled=panic@50");
    if output.is_none() {
        let (_stage, statistics) = statistics_of_200_frames();
        assert_eq!(
            (statistics.frames_written, statistics.frames_discarded),
            (49, 151)
        );
        assert_eq!(statistics.drain_panics, 1);
    }
    assert_passed(output);
}

#[test]
fn g1_a_drain_that_cannot_publish_reads_on() {
    let test = "g1_a_drain_that_cannot_publish_reads_on";
    let output = with_fault(test, "frame-filled=refuse@50");
    if output.is_none() {
        let (_stage, statistics) = statistics_of_200_frames();
        assert_eq!(
            (statistics.frames_written, statistics.frames_discarded),
            (49, 151)
        );
    }
    assert_passed(output);
}

#[test]
fn p2_6_a_process_that_is_killed_while_it_publishes_leaves_whole_frames_only() {
    let test = "p2_6_a_process_that_is_killed_while_it_publishes_leaves_whole_frames_only";
    for (fault, whole) in [
        ("frame-begun=kill@21", 20),
        ("frame-filled=kill@21", 20),
        ("frame-published=kill@21", 21),
    ] {
        let stage = Stage::new();
        if let Ok(base_dir) = env::var("VAS_TEST_BASE_DIR") {
            // The process that dies. Its parent removes the folder.
            let stage = std::mem::ManuallyDrop::new(Stage {
                base_dir: base_dir.into(),
            });
            let shape = shape(64, 48, 64);
            let mut export = stage.open("camera", shape);
            let mut feeder = Feeder::attach(&mut export);
            for number in 1..=100 {
                feeder.feed(&picture(shape, number));
            }
            eventually("this process is killed", || false);
        }
        let status = Command::new(env::current_exe().unwrap())
            .args(["--exact", test])
            .env("VAS_FAULT", fault)
            .env("VAS_TEST_BASE_DIR", &stage.base_dir)
            .output()
            .unwrap()
            .status;
        assert_eq!(status.signal(), Some(9), "{fault}");

        let source = stage.source("camera");
        assert_eq!(
            numbers(&source),
            (1..=whole).map(|id| (id, id)).collect::<Vec<_>>(),
            "{fault}"
        );
        assert!(!source.writer_holds_lock());
        assert_eq!(sweep(&stage.base_dir).unwrap(), 1);
        let _export = stage.open("camera", shape(64, 48, 64));
        assert_ne!(
            stage.source("camera").reader().header().identity().epoch,
            source.reader().header().identity().epoch
        );
    }
}
