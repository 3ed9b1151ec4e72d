//! What the tests of the interface play on: the library as it is installed, compilers, and a live camera.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod camera;
pub(crate) mod slow_reader;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use vas_frame_drain::{Export, ExportOptions, Outcome};
use vas_frame_protocol::{Geometry, RingShape};
use vas_frame_segment::CameraId;
use vas_frame_segment::writer::{FileMode, new_epoch};

pub(crate) const HERE: &str = env!("CARGO_MANIFEST_DIR");

pub(crate) const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];

/// A folder that is removed with all that is in it.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(parent: &Path) -> Self {
        let random = u64::from_le_bytes(new_epoch().unwrap()[..8].try_into().unwrap());
        let path = parent.join(format!("vas-test-{random:016x}"));
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// What a command that must succeed prints.
pub(crate) fn succeeded(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}: {status}\n{stdout}{stderr}");
    stdout.into_owned()
}

/// Where the library is installed for these tests.
pub(crate) fn prefix() -> &'static Path {
    static PREFIX: OnceLock<PathBuf> = OnceLock::new();
    PREFIX.get_or_init(|| {
        let prefix = Path::new(env!("CARGO_TARGET_TMPDIR")).join("prefix");
        let install = Path::new(HERE).join("install.sh");
        succeeded(Command::new(install).arg(&prefix).arg("--debug"));
        prefix
    })
}

pub(crate) fn pkg_config(arguments: &[&str]) -> Vec<String> {
    let mut command = Command::new("pkg-config");
    command.env("PKG_CONFIG_PATH", prefix().join("lib/pkgconfig"));
    let said = succeeded(command.args(arguments).arg("vas_frames"));
    said.split_whitespace().map(str::to_owned).collect()
}

/// The compiler of a source, and its standard.
pub(crate) fn compiler(source: &str) -> (&'static str, &'static str) {
    if source.ends_with(".cpp") {
        ("c++", "-std=c++17")
    } else {
        ("cc", "-std=c99")
    }
}

/// Compiles a program under the address sanitizer against the shared or the static library.
pub(crate) fn compile(source: &Path, is_static: bool) -> PathBuf {
    let name = source.file_name().unwrap().to_str().unwrap();
    let (compiler, standard) = compiler(name);
    let kind = if is_static { "static" } else { "shared" };
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{kind}"));
    let mut command = Command::new(compiler);
    command
        .args([standard, "-g", "-fsanitize=address"])
        .args(WARNINGS);
    command.args(pkg_config(&["--cflags"]));
    command.arg("-o").arg(&program).arg(source);
    if is_static {
        command.arg(prefix().join("lib/libvas_frames.a"));
        let libraries = pkg_config(&["--libs-only-l", "--static"]);
        command.args(libraries.iter().filter(|library| *library != "-lvas_frames"));
    } else {
        command.args(pkg_config(&["--libs"]));
        command.arg(format!("-Wl,-rpath,{}", prefix().join("lib").display()));
    }
    succeeded(&mut command);
    program
}

/// A camera that nobody writes to yet.
pub(crate) fn export(base_dir: &Path, (width, height): (u32, u32), slot_count: u32) -> Export {
    Export::open(ExportOptions {
        base_dir: base_dir.to_owned(),
        camera: CameraId::new("gate").unwrap(),
        shape: RingShape::new(Geometry::nv12(width, height).unwrap(), slot_count).unwrap(),
        file_mode: FileMode::default(),
        has_checksums: false,
        rings_bell: true,
    })
    .unwrap()
}

/// Publishes frames while `read` runs. Each byte of a frame is the low byte of its id.
pub(crate) fn with_live_camera<T>(read: impl FnOnce(&Path) -> T) -> T {
    with_writer((64, 48), Duration::from_millis(10), read)
}

/// As `with_live_camera`, with a pause of its own between two frames; without one, at full speed.
pub(crate) fn with_writer<T>(size: (u32, u32), pause: Duration, read: impl FnOnce(&Path) -> T) -> T {
    let base = Folder::new(Path::new("/dev/shm"));
    let mut export = export(&base.0.join("base"), size, 4);
    let path = export.path().to_owned();
    let is_over = AtomicBool::new(false);
    scope(|threads| {
        threads.spawn(|| {
            let mut byte = 0_u8;
            let mut picture = vec![0; export.shape().geometry().frame_bytes()];
            while !is_over.load(Ordering::Relaxed) {
                byte = byte.wrapping_add(1);
                picture.fill(byte);
                assert!(matches!(export.publish(&picture, Some(7)), Outcome::Published(_)));
                if !pause.is_zero() {
                    sleep(pause);
                }
            }
        });
        let done = catch_unwind(AssertUnwindSafe(|| read(&path)));
        is_over.store(true, Ordering::Relaxed);
        done.unwrap_or_else(|panic| resume_unwind(panic))
    })
}
