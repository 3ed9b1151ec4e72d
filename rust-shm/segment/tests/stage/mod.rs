//! What the tests of this crate play on: base folders of their own, rings to put there, and processes that run
//! another part of the same test.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::mount::{MountFlags, mount};
use vas_frame_protocol::{FrameStamp, Geometry, RingShape, Writer, beat};
use vas_frame_segment::clock::monotonic_ns;
use vas_frame_segment::writer::{CameraLock, FileMode, Segment, SegmentOptions, WritableMapping, new_epoch};
use vas_frame_segment::{CameraId, FrameSource, Health};

/// A new folder in shared memory, removed with all that is in it.
pub(crate) struct Stage {
    pub(crate) path: PathBuf,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let random = u64::from_le_bytes(new_epoch().unwrap()[..8].try_into().unwrap());
        let path = PathBuf::from(format!("/dev/shm/vas-test-{random:016x}"));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        Self { path }
    }

    /// The base folder, inside the stage; not created.
    pub(crate) fn base(&self) -> PathBuf {
        self.path.join("base")
    }

    /// A small ring of camera `a`, and the lock that it was made under.
    pub(crate) fn ring(&self) -> (CameraLock, Segment) {
        let lock = lock(&self.base(), "a");
        let segment = Segment::create(&lock, &options()).unwrap();
        (lock, segment)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.path).ok();
    }
}

pub(crate) fn camera(id: &str) -> CameraId {
    CameraId::new(id).unwrap()
}

pub(crate) fn lock(base: &Path, id: &str) -> CameraLock {
    CameraLock::acquire(base, &camera(id)).unwrap()
}

pub(crate) fn shape(width: u32, height: u32, slots: u32) -> RingShape {
    RingShape::new(Geometry::nv12(width, height).unwrap(), slots).unwrap()
}

/// A small ring, the first of its epoch.
pub(crate) fn options() -> SegmentOptions {
    SegmentOptions {
        shape: shape(64, 48, 3),
        file_mode: FileMode::default(),
        epoch: new_epoch().unwrap(),
        generation: 1,
        first_frame_id: 1,
    }
}

/// The generation after `former`, of another size.
pub(crate) fn next_generation(former: &SegmentOptions, first_frame_id: u64) -> SegmentOptions {
    let generation = former.generation + 1;
    let height = if generation % 2 == 0 { 96 } else { 48 };
    SegmentOptions {
        shape: shape(64, height, 3),
        generation,
        first_frame_id,
        ..*former
    }
}

pub(crate) fn writer(segment: &Segment) -> Writer<Arc<WritableMapping>> {
    // SAFETY: the caller makes one writer of a segment, which it has just created.
    unsafe { Writer::new(Arc::clone(segment.memory())) }.unwrap()
}

/// Publishes a frame of nothing but `byte`.
pub(crate) fn publish(writer: &mut Writer<Arc<WritableMapping>>, byte: u8) -> u64 {
    let picture = vec![byte; writer.header().geometry().frame_bytes()];
    let stamp = FrameStamp {
        timestamp_ns: monotonic_ns(),
        wall_clock_ns: 0,
        source_timestamp_ns: None,
        checksum: None,
    };
    writer.push(&picture, &stamp).unwrap()
}

/// The newest picture of a source.
pub(crate) fn newest(source: &FrameSource) -> (u64, Vec<u8>) {
    let mut picture = vec![0; source.reader().frame_bytes()];
    let taken = source.reader().copy_newest(0, &mut picture).unwrap();
    (taken.record.frame_id, picture)
}

/// Permission bits.
pub(crate) fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

/// What is in a folder, sorted.
pub(crate) fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited 60 s until {what}");
        sleep(Duration::from_millis(2));
    }
}

/// A writer of camera `a` that beats and publishes until it is killed.
pub(crate) fn write_until_killed(base: &Path) -> ! {
    let lock = lock(base, "a");
    let segment = Segment::create(&lock, &options()).unwrap();
    let mut writer = writer(&segment);
    loop {
        beat(segment.memory(), monotonic_ns());
        publish(&mut writer, 1);
        sleep(Duration::from_millis(20));
    }
}

/// A process that plays [`write_until_killed`] as its part of the test, and a reader of what it exports.
pub(crate) fn start_writer(test: &str, base: &Path) -> (Process, FrameSource) {
    let process = play(test, "writer", base);
    wait_until("the other process publishes", || {
        FrameSource::open(base, &camera("a")).is_ok_and(|source| source.health() == Health::Live)
    });
    (process, FrameSource::open(base, &camera("a")).unwrap())
}

/// A time at which every heartbeat so far is old.
pub(crate) fn much_later() -> u64 {
    monotonic_ns() + 3_600_000_000_000
}

const ROLE: &str = "VAS_TEST_ROLE";
const BASE: &str = "VAS_TEST_BASE";

/// The part of the test that this process plays, if it was started by [`play`] or [`play_in_namespace`], and the
/// folder it was given.
pub(crate) fn role() -> Option<(String, PathBuf)> {
    Some((std::env::var(ROLE).ok()?, std::env::var_os(BASE)?.into()))
}

/// A process that plays a part of the test; killed when it goes out of scope.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.0), signal).unwrap();
    }

    pub(crate) fn has_exited(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    /// As `kill -9`.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    pub(crate) fn wait(mut self) -> ExitStatus {
        self.0.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Runs the test of the name again, in a process of its own where [`role`] says `role`.
pub(crate) fn play(test: &str, role: &str, base: &Path) -> Process {
    start(
        Command::new(std::env::current_exe().unwrap()),
        test,
        role,
        base,
        &[],
    )
}

/// As [`play`], with a variable set.
pub(crate) fn play_with(test: &str, role: &str, base: &Path, variable: (&str, &str)) -> Process {
    start(
        Command::new(std::env::current_exe().unwrap()),
        test,
        role,
        base,
        &[variable],
    )
}

/// As [`play`], in mount and process namespaces where it may mount what nobody else sees, and waits until it has
/// succeeded. Where only root may make them, a user namespace makes this process root first.
pub(crate) fn play_in_namespace(test: &str, role: &str, base: &Path) {
    let as_root = [
        "--mount",
        "--propagation",
        "private",
        "--pid",
        "--fork",
        "--kill-child",
    ];
    let as_user = [&["--user", "--map-root-user"], as_root.as_slice()].concat();
    let is_allowed = |arguments: &&[&str]| {
        let mut command = Command::new("unshare");
        command.args(*arguments).arg("true").stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let arguments = [as_root.as_slice(), &as_user].into_iter().find(is_allowed).expect(
        "this test mounts file systems of its own: run it as root, or allow user namespaces, and have unshare(1)",
    );
    let mut command = Command::new("unshare");
    command.args(arguments).arg(std::env::current_exe().unwrap());
    let status = start(command, test, role, base, &[]).wait();
    assert!(status.success(), "{role} in its namespace: {status}, see above");
}

fn start(mut command: Command, test: &str, role: &str, base: &Path, variables: &[(&str, &str)]) -> Process {
    command
        .args([test, "--exact", "--nocapture"])
        .stdout(Stdio::null());
    command
        .env(ROLE, role)
        .env(BASE, base)
        .envs(variables.iter().copied());
    Process(command.spawn().unwrap())
}

/// Whether a process ended as by `kill -9`.
pub(crate) fn was_killed(status: ExitStatus) -> bool {
    status.signal() == Some(9)
}

/// Mounts a tmpfs. Only in a namespace of our own.
pub(crate) fn mount_tmpfs(at: &Path, options: &std::ffi::CStr) {
    fs::create_dir_all(at).unwrap();
    mount("none", at, "tmpfs", MountFlags::empty(), options).unwrap();
}

/// The control group in which the processes of a test run that call [`enter`](Self::enter). Removed when it goes
/// out of scope, which is after them.
pub(crate) struct ControlGroup(String);

impl ControlGroup {
    /// Named after the stage of this base folder.
    pub(crate) fn of(base: &Path) -> Self {
        Self(Self::name(base))
    }

    pub(crate) fn name(base: &Path) -> String {
        base.parent()
            .unwrap()
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    }

    /// Makes the group with a limit on its memory, in it one without, and moves this process into that one.
    pub(crate) fn enter(base: &Path, limit: u64) {
        const MAKE: &str = r#"
            for top in $tops; do
                mkdir "$top/$1" "$top/$1/inner" || continue
                for limit in "$top/$1/memory.max" "$top/$1/memory.limit_in_bytes"; do
                    if [ -e "$limit" ]; then
                        echo "$2" >"$limit" && echo "$3" >"$top/$1/inner/cgroup.procs" && exit
                    fi
                done
                rmdir "$top/$1/inner" "$top/$1"
            done
            exit 1"#;
        let (limit, process) = (limit.to_string(), std::process::id().to_string());
        assert!(
            as_root(MAKE, &[&Self::name(base), &limit, &process]),
            "this test limits the memory of a process: run it as root, or as a user whom sudo asks for no password, \
             where control groups can be made at the root of their hierarchy"
        );
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        const REMOVE: &str =
            r#"for top in $tops; do [ ! -e "$top/$1" ] || rmdir "$top/$1/inner" "$top/$1"; done"#;
        as_root(REMOVE, &[&self.0]);
    }
}

/// Runs a script that finds the roots of all control groups of memory in `$tops`. Whether it succeeded.
fn as_root(script: &str, arguments: &[&str]) -> bool {
    const FIND: &str = "tops=$(findmnt -nlo TARGET -t cgroup2; findmnt -nlo TARGET -t cgroup -O memory)";
    let shell: &[&str] = if rustix::process::geteuid().is_root() {
        &["sh"]
    } else {
        &["sudo", "-n", "sh"]
    };
    let mut command = Command::new(shell[0]);
    command
        .args(&shell[1..])
        .args(["-c", &format!("{FIND}\n{script}"), "sh"]);
    command
        .args(arguments)
        .status()
        .is_ok_and(|status| status.success())
}
