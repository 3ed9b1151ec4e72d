//! What happens on kernels that lack a call, or where a container's policy forbids it: a filter refuses the call in
//! one thread of the test, with the error of an old kernel or that of a policy.

mod stage;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::thread;
use std::time::Duration;

use libc::{EINVAL, ENOSYS, EPERM};
use rustix::process::Signal;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use stage::{
    Stage, camera, lock, much_later, names, options, publish, role, start_writer, write_until_killed, writer,
};
use vas_frame_segment::writer::{
    CameraLock, CreateError, LockError, Reserve, Segment, SegmentOptions, sweep,
};
use vas_frame_segment::{Awaited, FrameSource, Health, MapMode, SourceOptions, Waited, WaitedAny, wait_any};

const OFD_LOCK_QUERY: (i64, u32, i32) = (libc::SYS_fcntl, 1, libc::F_OFD_GETLK);
const OFD_LOCK: (i64, u32, i32) = (libc::SYS_fcntl, 1, libc::F_OFD_SETLK);
const POPULATE_READ: (i64, u32, i32) = (libc::SYS_madvise, 2, libc::MADV_POPULATE_READ);
const POPULATE_WRITE: (i64, u32, i32) = (libc::SYS_madvise, 2, libc::MADV_POPULATE_WRITE);

/// Runs `action` in a thread where one command of a system call, or every call of it, fails with `errno`.
fn without<T: Send>(
    call: i64,
    command: Option<(u32, i32)>,
    errno: i32,
    action: impl FnOnce() -> T + Send,
) -> T {
    let rules = command.map(|(argument, value)| {
        let value = u64::from(value.unsigned_abs());
        let is_command = SeccompCondition::new(
            argument.try_into().unwrap(),
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::Eq,
            value,
        );
        SeccompRule::new(vec![is_command.unwrap()]).unwrap()
    });
    let filter = SeccompFilter::new(
        [(call, rules.into_iter().collect())].into(),
        SeccompAction::Allow,
        SeccompAction::Errno(errno.unsigned_abs()),
        std::env::consts::ARCH.try_into().unwrap(),
    );
    let program: BpfProgram = filter.unwrap().try_into().unwrap();
    thread::scope(|threads| {
        let thread = threads.spawn(|| {
            seccompiler::apply_filter(&program).unwrap();
            action()
        });
        thread.join().unwrap()
    })
}

/// As [`without`], for a command of a call.
fn without_command<T: Send>(
    (call, argument, command): (i64, u32, i32),
    errno: i32,
    action: impl FnOnce() -> T + Send,
) -> T {
    without(call, Some((argument, command)), errno, action)
}

#[test]
fn p2_6_a_writer_whose_lock_cannot_be_asked_for_is_not_called_dead() {
    const TEST: &str = "p2_6_a_writer_whose_lock_cannot_be_asked_for_is_not_called_dead";
    if let Some((_, base)) = role() {
        write_until_killed(&base);
    }
    let stage = Stage::new();
    let (process, source) = start_writer(TEST, &stage.base());
    process.signal(Signal::STOP);
    for errno in [EINVAL, ENOSYS, EPERM] {
        without_command(OFD_LOCK_QUERY, errno, || {
            assert_eq!(
                source.health_report_at(much_later()).health,
                Health::Hung,
                "{errno}"
            );
        });
    }
    // The wait asks at times of its own: the heartbeat is old after two seconds.
    thread::sleep(Duration::from_millis(2100));
    without_command(OFD_LOCK_QUERY, EINVAL, || {
        assert_eq!(
            source.wait_newer(u64::MAX - 1, Duration::from_millis(300)),
            Waited::TimedOut
        );
    });
    process.kill();
    assert_eq!(source.health(), Health::Dead);
}

#[test]
fn p2_2_a_writer_that_lost_its_lock_file_is_seen_without_the_lock_query() {
    const TEST: &str = "p2_2_a_writer_that_lost_its_lock_file_is_seen_without_the_lock_query";
    if let Some((_, base)) = role() {
        write_until_killed(&base);
    }
    let stage = Stage::new();
    let base = stage.base();
    let (process, source) = start_writer(TEST, &base);
    fs::remove_file(base.join(".a.lock")).unwrap();
    without_command(OFD_LOCK_QUERY, EINVAL, || {
        let refused = CameraLock::acquire(&base, &camera("a"));
        assert!(
            matches!(refused, Err(LockError::AlreadyExported { .. })),
            "{refused:?}"
        );
        assert_eq!(sweep(&base).unwrap(), 0);
    });
    assert!(source.is_current() && source.health() == Health::Live);
    process.kill();
    without_command(OFD_LOCK_QUERY, EINVAL, || {
        let lock = CameraLock::acquire(&base, &camera("a")).unwrap();
        assert_eq!(
            names(&base),
            [".a.lock"],
            "what a crash left is removed there too"
        );
        Segment::create(&lock, &options()).unwrap();
    });
}

#[test]
fn p2_8_a_kernel_without_these_locks_is_an_error_that_names_them_and_leaves_nothing() {
    let stage = Stage::new();
    let lock = lock(&stage.base(), "a");
    let refused = without_command(OFD_LOCK, EINVAL, || Segment::create(&lock, &options()).err());
    let refused = refused.unwrap();
    assert_eq!(refused.code(), "IO");
    assert!(refused.to_string().contains("lock the ring of"), "{refused}");
    assert_eq!(names(&stage.base()), [".a.lock"]);
}

#[test]
fn p2_8_a_kernel_that_cannot_exchange_folders_is_an_error_and_leaves_the_former_ring() {
    let stage = Stage::new();
    let lock = lock(&stage.base(), "a");
    let create = |errno| {
        let create = || Segment::create(&lock, &options()).err();
        without(libc::SYS_renameat2, None, errno, create)
    };
    for errno in [ENOSYS, EPERM] {
        let refused: CreateError = create(errno).unwrap();
        assert!(refused.to_string().contains("rename a folder to"), "{refused}");
        assert_eq!(names(&stage.base()), [".a.lock"]);
    }
    let former = Segment::create(&lock, &options()).unwrap();
    create(EINVAL).unwrap();
    assert_eq!(names(&stage.base()), [".a.lock", "a"]);
    let source = FrameSource::open(&stage.base(), &camera("a")).unwrap();
    assert_eq!(source.health(), Health::Idle);
    drop(former);
}

#[test]
fn p2_3_pages_are_touched_one_by_one_where_they_cannot_be_populated() {
    let stage = Stage::new();
    let lock = lock(&stage.base(), "a");
    without_command(POPULATE_WRITE, EINVAL, || {
        without_command(POPULATE_READ, EINVAL, || {
            let segment = Segment::create(&lock, &options()).unwrap();
            let mut writer = writer(&segment);
            assert_eq!(publish(&mut writer, 7), 1);
            for map_mode in [MapMode::ReadOnly, MapMode::PrivateWritable] {
                let options = SourceOptions {
                    map_mode,
                    populate: true,
                    ..SourceOptions::default()
                };
                let source = FrameSource::open_dir(segment.path(), options).unwrap();
                let (id, picture) = stage::newest(&source);
                assert_eq!((id, picture[0]), (1, 7));
            }
        });
    });
}

#[test]
fn p2_8_memory_is_reserved_by_the_call_where_it_cannot_be_reserved_later() {
    let stage = Stage::new();
    let lock = lock(&stage.base(), "a");
    let large = SegmentOptions {
        shape: stage::shape(640, 480, 4),
        ..options()
    };
    let reserved = || {
        let prepared = Segment::prepare(&lock, &large, Reserve::Later).unwrap();
        let data = fs::metadata(stage.base().join(".a.new/frame.data")).unwrap();
        (data.blocks() * 512, prepared.place(1).unwrap())
    };
    let all = large.shape.data_bytes() as u64;
    for errno in [EINVAL, EPERM] {
        let (bytes, segment) = without_command(POPULATE_WRITE, errno, reserved);
        assert!(bytes >= all, "{bytes} of {all}");
        publish(&mut writer(&segment), 1);
    }
    assert!(reserved().0 < all / 2);
}

#[test]
fn p2_17_many_sources_are_waited_for_without_a_busy_loop_where_one_call_cannot() {
    let stage = Stage::new();
    let locks = ["a", "b"].map(|id| lock(&stage.base(), id));
    let segments = locks
        .each_ref()
        .map(|lock| Segment::create(lock, &options()).unwrap());
    let mut writer = writer(&segments[1]);
    let sources = segments.each_ref().map(|segment| {
        let options = SourceOptions {
            populate: false,
            ..SourceOptions::default()
        };
        FrameSource::open_dir(segment.path(), options).unwrap()
    });
    for errno in [ENOSYS, EPERM] {
        let after = writer.newest_id();
        let awaited =
            [(&sources[0], 0), (&sources[1], after)].map(|(source, after)| Awaited { source, after });
        without(libc::SYS_futex_waitv, None, errno, || {
            let before = cpu_time();
            assert_eq!(
                wait_any(&awaited, None, Duration::from_secs(1)),
                WaitedAny::TimedOut
            );
            let used = cpu_time().checked_sub(before).unwrap();
            assert!(used < Duration::from_millis(200), "{used:?} of one second");
        });
        let waited = thread::scope(|threads| {
            let reader = threads.spawn(|| {
                without(libc::SYS_futex_waitv, None, errno, || {
                    wait_any(&awaited, None, Duration::from_secs(60))
                })
            });
            publish(&mut writer, 1);
            reader.join().unwrap()
        });
        assert_eq!(waited, WaitedAny::Ready(1, Waited::Newer(after + 1)));
    }
}

/// The processor time of this thread.
fn cpu_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.try_into().unwrap(), now.tv_nsec.try_into().unwrap())
}
