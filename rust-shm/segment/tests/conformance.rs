//! The conformance data that is about cameras. A file that is not run here fails the test.

#[path = "../../protocol/tests/conformance_data/mod.rs"]
mod conformance_data;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use conformance_data::{Run, rows, run_every_file};
use serde_json::Value;
use vas_frame_protocol::State;
use vas_frame_segment::{CameraId, Health};

const CRATES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

const FILES: [(&str, Run); 3] = [
    ("health", health),
    ("camera-ids", camera_ids),
    ("error-codes", error_codes),
];

#[test]
fn p2_18_every_file_of_the_conformance_data_for_cameras_holds() {
    run_every_file("camera", &FILES);
}

fn health(file: &Value) {
    for row in rows(file) {
        let state = u32::try_from(row["state"].as_u64().unwrap()).unwrap();
        let judged = Health::judge(
            State::from_number(state),
            row["heartbeat_age_ns"].as_u64().unwrap(),
            row["frame_age_ns"].as_u64(),
            || row["lock_is_held"].as_bool().unwrap(),
        );
        assert_eq!(format!("{judged:?}").to_lowercase(), row["health"], "{row}");
    }
}

fn camera_ids(file: &Value) {
    for row in rows(file) {
        let checked = CameraId::new(row["id"].as_str().unwrap());
        assert_eq!(checked.is_ok(), row["is_valid"].as_bool().unwrap(), "{row}");
        if let Err(error) = checked {
            assert_eq!(error.code(), "BAD_CAMERA_ID");
        }
    }
}

fn error_codes(file: &Value) {
    let expected: BTreeSet<String> = rows(file)
        .iter()
        .filter(|row| row["rust"] == true)
        .map(|row| row["code"].as_str().unwrap().to_owned())
        .collect();
    let mut found = BTreeSet::new();
    for name in ["protocol", "segment"] {
        collect_codes(Path::new(&format!("{CRATES}/{name}/src")), &mut found);
    }
    assert_eq!(found, expected);
}

/// The string literals of a crate that look like an error code.
fn collect_codes(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_codes(&path, found);
        } else if path.file_name().unwrap() != "fail_point.rs" {
            let source = fs::read_to_string(path).unwrap();
            let literals = source.lines().flat_map(|line| line.split('"').skip(1).step_by(2));
            let is_code = |literal: &&str| {
                let is_name = literal
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte == b'_');
                *literal == "IO" || literal.contains('_') && is_name
            };
            found.extend(literals.filter(is_code).map(str::to_owned));
        }
    }
}
