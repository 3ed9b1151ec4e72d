//! What a drain costs, as the ratio of its CPU time per frame to that of a loop that only reads the same pipe into
//! memory of the same kind, and for framed streams to that for bare ones, measured in turns in one run: `cargo bench -p vas-frame-drain [-- --json]`.
#![allow(clippy::print_stdout, reason = "a tool that prints what it measures")]
#![allow(clippy::cast_precision_loss, reason = "times are short")]

#[path = "../tests/stage/matroska_stream.rs"]
mod matroska_stream;
#[path = "../tests/stage/mod.rs"]
mod stage;

use matroska_stream::{cluster, header};
use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};
use serde::Serialize;
use stage::{Stage, attach_here, eventually, is_detached, shape};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::sync::mpsc;
use std::thread;
use vas_frame_protocol::{RingMemory, RingShape};
use vas_frame_segment::writer::{CameraLock, Segment, SegmentOptions, new_epoch};

const SIZES: [(u32, u32); 3] = [(640, 360), (1920, 1080), (3840, 2160)];
const SLOTS: u32 = 4;
/// Of the drain, bare or framed, to the loop; and of framed to bare.
const GOAL: f64 = 1.05;
const FRAMED_GOAL: f64 = 1.03;
const ROUNDS: usize = 15;
const BYTES_PER_ROUND: usize = 200 << 20;
/// What a drain has for frames of these sizes.
const PIPE_BYTES: usize = 256 << 10;

#[derive(Serialize)]
struct Cost {
    width: u32,
    height: u32,
    /// Microseconds of CPU time per frame, medians.
    bare_loop_us: f64,
    drain_us: f64,
    /// The drain, with a framed stream.
    framed_us: f64,
    /// Medians of the ratios round by round, and the largest.
    ratio_median: f64,
    ratio_max: f64,
    framed_ratio_median: f64,
    framed_ratio_max: f64,
    framed_to_bare_median: f64,
    framed_to_bare_max: f64,
}

fn main() {
    let costs: Vec<Cost> = SIZES
        .into_iter()
        .map(|(width, height)| measure(width, height))
        .collect();
    if std::env::args().any(|argument| argument == "--json") {
        println!("{}", serde_json::to_string_pretty(&costs).unwrap());
        return;
    }
    println!(
        "              bare loop       drain      framed    drain / bare loop   framed / bare loop    framed / drain"
    );
    println!(
        "                       CPU per frame                 median      max      median      max    median      max    \
         goals: {GOAL}, {GOAL}, {FRAMED_GOAL}"
    );
    for cost in costs {
        let is_met = cost.ratio_median <= GOAL
            && cost.framed_ratio_median <= GOAL
            && cost.framed_to_bare_median <= FRAMED_GOAL;
        println!(
            "{:>4}x{:<4}  {:>9.1} us {:>8.1} us {:>8.1} us    {:>6.3}   {:>6.3}      {:>6.3}   {:>6.3}    {:>6.3}   \
             {:>6.3}    {}",
            cost.width,
            cost.height,
            cost.bare_loop_us,
            cost.drain_us,
            cost.framed_us,
            cost.ratio_median,
            cost.ratio_max,
            cost.framed_ratio_median,
            cost.framed_ratio_max,
            cost.framed_to_bare_median,
            cost.framed_to_bare_max,
            if is_met { "met" } else { "MISSED" }
        );
    }
}

fn measure(width: u32, height: u32) -> Cost {
    let shape = shape(width, height, SLOTS);
    let frames = BYTES_PER_ROUND / shape.geometry().frame_bytes();
    let stage = Stage::new();
    let (mut bare, mut drain, mut framed) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // The order changes from round to round.
        let mut measured = [0.0; 3];
        for turn in 0..3 {
            let which = (round + turn) % 3;
            measured[which] = match which {
                0 => bare_loop_cpu_ns(&stage, shape, frames),
                1 => drain_cpu_ns(&stage, shape, frames, false),
                _ => drain_cpu_ns(&stage, shape, frames, true),
            } / frames as f64
                / 1000.0;
        }
        let [of_loop, of_drain, of_framed] = measured;
        bare.push(of_loop);
        drain.push(of_drain);
        framed.push(of_framed);
    }
    let ratios =
        |above: &[f64], below: &[f64]| above.iter().zip(below).map(|(a, b)| a / b).collect::<Vec<_>>();
    let (to_loop, framed_to_loop) = (ratios(&drain, &bare), ratios(&framed, &bare));
    let to_bare = ratios(&framed, &drain);
    Cost {
        width,
        height,
        bare_loop_us: median(bare),
        drain_us: median(drain),
        framed_us: median(framed),
        ratio_max: largest(&to_loop),
        ratio_median: median(to_loop),
        framed_ratio_max: largest(&framed_to_loop),
        framed_ratio_median: median(framed_to_loop),
        framed_to_bare_max: largest(&to_bare),
        framed_to_bare_median: median(to_bare),
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

fn largest(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

/// Writes `frames` times the same bytes.
fn write_frames(mut pipe: File, frame: Vec<u8>, frames: usize) -> thread::JoinHandle<File> {
    thread::spawn(move || {
        for _ in 0..frames {
            pipe.write_all(&frame).unwrap();
        }
        pipe
    })
}

fn picture(shape: RingShape) -> Vec<u8> {
    vec![7; shape.geometry().frame_bytes()]
}

fn drain_cpu_ns(stage: &Stage, shape: RingShape, frames: usize, is_framed: bool) -> f64 {
    let mut export = stage.open("drain", shape);
    let mut pipe = attach_here(&mut export);
    let mut frame = picture(shape);
    if is_framed {
        let (width, height) = (shape.geometry().width(), shape.geometry().height());
        pipe.write_all(&header(width, height, b"NV12")).unwrap();
        frame = cluster(40, &frame);
    }
    let writer = write_frames(pipe, frame, frames);
    eventually("all frames are published", || {
        export.statistics().frames_written == frames as u64
    });
    let cpu_ns = cpu_ns_of_thread("vas-drain");
    drop(writer.join().unwrap());
    eventually("the stream is drained", || is_detached(&export));
    eventually("the thread has ended", || task("vas-drain").is_none());
    cpu_ns
}

fn bare_loop_cpu_ns(stage: &Stage, shape: RingShape, frames: usize) -> f64 {
    let options = stage.options("bare", shape);
    let lock = CameraLock::acquire(&options.base_dir, &options.camera).unwrap();
    let (file_mode, epoch) = (options.file_mode, new_epoch().unwrap());
    let options = SegmentOptions {
        shape,
        file_mode,
        epoch,
        generation: 1,
        first_frame_id: 1,
    };
    let segment = Segment::create(&lock, &options).unwrap();
    let memory = segment.memory().clone();

    let (read_end, write_end) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    fcntl_setpipe_size(&write_end, PIPE_BYTES).unwrap();
    let (all_read, is_all_read) = mpsc::channel();
    let reader = thread::Builder::new().name("bare-loop".into()).spawn(move || {
        let len = shape.geometry().frame_bytes();
        for frame in 0..frames {
            let offset = frame % SLOTS as usize * shape.slot_stride();
            let mut filled = 0;
            while filled < len {
                // SAFETY: the slot lies inside data.
                let rest = unsafe { memory.data().add(offset + filled) };
                // SAFETY: the rest of the slot is writable, and nobody else uses the memory.
                let count = unsafe { libc::read(read_end.as_raw_fd(), rest.cast(), len - filled) };
                filled += usize::try_from(count).unwrap();
            }
        }
        all_read.send(()).unwrap();
        assert_eq!(File::from(read_end).read(&mut [0]).unwrap(), 0);
    });
    let writer = write_frames(write_end.into(), picture(shape), frames);
    is_all_read.recv().unwrap();
    let cpu_ns = cpu_ns_of_thread("bare-loop");
    drop(writer.join().unwrap());
    reader.unwrap().join().unwrap();
    cpu_ns
}

/// The folder of the thread with this name.
fn task(name: &str) -> Option<std::path::PathBuf> {
    let tasks = fs::read_dir("/proc/self/task")
        .unwrap()
        .map(|task| task.unwrap().path());
    let is_named = |task: &std::path::PathBuf| {
        fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim_end() == name)
    };
    tasks.into_iter().find(is_named)
}

/// CPU time of a thread that is about to block in `read`, once it does.
fn cpu_ns_of_thread(name: &str) -> f64 {
    let task = task(name).unwrap();
    let is_sleeping = || fs::read_to_string(task.join("stat")).unwrap().contains(") S ");
    eventually("the thread sleeps", is_sleeping);
    let schedstat = fs::read_to_string(task.join("schedstat")).unwrap();
    schedstat.split(' ').next().unwrap().parse().unwrap()
}
