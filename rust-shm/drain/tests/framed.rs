//! Framed streams on their way through a pipe into shared memory.

#[path = "stage/matroska_stream.rs"]
mod matroska_stream;
mod stage;

use matroska_stream::{cluster, cluster_without_checksum, header};
use stage::{Feeder, Stage, attach_here, eventually, is_detached, numbers, picture, shape};
use std::io::Write;
use vas_frame_drain::{Colours, DrainState, Export, Mismatch, StreamForm};
use vas_frame_protocol::RingShape;
use vas_frame_segment::FrameSource;

fn frame(shape: RingShape, number: u64) -> Vec<u8> {
    cluster(40 * number, &picture(shape, number))
}

fn times_ms(source: &FrameSource) -> Vec<Option<u64>> {
    let reader = source.reader();
    let mut times = Vec::new();
    let mut after = 0;
    while let Some(id) = reader.next_after(after) {
        let mut copy = vec![0; reader.frame_bytes()];
        let record = reader.copy(id, &mut copy).unwrap();
        times.push(record.stamp.source_timestamp_ns.map(|ns| ns / 1_000_000));
        after = id;
    }
    times
}

fn published(export: &Export) -> u64 {
    export.statistics().frames_written
}

#[test]
fn p2_14_frames_are_published_bit_exact_with_their_presentation_times() {
    for (width, height) in [(2, 2), (16, 16), (64, 48), (640, 360)] {
        let stage = Stage::new();
        let shape = shape(width, height, 8);
        let mut export = stage.open("camera", shape);
        let source = stage.source("camera");
        assert_eq!(export.statistics().stream.form, StreamForm::Unknown);
        let mut feeder = Feeder::attach(&mut export);
        feeder.feed(&header(width, height, b"NV12"));
        for number in 1..=5 {
            feeder.feed(&frame(shape, number));
        }
        assert!(feeder.end().success());
        eventually("five frames are published", || published(&export) == 5);
        // The numbers of the smallest pictures do not fit into them.
        if width > 2 {
            assert_eq!(numbers(&source), [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]);
        }
        assert_eq!(times_ms(&source), [40, 80, 120, 160, 200].map(Some));
        let statistics = export.statistics();
        assert_eq!((statistics.stream_damages, statistics.frames_discarded), (0, 0));
    }
}

#[test]
fn p2_13_a_framed_stream_moves_over_to_files_that_were_put_back() {
    let stage = Stage::new();
    let shape = shape(64, 48, 64);
    let mut export = stage.open("camera", shape);
    let attached = stage.source("camera");
    let mut feeder = Feeder::attach(&mut export);
    feeder.feed(&header(64, 48, b"NV12"));
    let mut number = 0;
    let mut feed = |export: &Export| {
        number += 1;
        feeder.feed(&frame(shape, number));
        eventually("the frame has passed", || {
            published(export) + export.statistics().frames_discarded >= number
        });
    };
    feed(&export);
    std::fs::remove_dir_all(&stage.base_dir).unwrap();
    while export.statistics().restored == 0 {
        feed(&export);
    }
    feed(&export);
    feed(&export);
    let source = stage.source("camera");
    assert_eq!(source.reader().newest_id(), published(&export));
    assert_eq!(stage::number_of(&source, published(&export)), number);
    assert_eq!(times_ms(&source).last(), Some(&Some(40 * number)));
    assert!(attached.reader().newest_id() < source.reader().header().identity().first_frame_id);
    assert_eq!(export.statistics().stream_damages, 0);
    assert!(feeder.end().success());
}

#[test]
fn p2_14_the_colours_of_the_stream_are_told_while_it_is_attached() {
    let stage = Stage::new();
    let shape = shape(64, 48, 4);
    let mut export = stage.open("camera", shape);
    let mut pipe = attach_here(&mut export);
    pipe.write_all(&[header(64, 48, b"NV12"), frame(shape, 1)].concat())
        .unwrap();
    eventually("the frame is published", || published(&export) == 1);
    let stream = export.statistics().stream;
    assert_eq!((stream.form, stream.mismatch), (StreamForm::Framed, None));
    let expected = Colours {
        matrix: Some(1),
        transfer: Some(13),
        primaries: Some(9),
        is_full_range: Some(false),
    };
    assert_eq!(stream.colours, expected);
    drop(pipe);
    eventually("the stream is drained", || is_detached(&export));
    eventually("the link is gone", || {
        export.statistics().stream.form == StreamForm::Unknown
    });
}

#[test]
fn p2_15_frames_of_another_size_or_format_are_drained_counted_and_named() {
    let (stage, wanted) = (Stage::new(), shape(64, 48, 4));
    for (width, height, format, mismatch) in [
        (32, 96, b"NV12", Mismatch::WrongSize),
        (640, 360, b"NV12", Mismatch::WrongSize),
        (64, 48, b"I420", Mismatch::WrongFormat),
    ] {
        let mut export = stage.open("camera", wanted);
        let source = stage.source("camera");
        let other = shape(width, height, 4);
        let mut feeder = Feeder::attach(&mut export);
        feeder.feed(&header(width, height, format));
        for number in 1..=20 {
            feeder.feed(&frame(other, number));
        }
        eventually("twenty frames are drained", || {
            export.statistics().frames_discarded == 20
        });
        let statistics = export.statistics();
        assert_eq!(statistics.stream.mismatch, Some(mismatch));
        assert_eq!(
            (statistics.drain, statistics.stream_damages),
            (DrainState::Discarding, 0)
        );
        assert_eq!((statistics.frames_written, source.reader().newest_id()), (0, 0));
        // A camera that comes to its senses is published at once.
        feeder.feed(&[header(64, 48, b"NV12"), frame(wanted, 21)].concat());
        assert!(feeder.end().success());
        eventually("the frame is published", || published(&export) == 1);
        assert_eq!(numbers(&source), [(1, 21)]);
    }
}

#[test]
fn p2_15_damage_between_frames_is_counted_and_the_next_frame_is_published() {
    let stage = Stage::new();
    let shape = shape(64, 48, 8);
    let mut export = stage.open("camera", shape);
    let source = stage.source("camera");
    let mut feeder = Feeder::attach(&mut export);
    let whole = frame(shape, 9);
    let stream = [
        header(64, 48, b"NV12"),
        frame(shape, 1),
        vec![0; 5000],
        frame(shape, 2),
        whole[1000..].to_vec(),
        frame(shape, 3),
        // What an FFmpeg writes that opened its output again.
        header(64, 48, b"NV12"),
        frame(shape, 4),
    ];
    feeder.feed(&stream.concat());
    feeder.end_and_drain(&export);
    assert_eq!(numbers(&source), [(1, 1), (2, 2), (3, 3), (4, 4)]);
    assert_eq!(times_ms(&source), [40, 80, 120, 160].map(Some));
    assert_eq!(export.statistics().stream_damages, 2);
}

#[test]
fn p2_15_a_frame_that_is_cut_short_by_the_next_one_is_not_published() {
    let shape = shape(64, 48, 8);
    let bytes = shape.geometry().frame_bytes();
    for frame in [cluster, cluster_without_checksum] {
        for left_of_picture in [0, 1, 100, bytes - 100, bytes - 20, bytes - 1] {
            let stage = Stage::new();
            let mut export = stage.open("camera", shape);
            let source = stage.source("camera");
            let mut feeder = Feeder::attach(&mut export);
            let frames = [1, 2, 3, 4].map(|number| frame(40 * number, &picture(shape, number)));
            let cut = frames[1].len() - bytes + left_of_picture;
            let [first, second, third, fourth] = &frames;
            feeder.feed(&[&header(64, 48, b"NV12"), first, &second[..cut], third, fourth].concat());
            feeder.end_and_drain(&export);
            assert_eq!(
                numbers(&source),
                [(1, 1), (2, 3), (3, 4)],
                "{left_of_picture} bytes are left"
            );
            assert_eq!(times_ms(&source), [40, 120, 160].map(Some));
            let statistics = export.statistics();
            assert_eq!((statistics.stream_damages, statistics.frames_discarded), (1, 1));
        }
    }
}

#[test]
fn a_framed_stream_that_ends_in_mid_frame_leaves_none_behind() {
    let stage = Stage::new();
    let shape = shape(64, 48, 4);
    let mut export = stage.open("camera", shape);
    let source = stage.source("camera");
    let mut feeder = Feeder::attach(&mut export);
    let second = frame(shape, 2);
    feeder.feed(&[header(64, 48, b"NV12"), frame(shape, 1), second[..3000].to_vec()].concat());
    feeder.end_and_drain(&export);
    assert_eq!(numbers(&source), [(1, 1)]);
    assert_eq!(export.statistics().frames_incomplete, 1);
}

#[test]
fn g1_a_framed_stream_is_read_to_its_end_after_the_export_was_closed() {
    let stage = Stage::new();
    let shape = shape(640, 360, 4);
    let mut export = stage.open("camera", shape);
    let mut feeder = Feeder::attach(&mut export);
    feeder.feed(&[header(640, 360, b"NV12"), frame(shape, 1)].concat());
    eventually("the frame is published", || published(&export) == 1);
    export.close();
    for number in 2..=30 {
        feeder.feed(&frame(shape, number));
    }
    eventually("the rest is thrown away", || {
        export.statistics().frames_discarded == 29
    });
    feeder.end_and_drain(&export);
}

#[test]
fn p2_7_a_framed_stream_takes_the_place_of_another() {
    let stage = Stage::new();
    let shape = shape(64, 48, 8);
    let mut export = stage.open("camera", shape);
    let source = stage.source("camera");
    let mut former = attach_here(&mut export);
    former
        .write_all(&[header(64, 48, b"NV12"), frame(shape, 1)].concat())
        .unwrap();
    eventually("the frame is published", || published(&export) == 1);
    let mut next = attach_here(&mut export);
    former.write_all(&frame(shape, 2)).unwrap();
    next.write_all(&[header(64, 48, b"NV12"), frame(shape, 3)].concat())
        .unwrap();
    // As a restarted FFmpeg does, times begin anew, and ids go on.
    eventually("the next frame is published", || published(&export) == 2);
    drop((former, next));
    eventually("the streams are drained", || is_detached(&export));
    assert_eq!(numbers(&source), [(1, 1), (2, 3)]);
    assert_eq!(export.statistics().stream_damages, 0);
}

#[test]
fn a_bare_stream_that_begins_like_a_framed_one_is_bare() {
    let stage = Stage::new();
    let shape = shape(64, 48, 8);
    let beginning = &header(64, 48, b"NV12")[..30];
    for len in 1..=beginning.len() {
        let mut export = stage.open("camera", shape);
        let source = stage.source("camera");
        let mut first = picture(shape, 1);
        first[..len].copy_from_slice(&beginning[..len]);
        first[len] = 0xff;
        let mut feeder = Feeder::attach(&mut export);
        feeder.feed(&first);
        feeder.feed(&picture(shape, 2));
        assert!(feeder.end().success());
        eventually("both frames are published", || published(&export) == 2);
        let mut copy = vec![0; source.reader().frame_bytes()];
        source.reader().copy(1, &mut copy).unwrap();
        assert_eq!(copy, first);
        let record = source.reader().copy(2, &mut copy).unwrap();
        assert_eq!(
            (&copy, record.stamp.source_timestamp_ns),
            (&picture(shape, 2), None)
        );
    }
}
