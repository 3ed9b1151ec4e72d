//! What the tests of this crate play on: base folders of their own, frames that can be told apart, and processes
//! that write into an export's pipe.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::env;
use std::ffi::CStr;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use vas_frame_drain::{DrainState, Export, ExportOptions};
use vas_frame_protocol::{Geometry, RingShape};
use vas_frame_segment::writer::{FileMode, new_epoch};
use vas_frame_segment::{CameraId, FrameSource};

/// A new folder in shared memory, removed with all that is in it.
pub struct Stage {
    pub base_dir: PathBuf,
}

impl Stage {
    pub fn new() -> Self {
        let random = u64::from_le_bytes(new_epoch().unwrap()[..8].try_into().unwrap());
        Self {
            base_dir: format!("/dev/shm/vas-test-{random:016x}").into(),
        }
    }

    pub fn options(&self, camera: &str, shape: RingShape) -> ExportOptions {
        ExportOptions {
            base_dir: self.base_dir.clone(),
            camera: CameraId::new(camera).unwrap(),
            shape,
            file_mode: FileMode::default(),
            has_checksums: false,
            rings_bell: true,
        }
    }

    pub fn open(&self, camera: &str, shape: RingShape) -> Export {
        Export::open(self.options(camera, shape)).unwrap()
    }

    /// An export whose stream goes on, and has brought picture 1 so far.
    pub fn publishing(&self, camera: &str, shape: RingShape) -> (Export, Feeder) {
        let mut export = self.open(camera, shape);
        let mut feeder = Feeder::attach(&mut export);
        feeder.feed(&picture(shape, 1));
        eventually("the first frame is published", || {
            export.statistics().frames_written == 1
        });
        (export, feeder)
    }

    pub fn source(&self, camera: &str) -> FrameSource {
        FrameSource::open(&self.base_dir, &CameraId::new(camera).unwrap()).unwrap()
    }

    /// What is in the base folder.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.base_dir).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // A mount of `mount_tmpfs` keeps its folder from being removed.
        rustix::mount::unmount(&self.base_dir, rustix::mount::UnmountFlags::DETACH).ok();
        fs::remove_dir_all(&self.base_dir).ok();
    }
}

pub fn shape(width: u32, height: u32, slots: u32) -> RingShape {
    RingShape::new(Geometry::nv12(width, height).unwrap(), slots).unwrap()
}

/// A picture that says which one it is in every eight bytes, so that no part of it is mistaken for another.
pub fn picture(shape: RingShape, number: u64) -> Vec<u8> {
    let mut picture = vec![0; shape.geometry().frame_bytes()];
    for (word, bytes) in picture.chunks_mut(8).enumerate() {
        bytes.copy_from_slice(&(number << 32 | word as u64).to_le_bytes()[..bytes.len()]);
    }
    picture
}

/// The number that is in every word of the picture of frame `id`.
pub fn number_of(source: &FrameSource, id: u64) -> u64 {
    let mut copy = vec![0; source.reader().frame_bytes()];
    source.reader().copy(id, &mut copy).unwrap();
    let number = u64::from_le_bytes(copy[..8].try_into().unwrap()) >> 32;
    assert_eq!(
        copy,
        picture(source.reader().header().shape(), number),
        "a torn picture"
    );
    number
}

/// The numbers of all frames that the ring still holds, with their ids, oldest first.
pub fn numbers(source: &FrameSource) -> Vec<(u64, u64)> {
    let mut numbers = Vec::new();
    let mut after = 0;
    while let Some(id) = source.reader().next_after(after) {
        numbers.push((id, number_of(source, id)));
        after = id;
    }
    numbers
}

/// Waits for what must happen. Not a measure of time: a busy machine may take long.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        sleep(Duration::from_millis(1));
    }
}

pub fn is_detached(export: &Export) -> bool {
    export.statistics().drain == DrainState::Detached
}

/// A process that passes what it is given on into the pipe, and dies if the pipe is closed before it ends.
pub struct Feeder {
    child: Child,
}

impl Feeder {
    pub fn attach(export: &mut Export) -> Self {
        let output = export.attach().unwrap().try_clone().unwrap();
        let child = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(output)
            .spawn()
            .unwrap();
        export.release();
        Self { child }
    }

    /// Returns when the process has taken the bytes. If the pipe is not read, that is never.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.child.stdin.as_mut().unwrap().write_all(bytes).unwrap();
    }

    /// Ends the stream.
    pub fn end(mut self) -> ExitStatus {
        drop(self.child.stdin.take());
        self.child.wait().unwrap()
    }

    /// Ends the stream, and waits until the drain has read all of it.
    pub fn end_and_drain(self, export: &Export) {
        assert!(self.end().success());
        eventually("the stream is drained", || is_detached(export));
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().ok();
    }
}

/// The write end of a new pipe in this process, without a child.
pub fn attach_here(export: &mut Export) -> File {
    let output = export.attach().unwrap().try_clone().unwrap();
    export.release();
    output.into()
}

/// Runs `test` again where a tmpfs of its own can be mounted; `true` there.
pub fn in_a_namespace(test: &str, base_dir: &Path) -> bool {
    const IS_INSIDE: &str = "VAS_TEST_IN_NAMESPACE";
    if env::var_os(IS_INSIDE).is_some() {
        return true;
    }
    let as_root = ["--mount", "--propagation", "private"];
    let as_user = [&["--user", "--map-root-user"], as_root.as_slice()].concat();
    let is_allowed = |arguments: &&[&str]| {
        let mut command = Command::new("unshare");
        command.args(*arguments).arg("true").stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let arguments = [as_root.as_slice(), &as_user].into_iter().find(is_allowed);
    let mut command = Command::new("unshare");
    command
        .args(arguments.unwrap())
        .arg(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(IS_INSIDE, base_dir);
    assert!(command.status().unwrap().success(), "see above");
    false
}

/// Only in a namespace of our own.
pub fn mount_tmpfs(at: &Path, options: &CStr) {
    fs::create_dir(at).unwrap();
    rustix::mount::mount("none", at, "tmpfs", rustix::mount::MountFlags::empty(), options).unwrap();
}
