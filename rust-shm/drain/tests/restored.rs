//! Files of an export that somebody removes or replaces: they are back soon, frame ids go on, readers are told, and the
//! process that writes the stream notices nothing.

mod stage;

use stage::{Feeder, Stage, eventually, in_a_namespace, mount_tmpfs, picture, shape};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use vas_frame_drain::{Export, Outcome, Statistics};
use vas_frame_protocol::State;
use vas_frame_segment::{FrameSource, Health};

type Removal = fn(&Path);

/// What somebody does to the files of camera `gate`.
const REMOVALS: [(&str, Removal); 6] = [
    ("the camera's folder", |base| {
        fs::remove_dir_all(base.join("gate")).unwrap()
    }),
    ("the base folder", |base| fs::remove_dir_all(base).unwrap()),
    ("frame.meta", |base| {
        fs::remove_file(base.join("gate/frame.meta")).unwrap()
    }),
    ("frame.data", |base| {
        fs::remove_file(base.join("gate/frame.data")).unwrap()
    }),
    ("every file, by a tidy-up", |base| {
        for file in ["gate/frame.meta", "gate/frame.data", ".gate.lock"] {
            fs::remove_file(base.join(file)).unwrap();
        }
    }),
    ("the folder, moved away and a copy put back", |base| {
        let moved = base.join("moved away");
        fs::rename(base.join("gate"), &moved).unwrap();
        fs::create_dir(base.join("gate")).unwrap();
        for file in ["frame.meta", "frame.data"] {
            fs::copy(moved.join(file), base.join("gate").join(file)).unwrap();
        }
        fs::remove_dir_all(moved).unwrap();
    }),
];

fn identity(source: &FrameSource) -> ([u8; 16], u64) {
    let identity = source.reader().header().identity();
    (identity.epoch, identity.generation)
}

#[test]
fn p2_13_files_that_were_removed_are_back_within_2_s_with_the_ids_going_on() {
    for (what, remove) in REMOVALS {
        let stage = Stage::new();
        let shape = shape(64, 48, 64);
        let mut export = stage.open("gate", shape);
        let mut feeder = Feeder::attach(&mut export);
        let mut number = 0;
        let mut feed = |export: &Export| -> Statistics {
            number += 1;
            feeder.feed(&picture(shape, number));
            eventually("the frame has passed", || {
                let statistics = export.statistics();
                statistics.frames_written + statistics.frames_discarded >= number
            });
            export.statistics()
        };
        feed(&export);
        let attached = stage.source("gate");
        remove(&stage.base_dir);
        let removed = Instant::now();
        while feed(&export).restored == 0 {
            assert!(
                removed.elapsed() < Duration::from_secs(2),
                "{what}: not back after 2 s"
            );
        }
        for _ in 0..10 {
            feed(&export);
        }
        assert_eq!(export.statistics().not_in_place, None, "{what}");

        assert_ne!(attached.reader().state(), Some(State::Live), "{what}");
        assert_eq!(attached.health(), Health::Replaced, "{what}");
        let reopened = attached.reopen().unwrap();
        let (epoch, generation) = identity(&attached);
        assert_eq!(identity(&reopened), (epoch, generation + 1), "{what}");
        assert_eq!(
            reopened.reader().header().identity().first_frame_id,
            attached.reader().newest_id() + 1,
            "{what}: ids go on"
        );
        let statistics = export.statistics();
        assert_eq!(reopened.reader().newest_id(), statistics.frames_written, "{what}");
        assert_eq!(
            stage::number_of(&reopened, statistics.frames_written),
            number,
            "{what}"
        );
        // Only frames of the instant in which the new files are put into place are discarded; here thousands come in a
        // second.
        assert!(
            statistics.frames_discarded * 100 < statistics.frames_written,
            "{what}: {statistics:?}"
        );
        assert!(feeder.end().success());

        // And the camera is as it was for everybody else.
        assert_eq!(
            Export::open(stage.options("gate", shape)).unwrap_err().code(),
            "ALREADY_EXPORTED",
            "{what}"
        );
        drop(export);
        assert_eq!(stage.names(), [""; 0], "{what}");
    }
}

#[test]
fn p2_13_a_lock_file_that_was_removed_is_back_and_the_ring_goes_on() {
    let stage = Stage::new();
    let mut export = stage.open("gate", shape(64, 48, 4));
    let attached = stage.source("gate");
    fs::remove_file(stage.base_dir.join(".gate.lock")).unwrap();
    eventually("the lock file is back", || export.statistics().restored == 1);
    assert_eq!(
        export.publish(&picture(export.shape(), 1), None),
        Outcome::Published(1)
    );
    assert!(attached.is_current());
    assert_eq!(attached.health(), Health::Live);
    let mut names = stage.names();
    names.sort();
    assert_eq!(names, [".gate.lock", "gate"]);
}

#[test]
fn p2_13_a_host_that_publishes_from_memory_goes_on_in_the_new_files() {
    let stage = Stage::new();
    let mut export = stage.open("gate", shape(64, 48, 4));
    assert_eq!(
        export.publish(&picture(export.shape(), 1), None),
        Outcome::Published(1)
    );
    fs::remove_dir_all(&stage.base_dir).unwrap();
    eventually("the files are back", || export.statistics().restored == 1);
    assert_eq!(
        export.publish(&picture(export.shape(), 2), None),
        Outcome::Published(2)
    );
    assert_eq!(stage::numbers(&stage.source("gate")), [(2, 2)]);
}

#[test]
fn p2_13_files_that_were_cut_short_are_replaced() {
    let stage = Stage::new();
    let shape = shape(64, 48, 4);
    let mut export = stage.open("gate", shape);
    let mut feeder = Feeder::attach(&mut export);
    let file = fs::File::options()
        .write(true)
        .open(stage.base_dir.join("gate/frame.data"));
    file.unwrap().set_len(0).unwrap();
    let mut number = 0;
    eventually("frames are published again", || {
        number += 1;
        feeder.feed(&picture(shape, number));
        export.statistics().restored == 1 && stage.source("gate").reader().newest_id() > 0
    });
    assert!(feeder.end().success());
}

#[test]
fn p2_13_what_somebody_else_put_there_stays_and_is_reported() {
    let stage = Stage::new();
    let shape = shape(64, 48, 4);
    let mut export = stage.open("gate", shape);
    let attached = stage.source("gate");
    let theirs = stage.base_dir.join("gate");
    fs::remove_dir_all(&theirs).unwrap();
    fs::create_dir(&theirs).unwrap();
    fs::write(theirs.join("notes"), "theirs").unwrap();
    eventually("it is reported", || export.statistics().not_in_place.is_some());
    let reported = export.statistics().not_in_place.unwrap();
    assert_eq!(reported.code, "CAMERA_PATH_OCCUPIED");
    assert!(
        reported.message.contains("gate") && reported.message.contains("remove it"),
        "{reported:?}"
    );
    assert_eq!(fs::read(theirs.join("notes")).unwrap(), b"theirs");
    // Who is attached goes on.
    assert_eq!(export.publish(&picture(shape, 1), None), Outcome::Published(1));
    assert_eq!(stage::numbers(&attached), [(1, 1)]);

    fs::remove_dir_all(&theirs).unwrap();
    eventually("the files are back", || export.statistics().restored == 1);
    assert_eq!(export.statistics().not_in_place, None);
    assert_eq!(attached.reopen().unwrap().health(), Health::Idle);
}

#[test]
fn p2_13_another_exporter_that_has_the_camera_by_now_keeps_it() {
    let stage = Stage::new();
    let shape = shape(64, 48, 4);
    let export = stage.open("gate", shape);
    fs::remove_dir_all(&stage.base_dir).unwrap();
    let other = stage.open("gate", shape);
    eventually("it is reported", || export.statistics().not_in_place.is_some());
    assert_eq!(export.statistics().not_in_place.unwrap().code, "ALREADY_EXPORTED");
    let source = stage.source("gate");
    drop(export);
    assert!(source.is_current(), "the end of the former leaves it alone");
    drop(other);
    assert_eq!(stage.names(), [""; 0]);
}

#[test]
fn p2_13_a_full_file_system_is_reported_and_the_files_are_back_when_there_is_room() {
    let stage = Stage::new();
    if !in_a_namespace(
        "p2_13_a_full_file_system_is_reported_and_the_files_are_back_when_there_is_room",
        &stage.base_dir,
    ) {
        return;
    }
    mount_tmpfs(&stage.base_dir, c"size=4m,mode=755");
    let shape = shape(640, 480, 4);
    let mut export = stage.open("gate", shape);
    let attached = stage.source("gate");
    fs::remove_dir_all(stage.base_dir.join("gate")).unwrap();
    // The memory of the ring itself is in use, and the new one needs as much.
    let filler = stage.base_dir.join("filler");
    fs::write(&filler, vec![0; 1 << 20]).unwrap();
    eventually("it is reported", || export.statistics().not_in_place.is_some());
    assert_eq!(export.statistics().not_in_place.unwrap().code, "NO_SPACE");
    assert_eq!(export.publish(&picture(shape, 1), None), Outcome::Published(1));
    assert_eq!(stage::numbers(&attached), [(1, 1)]);

    fs::remove_file(filler).unwrap();
    rustix::mount::mount_remount(&stage.base_dir, rustix::mount::MountFlags::empty(), c"size=8m").unwrap();
    eventually("the files are back", || export.statistics().restored == 1);
    assert_eq!(export.statistics().not_in_place, None);
    assert_eq!(export.publish(&picture(shape, 2), None), Outcome::Published(2));
}

#[test]
fn p2_6_the_first_camera_of_a_process_cleans_up_for_all_that_do_not_come_back() {
    let stage = Stage::new();
    let base = &stage.base_dir;
    fs::create_dir(base).unwrap();
    for camera in ["gone-1", "gone-2"] {
        fs::create_dir(base.join(camera)).unwrap();
        fs::write(base.join(camera).join("frame.meta"), "").unwrap();
        fs::write(base.join(format!(".{camera}.lock")), "").unwrap();
    }
    fs::create_dir(base.join("theirs")).unwrap();
    fs::write(base.join("theirs/file"), "").unwrap();
    let _export = stage.open("here", shape(64, 48, 3));
    eventually("what crashed exports left is gone", || {
        let mut names = stage.names();
        names.sort();
        names == [".here.lock", "here", "theirs"]
    });
}
