//! What many cameras cost, and what one costs the thread that opens it: `cargo bench -p vas-frame-drain --bench cameras [-- --json]`.
#![allow(clippy::print_stdout, reason = "a tool that prints what it measures")]
#![allow(clippy::cast_precision_loss, reason = "counts and times are small")]

#[path = "../tests/stage/mod.rs"]
mod stage;

use rustix::pipe::{PipeFlags, fcntl_getpipe_size, pipe_with};
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use stage::{Stage, eventually, shape};
use std::env;
use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Barrier};
use std::thread::sleep;
use std::time::{Duration, Instant};
use vas_frame_drain::{DrainState, Export};
use vas_frame_segment::writer::sweep;

const CAMERAS: usize = 1024;
const ROUNDS: usize = 50;
const LEFT_BEHIND: &str = "VAS_BENCH_LEFT_BEHIND";
const UNPRIVILEGED: &str = "VAS_BENCH_UNPRIVILEGED";

/// What is measured, beside its goal.
#[derive(Serialize)]
struct Cost {
    what: String,
    unit: &'static str,
    median: f64,
    largest: f64,
    goal: Option<Goal>,
}

/// What a median is to be.
#[derive(Clone, Copy, Serialize)]
enum Goal {
    AtMost(f64),
    AtLeast(f64),
}

impl Goal {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }
}

impl Cost {
    fn at_most(self, most: f64) -> Self {
        let goal = Some(Goal::AtMost(most));
        Self { goal, ..self }
    }

    fn at_least(self, least: f64) -> Self {
        let goal = Some(Goal::AtLeast(least));
        Self { goal, ..self }
    }
}

fn main() {
    if let Some(base_dir) = env::var_os(LEFT_BEHIND) {
        return leave_behind(base_dir.into());
    }
    if let Some(base_dir) = env::var_os(UNPRIVILEGED) {
        return println!("{}", new_pipe_beside_cameras(base_dir.into()));
    }
    let mut costs = one_camera("");
    costs.extend(on_a_full_machine(|| one_camera(", machine full")));
    costs.extend(many_cameras());
    costs.extend(unprivileged());
    costs.extend(clean_ups());
    if env::args().any(|argument| argument == "--json") {
        println!("{}", serde_json::to_string_pretty(&costs).unwrap());
        return;
    }
    println!("{:<68} {:>9} {:>9}      goal", "", "median", "largest");
    let mut missed = Vec::new();
    for Cost {
        what,
        unit,
        median,
        largest,
        goal,
    } in &costs
    {
        let judged = match goal {
            None => String::new(),
            Some(goal) => {
                let met = if goal.is_met(*median) { "met" } else { "MISSED" };
                if met == "MISSED" {
                    missed.push(what);
                }
                match goal {
                    Goal::AtMost(most) => format!("at most {most}: {met}"),
                    Goal::AtLeast(least) => format!("at least {least}: {met}"),
                }
            }
        };
        println!("{what:<68} {median:>9.2} {largest:>9.2} {unit:<4} {judged}");
    }
    for what in missed {
        println!("missed: {what}");
    }
}

fn cost(what: impl Into<String>, unit: &'static str, mut values: Vec<f64>) -> Cost {
    values.sort_unstable_by(f64::total_cmp);
    Cost {
        what: what.into(),
        unit,
        median: values[values.len() / 2],
        largest: values[values.len() - 1],
        goal: None,
    }
}

/// How many times as long one thing takes as another, by the medians.
fn ratio(what: &str, of: &Cost, to: &Cost) -> Cost {
    cost(what, "", vec![of.median / to.median])
}

fn timed_ms<T>(times: &mut Vec<f64>, call: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = call();
    times.push(started.elapsed().as_secs_f64() * 1000.0);
    result
}

/// Measures while every processor has two programs that never pause.
fn on_a_full_machine<T>(measure: impl FnOnce() -> T) -> T {
    let busy = || {
        let mut command = Command::new("sh");
        command.args(["-c", "while :; do :; done"]).spawn().unwrap()
    };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let mut programs: Vec<_> = (0..2 * processors).map(|_| busy()).collect();
    let measured = measure();
    for program in &mut programs {
        program.kill().unwrap();
        program.wait().unwrap();
    }
    measured
}

/// The calls of a host that take time, on the thread that makes them: how long each takes, and its processor time, which
/// is what it would take if nobody else wanted the processor.
fn one_camera(circumstance: &str) -> Vec<Cost> {
    const CALLS: [&str; 4] = [
        "opening a camera of 1080p",
        "attaching",
        "changing the geometry to 1080p",
        "closing a camera of 1080p",
    ];
    let stage = Stage::new();
    let (full_hd, hd) = (shape(1920, 1080, 4), shape(1280, 720, 4));
    let _keeps_the_threads = stage.open("another", shape(64, 48, 3));
    let mut times = CALLS.map(|_| (Vec::new(), Vec::new()));
    for _ in 0..ROUNDS {
        let mut export = timed_twice(&mut times[0], || stage.open("camera", full_hd));
        timed_twice(&mut times[1], || _ = export.attach().unwrap());
        export.reshape(hd).unwrap();
        timed_twice(&mut times[2], || export.reshape(full_hd).unwrap());
        // As long as it takes FFmpeg to its first frame: the memory is there, and is given back.
        sleep(Duration::from_millis(50));
        timed_twice(&mut times[3], || export.close());
    }
    let rows = CALLS.into_iter().zip(times).map(|(call, (times, cpu_times))| {
        [
            cost(format!("{call}{circumstance}"), "ms", times).at_most(1.0),
            cost(format!("{call}{circumstance}, CPU time"), "ms", cpu_times).at_most(1.0),
        ]
    });
    rows.flatten().collect()
}

fn timed_twice<T>((times, cpu_times): &mut (Vec<f64>, Vec<f64>), call: impl FnOnce() -> T) -> T {
    let before = thread_time();
    let result = timed_ms(times, call);
    cpu_times.push((thread_time() - before).as_secs_f64() * 1000.0);
    result
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
    let spawning_before = cost("starting a process without export", "ms", spawning());
    let forking_before = cost("fork without export", "ms", forking());
    let forking_beside_threads = cost(
        "fork without export, beside 1,024 threads that sleep",
        "ms",
        beside_threads(forking),
    );
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
    let spawning_beside = cost("starting a process beside 1,024 cameras", "ms", spawning());
    let forking_beside = cost("fork beside 1,024 cameras", "ms", forking());
    let mut costs = vec![
        cost("descriptors per camera", "", vec![per_camera]).at_most(3.01),
        cost("pipe of a camera of 64x48, of 1,024", "KiB", pipe_bytes),
        cost("a new pipe beside 1,024 cameras", "KiB", vec![new_pipe_kib()]).at_least(64.0),
        cost(
            "private memory of 1,024 cameras",
            "MiB",
            vec![private_mib() - memory_before],
        )
        .at_most(40.0),
        ratio(
            "starting a process (vfork), beside 1,024 cameras to without export",
            &spawning_beside,
            &spawning_before,
        )
        .at_most(1.5),
        ratio(
            "fork, beside 1,024 cameras to without export",
            &forking_beside,
            &forking_before,
        )
        .at_most(1.5),
        ratio(
            "fork, beside 1,024 cameras to beside 1,024 threads that sleep",
            &forking_beside,
            &forking_beside_threads,
        )
        .at_most(1.5),
        spawning_before,
        spawning_beside,
        forking_before,
        forking_beside_threads,
        forking_beside,
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
    costs.push(cost("closing one of 1,024 cameras", "ms", closing).at_most(1.0));
    drop(exports);
    eventually("the drains have ended", || {
        fs::read_dir("/proc/self/task").unwrap().count() < 8
    });
    costs.push(
        cost(
            "private memory after they were closed",
            "MiB",
            vec![private_mib() - memory_before],
        )
        .at_most(8.0),
    );
    costs
}

fn new_pipe_kib() -> f64 {
    fcntl_getpipe_size(&pipe_with(PipeFlags::CLOEXEC).unwrap().0).unwrap() as f64 / 1024.0
}

/// Measures beside as many threads as cameras would have, with stacks of the same size.
fn beside_threads<T>(measure: impl FnOnce() -> T) -> T {
    let end = Arc::new(Barrier::new(CAMERAS + 1));
    let start = || {
        let end = Arc::clone(&end);
        let thread = std::thread::Builder::new().stack_size(256 << 10);
        thread.spawn(move || _ = end.wait()).unwrap()
    };
    let threads: Vec<_> = (0..CAMERAS).map(|_| start()).collect();
    sleep(Duration::from_millis(200));
    let measured = measure();
    end.wait();
    for thread in threads {
        thread.join().unwrap();
    }
    measured
}

/// What a user who is not root has left beside his cameras. Nothing where this process may not become such a user.
fn unprivileged() -> Option<Cost> {
    let stage = Stage::new();
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let user = 1_000_000 + std::process::id();
    fs::create_dir(&stage.base_dir).unwrap();
    chown(&stage.base_dir, Some(user), Some(user)).unwrap();
    let mut host = Command::new(env::current_exe().unwrap());
    let output = host
        .env(UNPRIVILEGED, &stage.base_dir)
        .uid(user)
        .gid(user)
        .output();
    let kib = String::from_utf8(output.unwrap().stdout).unwrap();
    let kib = kib.trim().parse().unwrap();
    Some(
        cost(
            "a new pipe of an unprivileged user beside 256 cameras",
            "KiB",
            vec![kib],
        )
        .at_least(64.0),
    )
}

fn new_pipe_beside_cameras(base_dir: PathBuf) -> f64 {
    let stage = std::mem::ManuallyDrop::new(Stage { base_dir });
    let mut exports = Vec::new();
    for number in 0..256 {
        let mut export = stage.open(&format!("camera-{number}"), shape(640, 360, 3));
        export.attach().unwrap();
        exports.push(export);
    }
    new_pipe_kib()
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

/// What a crashed host leaves, removed by the next one, beside the removal of as many files by a program that does
/// nothing else.
fn clean_ups() -> Vec<Cost> {
    let [few, many] = [64, CAMERAS].map(clean_up);
    let floor = cost(
        "removing as many equal files and folders, per camera of 1,024",
        "us",
        removal_us(),
    );
    let growth = ratio("cleaning up, per camera of 1,024 to of 64", &many, &few).at_most(1.25);
    let to_floor = ratio("cleaning up, to the removal alone", &many, &floor);
    vec![few.at_most(80.0), many.at_most(80.0), growth, floor, to_floor]
}

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
        let started = thread_time();
        assert_eq!(sweep(&stage.base_dir).unwrap(), cameras);
        per_camera.push((thread_time() - started).as_secs_f64() * 1e6 / cameras as f64);
    }
    let what = format!("cleaning up after a crash, CPU time per camera of {cameras}");
    cost(what, "us", per_camera)
}

fn removal_us() -> Vec<f64> {
    let small = shape(64, 48, 3);
    let stage = Stage::new();
    let mut per_camera = Vec::new();
    for _ in 0..5 {
        for number in 0..CAMERAS {
            let dir = stage.base_dir.join(format!("camera-{number}"));
            fs::create_dir_all(&dir).unwrap();
            fs::write(dir.join("frame.meta"), vec![1; small.meta_bytes()]).unwrap();
            fs::write(dir.join("frame.data"), vec![1; small.data_bytes()]).unwrap();
            fs::write(stage.base_dir.join(format!(".camera-{number}.lock")), "").unwrap();
        }
        let started = thread_time();
        for number in 0..CAMERAS {
            let dir = stage.base_dir.join(format!("camera-{number}"));
            fs::remove_file(dir.join("frame.meta")).unwrap();
            fs::remove_file(dir.join("frame.data")).unwrap();
            fs::remove_dir(&dir).unwrap();
            fs::remove_file(stage.base_dir.join(format!(".camera-{number}.lock"))).unwrap();
        }
        per_camera.push((thread_time() - started).as_secs_f64() * 1e6 / CAMERAS as f64);
    }
    per_camera
}

/// The processor time of this thread: what others do meanwhile is not in it.
fn thread_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.try_into().unwrap(), now.tv_nsec.try_into().unwrap())
}

fn leave_behind(base_dir: PathBuf) {
    let stage = std::mem::ManuallyDrop::new(Stage { base_dir });
    let cameras: usize = env::var("VAS_BENCH_CAMERAS").unwrap().parse().unwrap();
    let _exports: Vec<_> = (0..cameras)
        .map(|number| stage.open(&format!("camera-{number}"), shape(64, 48, 3)))
        .collect();
    std::process::abort();
}
