//! The golden files pin the layout: this writer produces them byte for byte, and this reader sees in them
//! what the JSON beside them says.
#![cfg(not(loom))]

mod scenarios;

use std::fs;

use scenarios::{Expected, ExpectedColours, ExpectedFrame, picture};
use vas_frame_protocol::{HeapRing, Miss, Reader, State, checksum};

fn golden(name: &str, extension: &str) -> Vec<u8> {
    let path = format!("{}/golden/{name}.{extension}", env!("CARGO_MANIFEST_DIR"));
    fs::read(path).unwrap()
}

#[test]
fn p2_10_the_writer_produces_the_golden_files_byte_for_byte() {
    for mut scenario in scenarios::all() {
        let name = scenario.name;
        let pinned: Expected = serde_json::from_slice(&golden(name, "json")).unwrap();
        assert_eq!(pinned, scenario.expected, "{name}.json");
        assert_same_bytes(
            &scenario.ring.meta_to_vec(),
            &golden(name, "meta"),
            &format!("{name}.meta"),
        );
        assert_same_bytes(
            &scenario.ring.data_to_vec(),
            &golden(name, "data"),
            &format!("{name}.data"),
        );
    }
}

fn assert_same_bytes(written: &[u8], pinned: &[u8], file: &str) {
    let difference = written
        .iter()
        .zip(pinned)
        .position(|(written, pinned)| written != pinned);
    assert_eq!(
        difference, None,
        "offset of the first byte of {file} that differs"
    );
    assert_eq!(written.len(), pinned.len(), "size of {file}");
}

#[test]
fn p2_10_the_reader_sees_in_the_golden_files_what_the_json_says() {
    for scenario in scenarios::all() {
        let name = scenario.name;
        let expected: Expected = serde_json::from_slice(&golden(name, "json")).unwrap();
        let ring = HeapRing::from_bytes(&golden(name, "meta"), &golden(name, "data"));
        let reader = Reader::attach(&ring).unwrap();
        assert_eq!(seen(&reader, &expected), expected, "{name}");
    }
}

/// What the reader says, in the form of what is expected; only the ids to ask for are taken from there.
fn seen(reader: &Reader<&HeapRing>, expected: &Expected) -> Expected {
    let header = reader.header();
    let identity = header.identity();
    let counters = reader.counters();
    let mut bytes = vec![0; reader.frame_bytes()];

    let mut frames = Vec::new();
    let mut after = identity.first_frame_id - 1;
    while let Ok(taken) = reader.copy_next(after, &mut bytes) {
        let record = taken.record;
        assert_eq!(bytes, picture(record.frame_id, bytes.len()));
        assert_ne!(record.verify(&bytes), Some(false));
        frames.push(ExpectedFrame {
            id: record.frame_id,
            timestamp_ns: record.stamp.timestamp_ns.to_string(),
            wall_clock_ns: record.stamp.wall_clock_ns.to_string(),
            source_timestamp_ns: record.stamp.source_timestamp_ns.map(|ns| ns.to_string()),
            checksum: record.stamp.checksum,
            data_offset: record.data_offset,
            picture_crc32: checksum(&bytes),
        });
        after = record.frame_id;
    }
    if let Some(newest) = frames.last() {
        assert_eq!(reader.current().unwrap().frame_id, newest.id);
    }
    let mut missed = |ids: &[u64], miss| -> Vec<u64> {
        ids.iter()
            .copied()
            .filter(|&id| reader.copy(id, &mut bytes) == Err(miss))
            .collect()
    };

    Expected {
        epoch: identity.epoch.iter().map(|byte| format!("{byte:02x}")).collect(),
        generation: identity.generation,
        first_frame_id: identity.first_frame_id,
        data_inode: identity.data_inode,
        created_ns: identity.created_ns.to_string(),
        created_wall_ns: identity.created_wall_ns.to_string(),
        width: header.geometry().width(),
        height: header.geometry().height(),
        stride: header.geometry().stride(),
        slot_count: header.shape().slot_count(),
        slot_stride: header.shape().slot_stride(),
        meta_size: header.shape().meta_bytes(),
        data_size: header.shape().data_bytes(),
        state: match reader.state().unwrap() {
            State::Live => "live",
            State::Ended => "ended",
            State::Replaced => "replaced",
        }
        .into(),
        heartbeat_ns: reader.heartbeat_ns().to_string(),
        frames_written: counters.frames_written,
        frames_incomplete: counters.frames_incomplete,
        bytes_written: counters.bytes_written,
        frames_rejected: counters.frames_rejected,
        newest_id: reader.newest_id(),
        frames,
        overwritten: missed(&expected.overwritten, Miss::Overwritten),
        not_yet: missed(&expected.not_yet, Miss::NothingNewer),
        colours: ExpectedColours::of(header.colours()),
    }
}
