//! From a stream of bytes to frames in shared memory.

mod stage;

use stage::{Feeder, Stage, attach_here, eventually, is_detached, numbers, picture, shape};
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use vas_frame_drain::{DrainState, ExportOptions, Outcome};
use vas_frame_protocol::{Geometry, RingShape, State};
use vas_frame_segment::Health;

#[test]
fn p2_11_frames_arrive_bit_exact_however_the_stream_is_cut() {
    let stage = Stage::new();
    let padded = Geometry::nv12(162, 122).unwrap().with_stride(200).unwrap();
    for (index, shape) in [
        shape(4, 2, 64),
        shape(16, 16, 64),
        RingShape::new(padded, 64).unwrap(),
        shape(640, 360, 64),
    ]
    .into_iter()
    .enumerate()
    {
        let stream: Vec<u8> = (0..60).flat_map(|number| picture(shape, number)).collect();
        let frame_bytes = shape.geometry().frame_bytes();
        for cut in [
            1,
            5,
            977,
            4096,
            frame_bytes - 1,
            frame_bytes,
            65_537,
            stream.len(),
        ] {
            // A byte at a time is for small frames.
            if stream.len() / cut > 100_000 {
                continue;
            }
            let camera = format!("camera-{index}-{cut}");
            let mut export = stage.open(&camera, shape);
            let mut pipe = attach_here(&mut export);
            for piece in stream.chunks(cut) {
                pipe.write_all(piece).unwrap();
            }
            drop(pipe);
            eventually("the stream is drained", || is_detached(&export));
            let expected: Vec<_> = (0..60).map(|number| (number + 1, number)).collect();
            assert_eq!(
                numbers(&stage.source(&camera)),
                expected,
                "{shape:?} in pieces of {cut}"
            );
            let statistics = export.statistics();
            assert_eq!(statistics.frames_written, 60);
            assert_eq!(statistics.bytes_written, stream.len() as u64);
            assert_eq!(
                (statistics.frames_incomplete, statistics.frames_discarded),
                (0, 0)
            );
        }
    }
}

#[test]
fn p2_11_frames_of_another_process_arrive_bit_exact() {
    let stage = Stage::new();
    let shape = shape(640, 360, 64);
    let stream: Vec<u8> = (0..40).flat_map(|number| picture(shape, number)).collect();
    let mut export = stage.open("camera", shape);
    let file = stage.base_dir.join("stream");
    fs::write(&file, stream).unwrap();
    let output = export.attach().unwrap().try_clone().unwrap();
    let status = Command::new("dd")
        .arg(format!("if={}", file.display()))
        .args(["bs=10007", "status=none"])
        .stdout(output)
        .spawn()
        .map(|mut child| {
            export.release();
            child.wait().unwrap()
        });
    assert!(status.unwrap().success());
    eventually("the stream is drained", || is_detached(&export));
    let expected: Vec<_> = (0..40).map(|number| (number + 1, number)).collect();
    assert_eq!(numbers(&stage.source("camera")), expected);
}

#[test]
fn p2_7_a_frame_that_ends_early_is_counted_and_never_seen() {
    let stage = Stage::new();
    let shape = shape(64, 48, 4);
    let mut export = stage.open("camera", shape);
    let source = stage.source("camera");
    let mut feeder = Feeder::attach(&mut export);
    feeder.feed(&picture(shape, 1));
    feeder.feed(&picture(shape, 2)[..shape.geometry().frame_bytes() - 1]);
    feeder.end_and_drain(&export);
    assert_eq!(numbers(&source), [(1, 1)]);
    assert_eq!(export.statistics().frames_incomplete, 1);
    assert_eq!(source.reader().counters().frames_incomplete, 1);

    let feeder = Feeder::attach(&mut export);
    assert!(feeder.end().success());
    eventually("the empty stream is drained", || is_detached(&export));
    assert_eq!(
        export.statistics().frames_incomplete,
        1,
        "a stream that ends between frames lacks none"
    );
}

#[test]
fn p2_7_a_restart_goes_on_in_the_same_memory_with_the_same_ids() {
    let stage = Stage::new();
    let shape = shape(64, 48, 64);
    let mut export = stage.open("camera", shape);
    let source = stage.source("camera");
    let inode = || fs::metadata(export.path().join("frame.data")).unwrap().ino();
    let before = inode();
    let mut number = 0;
    for restart in 0..5 {
        let mut feeder = Feeder::attach(&mut export);
        for _ in 0..4 {
            number += 1;
            feeder.feed(&picture(shape, number));
        }
        // Killed in the middle of a frame, most of the time.
        feeder.feed(&picture(shape, 99)[..restart * 100]);
        feeder.end_and_drain(&export);
    }
    assert_eq!(numbers(&source), (1..=20).map(|id| (id, id)).collect::<Vec<_>>());
    assert!(source.is_current());
    assert_eq!(
        fs::metadata(export.path().join("frame.data")).unwrap().ino(),
        before
    );
    assert_eq!(export.statistics().frames_incomplete, 4);
}

#[test]
fn p2_7_a_second_stream_takes_over_from_one_that_still_writes() {
    let stage = Stage::new();
    let shape = shape(64, 48, 64);
    let mut export = stage.open("camera", shape);
    let source = stage.source("camera");
    let mut first = Feeder::attach(&mut export);
    for number in 1..=5 {
        first.feed(&picture(shape, number));
    }
    eventually("the first stream is published", || {
        source.reader().newest_id() == 5
    });
    first.feed(&picture(shape, 6)[..1000]);

    let mut second = Feeder::attach(&mut export);
    let mut taken_over_at = 100;
    eventually("the second stream is published", || {
        // Nothing waits for the first one to let go: on a busy machine that may be after a frame of the second.
        if export.statistics().frames_discarded == taken_over_at - 100 {
            taken_over_at += 1;
            second.feed(&picture(shape, taken_over_at));
        }
        source.reader().newest_id() == 6
    });
    first.feed(&picture(shape, 6)[1000..]);
    for number in 7..=1000 {
        first.feed(&picture(shape, number));
    }
    assert!(first.end().success(), "the first process is read to its end");
    second.feed(&picture(shape, 201));
    second.end_and_drain(&export);
    assert_eq!(numbers(&source)[4..], [(5, 5), (6, taken_over_at), (7, 201)]);
}

#[test]
fn p2_7_a_change_of_geometry_goes_on_with_the_ids_in_new_memory() {
    let stage = Stage::new();
    let (small, large) = (shape(64, 48, 4), shape(128, 96, 4));
    let (mut export, mut first) = stage.publishing("camera", small);
    let old = stage.source("camera");

    export.reshape(small).unwrap();
    assert_eq!(
        export.statistics().generation,
        1,
        "the same shape changes nothing"
    );
    assert_eq!(old.reader().state(), Some(State::Live));

    export.reshape(large).unwrap();
    assert_eq!(old.reader().state(), Some(State::Replaced));
    assert_eq!(numbers(&old), [(1, 1)], "who holds the old memory keeps it");
    let new = old.reopen().unwrap();
    assert_eq!(new.reader().header().shape(), large);
    let (old_identity, new_identity) = (old.reader().header().identity(), new.reader().header().identity());
    assert_eq!(new_identity.epoch, old_identity.epoch);
    assert_eq!((new_identity.generation, new_identity.first_frame_id), (2, 2));

    let mut second = Feeder::attach(&mut export);
    for number in 2..=100 {
        first.feed(&picture(small, number));
    }
    second.feed(&picture(large, 7));
    assert!(first.end().success());
    assert!(second.end().success());
    eventually("both streams are drained", || is_detached(&export));
    assert_eq!(numbers(&new), [(2, 7)]);
    assert_eq!(numbers(&old), [(1, 1)]);
}

#[test]
fn p2_7_no_id_is_given_twice_or_left_out_when_the_geometry_changes_at_full_speed() {
    let stage = Stage::new();
    let shapes = [shape(16, 16, 3), shape(32, 16, 3)];
    let mut export = stage.open("camera", shapes[0]);
    for change in 0..200 {
        let old = stage.source("camera");
        let mut pipe = attach_here(&mut export);
        let writer = std::thread::spawn(move || {
            let frame = picture(shapes[change % 2], 1);
            for _ in 0..300 {
                pipe.write_all(&frame).unwrap();
            }
        });
        eventually("the stream is being published", || old.reader().newest_id() > 0);
        export.reshape(shapes[(change + 1) % 2]).unwrap();
        let first_id = stage.source("camera").reader().header().identity().first_frame_id;
        writer.join().unwrap();
        eventually("the old stream is drained", || is_detached(&export));
        assert_eq!(old.reader().newest_id() + 1, first_id);
    }
}

#[test]
fn p2_7_a_geometry_that_cannot_be_had_leaves_everything_as_it_was() {
    let stage = Stage::new();
    let shape = shape(64, 48, 8);
    let (mut export, mut feeder) = stage.publishing("camera", shape);
    let source = stage.source("camera");

    let in_the_way = export.path().join("somebody-elses");
    fs::write(&in_the_way, "").unwrap();
    let error = export.reshape(stage::shape(128, 96, 8)).unwrap_err();
    assert_eq!(error.code(), "CAMERA_PATH_OCCUPIED");
    fs::remove_file(in_the_way).unwrap();

    feeder.feed(&picture(shape, 2));
    feeder.end_and_drain(&export);
    assert_eq!(numbers(&source), [(1, 1), (2, 2)]);
    assert_eq!((export.shape(), export.statistics().generation), (shape, 1));
    assert_eq!(source.reader().state(), Some(State::Live));
}

#[test]
fn frames_in_memory_are_published_when_no_stream_is() {
    let stage = Stage::new();
    let shape = shape(64, 48, 64);
    let mut export = stage.open("camera", shape);
    let source = stage.source("camera");
    assert_eq!(
        export.publish(&picture(shape, 1), Some(42)),
        Outcome::Published(1)
    );
    assert_eq!(
        source.reader().current().unwrap().stamp.source_timestamp_ns,
        Some(42)
    );
    assert_eq!(export.publish(&picture(shape, 1)[1..], None), Outcome::WrongSize);

    let mut feeder = Feeder::attach(&mut export);
    assert_eq!(export.publish(&picture(shape, 2), None), Outcome::Draining);
    feeder.feed(&picture(shape, 3));
    eventually("the stream is published", || source.reader().newest_id() == 2);
    assert_eq!(export.publish(&picture(shape, 2), None), Outcome::Draining);
    feeder.end_and_drain(&export);

    assert_eq!(export.publish(&picture(shape, 4), None), Outcome::Published(3));
    assert_eq!(source.reader().current().unwrap().stamp.source_timestamp_ns, None);
    assert_eq!(numbers(&source), [(1, 1), (2, 3), (3, 4)]);
    assert_eq!(
        (
            export.statistics().frames_written,
            export.statistics().frames_rejected
        ),
        (3, 1)
    );
    assert_eq!(source.reader().counters().frames_rejected, 1);
    export.close();
    assert_eq!(export.publish(&picture(shape, 5), None), Outcome::Closed);
}

#[test]
fn verify_mode_stores_the_checksum_of_every_frame() {
    let stage = Stage::new();
    let shape = shape(64, 48, 8);
    let options = ExportOptions {
        has_checksums: true,
        ..stage.options("camera", shape)
    };
    let mut export = vas_frame_drain::Export::open(options).unwrap();
    export.publish(&picture(shape, 1), None);
    let mut feeder = Feeder::attach(&mut export);
    feeder.feed(&picture(shape, 2));
    feeder.end_and_drain(&export);
    let source = stage.source("camera");
    for number in 1..=2 {
        let mut copy = vec![0; source.reader().frame_bytes()];
        let record = source.reader().copy(number, &mut copy).unwrap();
        assert_eq!(record.verify(&picture(shape, number)), Some(true));
        copy[77] ^= 1;
        assert_eq!(record.verify(&copy), Some(false));
    }
}

#[test]
fn p2_6_readers_can_tell_a_camera_without_frames_from_one_that_is_gone() {
    let stage = Stage::new();
    let mut export = stage.open("camera", shape(64, 48, 4));
    let source = stage.source("camera");
    let first_beat = source.reader().heartbeat_ns();
    eventually("the heart beats", || source.reader().heartbeat_ns() > first_beat);
    assert_eq!(source.health(), Health::Idle);
    export.reshape(shape(128, 96, 4)).unwrap();
    let reshaped = stage.source("camera");
    let first_beat = reshaped.reader().heartbeat_ns();
    eventually("the next generation's heart beats", || {
        reshaped.reader().heartbeat_ns() > first_beat
    });
    drop(export);
    assert_eq!(reshaped.health(), Health::Ended);
    assert_eq!(source.health(), Health::Replaced);
}

#[test]
fn statistics_tell_what_becomes_of_the_stream() {
    let stage = Stage::new();
    let shape = shape(64, 48, 4);
    let mut export = stage.open("camera", shape);
    assert_eq!(
        (export.statistics().drain, export.statistics().pipe_bytes),
        (DrainState::Detached, 0)
    );
    assert_eq!(export.statistics().last_frame_ns, None);
    let mut feeder = Feeder::attach(&mut export);
    assert_eq!(export.statistics().drain, DrainState::Waiting);
    assert!(export.statistics().pipe_bytes >= 4096);
    feeder.feed(&picture(shape, 1));
    eventually("the frame is published", || {
        export.statistics().frames_written == 1
    });
    assert_eq!(export.statistics().drain, DrainState::Publishing);
    let stamp = stage.source("camera").reader().current().unwrap().stamp;
    assert_eq!(export.statistics().last_frame_ns, Some(stamp.timestamp_ns));
    export.close();
    feeder.feed(&picture(shape, 2));
    eventually("the frame is thrown away", || {
        export.statistics().frames_discarded == 1
    });
    assert_eq!(export.statistics().drain, DrainState::Discarding);
    feeder.end_and_drain(&export);
    assert_eq!(
        (export.statistics().frames_written, export.statistics().pipe_bytes),
        (1, 0)
    );
}

#[test]
fn p2_7_a_pipe_that_nobody_took_leaves_the_stream_before_it_alone() {
    let stage = Stage::new();
    let shape = shape(64, 48, 8);
    let mut export = stage.open("camera", shape);
    let mut pipe = attach_here(&mut export);
    pipe.write_all(&picture(shape, 0)).unwrap();
    eventually("a frame is there", || export.statistics().frames_written == 1);
    export.offer().unwrap();
    export.withdraw();
    pipe.write_all(&picture(shape, 1)).unwrap();
    eventually("the next one too", || export.statistics().frames_written == 2);
    assert_eq!(export.statistics().drain, DrainState::Publishing);
    let mut next: std::fs::File = export.offer().unwrap().try_clone().unwrap().into();
    export.accept();
    export.release();
    pipe.write_all(&picture(shape, 2)).unwrap();
    eventually("the former one has let go", || {
        export.statistics().frames_discarded == 1
    });
    next.write_all(&picture(shape, 3)).unwrap();
    eventually("the new one publishes", || {
        export.statistics().frames_written == 3
    });
    drop((pipe, next));
    eventually("both end", || is_detached(&export));
    assert_eq!(numbers(&stage.source("camera")), [(1, 0), (2, 1), (3, 3)]);
}
