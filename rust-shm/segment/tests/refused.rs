//! Shared memory that cannot be had, on real file systems: each is an error that says what to do, and leaves
//! nothing behind.

mod stage;

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use rustix::mount::{MountFlags, mount_bind, mount_remount};
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};
use stage::{
    ControlGroup, Stage, camera, lock, mount_tmpfs, names, next_generation, options, play, play_in_namespace,
    publish,
};
use stage::{role, shape, was_killed, writer};
use vas_frame_protocol::State;
use vas_frame_segment::FrameSource;
use vas_frame_segment::writer::{CameraLock, CreateError, Segment, SegmentOptions, sweep};

/// The code and the text of the refusal.
fn refusal(base: &Path) -> (&'static str, String) {
    let error = CameraLock::acquire(base, &camera("a")).unwrap_err();
    (error.code(), error.to_string())
}

#[test]
fn p2_8_says_which_folder_is_missing() {
    let stage = Stage::new();
    let (code, text) = refusal(&stage.path.join("missing/base"));
    assert_eq!(code, "BASE_DIR_MISSING");
    assert!(text.contains("missing/base"), "{text}");
    fs::write(stage.path.join("file"), "").unwrap();
    assert_eq!(refusal(&stage.path.join("file/base")).0, "BASE_DIR_MISSING");
}

#[test]
fn p2_8_refuses_a_base_folder_that_is_a_file() {
    let stage = Stage::new();
    fs::write(stage.base(), "theirs").unwrap();
    assert_eq!(refusal(&stage.base()).0, "BASE_DIR_NOT_A_DIRECTORY");
    assert_eq!(fs::read(stage.base()).unwrap(), b"theirs");
}

#[test]
fn p2_8_refuses_a_base_folder_that_is_not_in_shared_memory_and_makes_none_there() {
    // Next to the test itself, which is on a disk.
    let on_disk = std::env::current_exe()
        .unwrap()
        .parent()
        .unwrap()
        .join("vas-test-base");
    fs::remove_dir(&on_disk).ok();
    let (code, text) = refusal(&on_disk);
    assert_eq!(code, "BASE_DIR_NOT_TMPFS", "{text}");
    assert!(
        text.contains("/dev/shm") && text.contains("vas-test-base"),
        "{text}"
    );
    assert!(!on_disk.exists(), "not even made");
    fs::create_dir(&on_disk).unwrap();
    let swept = sweep(&on_disk).map_err(|error| error.code());
    let (code, _) = refusal(&on_disk);
    fs::remove_dir(&on_disk).unwrap();
    assert_eq!((code, swept), ("BASE_DIR_NOT_TMPFS", Err("BASE_DIR_NOT_TMPFS")));
}

#[test]
fn p2_9_refuses_a_base_folder_that_depends_on_the_working_directory() {
    for path in ["", ".", "vas", "dev/shm/vas"] {
        let (code, text) = refusal(Path::new(path));
        assert_eq!(code, "BAD_OPTION", "{path:?}: {text}");
        assert!(text.contains("absolute"), "{text}");
        assert_eq!(
            sweep(Path::new(path)).unwrap_err().code(),
            "BAD_OPTION",
            "{path:?}"
        );
    }
}

#[test]
fn p2_9_refuses_a_base_folder_that_is_a_symbolic_link() {
    let stage = Stage::new();
    fs::create_dir(stage.path.join("elsewhere")).unwrap();
    for target in ["elsewhere", "nowhere", "base"] {
        symlink(stage.path.join(target), stage.base()).unwrap();
        assert_eq!(refusal(&stage.base()).0, "BASE_DIR_SYMLINK", "{target}");
        // A slash at the end would follow it.
        assert_eq!(refusal(&stage.base().join("")).0, "BASE_DIR_SYMLINK", "{target}");
        fs::remove_file(stage.base()).unwrap();
    }
    assert_eq!(names(&stage.path), ["elsewhere"]);
}

#[test]
fn p2_8_refuses_a_base_folder_in_which_others_could_replace_what_is_ours() {
    for (mode, code) in [
        (0o777, Err("BASE_DIR_UNSAFE")),
        (0o757, Err("BASE_DIR_UNSAFE")),
        (0o1777, Ok(())),
    ] {
        let stage = Stage::new();
        fs::create_dir(stage.base()).unwrap();
        fs::set_permissions(stage.base(), PermissionsExt::from_mode(mode)).unwrap();
        let acquired = CameraLock::acquire(&stage.base(), &camera("a"));
        assert_eq!(acquired.map(drop).map_err(|error| error.code()), code, "{mode:o}");
    }
}

#[test]
fn p2_8_refuses_what_belongs_to_another_user() {
    const TEST: &str = "p2_8_refuses_what_belongs_to_another_user";
    let Some((_, path)) = role() else {
        play_in_namespace(TEST, "in its namespace", &Stage::new().path);
        return;
    };
    // Root gives folders away. A user who is root in this namespace only sees those of the real root as foreign.
    let make_foreign = |dir: &Path| {
        fs::create_dir_all(dir).unwrap();
        if chown(dir, Some(12345), Some(12345)).is_err() {
            mount_bind("/usr", dir).unwrap();
        }
    };
    let base = path.join("base");
    make_foreign(&base);
    let (code, text) = refusal(&base);
    assert_eq!(code, "BASE_DIR_NOT_OURS", "{text}");

    let base = path.join("another");
    make_foreign(&base.join("a"));
    let lock = lock(&base, "a");
    assert_eq!(
        Segment::create(&lock, &options()).unwrap_err().code(),
        "CAMERA_PATH_OCCUPIED"
    );
    assert!(base.join("a").is_dir());
}

#[test]
fn p2_8_says_that_permission_is_denied() {
    let stage = Stage::new();
    fs::create_dir(stage.base()).unwrap();
    fs::set_permissions(stage.base(), PermissionsExt::from_mode(0o500)).unwrap();
    // A thread of its own gives up what lets root pass every check.
    let refused = std::thread::spawn({
        let base = stage.base();
        move || {
            let passes = CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
            let CapabilitySets {
                effective,
                permitted,
                inheritable,
            } = capabilities(None).unwrap();
            let sets = CapabilitySets {
                effective: effective - passes,
                permitted,
                inheritable,
            };
            set_capabilities(None, sets).unwrap();
            refusal(&base)
        }
    });
    let (code, text) = refused.join().unwrap();
    assert_eq!(code, "PERMISSION_DENIED");
    assert!(
        text.contains("base/.a.lock") && text.contains("run as a user who may"),
        "{text}"
    );
}

#[test]
fn p2_8_says_that_the_file_system_is_read_only() {
    const TEST: &str = "p2_8_says_that_the_file_system_is_read_only";
    let Some((_, path)) = role() else {
        play_in_namespace(TEST, "in its namespace", &Stage::new().path);
        return;
    };
    let mounted = path.join("mounted");
    mount_tmpfs(&mounted, c"size=1m,mode=755");
    fs::create_dir(mounted.join("base")).unwrap();
    mount_remount(&mounted, MountFlags::RDONLY | MountFlags::BIND, c"").unwrap();
    for base in ["base", "new"] {
        let (code, text) = refusal(&mounted.join(base));
        assert_eq!(code, "PERMISSION_DENIED", "{text}");
        assert!(text.contains("mount it writable"), "{text}");
    }
}

#[test]
fn p2_8_refuses_when_the_tmpfs_is_full_and_says_what_is_needed() {
    const TEST: &str = "p2_8_refuses_when_the_tmpfs_is_full_and_says_what_is_needed";
    let Some((_, base)) = role() else {
        play_in_namespace(TEST, "in its namespace", &Stage::new().base());
        return;
    };
    mount_tmpfs(&base, c"size=4m,mode=755");
    let lock = lock(&base, "a");
    let fits = SegmentOptions {
        shape: shape(640, 480, 4),
        ..options()
    };
    let too_large = SegmentOptions {
        shape: shape(1280, 720, 4),
        ..next_generation(&fits, 2)
    };

    let error = Segment::create(&lock, &too_large).unwrap_err();
    assert_eq!(error.code(), "NO_SPACE");
    let text = error.to_string();
    let CreateError::NoSpace { needed, free, .. } = error else {
        unreachable!("{text}")
    };
    assert_eq!(
        needed,
        (too_large.shape.meta_bytes() + too_large.shape.data_bytes()) as u64
    );
    assert_eq!(free, 4 << 20, "what the attempt had reserved is free again");
    for part in [
        &needed.to_string(),
        &free.to_string(),
        "--shm-size",
        "camera a",
        base.to_str().unwrap(),
    ] {
        assert!(text.contains(part), "{part} in: {text}");
    }
    assert_eq!(names(&base), [".a.lock"]);

    // Every page of what fits is there: writing all of it is no SIGBUS.
    let segment = Segment::create(&lock, &fits).unwrap();
    let mut writer = writer(&segment);
    for byte in 1..=8 {
        publish(&mut writer, byte);
    }
    // A change of geometry that does not fit leaves the former generation as it was.
    assert_eq!(Segment::create(&lock, &too_large).unwrap_err().code(), "NO_SPACE");
    let source = FrameSource::open(&base, &camera("a")).unwrap();
    assert_eq!(source.reader().state(), Some(State::Live));
    assert_eq!(stage::newest(&source).0, 8);
    assert_eq!(names(&base), [".a.lock", "a"]);
    // The rest of the tmpfs is filled beside it: still no SIGBUS.
    fs::write(base.join("filler"), vec![0; 8 << 20]).unwrap_err();
    for byte in 9..=16 {
        publish(&mut writer, byte);
    }
    assert_eq!(stage::newest(&source).0, 16);
}

#[test]
fn p2_8_says_how_much_memory_rings_that_are_gone_still_take() {
    const TEST: &str = "p2_8_says_how_much_memory_rings_that_are_gone_still_take";
    let Some((_, base)) = role() else {
        play_in_namespace(TEST, "in its namespace", &Stage::new().base());
        return;
    };
    mount_tmpfs(&base, c"size=4m,mode=755");
    let large = SegmentOptions {
        shape: shape(640, 480, 4),
        ..options()
    };
    let mut stale = Vec::new();
    let refused = loop {
        let lock = lock(&base, "a");
        match Segment::create(&lock, &large) {
            // The source of a reader that never opens again.
            Ok(_segment) => stale.push(FrameSource::open(&base, &camera("a")).unwrap()),
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused.code(), "NO_SPACE");
    let text = refused.to_string();
    let CreateError::NoSpace { pinned, .. } = refused else {
        unreachable!("{text}")
    };
    let of_a_ring = (large.shape.meta_bytes() + large.shape.data_bytes()) as u64;
    assert_eq!(pinned.bytes, of_a_ring * stale.len() as u64, "{text}");
    assert_eq!(pinned.processes.len(), 1, "{text}");
    assert!(
        text.contains(&pinned.bytes.to_string()) && text.contains("open again"),
        "{text}"
    );
}

#[test]
fn p2_8_refuses_a_ring_for_which_the_system_has_no_memory() {
    const TEST: &str = "p2_8_refuses_a_ring_for_which_the_system_has_no_memory";
    let Some((_, base)) = role() else {
        play_in_namespace(TEST, "in its namespace", &Stage::new().base());
        return;
    };
    mount_tmpfs(&base, c"size=1t,mode=755");
    // The system of this namespace has 8 MiB left, so that nothing large is ever asked for.
    let meminfo = base.with_file_name("meminfo");
    let mut text = fs::read_to_string("/proc/meminfo").unwrap();
    let (start, end) = text.split_once("MemAvailable:").unwrap();
    text = format!(
        "{start}MemAvailable: 8192 kB\n{}",
        end.split_once('\n').unwrap().1
    );
    fs::write(&meminfo, text).unwrap();
    mount_bind(&meminfo, "/proc/meminfo").unwrap();

    let lock = lock(&base, "a");
    let too_large = SegmentOptions {
        shape: shape(1920, 1080, 4),
        ..options()
    };
    let error = Segment::create(&lock, &too_large).unwrap_err();
    assert_eq!(error.code(), "NO_SPACE");
    let text = error.to_string();
    let files = (too_large.shape.meta_bytes() + too_large.shape.data_bytes()) as u64;
    let CreateError::NoMemory {
        needed,
        available,
        control_group: None,
        ..
    } = error
    else {
        unreachable!("{text}")
    };
    assert!(
        needed > files && needed < files + files / 100,
        "{needed} for {files}"
    );
    assert_eq!(available, 8 << 20);
    for part in [
        &needed.to_string(),
        &available.to_string(),
        "MemAvailable",
        "camera a",
        base.to_str().unwrap(),
    ] {
        assert!(text.contains(part), "{part} in: {text}");
    }
    assert_eq!(names(&base), [".a.lock"]);
    Segment::create(&lock, &options()).unwrap();
}

#[test]
fn p2_8_a_limit_on_memory_is_an_error_and_not_the_end_of_the_process() {
    const TEST: &str = "p2_8_a_limit_on_memory_is_an_error_and_not_the_end_of_the_process";
    const LIMIT: u64 = 64 << 20;
    let Some((_, base)) = role() else {
        let stage = Stage::new();
        let _group = ControlGroup::of(&stage.base());
        let status = play(TEST, "limited", &stage.base()).wait();
        assert!(!was_killed(status), "it had no more memory than its limit");
        assert!(status.success(), "see above");
        return;
    };
    ControlGroup::enter(&base, LIMIT);
    let lock = lock(&base, "a");
    let fits = SegmentOptions {
        shape: shape(1920, 1080, 12),
        ..options()
    };
    let too_large = SegmentOptions {
        shape: shape(1920, 1080, 64),
        ..next_generation(&fits, 2)
    };
    let error = Segment::create(&lock, &too_large).unwrap_err();
    assert_eq!(error.code(), "NO_SPACE");
    let text = error.to_string();
    let CreateError::NoMemory {
        needed,
        available,
        control_group: Some(limited),
        ..
    } = error
    else {
        unreachable!("{text}")
    };
    assert!(
        limited.ends_with(ControlGroup::name(&base)),
        "not the one above ours: {limited:?}"
    );
    assert!(
        available > LIMIT / 2 && available <= LIMIT,
        "{available} of {LIMIT}"
    );
    for part in [
        &needed.to_string(),
        &available.to_string(),
        "--memory",
        limited.to_str().unwrap(),
    ] {
        assert!(text.contains(part), "{part} in: {text}");
    }
    assert_eq!(names(&base), [".a.lock"]);

    // What fits is there, and what it has taken is not available to the next one.
    let segment = Segment::create(&lock, &fits).unwrap();
    publish(&mut writer(&segment), 1);
    let next = SegmentOptions {
        shape: fits.shape,
        ..next_generation(&fits, 2)
    };
    assert_eq!(Segment::create(&lock, &next).unwrap_err().code(), "NO_SPACE");
    assert_eq!(names(&base), [".a.lock", "a"]);
}

#[test]
fn p2_8_refuses_when_the_tmpfs_is_out_of_inodes() {
    const TEST: &str = "p2_8_refuses_when_the_tmpfs_is_out_of_inodes";
    let Some((_, base)) = role() else {
        play_in_namespace(TEST, "in its namespace", &Stage::new().base());
        return;
    };
    // The root folder and the lock have one each; then the folder, the first or the second file finds none.
    for inodes in [
        c"nr_inodes=2,mode=755",
        c"nr_inodes=3,mode=755",
        c"nr_inodes=4,mode=755",
    ] {
        mount_tmpfs(&base, inodes);
        let lock = lock(&base, "a");
        let error = Segment::create(&lock, &options()).unwrap_err();
        assert_eq!(error.code(), "NO_SPACE", "{inodes:?}: {error}");
        assert!(error.to_string().contains("nr_inodes"), "{inodes:?}: {error}");
        assert_eq!(names(&base), [".a.lock"], "{inodes:?}");
    }
    mount_tmpfs(&base, c"nr_inodes=1,mode=755");
    let (code, text) = refusal(&base);
    assert_eq!(code, "NO_SPACE", "{text}");
}

#[test]
fn p2_8_a_limit_on_file_sizes_is_an_error_and_not_the_end_of_the_process() {
    const TEST: &str = "p2_8_a_limit_on_file_sizes_is_an_error_and_not_the_end_of_the_process";
    let Some((_, base)) = role() else {
        assert!(
            play(TEST, "limited", &Stage::new().base()).wait().success(),
            "see above"
        );
        return;
    };
    let lock = lock(&base, "a");
    let limit = |bytes| {
        setrlimit(
            Resource::Fsize,
            Rlimit {
                current: Some(bytes),
                maximum: None,
            },
        )
        .unwrap()
    };
    limit(options().shape.data_bytes() as u64 - 1);
    let error = Segment::create(&lock, &options()).unwrap_err();
    assert_eq!(error.code(), "PERMISSION_DENIED");
    assert!(error.to_string().contains("ulimit -f"), "{error}");

    // Removing what is there is no reason to die either.
    limit(1 << 30);
    let segment = Segment::create(&lock, &options()).unwrap();
    fs::create_dir(base.join("b")).unwrap();
    for file in ["frame.meta", "frame.data"] {
        fs::copy(segment.path().join(file), base.join("b").join(file)).unwrap();
    }
    limit(0);
    assert_eq!(sweep(&base).unwrap(), 1);
    assert_eq!(names(&base), [".a.lock", "a"]);
    drop((segment, lock));
    assert_eq!(names(&base), [""; 0]);
}

#[test]
fn p2_8_too_few_descriptors_are_an_error_that_leaves_nothing() {
    const TEST: &str = "p2_8_too_few_descriptors_are_an_error_that_leaves_nothing";
    let Some((_, base)) = role() else {
        assert!(
            play(TEST, "limited", &Stage::new().base()).wait().success(),
            "see above"
        );
        return;
    };
    fs::create_dir(&base).unwrap();
    let limit = |count| {
        setrlimit(
            Resource::Nofile,
            Rlimit {
                current: Some(count),
                maximum: Some(1024),
            },
        )
        .unwrap()
    };
    let mut refused = 0;
    for count in 3..24 {
        limit(count);
        let attempt = CameraLock::acquire(&base, &camera("a"))
            .map_err(|error| error.code())
            .and_then(|lock| Segment::create(&lock, &options()).map_err(|error| error.code()));
        limit(1024);
        if let Err(code) = attempt {
            assert_eq!(code, "NO_DESCRIPTORS");
            refused += 1;
            assert_eq!(names(&base), [""; 0], "with {count} descriptors");
        }
    }
    assert!(refused > 3 && refused < 21, "{refused} of 21");
}
