//! The process that writes the stream never notices anything, whatever happens at this end.

mod stage;

use stage::{Feeder, Stage, attach_here, eventually, is_detached, numbers, picture, shape};
use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::process::Command;
use std::thread;
use vas_frame_drain::{DrainState, Outcome};
use vas_frame_protocol::State;

/// More than fits into any pipe.
const PLENTY: usize = 4 << 20;

/// Mappings of the given camera in this process.
fn mappings(stage: &Stage, camera: &str) -> usize {
    let folder = format!("{}/", stage.base_dir.display());
    let is_ours = |line: &&str| line.contains(&folder) && line.contains(camera);
    fs::read_to_string("/proc/self/maps")
        .unwrap()
        .lines()
        .filter(is_ours)
        .count()
}

#[test]
fn g1_an_export_that_is_closed_is_drained_until_the_process_ends() {
    let stage = Stage::new();
    let shape = shape(64, 48, 4);
    let (mut export, mut feeder) = stage.publishing("camera", shape);
    let source = stage.source("camera");

    export.close();
    assert_eq!(stage.names(), [""; 0], "the files are gone at once");
    assert_eq!(source.reader().state(), Some(State::Ended));
    for _ in 0..PLENTY / (1 << 16) {
        feeder.feed(&[0; 1 << 16]);
    }
    feeder.end_and_drain(&export);
    assert_eq!(numbers(&source), [(1, 1)]);
    export.close();
}

#[test]
fn g1_an_export_that_is_dropped_is_drained_as_well() {
    let stage = Stage::new();
    let shape = shape(64, 48, 4);
    let mut export = stage.open("camera", shape);
    let mut feeder = Feeder::attach(&mut export);
    feeder.feed(&picture(shape, 1)[..100]);
    drop(export);
    feeder.feed(&vec![0; PLENTY]);
    assert!(feeder.end().success());
}

#[test]
fn g1_closing_does_not_wait_for_a_process_that_is_silent_and_keeps_nothing_for_it() {
    let stage = Stage::new();
    let shape = shape(640, 360, 4);
    let mut export = stage.open("silent", shape);
    let mut feeder = Feeder::attach(&mut export);
    feeder.feed(&picture(shape, 1)[..100]);
    eventually("the drain is in the middle of a frame", || {
        export.statistics().drain == DrainState::Publishing
    });
    export.close();
    eventually("the drain lets go of the memory", || {
        mappings(&stage, "silent") == 0
    });

    let mut export = stage.open("silent", shape);
    let mut next = Feeder::attach(&mut export);
    next.feed(&picture(shape, 2));
    next.end_and_drain(&export);
    assert_eq!(numbers(&stage.source("silent")), [(1, 2)]);
    feeder.feed(&vec![0; PLENTY]);
    assert!(feeder.end().success());
}

#[test]
fn p2_7_a_drain_is_woken_by_a_host_that_has_given_up_root_since() {
    let stage = Stage::new();
    let shape = shape(640, 360, 4);
    let mut export = stage.open("given-up", shape);
    let mut feeder = Feeder::attach(&mut export);
    feeder.feed(&picture(shape, 1)[..100]);
    eventually("the drain is in the middle of a frame", || {
        export.statistics().drain == DrainState::Publishing
    });
    let mut next = thread::scope(|scope| {
        let host = scope.spawn(|| {
            let user = 1_000_000;
            // SAFETY: the system call changes the user of this thread only, and no memory.
            unsafe { libc::syscall(libc::SYS_setresuid, user, user, user) };
            Feeder::attach(&mut export)
        });
        host.join().unwrap()
    });
    eventually("the former drain lets go of the ring", || {
        let before = export.statistics().frames_discarded;
        next.feed(&picture(shape, 2));
        eventually("the frame has passed", || {
            export.statistics().frames_written > 0 || export.statistics().frames_discarded > before
        });
        export.statistics().frames_written > 0
    });
    assert!(next.end().success());
    drop(feeder);
}

#[test]
fn p2_7_a_process_that_hangs_is_no_obstacle_to_the_next() {
    let stage = Stage::new();
    let shape = shape(64, 48, 64);
    let mut export = stage.open("camera", shape);
    let source = stage.source("camera");
    let mut hanging = Vec::new();
    for number in 1..=5 {
        let mut feeder = Feeder::attach(&mut export);
        // The first frame is thrown away if the former drain lets go late.
        while source.reader().newest_id() < number {
            let thrown_away = export.statistics().frames_discarded;
            feeder.feed(&picture(shape, number));
            eventually("the frame has passed", || {
                source.reader().newest_id() == number || export.statistics().frames_discarded > thrown_away
            });
        }
        feeder.feed(&picture(shape, 99)[..500]);
        hanging.push(feeder);
    }
    assert_eq!(numbers(&source), [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]);
    for mut feeder in hanging {
        feeder.feed(&picture(shape, 99)[500..]);
        feeder.feed(&vec![0; PLENTY]);
        assert!(feeder.end().success());
    }
}

#[test]
fn p2_8_a_stream_whose_memory_is_cut_off_goes_to_scratch_memory() {
    let stage = Stage::new();
    let shape = shape(640, 360, 4);
    let (mut export, mut feeder) = stage.publishing("camera", shape);

    let data = File::options()
        .write(true)
        .open(export.path().join("frame.data"))
        .unwrap();
    data.set_len(0).unwrap();
    for number in 2..=50 {
        feeder.feed(&picture(shape, number));
    }
    eventually("frames are thrown away", || {
        export.statistics().frames_discarded > 0
    });
    assert_eq!(export.statistics().drain, DrainState::Discarding);
    feeder.end_and_drain(&export);
    let statistics = export.statistics();
    assert_eq!(statistics.frames_written + statistics.frames_discarded, 50);

    assert_eq!(
        export.publish(&picture(shape, 51), None),
        Outcome::Closed,
        "not a SIGBUS"
    );
    let mut next = Feeder::attach(&mut export);
    next.feed(&picture(shape, 52));
    assert!(
        next.end().success(),
        "an FFmpeg that is started then is read as well"
    );
    eventually("the next stream is drained", || is_detached(&export));

    export.reshape(stage::shape(320, 180, 4)).unwrap();
    assert_eq!(
        export.publish(&picture(export.shape(), 53), None),
        Outcome::Published(statistics.frames_written + 1)
    );
}

#[test]
fn g1_streams_flow_while_the_thread_that_started_them_does_something_else() {
    let stage = Stage::new();
    let shape = shape(64, 48, 64);
    let mut export = stage.open("camera", shape);
    let output = export.attach().unwrap().try_clone().unwrap();
    let mut child = Command::new("head")
        .args(["-c", "50000000", "/dev/zero"])
        .stdout(output)
        .spawn()
        .unwrap();
    export.release();
    // This thread is blocked until the process has written everything.
    assert!(child.wait().unwrap().success());
    eventually("the stream is drained", || is_detached(&export));
    assert_eq!(
        export.statistics().frames_written,
        50_000_000 / shape.geometry().frame_bytes() as u64
    );
}

#[test]
fn g1_sixty_four_cameras_flow_at_once() {
    let stage = Stage::new();
    let shape = shape(64, 48, 16);
    let mut exports: Vec<_> = (0..64)
        .map(|camera| stage.open(&format!("camera-{camera}"), shape))
        .collect();
    let writers: Vec<_> = exports
        .iter_mut()
        .enumerate()
        .map(|(camera, export)| {
            let mut pipe = attach_here(export);
            thread::spawn(move || {
                for number in 0..100 {
                    pipe.write_all(&picture(shape, camera as u64 * 1000 + number))
                        .unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    for (camera, export) in exports.iter().enumerate() {
        eventually("the stream is drained", || is_detached(export));
        // The drain has opened the slot of the oldest frame already, for the next one.
        let expected: Vec<_> = (85..100)
            .map(|number| (number + 1, camera as u64 * 1000 + number))
            .collect();
        assert_eq!(numbers(&stage.source(&format!("camera-{camera}"))), expected);
    }
}

#[test]
fn child_processes_inherit_neither_end_of_a_pipe() {
    let stage = Stage::new();
    let mut export = stage.open("camera", shape(64, 48, 4));
    let write_end = export.attach().unwrap().as_raw_fd();
    let pipe = fs::read_link(format!("/proc/self/fd/{write_end}")).unwrap();
    let listing = Command::new("ls").args(["-l", "/proc/self/fd"]).output().unwrap();
    let listing = String::from_utf8(listing.stdout).unwrap();
    assert!(!listing.contains(pipe.to_str().unwrap()), "{listing}");
}
