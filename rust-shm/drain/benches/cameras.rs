//! What many cameras cost, and what one costs the thread that opens it: `cargo bench -p vas-frame-drain --bench cameras [-- --json]`.
#![allow(clippy::print_stdout, reason = "a tool that prints what it measures")]
#![allow(clippy::cast_precision_loss, reason = "counts and times are small")]

#[path = "../tests/stage/mod.rs"]
mod stage;

use rustix::pipe::{PipeFlags, fcntl_getpipe_size, pipe_with};
use serde::Serialize;
use stage::{Stage, eventually, shape};
use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;
use vas_frame_drain::{DrainState, Export};
use vas_frame_segment::sweep;

const CAMERAS: usize = 1024;
const ROUNDS: usize = 50;
const LEFT_BEHIND: &str = "VAS_BENCH_LEFT_BEHIND";

#[derive(Serialize)]
struct Cost {
    what: &'static str,
    unit: &'static str,
    median: f64,
    largest: f64,
}

fn main() {
    if let Some(base_dir) = env::var_os(LEFT_BEHIND) {
        return leave_behind(base_dir.into());
    }
    let mut costs = one_camera();
    costs.extend(many_cameras());
    costs.extend([64, CAMERAS].map(clean_up));
    if env::args().any(|argument| argument == "--json") {
        println!("{}", serde_json::to_string_pretty(&costs).unwrap());
        return;
    }
    println!("{:<64} {:>9} {:>9}", "", "median", "largest");
    for Cost {
        what,
        unit,
        median,
        largest,
    } in costs
    {
        println!("{what:<64} {median:>9.2} {largest:>9.2} {unit}");
    }
}

fn cost(what: &'static str, unit: &'static str, mut values: Vec<f64>) -> Cost {
    values.sort_unstable_by(f64::total_cmp);
    Cost {
        what,
        unit,
        median: values[values.len() / 2],
        largest: values[values.len() - 1],
    }
}

fn timed_ms<T>(times: &mut Vec<f64>, call: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = call();
    times.push(started.elapsed().as_secs_f64() * 1000.0);
    result
}

/// The calls of a host that take time, on the thread that makes them.
fn one_camera() -> Vec<Cost> {
    let stage = Stage::new();
    let (full_hd, hd) = (shape(1920, 1080, 4), shape(1280, 720, 4));
    let _keeps_the_threads = stage.open("another", shape(64, 48, 3));
    let (mut opening, mut attaching, mut changing, mut closing) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut export = timed_ms(&mut opening, || stage.open("camera", hd));
        timed_ms(&mut changing, || export.reshape(full_hd).unwrap());
        timed_ms(&mut attaching, || _ = export.attach().unwrap());
        timed_ms(&mut closing, || export.close());
        let mut export = timed_ms(&mut opening, || stage.open("camera", full_hd));
        opening.remove(opening.len() - 2);
        export.close();
    }
    vec![
        cost("opening a camera of 1080p, calling thread", "ms", opening),
        cost("attaching, calling thread", "ms", attaching),
        cost("changing the geometry to 1080p, calling thread", "ms", changing),
        cost("closing a camera of 1080p, calling thread", "ms", closing),
    ]
}

fn many_cameras() -> Vec<Cost> {
    let stage = Stage::new();
    let small = shape(64, 48, 3);
    let private_mib = || {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    };
    let descriptors = || fs::read_dir("/proc/self/fd").unwrap().count() as f64;
    let (memory_before, descriptors_before) = (private_mib(), descriptors());
    let spawning_before = spawning();
    let forking_before = forking();
    let mut exports: Vec<Export> = Vec::new();
    let mut pipes = Vec::new();
    let mut pipe_bytes = Vec::new();
    for number in 0..CAMERAS {
        let mut export = stage.open(&format!("camera-{number}"), small);
        pipes.push(export.attach().unwrap().try_clone().unwrap());
        export.release();
        pipe_bytes.push(export.statistics().pipe_bytes as f64 / 1024.0);
        exports.push(export);
    }
    let of_the_host = pipes.len() as f64;
    let per_camera = (descriptors() - descriptors_before - of_the_host) / CAMERAS as f64;
    let new_pipe = fcntl_getpipe_size(&pipe_with(PipeFlags::CLOEXEC).unwrap().0).unwrap();
    let mut costs = vec![
        cost("descriptors per camera", "", vec![per_camera]),
        cost("pipe of a camera of 64x48, of 1,024", "KiB", pipe_bytes),
        cost(
            "a new pipe beside 1,024 cameras",
            "KiB",
            vec![new_pipe as f64 / 1024.0],
        ),
        cost(
            "private memory of 1,024 cameras",
            "MiB",
            vec![private_mib() - memory_before],
        ),
        cost("starting a process without export", "ms", spawning_before),
        cost("starting a process beside 1,024 cameras", "ms", spawning()),
        cost("fork without export", "ms", forking_before),
        cost("fork beside 1,024 cameras", "ms", forking()),
    ];
    let mut looks = Vec::new();
    for export in &exports {
        timed_ms(&mut looks, || {
            assert_eq!(export.statistics().drain, DrainState::Waiting)
        });
    }
    costs.push(cost("statistics of one of 1,024 cameras", "ms", looks));
    drop(pipes);
    let mut closing = Vec::new();
    for export in &mut exports {
        timed_ms(&mut closing, || export.close());
    }
    costs.push(cost("closing one of 1,024 cameras", "ms", closing));
    drop(exports);
    eventually("the drains have ended", || {
        fs::read_dir("/proc/self/task").unwrap().count() < 8
    });
    costs.push(cost(
        "private memory after they were closed",
        "MiB",
        vec![private_mib() - memory_before],
    ));
    costs
}

fn spawning() -> Vec<f64> {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let mut command = Command::new("true");
        command.stdin(Stdio::null());
        timed_ms(&mut times, || command.spawn().unwrap()).wait().unwrap();
    }
    times
}

/// As runtimes start processes that copy the whole address space.
fn forking() -> Vec<f64> {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let child = timed_ms(&mut times, || {
            // SAFETY: the child does nothing but end.
            let child = unsafe { libc::fork() };
            if child == 0 {
                // SAFETY: ends the process, without anything that a fork forbids.
                unsafe { libc::_exit(0) };
            }
            child
        });
        // SAFETY: waits for a child of this process; the status is not asked for.
        unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
    }
    times
}

/// What a crashed host leaves, removed by the next one.
fn clean_up(cameras: usize) -> Cost {
    let stage = Stage::new();
    let mut per_camera = Vec::new();
    for _ in 0..5 {
        let mut host = Command::new(env::current_exe().unwrap());
        let ended = host
            .env(LEFT_BEHIND, &stage.base_dir)
            .env("VAS_BENCH_CAMERAS", cameras.to_string())
            .status();
        assert!(!ended.unwrap().success(), "the host was to crash");
        let started = Instant::now();
        assert_eq!(sweep(&stage.base_dir).unwrap(), cameras);
        per_camera.push(started.elapsed().as_secs_f64() * 1e6 / cameras as f64);
    }
    let what = if cameras == CAMERAS {
        "cleaning up after a crash, per camera of 1,024"
    } else {
        "cleaning up after a crash, per camera of 64"
    };
    cost(what, "us", per_camera)
}

fn leave_behind(base_dir: PathBuf) {
    let stage = std::mem::ManuallyDrop::new(Stage { base_dir });
    let cameras: usize = env::var("VAS_BENCH_CAMERAS").unwrap().parse().unwrap();
    let _exports: Vec<_> = (0..cameras)
        .map(|number| stage.open(&format!("camera-{number}"), shape(64, 48, 3)))
        .collect();
    std::process::abort();
}
