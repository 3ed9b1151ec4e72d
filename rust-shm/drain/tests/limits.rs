//! What the host's process may have is kept for the video: an export that would take it is refused, in time and in
//! words that say which limit to raise. Each test is alone in a process of its own, which is this binary again.

mod stage;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use stage::{Stage, shape};
use std::env;
use std::fs::{self, File};
use std::process::{Command, Stdio};
use vas_frame_drain::Export;

/// Runs `test` again in a process of its own; `true` in that process.
fn alone(test: &str) -> bool {
    if env::var_os("VAS_TEST_ALONE").is_some() {
        return true;
    }
    let mut command = Command::new(env::current_exe().unwrap());
    let output = command
        .args(["--exact", test, "--nocapture"])
        .env("VAS_TEST_ALONE", "1")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    false
}

fn limit(resource: Resource, count: u64) {
    let Rlimit { maximum, .. } = getrlimit(resource);
    let current = Some(count);
    setrlimit(resource, Rlimit { current, maximum }).unwrap();
}

fn open_descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn g10_a_camera_takes_three_descriptors_at_most() {
    if !alone("g10_a_camera_takes_three_descriptors_at_most") {
        return;
    }
    let stage = Stage::new();
    let mut exports = vec![stage.open("first", shape(64, 48, 3))];
    let before = open_descriptors();
    for number in 0..20 {
        let mut export = stage.open(&format!("camera-{number}"), shape(64, 48, 3));
        export.attach().unwrap();
        exports.push(export);
    }
    // The host's own copies of the ends that FFmpeg writes to are among them until it lets go.
    assert_eq!(open_descriptors(), before + 20 * 4);
    let write_ends: Vec<_> = exports[1..]
        .iter_mut()
        .map(|export| {
            let write_end = export.attach().unwrap().try_clone().unwrap();
            export.release();
            write_end
        })
        .collect();
    stage::eventually("former pipes are drained", || {
        open_descriptors() == before + 20 * 3 + write_ends.len()
    });
}

#[test]
fn g10_an_export_is_refused_while_the_video_of_a_hundred_cameras_can_still_be_started() {
    if !alone("g10_an_export_is_refused_while_the_video_of_a_hundred_cameras_can_still_be_started") {
        return;
    }
    limit(Resource::Nofile, 300);
    let stage = Stage::new();
    let (mut exports, mut videos, mut refusals) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..100 {
        let options = stage.options(&format!("camera-{number}"), shape(64, 48, 3));
        match Export::open(options) {
            Ok(mut export) => match export.attach() {
                Ok(_) => exports.push(export),
                Err(error) => refusals.push((error.code(), error.to_string())),
            },
            Err(error) => refusals.push((error.code(), error.to_string())),
        }
        // As a video server has it that reads what FFmpeg says.
        let video = Command::new("cat")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn();
        let mut video = video.unwrap_or_else(|error| unreachable!("video of camera {number}: {error}"));
        videos.push(video.stdout.take().unwrap());
        video.wait().unwrap();
        if let Some(export) = exports.last_mut() {
            export.release();
        }
    }
    assert!(exports.len() > 20, "{} exports", exports.len());
    assert!(!refusals.is_empty());
    for (code, text) in refusals {
        assert_eq!(code, "NO_DESCRIPTORS", "{text}");
        for part in ["ulimit -n", "300", "video", "camera"] {
            assert!(text.contains(part), "{part} in: {text}");
        }
    }
}

#[test]
fn g10_a_pipe_is_refused_while_ffmpeg_can_still_be_started() {
    if !alone("g10_a_pipe_is_refused_while_ffmpeg_can_still_be_started") {
        return;
    }
    let stage = Stage::new();
    let mut export = stage.open("camera", shape(64, 48, 3));
    limit(Resource::Nofile, 64);
    let mut others = Vec::new();
    let refusal = loop {
        match export.attach() {
            Ok(_) => export.release(),
            Err(error) => break error,
        }
        others.push(File::open("/dev/null").unwrap());
    };
    assert_eq!(refusal.code(), "NO_DESCRIPTORS", "{refusal}");
    assert!(!others.is_empty());
    assert!(Command::new("true").output().unwrap().status.success());
}

#[test]
fn g10_a_thread_that_cannot_be_had_is_an_error_that_names_every_limit() {
    if !alone("g10_a_thread_that_cannot_be_had_is_an_error_that_names_every_limit") {
        return;
    }
    let stage = Stage::new();
    let mut export = stage.open("camera", shape(64, 48, 3));
    let before = open_descriptors();
    std::thread::scope(|scope| {
        let host = scope.spawn(|| {
            limit(Resource::Nproc, 1);
            let user = 1_000_000 + std::process::id();
            // SAFETY: the system call changes the user of this thread only, and no memory.
            unsafe { libc::syscall(libc::SYS_setresuid, user, user, user) };
            // The limit is one of the user's threads, of which there is one now.
            let refused = export.attach().map(drop).unwrap_err();
            assert_eq!(refused.code(), "NO_THREADS", "{refused}");
            for part in ["ulimit -u", "pids.max", "TasksMax"] {
                assert!(refused.to_string().contains(part), "{part} in: {refused}");
            }
        });
        host.join().unwrap();
    });
    assert_eq!(open_descriptors(), before);
}
