//! Waiting for a frame: woken by the kernel, by prediction where nobody rings, and never longer than asked.

mod stage;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use rustix::thread::gettid;
use stage::{Stage, camera, lock, options, play, publish, role, wait_until, writer};
use vas_frame_protocol::{State, Writer};
use vas_frame_segment::writer::{Segment, WritableMapping};
use vas_frame_segment::{
    Alarm, Awaited, FrameSource, Health, MapMode, SourceOptions, Waited, WaitedAny, wait_any, wait_for_frames,
};

/// Longer than anything here takes, also on a busy machine.
const LONG: Duration = Duration::from_secs(60);
const MODES: [MapMode; 2] = [MapMode::ReadOnly, MapMode::PrivateWritable];

fn source(segment: &Segment, map_mode: MapMode) -> FrameSource {
    let options = SourceOptions {
        map_mode,
        populate: false,
        ..SourceOptions::default()
    };
    FrameSource::open_dir(segment.path(), options).unwrap()
}

/// Publishes and rings, as the drain does.
fn publish_and_ring(writer: &mut Writer<Arc<WritableMapping>>, byte: u8) -> u64 {
    let id = publish(writer, byte);
    writer.memory().ring_bell();
    id
}

/// A thread that does something once it is asleep in the kernel.
fn asleep<T: Send + 'static>(action: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    let (tell, told) = std::sync::mpsc::channel();
    let thread = thread::spawn(move || {
        tell.send(gettid()).unwrap();
        action()
    });
    let task = format!("/proc/self/task/{}/stat", told.recv().unwrap().as_raw_nonzero());
    wait_until("the thread sleeps", || {
        fs::read_to_string(&task).unwrap().contains(") S ")
    });
    thread
}

/// How often this thread has slept.
fn sleeps() -> u64 {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("voluntary")).unwrap();
    line.rsplit('\t').next().unwrap().parse().unwrap()
}

#[test]
fn p2_17_a_reader_is_woken_once_per_frame_and_does_not_poll() {
    let stage = Stage::new();
    let lock = lock(&stage.base(), "a");
    for mode in MODES {
        let segment = Segment::create(&lock, &options()).unwrap();
        let mut writer = writer(&segment);
        let source = source(&segment, mode);
        // The first frames tell the reader that this writer rings.
        let (frames, first) = (60, 10);
        let reader = asleep(move || {
            let (mut last, mut before) = (0, 0);
            while last < frames {
                let Waited::Newer(newest) = source.wait_newer(last, LONG) else {
                    unreachable!("a frame comes")
                };
                if newest <= first {
                    before = sleeps();
                }
                last = newest;
            }
            sleeps() - before
        });
        for _ in 1..=frames {
            publish_and_ring(&mut writer, 1);
            sleep(Duration::from_millis(20));
        }
        let sleeps = reader.join().unwrap();
        assert!(sleeps <= 2 * (frames - first), "slept {sleeps} times in {mode:?}");
    }
}

#[test]
fn p2_17_what_is_there_is_told_at_once_and_waiting_ends_at_the_time_limit() {
    let stage = Stage::new();
    let (_lock, segment) = stage.ring();
    let source = source(&segment, MapMode::ReadOnly);
    assert_eq!(source.wait_newer(0, Duration::ZERO), Waited::TimedOut);
    let start = Instant::now();
    assert_eq!(source.wait_newer(0, Duration::from_millis(50)), Waited::TimedOut);
    assert!(start.elapsed() >= Duration::from_millis(50));
    publish(&mut writer(&segment), 1);
    assert_eq!(source.wait_newer(0, LONG), Waited::Newer(1));
    assert_eq!(source.wait_newer(1, Duration::ZERO), Waited::TimedOut);
}

#[test]
fn p2_17_where_nobody_rings_a_frame_is_found_when_it_is_due() {
    let stage = Stage::new();
    let lock = lock(&stage.base(), "a");
    for mode in MODES {
        let segment = Segment::create(&lock, &options()).unwrap();
        let mut writer = writer(&segment);
        let (waiting, polling) = (source(&segment, mode), source(&segment, mode));
        let waiting = thread::spawn(move || {
            let mut seen = Vec::new();
            while let Waited::Newer(newest) = waiting.wait_newer(seen.last().copied().unwrap_or(0), LONG) {
                seen.push(newest);
            }
            seen
        });
        // A busy machine lets this one sleep through frames, too.
        let polling = thread::spawn(move || {
            let mut seen = Vec::new();
            while polling.reader().state() == Some(State::Live) {
                let newest = polling.reader().newest_id();
                if newest > seen.last().copied().unwrap_or(0) {
                    seen.push(newest);
                }
                sleep(Duration::from_millis(1));
            }
            seen
        });
        for byte in 1..=40 {
            publish(&mut writer, byte);
            sleep(Duration::from_millis(20));
        }
        drop(segment);
        let (seen, polled) = (waiting.join().unwrap(), polling.join().unwrap());
        assert!(
            4 * seen.len() >= 3 * polled.len(),
            "of 40 frames {seen:?} waiting, {polled:?} polling, in {mode:?}"
        );
    }
}

#[test]
fn p2_17_a_reader_that_waited_in_a_private_mapping_still_sees_what_is_written() {
    let stage = Stage::new();
    let (_lock, segment) = stage.ring();
    let mut writer = writer(&segment);
    let source = source(&segment, MapMode::PrivateWritable);
    for id in 1..=20 {
        assert_eq!(
            source.wait_newer(id - 1, Duration::from_millis(1)),
            Waited::TimedOut
        );
        publish_and_ring(&mut writer, 1);
        assert_eq!(source.wait_newer(id - 1, Duration::ZERO), Waited::Newer(id));
    }
}

#[test]
fn p2_17_a_private_page_that_was_written_to_does_not_make_a_wait_spin() {
    let stage = Stage::new();
    let (_lock, segment) = stage.ring();
    let source = source(&segment, MapMode::PrivateWritable);
    // SAFETY: the last byte of the first page.
    let last = unsafe { source.memory().meta_ptr().add(4095) };
    // SAFETY: as above; the page is writable.
    unsafe { *last = 1 };
    publish_and_ring(&mut writer(&segment), 1);
    let before = sleeps();
    assert_eq!(source.wait_newer(0, Duration::from_millis(500)), Waited::TimedOut);
    let sleeps = sleeps() - before;
    assert!(
        (1..2000).contains(&sleeps),
        "slept {sleeps} times in half a second"
    );
}

#[test]
fn p2_17_the_end_of_a_ring_wakes() {
    let stage = Stage::new();
    let lock = lock(&stage.base(), "a");
    for mode in MODES {
        let mut segment = Segment::create(&lock, &options()).unwrap();
        let mut writer = writer(&segment);
        let readers = [(); 3].map(|()| {
            let source = source(&segment, mode);
            asleep(move || (source.wait_newer(0, LONG), source.wait_newer(1, LONG)))
        });
        publish_and_ring(&mut writer, 1);
        segment.end();
        let start = Instant::now();
        for reader in readers {
            assert_eq!(
                reader.join().unwrap(),
                (Waited::Newer(1), Waited::Over(Health::Ended))
            );
        }
        assert!(start.elapsed() < LONG);
        assert_eq!(
            vas_frame_protocol::Reader::attach(segment.memory())
                .unwrap()
                .newest_id(),
            1
        );
    }
}

#[test]
fn p2_17_a_new_generation_wakes_the_readers_of_the_former_one() {
    let stage = Stage::new();
    let lock = lock(&stage.base(), "a");
    let former_options = options();
    let former = Segment::create(&lock, &former_options).unwrap();
    let source = source(&former, MapMode::ReadOnly);
    let reader = asleep(move || {
        let waited = source.wait_newer(0, LONG);
        (waited, source.reopen().unwrap())
    });
    let next = Segment::create(&lock, &stage::next_generation(&former_options, 1)).unwrap();
    drop(former);
    let (waited, source) = reader.join().unwrap();
    assert_eq!(waited, Waited::Over(Health::Replaced));
    assert_eq!(source.reader().header().identity().generation, 2);
    drop(next);
    assert_eq!(source.wait_newer(0, LONG), Waited::Over(Health::Ended));
}

#[test]
fn p2_17_files_that_are_cut_short_end_a_wait() {
    let stage = Stage::new();
    let lock = lock(&stage.base(), "a");
    for mode in MODES {
        let segment = Segment::create(&lock, &options()).unwrap();
        let source = source(&segment, mode);
        let reader = asleep(move || source.wait_newer(0, LONG));
        for file in ["frame.meta", "frame.data"] {
            let file = fs::File::options()
                .write(true)
                .open(segment.path().join(file))
                .unwrap();
            file.set_len(0).unwrap();
        }
        assert_eq!(reader.join().unwrap(), Waited::Over(Health::Damaged), "{mode:?}");
    }
}

#[test]
fn p2_17_a_writer_that_dies_ends_a_wait() {
    const TEST: &str = "p2_17_a_writer_that_dies_ends_a_wait";
    if let Some((_, base)) = role() {
        let lock = lock(&base, "a");
        let segment = Segment::create(&lock, &options()).unwrap();
        publish(&mut writer(&segment), 1);
        sleep(LONG);
        return;
    }
    let stage = Stage::new();
    let process = play(TEST, "writer", &stage.base());
    let open = || FrameSource::open(&stage.base(), &camera("a")).ok();
    wait_until("the writer is there", || {
        open().is_some_and(|source| source.reader().newest_id() == 1)
    });
    let source = open().unwrap();
    process.kill();
    assert_eq!(source.wait_newer(1, LONG), Waited::Over(Health::Dead));
}

#[test]
fn p2_17_a_signal_ends_a_wait() {
    extern "C" fn nothing(_: libc::c_int) {}
    // SAFETY: all zeros is an action without flags, SA_RESTART among them.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = (nothing as *const ()).expose_provenance();
    // SAFETY: a handler that does nothing, for a signal that nothing else uses.
    unsafe { libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()) };
    let stage = Stage::new();
    let (_lock, segment) = stage.ring();
    for count in 1..=2 {
        let sources = [(); 2].map(|()| source(&segment, MapMode::ReadOnly));
        let has_ended = Arc::new(AtomicBool::new(false));
        let tell = Arc::clone(&has_ended);
        let reader = thread::spawn(move || {
            let awaited = sources.each_ref().map(|source| Awaited { source, after: 0 });
            let waited = wait_any(&awaited[..count], None, LONG);
            tell.store(true, Ordering::Relaxed);
            waited
        });
        wait_until("the signal is noticed", || {
            use std::os::unix::thread::JoinHandleExt;
            // SAFETY: the thread has not been joined.
            unsafe { libc::pthread_kill(reader.as_pthread_t(), libc::SIGUSR1) };
            has_ended.load(Ordering::Relaxed)
        });
        assert_eq!(reader.join().unwrap(), WaitedAny::Interrupted);
    }
}

#[test]
fn p2_17_one_wait_for_many_sources_tells_which_has_news() {
    let stage = Stage::new();
    let locks = ["a", "b", "c"].map(|id| lock(&stage.base(), id));
    let segments = locks
        .each_ref()
        .map(|lock| Segment::create(lock, &options()).unwrap());
    let mut writers = segments.each_ref().map(writer);
    for mode in MODES {
        for (index, writer) in writers.iter_mut().enumerate() {
            let after = writer.newest_id();
            let sources = segments.each_ref().map(|segment| source(segment, mode));
            let reader = asleep(move || {
                let awaited = sources.each_ref().map(|source| {
                    let after = source.reader().newest_id();
                    Awaited { source, after }
                });
                wait_any(&awaited, None, LONG)
            });
            publish_and_ring(writer, 1);
            assert_eq!(
                reader.join().unwrap(),
                WaitedAny::Ready(index, Waited::Newer(after + 1))
            );
        }
    }
}

#[test]
fn p2_17_an_alarm_ends_a_wait_also_one_that_has_not_begun() {
    let stage = Stage::new();
    let (_lock, segment) = stage.ring();
    let alarm = Arc::new(Alarm::new());
    for count in 0..=1 {
        let source = source(&segment, MapMode::ReadOnly);
        let raised = Arc::clone(&alarm);
        let wait = move || {
            let awaited = [Awaited {
                source: &source,
                after: 0,
            }];
            wait_any(&awaited[..count], Some(&raised), LONG)
        };
        let waiting = asleep(wait);
        alarm.raise();
        assert_eq!(waiting.join().unwrap(), WaitedAny::Raised);
        alarm.raise();
        assert_eq!(wait_any(&[], Some(&alarm), LONG), WaitedAny::Raised);
        assert_eq!(wait_any(&[], Some(&alarm), Duration::ZERO), WaitedAny::TimedOut);
    }
}

#[test]
fn p2_17_more_sources_than_the_kernel_can_wait_for_are_all_served() {
    let stage = Stage::new();
    let (_lock, segment) = stage.ring();
    let other = stage::lock(&stage.base(), "b");
    let last = Segment::create(&other, &options()).unwrap();
    let quiet = source(&segment, MapMode::ReadOnly);
    let source = source(&last, MapMode::ReadOnly);
    let reader = asleep(move || {
        let mut awaited = vec![
            Awaited {
                source: &quiet,
                after: 0
            };
            200
        ];
        awaited.push(Awaited {
            source: &source,
            after: 0,
        });
        wait_any(&awaited, Some(&Alarm::new()), LONG)
    });
    publish_and_ring(&mut writer(&last), 1);
    assert_eq!(reader.join().unwrap(), WaitedAny::Ready(200, Waited::Newer(1)));
}

/// Readers in processes of their own, one of which is stopped or killed while frames come: the others get all frames.
#[test]
fn p2_5_readers_that_are_stopped_or_killed_while_they_wait_keep_the_others_from_nothing() {
    const TEST: &str = "p2_5_readers_that_are_stopped_or_killed_while_they_wait_keep_the_others_from_nothing";
    const LAST: u64 = 60;
    if let Some((name, base)) = role() {
        let source = FrameSource::open(&base, &camera("a")).unwrap();
        fs::write(base.join(&name), "").unwrap();
        let (mut after, mut count) = (0, 0);
        while after < LAST {
            let Waited::Newer(newest) = source.wait_newer(after, LONG) else {
                std::process::exit(1)
            };
            (after, count) = (newest, count + 1);
        }
        fs::write(base.join(&name), format!("{count}")).unwrap();
        return;
    }
    let stage = Stage::new();
    let (_lock, segment) = stage.ring();
    let mut writer = writer(&segment);
    let read = |base: &Path, index: usize| fs::read_to_string(base.join(format!("reader-{index}")));
    let mut readers: Vec<_> = (0..6)
        .map(|index| play(TEST, &format!("reader-{index}"), &stage.base()))
        .collect();
    wait_until("all wait", || {
        (0..6).all(|index| read(&stage.base(), index).is_ok())
    });
    for id in 1..=LAST {
        publish_and_ring(&mut writer, 1);
        match id {
            10 => readers[0].signal(Signal::STOP),
            20 => readers.remove(1).kill(),
            30 => readers.remove(1).kill(),
            _ => {}
        }
        sleep(Duration::from_millis(20));
    }
    let stopped = readers.remove(0);
    for reader in readers {
        assert!(reader.wait().success());
    }
    for index in 3..6 {
        let count: u64 = read(&stage.base(), index).unwrap().parse().unwrap();
        assert!(
            count >= LAST * 8 / 10,
            "reader {index} was told of {count} of {LAST} frames"
        );
    }
    stopped.signal(Signal::CONT);
    assert!(stopped.wait().success(), "a reader that goes on finds the newest");
}

#[test]
fn p2_17_rings_that_are_over_do_not_end_a_wait_for_a_frame_and_do_not_make_it_spin() {
    let stage = Stage::new();
    let locks = ["a", "b"].map(|id| lock(&stage.base(), id));
    let mut segments = locks
        .each_ref()
        .map(|lock| Segment::create(lock, &options()).unwrap());
    let sources = segments
        .each_ref()
        .map(|segment| source(segment, MapMode::ReadOnly));
    segments[0].end();
    let both = sources.each_ref().map(|source| Awaited { source, after: 0 });
    let before = sleeps();
    for awaited in [&both[..], &both[..1]] {
        let waited = wait_for_frames(awaited, None, Duration::from_millis(100));
        assert_eq!(waited, WaitedAny::TimedOut);
    }
    assert!(sleeps() - before < 200);
    publish(&mut writer(&segments[1]), 1);
    let waited = wait_for_frames(&both, None, LONG);
    assert_eq!(waited, WaitedAny::Ready(0, Waited::Newer(1)));
}
