//! What waiting readers cost the writer, and how soon they have a frame: `cargo bench -p vas-frame-drain --bench waiting
//! [-- --json] [--quick]`.
//!
//! First the drain's CPU time per frame, by who waits, against a drain that does not ring, frame by frame in turns. Then
//! the time from a frame's stamp until a reader has looked at it, and the reader's CPU time per frame, by how the reader
//! waits: woken, by prediction, and by a look every millisecond.
#![allow(clippy::print_stdout, reason = "a tool that prints what it measures")]
#![allow(clippy::cast_precision_loss, reason = "times are short")]

#[path = "../tests/stage/mod.rs"]
mod stage;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::futex::{self, Flags};
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use stage::{Stage, attach_here, eventually, is_detached, shape};
use vas_frame_drain::{Export, ExportOptions};
use vas_frame_protocol::{RingShape, State};
use vas_frame_segment::clock::monotonic_ns;
use vas_frame_segment::{FrameSource, SourceOptions, Waited};

const LONG: Duration = Duration::from_secs(60);
const ROLE: &str = "VAS_BENCH_ROLE";
const FOLDER: &str = "VAS_BENCH_FOLDER";
/// Stacks of threads that do nothing but wait.
const STACK: usize = 64 << 10;
/// The time between two frames, when nobody needs longer.
const INTERVAL: Duration = Duration::from_millis(8);
/// What a thread of a crowd needs to wake up, look, pass the wake on and sleep again, generously.
const TIME_PER_WAITER: Duration = Duration::from_micros(80);

/// Goals. CPU time of the drain against one that does not ring.
const DRAIN_GOAL: f64 = 1.10;
/// Microseconds that one ring takes, median.
const RING_GOAL_US: f64 = 10.0;
/// The delay of a woken reader against that of one that looks every millisecond, median and 99th percentile.
const DELAY_GOALS: [f64; 2] = [0.25, 1.0];
/// Microseconds of CPU time per frame of a reader that looks in place.
const READER_GOAL_US: f64 = 15.0;

/// How much is measured.
#[derive(Clone, Copy)]
struct Extent {
    blocks: usize,
    /// Frames of each block, for a crowd that needs no time.
    frames: usize,
    /// Frames whose delay is measured.
    delays: usize,
}

const FULL: Extent = Extent {
    blocks: 10,
    frames: 20,
    delays: 200,
};
const QUICK: Extent = Extent {
    blocks: 2,
    frames: 10,
    delays: 30,
};

/// Who waits while the writer is measured.
#[derive(Clone, Copy)]
enum Crowd {
    Waiters(usize),
    /// In a process that is stopped once all wait.
    Stopped(usize),
    /// In processes of their own, one of which is killed with every tenth frame.
    Killed(usize),
    /// Threads of a stranger that wait for another word, which the kernel keeps in the same hash bucket.
    SameBucket(usize),
}

const CROWDS: [Crowd; 8] = [
    Crowd::Waiters(0),
    Crowd::Waiters(1),
    Crowd::Waiters(16),
    Crowd::Waiters(256),
    Crowd::Waiters(4096),
    Crowd::Stopped(256),
    Crowd::Killed(30),
    Crowd::SameBucket(4096),
];

impl Crowd {
    fn name(self) -> String {
        match self {
            Self::Waiters(count) => format!("{count} waiting"),
            Self::Stopped(count) => format!("{count} stopped"),
            Self::Killed(count) => format!("{count} killed in turn"),
            Self::SameBucket(count) => format!("{count} foreign in bucket"),
        }
    }

    /// How many wake up with each frame.
    fn awake(self) -> u32 {
        match self {
            Self::Waiters(count) => u32::try_from(count).unwrap_or(u32::MAX),
            Self::Killed(_) | Self::Stopped(_) | Self::SameBucket(_) => 0,
        }
    }

    /// The time after which all of the crowd sleep again.
    fn rest(self) -> Duration {
        INTERVAL + TIME_PER_WAITER * self.awake()
    }

    /// As many frames as there is time for.
    fn frames(self, frames: usize) -> usize {
        (frames / (self.awake() as usize / 512).max(1)).max(3)
    }
}

#[derive(Serialize)]
struct WriterCost {
    readers: String,
    /// Microseconds of CPU time per frame of 640x360, medians of the blocks: of a drain that does not ring and for
    /// whom nobody waits, and of one that rings.
    silent_us: f64,
    ringing_us: f64,
    /// The median of the ratios block by block.
    ratio: f64,
    /// Microseconds that one ring takes.
    ring_p50_us: f64,
    ring_p99_us: f64,
}

#[derive(Serialize)]
struct ReaderDelay {
    width: u32,
    height: u32,
    readers: usize,
    manner: &'static str,
    /// Microseconds from the stamp of a frame until a reader has looked at its first byte.
    p50_us: f64,
    p99_us: f64,
    /// Microseconds of CPU time of one reader per frame.
    reader_us: f64,
    /// How many of the frames a reader was told of.
    seen: f64,
}

#[derive(Serialize)]
struct Report {
    writer: Vec<WriterCost>,
    readers: Vec<ReaderDelay>,
    missed_goals: Vec<String>,
}

const SIZES: [(u32, u32); 3] = [(640, 360), (1920, 1080), (3840, 2160)];
const WOKEN: &str = "woken";
const PREDICTING: &str = "predicting";
const POLLING: &str = "polling";

fn main() {
    if let Ok(role) = std::env::var(ROLE) {
        return play(&role, Path::new(&std::env::var_os(FOLDER).unwrap()));
    }
    let has = |option: &str| std::env::args().any(|argument| argument == option);
    let extent = if has("--quick") { QUICK } else { FULL };
    let writer: Vec<_> = CROWDS.map(|crowd| writer_cost(crowd, extent)).into();
    let mut readers = Vec::new();
    for (width, height) in SIZES {
        for count in [1, 4] {
            for manner in [WOKEN, PREDICTING, POLLING] {
                readers.push(reader_delay((width, height), count, manner, extent));
            }
        }
    }
    let missed_goals = missed_goals(&writer, &readers);
    let report = Report {
        writer,
        readers,
        missed_goals,
    };
    if has("--json") {
        println!("{}", serde_json::to_string_pretty(&report).unwrap());
    } else {
        print(report);
    }
}

fn print(report: Report) {
    println!("                         drain's CPU per frame        ringing / silent      one ring");
    println!(
        "readers                  silent       ringing         goal {DRAIN_GOAL:.2}             p50 (goal {RING_GOAL_US} us)  p99"
    );
    for cost in report.writer {
        println!(
            "{:<22} {:>7.1} us   {:>7.1} us        {:>8.3}            {:>8.2} us   {:>10.2} us",
            cost.readers, cost.silent_us, cost.ringing_us, cost.ratio, cost.ring_p50_us, cost.ring_p99_us
        );
    }
    println!(
        "\nGoals: woken at most {} (p50) and {} (p99) of polling every millisecond, reader's CPU {READER_GOAL_US} us",
        DELAY_GOALS[0], DELAY_GOALS[1]
    );
    println!("                                  from stamp to look        CPU of one    frames");
    println!("             readers               p50          p99        reader, frame   seen");
    for delay in report.readers {
        println!(
            "{:>4}x{:<4} {:>6}    {:<10} {:>8.0} us  {:>8.0} us    {:>8.1} us    {:>6.1} %",
            delay.width,
            delay.height,
            delay.readers,
            delay.manner,
            delay.p50_us,
            delay.p99_us,
            delay.reader_us,
            delay.seen * 100.0
        );
    }
    for goal in report.missed_goals {
        println!("missed: {goal}");
    }
}

fn missed_goals(writer: &[WriterCost], readers: &[ReaderDelay]) -> Vec<String> {
    let mut missed = Vec::new();
    let mut judge = |what: String, value: f64, goal: f64| {
        if value > goal {
            missed.push(format!("{what}: {value:.2}, goal {goal}"));
        }
    };
    for cost in writer {
        judge(format!("drain's CPU, {}", cost.readers), cost.ratio, DRAIN_GOAL);
        judge(
            format!("us of one ring, {}", cost.readers),
            cost.ring_p50_us,
            RING_GOAL_US,
        );
    }
    for woken in readers.iter().filter(|delay| delay.manner == WOKEN) {
        let who = format!("{}x{}, {} readers", woken.width, woken.height, woken.readers);
        let is_twin = |delay: &&ReaderDelay| {
            delay.manner == POLLING && delay.height == woken.height && delay.readers == woken.readers
        };
        let polling = readers.iter().find(is_twin).unwrap();
        let [p50_goal, p99_goal] = DELAY_GOALS;
        judge(
            format!("delay p50 of polling, {who}"),
            woken.p50_us / polling.p50_us,
            p50_goal,
        );
        judge(
            format!("delay p99 of polling, {who}"),
            woken.p99_us / polling.p99_us,
            p99_goal,
        );
        judge(
            format!("us of the reader's CPU, {who}"),
            woken.reader_us,
            READER_GOAL_US,
        );
    }
    missed
}

/// The value below which so much of the values lies.
fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values
        .get((values.len() * percent / 100).min(values.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}

fn open(stage: &Stage, camera: &str, shape: RingShape, rings_bell: bool) -> Export {
    Export::open(ExportOptions {
        rings_bell,
        ..stage.options(camera, shape)
    })
    .unwrap()
}

// The writer's part.

fn writer_cost(crowd: Crowd, extent: Extent) -> WriterCost {
    let stage = Stage::new();
    let (mut silent, mut ringing, mut ratios) = drain_costs(&stage, crowd, extent);
    let mut rings = ring_us(&stage, crowd, extent);
    WriterCost {
        readers: crowd.name(),
        silent_us: percentile(&mut silent, 50),
        ringing_us: percentile(&mut ringing, 50),
        ratio: percentile(&mut ratios, 50),
        ring_p50_us: percentile(&mut rings, 50),
        ring_p99_us: percentile(&mut rings, 99),
    }
}

/// A camera whose frames come at a pace, and the thread that drains them.
struct Tap {
    export: Export,
    pipe: File,
    thread: PathBuf,
    picture: Vec<u8>,
    fed: u64,
}

impl Tap {
    fn open(stage: &Stage, camera: &str, rings_bell: bool) -> Self {
        let before = drain_threads();
        let shape = shape(640, 360, 4);
        let mut export = open(stage, camera, shape, rings_bell);
        let pipe = attach_here(&mut export);
        let mut thread = None;
        eventually("the thread has its name", || {
            thread = drain_threads().difference(&before).next().cloned();
            thread.is_some()
        });
        Self {
            export,
            pipe,
            thread: thread.unwrap(),
            picture: vec![7; shape.geometry().frame_bytes()],
            fed: 0,
        }
    }

    fn feed(&mut self) {
        self.pipe.write_all(&self.picture).unwrap();
        self.fed += 1;
    }

    /// CPU time of the thread, once it waits for the next frame.
    fn cpu_ns(&self) -> f64 {
        eventually("all frames are published", || {
            self.export.statistics().frames_written == self.fed
        });
        let is_sleeping = || {
            fs::read_to_string(self.thread.join("stat"))
                .unwrap()
                .contains(") S ")
        };
        eventually("the thread sleeps", is_sleeping);
        let schedstat = fs::read_to_string(self.thread.join("schedstat")).unwrap();
        schedstat.split(' ').next().unwrap().parse().unwrap()
    }

    fn close(mut self) {
        drop(self.pipe);
        eventually("the stream is drained", || is_detached(&self.export));
        self.export.close();
    }
}

/// The folders of the threads that drain.
fn drain_threads() -> BTreeSet<PathBuf> {
    let tasks = fs::read_dir("/proc/self/task")
        .unwrap()
        .map(|task| task.unwrap().path());
    let drains = |task: &PathBuf| {
        fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim_end() == "vas-drain")
    };
    tasks.filter(drains).collect()
}

/// Microseconds of CPU time per frame and block of a drain that does not ring, of one that rings for a crowd, and the
/// ratio of both.
fn drain_costs(stage: &Stage, crowd: Crowd, extent: Extent) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let mut silent = Tap::open(stage, "silent", false);
    let mut ringing = Tap::open(stage, "ringing", true);
    let mut audience = Audience::gather(crowd, ringing.export.path());
    let (mut silent_us, mut ringing_us, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let frames = crowd.frames(extent.frames);
    for block in 0..=extent.blocks {
        let before = [silent.cpu_ns(), ringing.cpu_ns()];
        for frame in 0..frames {
            silent.feed();
            thread::sleep(INTERVAL);
            ringing.feed();
            audience.suffer(block * frames + frame);
            thread::sleep(crowd.rest());
        }
        // The first block warms the slots and the pipes.
        if block > 0 {
            let per_frame = |cpu_ns: f64| cpu_ns / frames as f64 / 1000.0;
            let (of_silent, of_ringing) = (
                per_frame(silent.cpu_ns() - before[0]),
                per_frame(ringing.cpu_ns() - before[1]),
            );
            silent_us.push(of_silent);
            ringing_us.push(of_ringing);
            ratios.push(of_ringing / of_silent);
        }
    }
    silent.close();
    ringing.close();
    (silent_us, ringing_us, ratios)
}

/// How long each ring takes in a thread that publishes.
fn ring_us(stage: &Stage, crowd: Crowd, extent: Extent) -> Vec<f64> {
    let shape = shape(640, 360, 4);
    let mut export = open(stage, "rung", shape, false);
    let mut audience = Audience::gather(crowd, export.path());
    let picture = vec![7; shape.geometry().frame_bytes()];
    let source = FrameSource::open_dir(export.path(), SourceOptions::default()).unwrap();
    let word = bell_of(&source);
    let mut rings = Vec::new();
    for frame in 0..crowd.frames(extent.frames * extent.blocks) {
        export.publish(&picture, None);
        let start = Instant::now();
        _ = futex::wake(word, Flags::empty(), 1);
        rings.push(start.elapsed().as_nanos() as f64 / 1000.0);
        audience.suffer(frame);
        thread::sleep(crowd.rest());
    }
    export.close();
    rings
}

/// The word that readers of a source wait on. The kernel alone looks at it.
fn bell_of(source: &FrameSource) -> &AtomicU32 {
    let word = source.memory().meta_ptr().wrapping_add(vas_frame_protocol::BELL);
    // SAFETY: inside of meta, which is mapped as long as the source; aligned.
    unsafe { AtomicU32::from_ptr(word.cast()) }
}

/// Everything that waits; it ends when this value is dropped.
struct Audience {
    crowd: Crowd,
    children: Vec<Child>,
    strangers: Option<Strangers>,
}

impl Audience {
    fn gather(crowd: Crowd, folder: &Path) -> Self {
        let mut audience = Self {
            crowd,
            children: Vec::new(),
            strangers: None,
        };
        match crowd {
            Crowd::Waiters(0) => {}
            Crowd::Waiters(count) | Crowd::Stopped(count) => {
                audience.children.push(start(&format!("wait {count}"), folder));
            }
            Crowd::Killed(count) => audience
                .children
                .extend((0..count).map(|_| start("wait 1", folder))),
            Crowd::SameBucket(count) => {
                audience.strangers = Some(Strangers::in_the_bucket_of(folder, count));
            }
        }
        // Nobody can see from outside that a reader waits.
        thread::sleep(Duration::from_millis(200) + TIME_PER_WAITER * crowd.awake());
        if matches!(crowd, Crowd::Stopped(_)) {
            kill_process(Pid::from_child(&audience.children[0]), Signal::STOP).unwrap();
        }
        audience
    }

    fn suffer(&mut self, frame: usize) {
        if matches!(self.crowd, Crowd::Killed(_)) && frame % 10 == 9 {
            if let Some(mut child) = self.children.pop() {
                child.kill().unwrap();
                child.wait().unwrap();
            }
        }
    }
}

impl Drop for Audience {
    fn drop(&mut self) {
        for child in &mut self.children {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// Threads that wait for a word of their own, in the bucket of another one.
struct Strangers {
    words: Arc<[AtomicU32]>,
    at: usize,
    threads: Vec<thread::JoinHandle<()>>,
}

/// Enough that one of them is in the bucket that is looked for, however large the kernel's table is.
const WORDS: usize = 1 << 16;

impl Strangers {
    /// The kernel tells nobody what is in a bucket; a wake in a bucket with many others takes longer. All strangers
    /// move from word to word by one call, until a wake of the bell takes that long.
    fn in_the_bucket_of(folder: &Path, count: usize) -> Self {
        let source = FrameSource::open_dir(folder, SourceOptions::default()).unwrap();
        let bell = bell_of(&source);
        let words: Arc<[AtomicU32]> = (0..WORDS).map(|_| AtomicU32::new(0)).collect();
        let all_there = Arc::new(Barrier::new(count + 1));
        let wait = |_| {
            let (words, all_there) = (Arc::clone(&words), Arc::clone(&all_there));
            let waiting = move || {
                all_there.wait();
                // Shared, as the bell is: private words are kept elsewhere.
                while words[0].load(Ordering::Relaxed) == 0 {
                    _ = futex::wait(&words[0], Flags::empty(), 0, None);
                }
            };
            thread::Builder::new().stack_size(STACK).spawn(waiting).unwrap()
        };
        let threads = (0..count).map(wait).collect();
        all_there.wait();
        thread::sleep(Duration::from_millis(500));
        let least = |word: &AtomicU32| {
            let wakes = (0..20).map(|_| {
                let start = Instant::now();
                _ = futex::wake(word, Flags::empty(), 1);
                start.elapsed()
            });
            wakes.min().unwrap()
        };
        let empty = least(bell);
        let mut strangers = Self {
            words,
            at: 0,
            threads,
        };
        for next in 1..WORDS {
            if least(bell) > empty * 4 {
                return strangers;
            }
            let (from, to) = (&strangers.words[strangers.at], &strangers.words[next]);
            futex::requeue(from, Flags::empty(), 0, i32::MAX as u32, to).unwrap();
            strangers.at = next;
        }
        panic!("no word of {WORDS} shares the bucket");
    }
}

impl Drop for Strangers {
    fn drop(&mut self) {
        self.words[0].store(1, Ordering::Relaxed);
        for word in [0, self.at] {
            _ = futex::wake(&self.words[word], Flags::empty(), i32::MAX as u32);
        }
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}

// The readers' part.

fn reader_delay(
    (width, height): (u32, u32),
    count: usize,
    manner: &'static str,
    extent: Extent,
) -> ReaderDelay {
    let stage = Stage::new();
    let shape = shape(width, height, 4);
    let mut export = open(&stage, "camera", shape, manner == WOKEN);
    let mut readers: Vec<_> = (0..count)
        .map(|_| start(&format!("read {manner}"), export.path()))
        .collect();
    thread::sleep(Duration::from_millis(100));
    let picture = vec![7; shape.geometry().frame_bytes()];
    for _ in 0..extent.delays {
        export.publish(&picture, None);
        thread::sleep(INTERVAL);
    }
    export.close();
    let (mut delays, mut cpu) = (Vec::new(), Vec::new());
    for reader in &mut readers {
        let lines = BufReader::new(reader.stdout.take().unwrap())
            .lines()
            .map(Result::unwrap);
        let mut values: Vec<f64> = lines.map(|line| line.parse().unwrap()).collect();
        cpu.push(values.pop().unwrap());
        delays.extend(values);
        reader.wait().unwrap();
    }
    ReaderDelay {
        width,
        height,
        readers: count,
        manner,
        seen: delays.len() as f64 / (extent.delays * count) as f64,
        p50_us: percentile(&mut delays, 50),
        p99_us: percentile(&mut delays, 99),
        reader_us: percentile(&mut cpu, 50),
    }
}

// What the processes do that this one starts.

/// Starts a process that plays a part, and returns once it is about to wait for the first frame.
fn start(role: &str, folder: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .env(ROLE, role)
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The word is one byte: what follows is for whoever reads on.
    child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    child
}

fn say_ready() {
    print!(" ");
    std::io::stdout().flush().unwrap();
}

fn play(role: &str, folder: &Path) {
    let source = FrameSource::open_dir(folder, SourceOptions::default()).unwrap();
    match role.split_once(' ').unwrap() {
        ("wait", count) => wait_in_threads(&source, count.parse().unwrap()),
        (_, manner) => read(&source, manner == POLLING),
    }
}

fn wait_in_threads(source: &FrameSource, count: usize) {
    thread::scope(|threads| {
        for _ in 0..count {
            let waiting = || {
                let mut last = 0;
                loop {
                    match source.wait_newer(last, LONG) {
                        Waited::Newer(newest) => last = newest,
                        Waited::Over(_) => return,
                        Waited::TimedOut | Waited::Interrupted => {}
                    }
                }
            };
            thread::Builder::new()
                .stack_size(STACK)
                .spawn_scoped(threads, waiting)
                .unwrap();
        }
        say_ready();
    });
}

fn read(source: &FrameSource, is_polling: bool) {
    let (mut delays, mut last) = (Vec::new(), 0);
    say_ready();
    let start_ns = cpu_ns();
    while has_news(source, last, is_polling) {
        let looked = source.reader().look_newest(last, |_, picture| {
            let mut first = [0];
            picture.slice(0, 1).map(|bytes| bytes.copy_to(&mut first));
            monotonic_ns()
        });
        if let Ok(taken) = looked {
            last = taken.record.frame_id;
            delays.push(taken.value.saturating_sub(taken.record.stamp.timestamp_ns));
        }
    }
    let cpu_us = (cpu_ns() - start_ns) as f64 / 1000.0 / delays.len().max(1) as f64;
    for delay in delays {
        println!("{}", delay as f64 / 1000.0);
    }
    println!("{cpu_us}");
}

/// Returns when there is a newer frame; `false` when there will be none.
fn has_news(source: &FrameSource, last: u64, is_polling: bool) -> bool {
    if !is_polling {
        return matches!(source.wait_newer(last, LONG), Waited::Newer(_));
    }
    loop {
        let is_live = source.reader().state() == Some(State::Live);
        if source.reader().newest_after(last).is_some() {
            return true;
        }
        if !is_live {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// CPU time of this process.
fn cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    u64::try_from(time.tv_sec).unwrap() * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap()
}
