//! The Python reader that the protocol document points to reads the golden rings as this crate does.
#![cfg(not(any(loom, miri)))]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

const PROGRAM: &str = "
import json, sys, zlib, frame_reader
reader = frame_reader.FrameReader(sys.argv[1])
read, seen, missed = [], 0, 0
state = reader.state()
while (frame_id := reader.next_after(seen)) is not None:
    read.append([frame_id, zlib.crc32(reader.read(frame_id))])
    missed += reader.missed(seen, frame_id)
    seen = frame_id
print(json.dumps({'state': state, 'newest': reader.newest(), 'read': read, 'missed': missed}))
";

/// A folder that is removed again, with the two files of a ring.
struct Camera(PathBuf);

impl Camera {
    fn new(name: &str, meta: &[u8], data: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("vas-python-reader-{}-{name}", std::process::id()));
        fs::create_dir(&path).unwrap();
        fs::write(path.join("frame.meta"), meta).unwrap();
        fs::write(path.join("frame.data"), data).unwrap();
        Self(path)
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}

/// What the program prints, or the last line of what Python complained of.
fn run(camera: &Camera) -> Result<Value, String> {
    let output = Command::new("python3")
        .args(["-c", PROGRAM])
        .arg(&camera.0)
        .env("PYTHONPATH", concat!(env!("CARGO_MANIFEST_DIR"), "/readers"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    if output.status.success() {
        return Ok(serde_json::from_slice(&output.stdout).unwrap());
    }
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(complaint.lines().last().unwrap_or_default().into())
}

fn golden() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/golden"))
}

#[test]
fn p2_10_the_python_reader_sees_in_the_golden_files_what_the_json_says() {
    let mut rings = 0;
    for entry in fs::read_dir(golden()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        rings += 1;
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let expected: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let bytes = |extension| fs::read(path.with_extension(extension)).unwrap();
        let camera = Camera::new(&name, &bytes("meta"), &bytes("data"));
        let frames: Vec<_> = expected["frames"]
            .as_array()
            .unwrap()
            .iter()
            .map(|frame| json!([frame["id"], frame["picture_crc32"]]))
            .collect();
        let first = expected["first_frame_id"].as_u64().unwrap();
        let newest = expected["newest_id"].as_u64().unwrap();
        let state = if expected["state"] == "ended" { 2 } else { 1 };
        let missed = (newest + 1).saturating_sub(first) - frames.len() as u64;
        let told = json!({ "state": state, "newest": newest, "read": frames, "missed": if frames.is_empty() { 0 } else { missed } });
        assert_eq!(run(&camera), Ok(told), "{name}");
    }
    assert!(rings >= 7, "{rings} golden rings");
}

#[test]
fn p2_6_the_python_reader_refuses_a_folder_that_was_copied_instead_of_trying_for_ever() {
    let bytes = |name| fs::read(golden().join(name)).unwrap();
    let mut meta = bytes("wrapped.meta");
    // `data_inode`: one that the copy does not have.
    meta[208..216].copy_from_slice(&u64::MAX.to_le_bytes());
    let camera = Camera::new("copied", &meta, &bytes("wrapped.data"));
    let complaint = run(&camera).unwrap_err();
    assert!(complaint.contains("do not belong together"), "{complaint}");
}

#[test]
fn p2_18_the_python_reader_calls_a_record_that_contradicts_its_ring_damaged() {
    let bytes = |name| fs::read(golden().join(name)).unwrap();
    let mut meta = bytes("wrapped.meta");
    // The height in the record of frame 5, which is in slot 2.
    meta[512 + 2 * 128 + 28] = 14;
    let camera = Camera::new("damaged", &meta, &bytes("wrapped.data"));
    let complaint = run(&camera).unwrap_err();
    assert!(complaint.contains("Damaged"), "{complaint}");
}
