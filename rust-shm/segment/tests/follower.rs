//! Following a camera: what a reader gets when the ring that it reads comes to its end.

mod stage;

use std::sync::Arc;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use stage::{Stage, lock, next_generation, options, publish, wait_until, writer};
use vas_frame_protocol::{Miss, State, set_state};
use vas_frame_segment::writer::Segment;
use vas_frame_segment::{Awaited, Follower, FrameSource, SourceOptions, Waited, WaitedAny, wait_for_frames};

/// Longer than a follower waits before it asks the path again.
const A_WHILE: Duration = Duration::from_millis(150);

#[test]
fn p2_7_goes_on_with_the_next_generation_and_counts_what_was_missed_across_it() {
    let stage = Stage::new();
    let lock = lock(&stage.base(), "a");
    let first = options();
    let segment = Segment::create(&lock, &first).unwrap();
    let mut follower = Follower::open(segment.path(), SourceOptions::default()).unwrap();
    let mut picture = vec![0; 1 << 16];
    let mut frames = writer(&segment);
    publish(&mut frames, 1);
    assert_eq!(follower.copy_next(&mut picture).unwrap().record.frame_id, 1);
    for byte in 2..=5 {
        publish(&mut frames, byte);
    }
    let segment = Segment::create(&lock, &next_generation(&first, 6)).unwrap();
    publish(&mut writer(&segment), 6);

    // The former ring is read to its end first, however long ago it was replaced.
    sleep(A_WHILE);
    assert!(follower.catch_up().unwrap());
    let taken = follower.copy_newest(&mut picture).unwrap();
    assert_eq!((taken.record.frame_id, taken.missed), (5, 3));
    assert_eq!(follower.copy_next(&mut picture), Err(Miss::NothingNewer));
    assert!(follower.catch_up().unwrap());
    let taken = follower.copy_next(&mut picture).unwrap();
    assert_eq!((taken.record.frame_id, taken.missed), (6, 0));
    assert_eq!(taken.record.geometry.height(), 96);
}

#[test]
fn p2_7_begins_again_with_another_start_of_the_host_and_stays_where_it_is_until_then() {
    let stage = Stage::new();
    let camera = lock(&stage.base(), "a");
    let segment = Segment::create(&camera, &options()).unwrap();
    let path = segment.path().to_owned();
    let mut follower = Follower::open(&path, SourceOptions::default()).unwrap();
    let opened = Arc::clone(follower.source());
    let mut picture = vec![0; 1 << 16];
    let mut frames = writer(&segment);
    (1..=7).for_each(|byte| _ = publish(&mut frames, byte));
    assert_eq!(follower.copy_newest(&mut picture).unwrap().record.frame_id, 7);

    sleep(A_WHILE);
    assert!(!follower.catch_up().unwrap());
    assert!(
        Arc::ptr_eq(&opened, follower.source()),
        "a live ring is not opened again"
    );

    set_state(segment.memory(), State::Ended);
    drop((segment, camera));
    sleep(A_WHILE);
    assert_eq!(follower.catch_up().unwrap_err().code(), "SOURCE_NOT_FOUND");
    assert_eq!(follower.last_frame_id(), 7);

    let camera = lock(&stage.base(), "a");
    let segment = Segment::create(&camera, &options()).unwrap();
    publish(&mut writer(&segment), 1);
    wait_until("the new ring is found", || {
        follower.catch_up().is_ok_and(|is_newer| is_newer)
    });
    assert_eq!(follower.last_frame_id(), 0);
    assert_eq!(follower.copy_next(&mut picture).unwrap().record.frame_id, 1);
}

#[test]
fn p2_17_a_wait_ends_with_the_frame_or_with_its_time_and_a_ring_that_is_over_does_not_end_it() {
    let stage = Stage::new();
    let (a, b) = (lock(&stage.base(), "a"), lock(&stage.base(), "b"));
    let (over, live) = (
        Segment::create(&a, &options()).unwrap(),
        Segment::create(&b, &options()).unwrap(),
    );
    let open = |segment: &Segment| FrameSource::open_dir(segment.path(), SourceOptions::default()).unwrap();
    let (of_over, of_live) = (open(&over), open(&live));
    set_state(over.memory(), State::Ended);
    let awaited = [&of_over, &of_live].map(|source| Awaited { source, after: 0 });
    for awaited in [&awaited[..], &awaited[..1], &[]] {
        let began = Instant::now();
        assert_eq!(
            wait_for_frames(awaited, None, Duration::from_millis(30)),
            WaitedAny::TimedOut
        );
        assert!(began.elapsed() >= Duration::from_millis(30));
    }
    let mut frames = writer(&live);
    scope(|threads| {
        let waiting = threads.spawn(|| wait_for_frames(&awaited, None, Duration::from_secs(60)));
        sleep(Duration::from_millis(20));
        publish(&mut frames, 1);
        assert_eq!(waiting.join().unwrap(), WaitedAny::Ready(0, Waited::Newer(1)));
    });
}
