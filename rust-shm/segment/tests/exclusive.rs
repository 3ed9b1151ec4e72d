//! One writer per camera, and what becomes of those that died.

mod stage;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::mount::{MountFlags, mount_bind, mount_remount};
use rustix::process::Signal;
use stage::{Stage, camera, lock, much_later, names, options, play, role, start_writer, write_until_killed};
use vas_frame_protocol::State;
use vas_frame_segment::writer::{CameraLock, LockError, Segment, sweep};
use vas_frame_segment::{FrameSource, Health};

fn code(base: &Path) -> &'static str {
    CameraLock::acquire(base, &camera("a")).unwrap_err().code()
}

#[test]
fn p2_2_refuses_a_second_writer_in_the_same_process() {
    let stage = Stage::new();
    let first = lock(&stage.base(), "a");
    assert_eq!(code(&stage.base()), "ALREADY_EXPORTED");
    let segment = Segment::create(&first, &options()).unwrap();
    let error = CameraLock::acquire(&stage.base(), &camera("a")).unwrap_err();
    assert!(
        error.to_string().contains("camera a is exported already"),
        "{error}"
    );
    let refusals = (0..20).map(|_| {
        let asked = Instant::now();
        assert_eq!(code(&stage.base()), "ALREADY_EXPORTED");
        asked.elapsed()
    });
    let fastest = refusals.min().unwrap();
    assert!(
        fastest < Duration::from_millis(200),
        "a writer with a ring is not waited for, {fastest:?}"
    );
    let _another_camera = lock(&stage.base(), "b");

    // The segment keeps the lock that it was made under.
    drop(first);
    assert_eq!(code(&stage.base()), "ALREADY_EXPORTED");
    drop(segment);
    lock(&stage.base(), "a");
}

#[test]
fn p2_2_refuses_a_second_writer_in_another_process() {
    const TEST: &str = "p2_2_refuses_a_second_writer_in_another_process";
    if let Some((_, base)) = role() {
        write_until_killed(&base);
    }
    let stage = Stage::new();
    let (process, source) = start_writer(TEST, &stage.base());
    assert_eq!(code(&stage.base()), "ALREADY_EXPORTED");
    // Nor does it help to remove the lock file: the ring itself is locked as well.
    fs::remove_file(stage.base().join(".a.lock")).unwrap();
    assert_eq!(code(&stage.base()), "ALREADY_EXPORTED");
    assert_eq!(sweep(&stage.base()).unwrap(), 0);
    assert!(source.is_current());
    assert_eq!(source.reader().state(), Some(State::Live));
    process.kill();
}

#[test]
fn p2_6_a_killed_writer_is_dead_to_readers_and_its_leftovers_stop_nobody() {
    const TEST: &str = "p2_6_a_killed_writer_is_dead_to_readers_and_its_leftovers_stop_nobody";
    if let Some((_, base)) = role() {
        write_until_killed(&base);
    }
    let stage = Stage::new();
    let (process, attached) = start_writer(TEST, &stage.base());

    process.signal(Signal::STOP);
    assert_eq!(attached.health_report_at(much_later()).health, Health::Hung);
    process.signal(Signal::CONT);
    process.kill();
    assert_eq!(names(&stage.base()), [".a.lock", "a"]);
    assert_eq!(attached.health_report_at(much_later()).health, Health::Dead);
    let before = stage::newest(&attached);

    let (lock, segment) = stage.ring();
    assert_eq!(names(&stage.base()), [".a.lock", "a"]);
    assert_eq!(
        attached.health(),
        Health::Replaced,
        "a crash is not the end of the camera"
    );
    assert_eq!(stage::newest(&attached), before);
    assert!(!attached.is_current());
    let reopened = attached.reopen().unwrap();
    let epoch = |source: &FrameSource| source.reader().header().identity().epoch;
    assert_ne!(epoch(&attached), epoch(&reopened));
    drop((lock, segment));
    assert_eq!(names(&stage.base()), [""; 0]);
}

#[test]
fn p2_6_a_reader_in_a_container_tells_live_from_hung_from_dead() {
    const TEST: &str = "p2_6_a_reader_in_a_container_tells_live_from_hung_from_dead";
    match role() {
        Some((role, base)) if role == "writer" => write_until_killed(&base),
        Some((health, base)) => {
            // Processes of its own, and the base folder where it cannot write.
            assert_eq!(std::process::id(), 1);
            mount_bind(&base, &base).unwrap();
            mount_remount(&base, MountFlags::RDONLY | MountFlags::BIND, c"").unwrap();
            fs::write(base.join("file"), "").unwrap_err();
            let source = FrameSource::open(&base, &camera("a")).unwrap();
            let time = if health == "Live" { 0 } else { much_later() };
            assert_eq!(format!("{:?}", source.health_report_at(time).health), health);
            return;
        }
        None => {}
    }
    let stage = Stage::new();
    let (process, _) = start_writer(TEST, &stage.base());
    stage::play_in_namespace(TEST, "Live", &stage.base());
    process.signal(Signal::STOP);
    stage::play_in_namespace(TEST, "Hung", &stage.base());
    process.kill();
    stage::play_in_namespace(TEST, "Dead", &stage.base());
}

#[test]
fn p2_6_a_sweep_removes_what_the_dead_left_and_nothing_else() {
    const TEST: &str = "p2_6_a_sweep_removes_what_the_dead_left_and_nothing_else";
    if let Some((_, base)) = role() {
        write_until_killed(&base);
    }
    let stage = Stage::new();
    let base = stage.base();
    assert_eq!(sweep(&base).unwrap(), 0);
    assert!(!base.exists(), "a sweep creates nothing");

    let (process, attached) = start_writer(TEST, &base);
    process.kill();
    let living = lock(&base, "living");
    let _segment = Segment::create(&living, &options()).unwrap();
    let only_locked = lock(&base, "only-locked");
    fs::create_dir(base.join(".half.new")).unwrap();
    fs::write(base.join(".half.new/frame.meta"), "").unwrap();
    fs::create_dir(base.join(".a.b.new")).unwrap();
    fs::write(base.join(".unlocked.lock"), "").unwrap();
    fs::create_dir(base.join("empty")).unwrap();
    for theirs in ["their folder", "theirs", ".theirs.new", ".hidden"] {
        fs::create_dir(base.join(theirs)).unwrap();
        fs::write(base.join(theirs).join("file"), "").unwrap();
    }
    fs::write(base.join("a-file"), "").unwrap();

    assert_eq!(sweep(&base).unwrap(), 5);
    let left = [
        ".hidden",
        ".living.lock",
        ".only-locked.lock",
        ".theirs.new",
        "a-file",
        "living",
        "their folder",
        "theirs",
    ];
    assert_eq!(names(&base), left);
    // Nobody closed the camera and nothing took its place: it is dead, at once, and then absent.
    assert_eq!(attached.reader().state(), Some(State::Live));
    assert_eq!(attached.health(), Health::Dead);
    assert_eq!(attached.reopen().unwrap_err().code(), "SOURCE_NOT_FOUND");
    assert_eq!(sweep(&base).unwrap(), 0);
    drop(only_locked);
}

#[test]
fn p2_6_leftovers_that_are_no_rings_are_removed_without_harm() {
    let stage = Stage::new();
    let path = stage.base().join("a");
    let live_without_magic = [vec![0; 256], vec![1, 0, 0, 0], vec![0; 4000]].concat();
    for meta in [
        vec![],
        vec![0; 300],
        vec![0xff; 4096],
        b"VASFRAME".to_vec(),
        live_without_magic,
    ] {
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("frame.meta"), &meta).unwrap();
        // A reader that still has it open sees what becomes of it.
        let kept = stage.path.join("kept");
        fs::hard_link(path.join("frame.meta"), &kept).unwrap();
        assert_eq!(sweep(&stage.base()).unwrap(), 1);
        assert_eq!(names(&stage.base()), [""; 0]);
        assert_eq!(fs::read(&kept).unwrap(), meta);
        fs::remove_file(kept).unwrap();
    }
}

#[test]
fn p2_6_a_sweep_of_an_instant_does_not_keep_a_writer_from_its_camera() {
    let stage = Stage::new();
    let base = stage.base();
    let opened = std::thread::scope(|scope| {
        let opening = scope.spawn(|| {
            for _ in 0..1000 {
                let lock = CameraLock::acquire(&base, &camera("a"))?;
                let segment = Segment::create(&lock, &options()).unwrap();
                assert!(FrameSource::open(&base, &camera("a")).unwrap().is_current());
                drop((lock, segment));
            }
            Ok::<_, LockError>(())
        });
        while !opening.is_finished() {
            sweep(&base).unwrap();
        }
        opening.join().unwrap()
    });
    opened.unwrap();
    assert_eq!(names(&base), [""; 0]);
}

#[test]
fn p2_2_of_many_processes_that_open_and_close_at_once_one_at_a_time_has_the_camera() {
    const TEST: &str = "p2_2_of_many_processes_that_open_and_close_at_once_one_at_a_time_has_the_camera";
    let Some((_, path)) = role() else {
        let stage = Stage::new();
        fs::create_dir(stage.base()).unwrap();
        let processes: Vec<_> = (0..4).map(|_| play(TEST, "one of many", &stage.path)).collect();
        for process in processes {
            assert!(process.wait().success(), "see above");
        }
        assert_eq!(names(&stage.base()), [""; 0]);
        assert_eq!(names(&stage.path), ["base"]);
        return;
    };
    let base = path.join("base");
    let mut opened = 0;
    let started = Instant::now();
    while opened < 50 {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "opened {opened} times in a minute"
        );
        sweep(&base).unwrap();
        match CameraLock::acquire(&base, &camera("a")) {
            Ok(lock) => {
                // Whoever else had it now would find this folder.
                fs::create_dir(path.join("mine")).unwrap();
                let segment = Segment::create(&lock, &options()).unwrap();
                assert!(
                    FrameSource::open(&base, &camera("a"))
                        .unwrap()
                        .writer_holds_lock()
                );
                opened += 1;
                fs::remove_dir(path.join("mine")).unwrap();
                drop((segment, lock));
            }
            Err(error) => assert_eq!(error.code(), "ALREADY_EXPORTED", "{error}"),
        }
    }
}
