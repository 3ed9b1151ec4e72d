//! What a drain costs, as the ratio of its CPU time per frame to that of a loop that only reads the same bytes from the
//! same kind of pipe into memory of the same kind, and for framed streams to that for bare ones, measured in turns in
//! one run: `cargo bench -p vas-frame-drain [-- --json]`.
//!
//! Beside them stands what the kernel asks for a head between two pictures: the copy out of a page of the pipe is slower
//! where source and destination differ by other than a multiple of 32 bytes. A loop over the framed bytes has that, and
//! one over the same bytes with each head padded to 64 has not.
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
/// The goals: the drain, bare or framed, against the loop over the same bytes and over bare ones; framed against bare.
const GOAL: f64 = 1.05;
const FRAMED_GOAL: f64 = 1.03;
/// How FFmpeg writes, whatever the size of a frame.
const PIECE_BYTES: usize = 32 << 10;
/// A head after which a picture lies in the pipe as it does without one.
const PADDED_HEAD_BYTES: usize = 64;
const ROUNDS: usize = 15;
const BYTES_PER_ROUND: usize = 200 << 20;
/// What a drain has for frames of these sizes.
const PIPE_BYTES: usize = 256 << 10;

/// What is measured, each in its turn.
#[derive(Clone, Copy, PartialEq)]
enum Work {
    BareLoop,
    /// Reads each head, then its picture.
    FramedLoop,
    PaddedLoop,
    BareDrain,
    FramedDrain,
}

const WORKS: [Work; 5] = [
    Work::BareLoop,
    Work::FramedLoop,
    Work::PaddedLoop,
    Work::BareDrain,
    Work::FramedDrain,
];

#[derive(Serialize)]
struct Cost {
    width: u32,
    height: u32,
    /// Microseconds of CPU time per frame, medians.
    bare_loop_us: f64,
    framed_loop_us: f64,
    padded_loop_us: f64,
    drain_us: f64,
    framed_us: f64,
    /// The ratios, made round by round.
    bare_to_loop: Ratio,
    framed_to_framed_loop: Ratio,
    framed_to_loop: Ratio,
    framed_to_bare: Ratio,
    /// What remains of the last two if nothing is done but to read.
    framed_loop_to_loop: Ratio,
    padded_loop_to_loop: Ratio,
}

#[derive(Serialize)]
struct Ratio {
    median: f64,
    max: f64,
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
    for cost in costs {
        println!(
            "{}x{}: CPU per frame, loop over bare pictures {:.1} us, over framed ones {:.1}, with padded heads {:.1}; drain, \
             bare {:.1}, framed {:.1}",
            cost.width,
            cost.height,
            cost.bare_loop_us,
            cost.framed_loop_us,
            cost.padded_loop_us,
            cost.drain_us,
            cost.framed_us,
        );
        let rows = [
            ("bare drain / bare loop", &cost.bare_to_loop, Some(GOAL)),
            (
                "framed drain / framed loop",
                &cost.framed_to_framed_loop,
                Some(GOAL),
            ),
            ("framed drain / bare loop", &cost.framed_to_loop, Some(GOAL)),
            (
                "framed drain / bare drain",
                &cost.framed_to_bare,
                Some(FRAMED_GOAL),
            ),
            ("framed loop / bare loop", &cost.framed_loop_to_loop, None),
            ("padded loop / bare loop", &cost.padded_loop_to_loop, None),
        ];
        for (what, Ratio { median, max }, goal) in rows {
            let verdict = match goal {
                None => "the kernel's".to_owned(),
                Some(goal) if *median <= goal => format!("goal {goal}: met"),
                Some(goal) => format!("goal {goal}: MISSED"),
            };
            println!("    {what:<28} {median:>6.3}, at most {max:>6.3}   {verdict}");
        }
    }
}

fn measure(width: u32, height: u32) -> Cost {
    let shape = shape(width, height, SLOTS);
    let frames = BYTES_PER_ROUND / shape.geometry().frame_bytes();
    let stage = Stage::new();
    let mut us: [Vec<f64>; WORKS.len()] = Default::default();
    for round in 0..ROUNDS {
        // The order changes from round to round.
        for turn in 0..WORKS.len() {
            let which = (round + turn) % WORKS.len();
            let cpu_ns = match WORKS[which] {
                Work::BareDrain | Work::FramedDrain => drain_cpu_ns(&stage, shape, frames, WORKS[which]),
                Work::BareLoop | Work::FramedLoop | Work::PaddedLoop => {
                    loop_cpu_ns(&stage, shape, frames, WORKS[which])
                }
            };
            us[which].push(cpu_ns / frames as f64 / 1000.0);
        }
    }
    let [bare_loop, framed_loop, padded_loop, drain, framed] = us;
    Cost {
        width,
        height,
        bare_to_loop: ratio(&drain, &bare_loop),
        framed_to_framed_loop: ratio(&framed, &framed_loop),
        framed_to_loop: ratio(&framed, &bare_loop),
        framed_to_bare: ratio(&framed, &drain),
        framed_loop_to_loop: ratio(&framed_loop, &bare_loop),
        padded_loop_to_loop: ratio(&padded_loop, &bare_loop),
        bare_loop_us: median(bare_loop),
        framed_loop_us: median(framed_loop),
        padded_loop_us: median(padded_loop),
        drain_us: median(drain),
        framed_us: median(framed),
    }
}

fn ratio(above: &[f64], below: &[f64]) -> Ratio {
    let ratios: Vec<f64> = above.iter().zip(below).map(|(a, b)| a / b).collect();
    Ratio {
        max: largest(&ratios),
        median: median(ratios),
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

fn largest(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

/// Writes `frames` times the same bytes, as FFmpeg does: each frame in pieces of its own.
fn write_frames(mut pipe: File, frame: Vec<u8>, frames: usize) -> thread::JoinHandle<File> {
    thread::spawn(move || {
        for _ in 0..frames {
            for piece in frame.chunks(PIECE_BYTES) {
                pipe.write_all(piece).unwrap();
            }
        }
        pipe
    })
}

fn picture(shape: RingShape) -> Vec<u8> {
    vec![7; shape.geometry().frame_bytes()]
}

/// What is written for each frame, and how much of it comes before the picture.
fn frame_of(work: Work, shape: RingShape) -> (Vec<u8>, usize) {
    let bare = picture(shape);
    let picture_bytes = bare.len();
    let frame = match work {
        Work::BareLoop | Work::BareDrain => bare,
        Work::FramedLoop | Work::FramedDrain => cluster(40, &bare),
        Work::PaddedLoop => [vec![0; PADDED_HEAD_BYTES], bare].concat(),
    };
    let head_bytes = frame.len() - picture_bytes;
    (frame, head_bytes)
}

fn drain_cpu_ns(stage: &Stage, shape: RingShape, frames: usize, work: Work) -> f64 {
    let mut export = stage.open("drain", shape);
    let mut pipe = attach_here(&mut export);
    let (frame, _) = frame_of(work, shape);
    if work == Work::FramedDrain {
        let (width, height) = (shape.geometry().width(), shape.geometry().height());
        pipe.write_all(&header(width, height, b"NV12")).unwrap();
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

fn loop_cpu_ns(stage: &Stage, shape: RingShape, frames: usize, work: Work) -> f64 {
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
    let (bytes, head_bytes) = frame_of(work, shape);
    let reader = thread::Builder::new().name("bare-loop".into()).spawn(move || {
        let len = shape.geometry().frame_bytes();
        for frame in 0..frames {
            let offset = frame % SLOTS as usize * shape.slot_stride();
            let mut head = [0_u8; PADDED_HEAD_BYTES];
            let mut read_of_head = 0;
            while read_of_head < head_bytes {
                let rest = &mut head[read_of_head..head_bytes];
                // SAFETY: the rest of the head is writable for its length, and it is borrowed exclusively.
                let count = unsafe { libc::read(read_end.as_raw_fd(), rest.as_mut_ptr().cast(), rest.len()) };
                read_of_head += usize::try_from(count).unwrap();
            }
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
    let writer = write_frames(write_end.into(), bytes, frames);
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
