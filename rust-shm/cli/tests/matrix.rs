//! O1: every command against every kind of camera: what its exit code is, and that it neither hangs nor crashes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod system;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use system::stage::{Stage, next_generation, options, publish, role, wait_until};
use system::{Camera, health, play_writer, start_writer};
use vas_frame_protocol::beat;
use vas_frame_segment::FrameSource;
use vas_frame_segment::clock::monotonic_ns;
use vas_frame_segment::writer::Segment;

/// The cameras of the test, and the columns of [`EXIT_CODES`].
const CAMERAS: [&str; 9] = [
    "live",
    "idle",
    "hung",
    "dead",
    "replaced",
    "truncated",
    "foreign",
    "half-built",
    "empty",
];

/// The exit code of each command for each camera, in the order of [`CAMERAS`].
const EXIT_CODES: [(&[&str], [i32; 9]); 7] = [
    (&["health", "CAMERA"], [0, 1, 1, 1, 0, 5, 3, 3, 3]),
    (&["inspect", "CAMERA"], [0, 0, 0, 0, 0, 1, 3, 3, 3]),
    (&["readers", "CAMERA"], [0, 0, 0, 0, 0, 0, 0, 0, 0]),
    (
        &["follow", "CAMERA", "--seconds", "0.3"],
        [0, 1, 1, 1, 0, 5, 3, 3, 3],
    ),
    (
        &["verify", "CAMERA", "--seconds", "0.3"],
        [0, 0, 0, 1, 0, 5, 3, 3, 3],
    ),
    (
        &[
            "record",
            "CAMERA",
            "--frames",
            "1",
            "--timeout",
            "0.3",
            "--output",
            "/dev/null",
        ],
        [0, 1, 1, 1, 0, 5, 3, 3, 3],
    ),
    (
        &[
            "snapshot",
            "CAMERA",
            "--timeout",
            "0.3",
            "--matrix",
            "bt709",
            "--range",
            "limited",
            "--output",
            "/dev/null",
        ],
        [0, 0, 0, 0, 0, 5, 3, 3, 3],
    ),
];

/// Where a command runs: programs read its output, or people.
#[derive(Clone, Copy, Debug, PartialEq)]
enum To {
    Pipe,
    Terminal,
}

/// One camera of each kind, of which those of this process go on while [`System::run`] waits.
struct System {
    live: Camera,
    idle: Camera,
    replaced: Camera,
}

impl System {
    fn go_on(&mut self) {
        publish(&mut self.live.writer, 1);
        publish(&mut self.replaced.writer, 2);
        for camera in [&self.live, &self.idle, &self.replaced] {
            beat(camera.segment.memory(), monotonic_ns());
        }
    }

    /// Runs the tool while the cameras go on. A command that does not end is an error.
    fn run(&mut self, to: To, base: &Path, arguments: &[&str]) -> Output {
        let tool = env!("CARGO_BIN_EXE_vas-frames");
        let mut command = match to {
            To::Pipe => Command::new(tool),
            To::Terminal => Command::new("script"),
        };
        if to == To::Terminal {
            command.args(["-qec", &format!("{tool} {}", arguments.join(" ")), "/dev/null"]);
        } else {
            command.args(arguments);
        }
        let mut process = command
            .env("VAS_FRAMES_BASE_DIR", base)
            .env_remove("NO_COLOR")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while process.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "{arguments:?} does not end");
            self.go_on();
            sleep(Duration::from_millis(10));
        }
        process.wait_with_output().unwrap()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn o1_every_command_has_its_exit_code_for_every_kind_of_camera() {
    const TEST: &str = "o1_every_command_has_its_exit_code_for_every_kind_of_camera";
    if let Some(part) = role() {
        play_writer(&part);
    }
    let stage = Stage::new();
    let base = stage.base();
    let mut replaced = Camera::with_frames(&base, "replaced", 2);
    let stale = FrameSource::open(&base, &system::stage::camera("replaced")).unwrap();
    let next = Segment::create(&replaced.lock, &next_generation(&options(), 3)).unwrap();
    replaced.writer = system::stage::writer(&next);
    replaced.segment = next;
    let mut system = System {
        live: Camera::open(&base, "live"),
        idle: Camera::with_frames(&base, "idle", 1),
        replaced,
    };
    let truncated = Camera::with_frames(&base, "truncated", 1);
    let data = fs::OpenOptions::new()
        .write(true)
        .open(base.join("truncated/frame.data"))
        .unwrap();
    data.set_len(4096).unwrap();
    fs::create_dir(base.join("foreign")).unwrap();
    fs::write(base.join("foreign/notes.txt"), "not a frame").unwrap();
    fs::create_dir(base.join(".half-built.new")).unwrap();
    fs::write(base.join(".half-built.new/frame.data"), [0; 4096]).unwrap();
    fs::create_dir(base.join("empty")).unwrap();
    let hung = start_writer(TEST, &base, "hung");
    start_writer(TEST, &base, "dead").kill();
    hung.signal(Signal::STOP);
    wait_until("their heartbeats are old, and a frame is", || {
        system.go_on();
        let is = |camera, word| health(&base, camera).1 == word;
        is("hung", "hung") && is("dead", "dead") && is("idle", "idle")
    });

    let mut wrong = Vec::new();
    for (command, expected) in EXIT_CODES {
        for (camera, expected) in CAMERAS.into_iter().zip(expected) {
            let arguments: Vec<_> = command
                .iter()
                .map(|word| if *word == "CAMERA" { camera } else { word })
                .collect();
            for to in [To::Pipe, To::Terminal] {
                let output = system.run(to, &base, &arguments);
                let said = said(&output);
                if output.status.code() != Some(expected) {
                    wrong.push(format!(
                        "{arguments:?} to a {to:?}: {:?} instead of {expected}\n{said}",
                        output.status
                    ));
                }
                assert!(!said.contains("panicked"), "{arguments:?}: {said}");
                assert_eq!(output.status.signal(), None, "{arguments:?}");
                if to == To::Pipe {
                    assert!(!said.contains('\u{1b}'), "a pipe gets no colours: {said}");
                    assert!(
                        expected == 0 || !said.trim().is_empty(),
                        "{arguments:?} says nothing"
                    );
                }
            }
            let output = system.run(To::Pipe, &base, &[&["--json"], &arguments[..]].concat());
            for line in String::from_utf8(output.stdout).unwrap().lines() {
                let value: Value = serde_json::from_str(line).unwrap();
                assert!(value.is_object(), "{arguments:?}: {line}");
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    let missing = stage.path.join("nothing");
    for (command, here, nowhere) in [
        (&["list"][..], 0, 0),
        (&["readers"], 0, 0),
        (&["metrics"], 0, 0),
        (&["clean"], 1, 0),
        (&["plan", "--cameras", "1", "--size", "64x48"], 0, 0),
    ] {
        for (base, expected) in [(&base, here), (&missing, nowhere)] {
            for to in [To::Pipe, To::Terminal] {
                let output = system.run(to, base, command);
                assert_eq!(
                    output.status.code(),
                    Some(expected),
                    "{command:?}: {}",
                    said(&output)
                );
            }
        }
    }
    assert!(!missing.exists(), "looking makes nothing");
    drop((stale, truncated, hung));
}

#[test]
fn o1_list_watches_on_a_terminal_until_it_is_interrupted() {
    let stage = Stage::new();
    let base = stage.base();
    let _camera = Camera::with_frames(&base, "entrance", 2);
    let log = stage.path.join("terminal");
    let line = format!(
        "{} --base-dir {} list --watch 0.1",
        env!("CARGO_BIN_EXE_vas-frames"),
        base.display()
    );
    // What a shell starts in the background ignores interrupts, and so does all that it starts.
    let mut script = Command::new("env")
        .args(["--default-signal=INT", "script", "-qefc", &line])
        .arg(&log)
        .env_remove("NO_COLOR")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let screens = || {
        fs::read_to_string(&log)
            .unwrap_or_default()
            .matches("\u{1b}[H\u{1b}[2J")
            .count()
    };
    wait_until("it has drawn three screens", || screens() >= 3);
    // What the key does that interrupts.
    let mut keys = script.stdin.take().unwrap();
    std::io::Write::write_all(&mut keys, b"\x03").unwrap();
    let status = script.wait().unwrap();
    assert_eq!(status.code(), Some(130), "128 and the number of SIGINT");
    let text = fs::read_to_string(&log).unwrap();
    let whole = text.split("\u{1b}[H\u{1b}[2J").nth(2).unwrap();
    assert!(whole.contains("entrance"), "{text}");
    drop(keys);
}
