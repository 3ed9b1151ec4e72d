//! Files of an export that root or its own user makes shorter: the frames are lost, nothing else is.

mod stage;

use stage::{Stage, picture, shape};
use std::fs::File;
use std::thread::sleep;
use std::time::Duration;
use vas_frame_drain::{Export, Outcome};

fn truncate(export: &Export, name: &str) {
    let file = File::options().write(true).open(export.path().join(name));
    file.unwrap().set_len(0).unwrap();
}

#[test]
fn p2_8_publishing_into_truncated_files_is_refused() {
    for name in ["frame.meta", "frame.data"] {
        let stage = Stage::new();
        let shape = shape(64, 48, 3);
        let mut export = stage.open("camera", shape);
        assert_eq!(export.publish(&picture(shape, 1), None), Outcome::Published(1));
        truncate(&export, name);
        for number in 2..=5 {
            assert_eq!(
                export.publish(&picture(shape, number), None),
                Outcome::Closed,
                "{name}"
            );
        }
        assert_eq!(export.statistics().frames_written, 1);
    }
}

#[test]
fn p2_8_a_stream_and_the_heartbeat_survive_truncated_metadata() {
    let stage = Stage::new();
    let shape = shape(64, 48, 3);
    let (export, mut feeder) = stage.publishing("camera", shape);
    truncate(&export, "frame.meta");
    // The heart beats every 250 ms.
    sleep(Duration::from_millis(600));
    for number in 2..=20 {
        feeder.feed(&picture(shape, number));
    }
    feeder.end_and_drain(&export);
    let statistics = export.statistics();
    assert_eq!(statistics.frames_written, 1);
    assert!(statistics.frames_discarded >= 18);
}
