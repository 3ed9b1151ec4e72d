//! Systems for the tool to look at, and the tool itself, run as a process of its own.

#![allow(dead_code, reason = "each test binary uses a part of it")]

#[path = "../../../segment/tests/stage/mod.rs"]
pub(crate) mod stage;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;
use stage::{lock, options, play, publish, wait_until, writer};
use vas_frame_protocol::{Writer, beat};
use vas_frame_segment::clock::monotonic_ns;
use vas_frame_segment::writer::{CameraLock, Segment, WritableMapping};

pub(crate) const SECOND: u64 = 1_000_000_000;

/// A camera that is exported by this process.
pub(crate) struct Camera {
    pub(crate) lock: CameraLock,
    pub(crate) segment: Segment,
    pub(crate) writer: Writer<Arc<WritableMapping>>,
}

impl Camera {
    pub(crate) fn open(base: &Path, id: &str) -> Self {
        let lock = lock(base, id);
        let segment = Segment::create(&lock, &options()).unwrap();
        let writer = writer(&segment);
        Self {
            lock,
            segment,
            writer,
        }
    }

    pub(crate) fn with_frames(base: &Path, id: &str, frames: u8) -> Self {
        let mut camera = Self::open(base, id);
        for byte in 1..=frames {
            publish(&mut camera.writer, byte);
            sleep(Duration::from_millis(1));
        }
        camera
    }

    pub(crate) fn beat_was(&self, seconds_ago: u64) {
        beat(self.segment.memory(), monotonic_ns() - seconds_ago * SECOND);
    }
}

pub(crate) fn vas_frames(base: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vas-frames"));
    command
        .arg("--base-dir")
        .arg(base)
        .args(arguments)
        .output()
        .unwrap()
}

pub(crate) fn text(output: &Output) -> String {
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn json(base: &Path, arguments: &[&str]) -> Value {
    let output = vas_frames(base, &[&["--json"], arguments].concat());
    serde_json::from_str(&text(&output)).unwrap()
}

/// A writer in another process, which dies as by `kill -9`.
pub(crate) fn die(test: &str, base: &Path) {
    start_writer(test, base, "crashed").kill();
}

/// A writer in another process, whose camera has the name of the part that it plays.
pub(crate) fn start_writer(test: &str, base: &Path, camera: &str) -> stage::Process {
    let process = play(test, camera, base);
    wait_until("the writer has written its frames", || {
        json(base, &["health", camera])["newest_frame_id"] == 3
    });
    process
}

pub(crate) fn play_writer((camera, base): &(String, PathBuf)) -> ! {
    let camera = Camera::with_frames(base, camera, 3);
    loop {
        beat(camera.segment.memory(), monotonic_ns());
        sleep(Duration::from_millis(50));
    }
}

/// The exit code and the first word of `vas-frames health`.
pub(crate) fn health(base: &Path, camera: &str) -> (i32, String) {
    let output = vas_frames(base, &["health", camera]);
    (output.status.code().unwrap(), text(&output).trim_end().to_owned())
}
