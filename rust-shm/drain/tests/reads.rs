//! How often a drain asks the operating system. Alone in its binary: it counts for the only drain of the process.

#[path = "stage/matroska_stream.rs"]
mod matroska_stream;
mod stage;

use matroska_stream::{cluster, header};
use stage::{Stage, attach_here, eventually, picture, shape};
use std::fs;
use std::io::Write;

#[test]
fn p2_11_a_framed_frame_costs_one_read_more_than_a_bare_one() {
    let stage = Stage::new();
    let shape = shape(64, 48, 4);
    let reads = |first: Vec<u8>, frame: &dyn Fn(u64) -> Vec<u8>| {
        let mut export = stage.open("camera", shape);
        let mut pipe = attach_here(&mut export);
        pipe.write_all(&[first, frame(1)].concat()).unwrap();
        eventually("the first frame is published", || {
            export.statistics().frames_written == 1
        });
        let before = reads_of_drain();
        for number in 2..=101 {
            pipe.write_all(&frame(number)).unwrap();
            eventually("the frame is published", || {
                export.statistics().frames_written == number
            });
        }
        let count = reads_of_drain() - before;
        drop(pipe);
        eventually("the thread has ended", || drains().is_empty());
        count
    };
    let bare = reads(Vec::new(), &|number| picture(shape, number));
    let framed = reads(header(64, 48, b"NV12"), &|number| {
        cluster(40 * number, &picture(shape, number))
    });
    assert!((100..=101).contains(&bare), "{bare} reads");
    assert!((200..=202).contains(&framed), "{framed} reads");
}

fn drains() -> Vec<std::path::PathBuf> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let is_drain = |task: &std::path::PathBuf| {
        fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim_end() == "vas-drain")
    };
    tasks.map(|task| task.unwrap().path()).filter(is_drain).collect()
}

/// How many `read`s the only drain of this process has made, the one that it waits in included.
fn reads_of_drain() -> u64 {
    let [drain] = &drains()[..] else {
        unreachable!("one drain")
    };
    let io = fs::read_to_string(drain.join("io")).unwrap();
    let count = io.lines().find_map(|line| line.strip_prefix("syscr: ")).unwrap();
    count.parse().unwrap()
}
