//! The bell of an export: rung with every frame and at every end, unless it is switched off.

mod stage;

use rustix::thread::futex::{self, Flags};
use stage::{Stage, attach_here, eventually, is_detached, picture, shape};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use vas_frame_drain::{Export, ExportOptions};
use vas_frame_protocol::BELL;
use vas_frame_segment::{FrameSource, Health, Waited};

const LONG: Duration = Duration::from_secs(60);

/// How often the kernel has put the calling thread to sleep.
fn sleeps() -> u64 {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("voluntary")).unwrap();
    line.rsplit('\t').next().unwrap().parse().unwrap()
}

/// A reader of all frames up to the end of the ring: how many it was told of, how often it slept and how it ended.
fn follow(source: FrameSource) -> JoinHandle<(u64, u64, Waited)> {
    thread::spawn(move || {
        let (mut last, mut count, before) = (0, 0, sleeps());
        loop {
            match source.wait_newer(last, LONG) {
                Waited::Newer(newest) => (last, count) = (newest, count + 1),
                ended => return (count, sleeps() - before, ended),
            }
        }
    })
}

const FRAMES: u64 = 40;

fn feed(export: &mut Export) {
    let mut pipe = attach_here(export);
    for number in 0..FRAMES {
        pipe.write_all(&picture(export.shape(), number)).unwrap();
        thread::sleep(Duration::from_millis(20));
    }
    drop(pipe);
    eventually("the stream is drained", || is_detached(export));
}

#[test]
fn p2_3_the_drain_rings_once_per_frame_and_at_the_end() {
    let stage = Stage::new();
    let mut export = stage.open("camera", shape(64, 48, 4));
    let reader = follow(stage.source("camera"));
    feed(&mut export);
    export.close();
    let (count, sleeps, ended) = reader.join().unwrap();
    assert_eq!(ended, Waited::Over(Health::Ended));
    assert!(count >= FRAMES / 2, "told of {count} frames");
    assert!(sleeps < 4 * FRAMES, "slept {sleeps} times");
}

#[test]
fn p2_3_a_bell_that_is_switched_off_is_never_rung() {
    let stage = Stage::new();
    let options = ExportOptions {
        rings_bell: false,
        ..stage.options("camera", shape(64, 48, 4))
    };
    let mut export = Export::open(options).unwrap();
    let reader = follow(stage.source("camera"));
    feed(&mut export);
    export.close();
    let (count, sleeps, ended) = reader.join().unwrap();
    assert_eq!(ended, Waited::Over(Health::Ended));
    assert!(count >= FRAMES / 2, "told of {count} frames by prediction");
    assert!(sleeps > count, "looked more often than it was told: {sleeps}");
}

#[test]
fn p2_17_a_change_of_shape_wakes_those_who_wait_for_a_frame() {
    let stage = Stage::new();
    let mut export = stage.open("camera", shape(64, 48, 4));
    let readers = [(); 3].map(|()| follow(stage.source("camera")));
    export.publish(&picture(export.shape(), 1), None);
    export.reshape(shape(32, 32, 4)).unwrap();
    for reader in readers {
        assert_eq!(reader.join().unwrap().2, Waited::Over(Health::Replaced));
    }
}

/// Waiters that pass nothing on count what the writer itself wakes.
#[test]
fn p2_11_each_frame_wakes_one_waiter_and_no_more() {
    const WAITERS: usize = 3;
    let stage = Stage::new();
    let mut export = stage.open("camera", shape(64, 48, 4));
    let woken = Arc::new(AtomicUsize::new(0));
    let waiters = [(); WAITERS].map(|()| {
        let (source, woken) = (stage.source("camera"), Arc::clone(&woken));
        let waiting = move || {
            let word = source.memory().meta_ptr().wrapping_add(BELL);
            // SAFETY: inside of meta, which is mapped as long as the source; aligned, and the kernel alone looks at it.
            let word = unsafe { AtomicU32::from_ptr(word.cast()) };
            futex::wait(word, Flags::empty(), 0, None).unwrap();
            woken.fetch_add(1, Ordering::Relaxed);
        };
        thread::Builder::new()
            .name("bell-waiter".into())
            .spawn(waiting)
            .unwrap()
    });
    let says = |task: &Path, file: &str, text: &str| {
        fs::read_to_string(task.join(file)).is_ok_and(|found| found.contains(text))
    };
    let is_waiting = |task: &Path| says(task, "comm", "bell-waiter") && says(task, "stat", ") S ");
    eventually("all wait", || {
        let tasks = fs::read_dir("/proc/self/task").unwrap();
        let waiting = tasks.filter(|task| is_waiting(&task.as_ref().unwrap().path()));
        waiting.count() >= WAITERS
    });
    for frames in 1..=WAITERS {
        export.publish(&picture(export.shape(), 1), None);
        eventually("one more is woken", || woken.load(Ordering::Relaxed) >= frames);
        thread::sleep(Duration::from_millis(50));
        assert_eq!(woken.load(Ordering::Relaxed), frames);
    }
    for waiter in waiters {
        waiter.join().unwrap();
    }
}
