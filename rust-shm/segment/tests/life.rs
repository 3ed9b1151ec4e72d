//! A ring from its creation to its end, as readers see it.

mod stage;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use rustix::fs::Mode;
use stage::{Stage, camera, lock, mode, names, next_generation, options, play, publish, role, shape, writer};
use vas_frame_protocol::{RingMemory, State};
use vas_frame_segment::writer::{CameraLock, FileMode, Segment, SegmentOptions};
use vas_frame_segment::{FrameSource, Health, MapMode, SourceOptions};

#[test]
fn p2_1_creates_two_files_that_hold_the_ring_and_removes_them_at_the_end() {
    let stage = Stage::new();
    let lock = lock(&stage.base(), "entrance");
    let options = options();
    let mut segment = Segment::create(&lock, &options).unwrap();
    assert_eq!(segment.path(), stage.base().join("entrance"));
    assert_eq!(names(segment.path()), ["frame.data", "frame.meta"]);
    let size = |file| fs::metadata(segment.path().join(file)).unwrap().len();
    assert_eq!(size("frame.meta"), options.shape.meta_bytes() as u64);
    assert_eq!(size("frame.data"), options.shape.data_bytes() as u64);

    let source = FrameSource::open(&stage.base(), &camera("entrance")).unwrap();
    let identity = *source.reader().header().identity();
    assert_eq!(
        (identity.epoch, identity.generation, identity.first_frame_id),
        (options.epoch, 1, 1)
    );
    assert_eq!(
        identity.data_inode,
        fs::metadata(segment.path().join("frame.data")).unwrap().ino()
    );
    assert_eq!(publish(&mut writer(&segment), 7), 1);
    let (id, picture) = stage::newest(&source);
    assert_eq!(id, 1);
    assert!(picture.iter().all(|&byte| byte == 7));

    segment.end();
    segment.end();
    assert!(segment.has_ended());
    drop((segment, lock));
    assert_eq!(names(&stage.base()), [""; 0]);
    // Who is attached keeps the memory.
    assert_eq!(stage::newest(&source).0, 1);
    assert_eq!(source.health(), Health::Ended);
    assert!(!source.is_current());
}

#[test]
fn p2_8_reserves_all_memory_when_the_ring_is_created() {
    let stage = Stage::new();
    let lock = lock(&stage.base(), "a");
    let segment = Segment::create(
        &lock,
        &SegmentOptions {
            shape: shape(1280, 720, 4),
            ..options()
        },
    )
    .unwrap();
    for file in ["frame.meta", "frame.data"] {
        let metadata = fs::metadata(segment.path().join(file)).unwrap();
        assert!(metadata.blocks() * 512 >= metadata.len(), "{file}");
    }
}

#[test]
fn g10_a_process_that_the_host_starts_copies_no_ring() {
    let stage = Stage::new();
    let lock = lock(&stage.base(), "a");
    let _segment = Segment::create(&lock, &options()).unwrap();
    let maps = fs::read_to_string("/proc/self/smaps").unwrap();
    let mut is_ring = false;
    let mut kept = 0;
    for line in maps.lines() {
        if let Some(flags) = line.strip_prefix("VmFlags:") {
            // "dc": do not copy on fork.
            kept += usize::from(is_ring && flags.split_whitespace().any(|flag| flag == "dc"));
        } else if line.contains(" /") || line.contains("-") && line.contains(" 00:00 ") {
            is_ring = line.contains(stage.path.to_str().unwrap());
        }
    }
    assert_eq!(kept, 2, "{maps}");
}

#[test]
fn p2_9_modes_are_what_was_asked_for_under_any_umask() {
    const TEST: &str = "p2_9_modes_are_what_was_asked_for_under_any_umask";
    let Some((umask, path)) = role() else {
        for umask in ["000", "022", "077"] {
            let stage = Stage::new();
            assert!(
                play(TEST, umask, &stage.path).wait().success(),
                "umask {umask}, see above"
            );
        }
        return;
    };
    rustix::process::umask(Mode::from_raw_mode(u32::from_str_radix(&umask, 8).unwrap()));
    let base = path.join("base");
    for (file_mode, file, dir) in [
        (0o644, 0o644, 0o755),
        (0o640, 0o640, 0o750),
        (0o600, 0o600, 0o700),
    ] {
        let lock = lock(&base, "a");
        let options = SegmentOptions {
            file_mode: FileMode::new(file_mode).unwrap(),
            ..options()
        };
        let segment = Segment::create(&lock, &options).unwrap();
        assert_eq!(mode(&base), 0o755, "base, umask {umask}");
        assert_eq!(mode(segment.path()), dir, "folder, umask {umask}");
        assert_eq!(
            mode(&segment.path().join("frame.meta")),
            file,
            "meta, umask {umask}"
        );
        assert_eq!(
            mode(&segment.path().join("frame.data")),
            file,
            "data, umask {umask}"
        );
        assert_eq!(mode(&base.join(".a.lock")), 0o600, "lock, umask {umask}");
    }
}

#[test]
fn p2_9_finishes_a_base_folder_whose_maker_died_before_it_had_its_mode() {
    let stage = Stage::new();
    fs::create_dir(stage.base()).unwrap();
    fs::set_permissions(stage.base(), PermissionsExt::from_mode(0o1700)).unwrap();
    let _lock = lock(&stage.base(), "a");
    assert_eq!(mode(&stage.base()), 0o755);
}

#[test]
fn p2_9_leaves_the_mode_of_an_existing_base_folder_alone() {
    for kept in [0o700, 0o750, 0o711, 0o1777] {
        let stage = Stage::new();
        fs::create_dir(stage.base()).unwrap();
        fs::set_permissions(stage.base(), PermissionsExt::from_mode(kept)).unwrap();
        let _lock = lock(&stage.base(), "a");
        assert_eq!(mode(&stage.base()), kept);
    }
}

#[test]
fn p2_7_a_new_generation_takes_the_place_of_the_former_in_one_step() {
    let stage = Stage::new();
    let lock = lock(&stage.base(), "a");
    let first_options = options();
    let first = Segment::create(&lock, &first_options).unwrap();
    let mut first_writer = writer(&first);
    publish(&mut first_writer, 1);
    let attached = FrameSource::open(&stage.base(), &camera("a")).unwrap();
    assert_eq!(attached.reader().state(), Some(State::Live));

    let second_options = next_generation(&first_options, first_writer.newest_id() + 1);
    let second = Segment::create(&lock, &second_options).unwrap();
    assert_eq!(names(&stage.base()), [".a.lock", "a"]);
    assert_eq!(attached.health(), Health::Replaced);
    assert!(!attached.is_current());
    // The drain may still write to the memory that it has; nobody else sees it, and nothing breaks.
    publish(&mut first_writer, 2);

    let reopened = attached.reopen().unwrap();
    let identity = *reopened.reader().header().identity();
    assert_eq!(
        (identity.epoch, identity.generation, identity.first_frame_id),
        (first_options.epoch, 2, 2)
    );
    assert_eq!(reopened.reader().header().shape(), second_options.shape);
    assert_eq!(publish(&mut writer(&second), 3), 2);

    // The end of the former neither touches the new one nor takes back what readers were told.
    drop(first);
    assert!(reopened.is_current());
    assert_eq!(reopened.reader().state(), Some(State::Live));
    assert_eq!(attached.health(), Health::Replaced);
    drop(second);
    assert_eq!(reopened.health(), Health::Ended);
}

#[test]
fn p2_6_at_no_moment_of_a_change_of_generation_is_there_nothing_at_the_path() {
    let stage = Stage::new();
    let lock = lock(&stage.base(), "a");
    let mut options = options();
    let mut segment = Segment::create(&lock, &options).unwrap();
    std::thread::scope(|scope| {
        let changes = scope.spawn(|| {
            for _ in 0..300 {
                options = next_generation(&options, 1);
                segment = Segment::create(&lock, &options).unwrap();
            }
        });
        let mut last = 0;
        while !changes.is_finished() {
            let source = FrameSource::open(&stage.base(), &camera("a")).unwrap();
            let generation = source.reader().header().identity().generation;
            assert!(generation >= last);
            last = generation;
        }
        changes.join().unwrap();
    });
}

#[test]
fn p2_5_memory_outlives_the_segment_in_a_thread_that_still_writes() {
    let stage = Stage::new();
    let (lock, segment) = stage.ring();
    let mut writer = writer(&segment);
    drop((segment, lock));
    assert_eq!(publish(&mut writer, 1), 1);
}

#[test]
fn p2_6_tells_the_readers_before_the_files_are_gone() {
    let stage = Stage::new();
    let (_lock, mut segment) = stage.ring();
    let source = FrameSource::open(&stage.base(), &camera("a")).unwrap();
    assert_eq!(source.reader().state(), Some(State::Live));
    assert!(source.writer_holds_lock());
    segment.end();
    assert_eq!(source.reader().state(), Some(State::Ended));
    assert!(!source.writer_holds_lock());
    assert_eq!(source.reopen().unwrap_err().code(), "SOURCE_NOT_FOUND");
}

#[test]
fn p2_6_the_end_leaves_alone_what_somebody_else_put_at_the_path() {
    let stage = Stage::new();
    let (lock, segment) = stage.ring();
    fs::rename(segment.path(), stage.path.join("moved")).unwrap();
    fs::create_dir(segment.path()).unwrap();
    drop((segment, lock));
    assert_eq!(names(&stage.base()), ["a"]);
    // Whoever moved the files away has them.
    assert_eq!(names(&stage.path.join("moved")), ["frame.data", "frame.meta"]);
}

fn occupy(how: &str, at: &Path, stage: &Stage) {
    match how {
        "file" => fs::write(at, "theirs").unwrap(),
        "symbolic link to a folder" => {
            fs::create_dir(stage.path.join("elsewhere")).unwrap();
            fs::write(stage.path.join("elsewhere/frame.meta"), "").unwrap();
            symlink(stage.path.join("elsewhere"), at).unwrap();
        }
        "dangling symbolic link" => symlink(stage.path.join("nowhere"), at).unwrap(),
        "folder with another file" => {
            fs::create_dir(at).unwrap();
            fs::write(at.join("frame.meta"), "").unwrap();
            fs::write(at.join("theirs"), "").unwrap();
        }
        "folder with a link for frame.data" => {
            fs::write(stage.path.join("elsewhere"), "theirs").unwrap();
            fs::create_dir(at).unwrap();
            symlink(stage.path.join("elsewhere"), at.join("frame.data")).unwrap();
        }
        "folder with a folder for frame.meta" => fs::create_dir_all(at.join("frame.meta")).unwrap(),
        how => unreachable!("{how}"),
    }
}

#[test]
fn p2_6_refuses_a_path_that_holds_anything_but_an_export_and_touches_nothing_of_it() {
    for how in [
        "file",
        "symbolic link to a folder",
        "dangling symbolic link",
        "folder with another file",
        "folder with a link for frame.data",
        "folder with a folder for frame.meta",
    ] {
        let stage = Stage::new();
        fs::create_dir(stage.base()).unwrap();
        let path = stage.base().join("a");
        occupy(how, &path, &stage);
        let before = fs::symlink_metadata(&path).unwrap().ino();
        let lock = lock(&stage.base(), "a");
        let error = Segment::create(&lock, &options()).unwrap_err();
        assert_eq!(error.code(), "CAMERA_PATH_OCCUPIED", "{how}: {error}");
        drop(lock);
        vas_frame_segment::writer::sweep(&stage.base()).unwrap();
        assert_eq!(names(&stage.base()), ["a"], "{how}");
        assert_eq!(fs::symlink_metadata(&path).unwrap().ino(), before, "{how}");
        fs::rename(&path, stage.base().join(".a.new")).unwrap();
        let lock = stage::lock(&stage.base(), "a");
        let error = Segment::create(&lock, &options()).unwrap_err();
        assert_eq!(error.code(), "CAMERA_PATH_OCCUPIED", "{how}: {error}");
        drop(lock);
        assert_eq!(names(&stage.base()), [".a.new"], "{how}");
        if how == "symbolic link to a folder" {
            assert_eq!(names(&stage.path.join("elsewhere")), ["frame.meta"]);
        }
    }
}

#[test]
fn p2_9_refuses_a_lock_file_that_is_something_else_and_follows_no_link_there() {
    for how in [
        "symbolic link to a folder",
        "dangling symbolic link",
        "folder with another file",
    ] {
        let stage = Stage::new();
        fs::create_dir(stage.base()).unwrap();
        occupy(how, &stage.base().join(".a.lock"), &stage);
        let error = CameraLock::acquire(&stage.base(), &camera("a")).unwrap_err();
        assert_eq!(error.code(), "CAMERA_PATH_OCCUPIED", "{how}: {error}");
        assert!(!stage.path.join("nowhere").exists());
    }
}

#[test]
fn refuses_frame_ids_that_do_not_count_from_one() {
    let stage = Stage::new();
    let lock = lock(&stage.base(), "a");
    let error = Segment::create(
        &lock,
        &SegmentOptions {
            first_frame_id: 0,
            ..options()
        },
    )
    .unwrap_err();
    assert_eq!(error.code(), "BAD_OPTION");
    assert_eq!(names(&stage.base()), [".a.lock"]);
}

#[test]
fn p2_2_a_store_of_a_reader_reaches_nobody_else() {
    let stage = Stage::new();
    let (_lock, segment) = stage.ring();
    let mut writer = writer(&segment);
    publish(&mut writer, 1);
    for populate in [false, true] {
        let private = SourceOptions {
            map_mode: MapMode::PrivateWritable,
            populate,
            ..SourceOptions::default()
        };
        let private = FrameSource::open_dir(segment.path(), private).unwrap();
        let other = FrameSource::open(&stage.base(), &camera("a")).unwrap();
        // Populating must not have cut the mapping off from the file.
        let id = publish(&mut writer, 2);
        assert_eq!(stage::newest(&private), stage::newest(&other));
        assert_eq!(stage::newest(&private).0, id);
        // SAFETY: the mapping is private and writable, and of a page at least.
        unsafe { private.memory().meta_ptr().write_bytes(0xff, 4096) };
        assert_eq!(stage::newest(&other).0, id);
        assert_eq!(other.reader().state(), Some(State::Live));
    }
}

#[test]
fn p2_2_what_a_reader_stored_goes_when_it_is_dropped() {
    let stage = Stage::new();
    let (_lock, segment) = stage.ring();
    let mut writer = writer(&segment);
    let private = SourceOptions {
        map_mode: MapMode::PrivateWritable,
        ..SourceOptions::default()
    };
    let source = FrameSource::open_dir(segment.path(), private).unwrap();
    // SAFETY: the mapping is private and writable, and larger than nothing.
    unsafe { source.memory().data().cast::<u8>().write(0xff) };
    let slots = u64::from(options().shape.slot_count());
    // The frame whose slot begins with the byte.
    let id = (0..slots)
        .map(|_| publish(&mut writer, 1))
        .find(|id| id % slots == 0)
        .unwrap();
    let first_byte = || {
        let mut picture = vec![0; source.reader().frame_bytes()];
        source.reader().copy(id, &mut picture).unwrap();
        picture[0]
    };
    assert_eq!(first_byte(), 0xff);
    source.memory().drop_stores();
    assert_ne!(first_byte(), 0xff);
    // Not of a mapping that cannot be stored into.
    FrameSource::open(&stage.base(), &camera("a"))
        .unwrap()
        .memory()
        .drop_stores();
}
