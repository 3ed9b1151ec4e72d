//! The bell of an export: rung with every frame and at every end, unless it is switched off.

#![allow(missing_docs, reason = "a test")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod stage;

use stage::{Stage, attach_here, eventually, is_detached, picture, shape};
use std::fs;
use std::io::Write;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use vas_frame_drain::{Export, ExportOptions};
use vas_frame_segment::{FrameSource, Health, Waited};

const LONG: Duration = Duration::from_secs(60);

/// How often the kernel has put the calling thread to sleep.
fn sleeps() -> u64 {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("voluntary")).unwrap();
    line.rsplit('\t').next().unwrap().parse().unwrap()
}

/// A reader of all frames up to the end of the ring: how many it was told of, how often it slept and how it ended.
fn follow(source: FrameSource) -> JoinHandle<(u64, u64, Waited)> {
    thread::spawn(move || {
        let (mut last, mut count, before) = (0, 0, sleeps());
        loop {
            match source.wait_newer(last, LONG) {
                Waited::Newer(newest) => (last, count) = (newest, count + 1),
                ended => return (count, sleeps() - before, ended),
            }
        }
    })
}

const FRAMES: u64 = 40;

fn feed(export: &mut Export) {
    let mut pipe = attach_here(export);
    for number in 0..FRAMES {
        pipe.write_all(&picture(export.shape(), number)).unwrap();
        thread::sleep(Duration::from_millis(20));
    }
    drop(pipe);
    eventually("the stream is drained", || is_detached(export));
}

#[test]
fn p2_3_the_drain_rings_once_per_frame_and_at_the_end() {
    let stage = Stage::new();
    let mut export = stage.open("camera", shape(64, 48, 4));
    let reader = follow(stage.source("camera"));
    feed(&mut export);
    export.close();
    let (count, sleeps, ended) = reader.join().unwrap();
    assert_eq!(ended, Waited::Over(Health::Ended));
    assert!(count >= FRAMES * 9 / 10, "told of {count} frames");
    assert!(sleeps < 3 * FRAMES, "slept {sleeps} times");
}

#[test]
fn p2_3_a_bell_that_is_switched_off_is_never_rung() {
    let stage = Stage::new();
    let options = ExportOptions {
        rings_bell: false,
        ..stage.options("camera", shape(64, 48, 4))
    };
    let mut export = Export::open(options).unwrap();
    let reader = follow(stage.source("camera"));
    feed(&mut export);
    export.close();
    let (count, sleeps, ended) = reader.join().unwrap();
    assert_eq!(ended, Waited::Over(Health::Ended));
    assert!(count >= FRAMES * 9 / 10, "told of {count} frames by prediction");
    assert!(sleeps > count, "looked more often than it was told: {sleeps}");
}

#[test]
fn p2_17_a_change_of_shape_wakes_those_who_wait_for_a_frame() {
    let stage = Stage::new();
    let mut export = stage.open("camera", shape(64, 48, 4));
    let readers = [(); 3].map(|()| follow(stage.source("camera")));
    export.publish(&picture(export.shape(), 1), None);
    export.reshape(shape(32, 32, 4)).unwrap();
    for reader in readers {
        assert_eq!(reader.join().unwrap().2, Waited::Over(Health::Replaced));
    }
}
