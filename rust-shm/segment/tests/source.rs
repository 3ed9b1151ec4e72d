//! The reader: what it opens, what it refuses, and what it says of the writer.

mod stage;

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::Path;

use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};
use stage::{Stage, camera, lock, next_generation, options, play, publish, role, writer};
use vas_frame_protocol::layout::header;
use vas_frame_protocol::{State, set_state};
use vas_frame_segment::writer::Segment;
use vas_frame_segment::{FrameSource, Health, MapMode, OpenError, Owner, SourceOptions};

const SECOND: u64 = 1_000_000_000;

fn code(path: &Path) -> &'static str {
    FrameSource::open_dir(path, SourceOptions::default())
        .unwrap_err()
        .code()
}

/// A copy of an export, as somebody makes it to look at later.
fn copy_of(segment: &Segment, to: &Path) {
    fs::create_dir(to).unwrap();
    for file in ["frame.meta", "frame.data"] {
        fs::copy(segment.path().join(file), to.join(file)).unwrap();
    }
}

fn writable(file: &Path) -> fs::File {
    fs::File::options().write(true).open(file).unwrap()
}

#[test]
fn p2_6_a_ring_that_has_ended_is_not_opened_again_where_it_still_stands() {
    for state in [State::Ended, State::Replaced] {
        let stage = Stage::new();
        let (lock, segment) = stage.ring();
        let source = FrameSource::open(&stage.base(), &camera("a")).unwrap();
        assert!(source.reopen().is_ok(), "the ring lives");
        // What a host leaves that dies between telling its readers and removing the files.
        set_state(segment.memory(), state);
        for _ in 0..3 {
            assert_eq!(
                source.reopen().unwrap_err().code(),
                "SOURCE_NOT_FOUND",
                "{state:?}"
            );
        }
        let _next = Segment::create(&lock, &next_generation(&options(), 1)).unwrap();
        assert_eq!(source.reopen().unwrap().health(), Health::Idle);
    }
}

#[test]
fn p2_6_says_live_idle_hung_and_ended_with_the_ages() {
    let stage = Stage::new();
    let (_lock, segment) = stage.ring();
    let source = FrameSource::open(&stage.base(), &camera("a")).unwrap();
    let created = source.reader().header().identity().created_ns;
    let health = source.health_report_at(created);
    assert_eq!(
        (health.health, health.heartbeat_age_ns, health.frame_age_ns),
        (Health::Idle, 0, None)
    );

    publish(&mut writer(&segment), 1);
    let now = source.reader().current().unwrap().stamp.timestamp_ns;
    vas_frame_protocol::beat(segment.memory(), now);
    let health = source.health_report_at(now + SECOND);
    assert_eq!((health.health, health.heartbeat_age_ns), (Health::Live, SECOND));
    assert_eq!(health.frame_age_ns, Some(SECOND));
    vas_frame_protocol::beat(segment.memory(), now + 3 * SECOND);
    let health = source.health_report_at(now + 4 * SECOND);
    assert_eq!((health.health, health.heartbeat_age_ns), (Health::Idle, SECOND));
    assert_eq!(source.health_report_at(now + 6 * SECOND).health, Health::Hung);
    // A clock that is behind the writer's.
    assert_eq!(source.health_report_at(0).health, Health::Live);
    drop(segment);
    assert_eq!(source.health_report_at(now + 6 * SECOND).health, Health::Ended);
}

#[test]
fn p2_3_a_reader_leaves_no_trace() {
    let stage = Stage::new();
    let (_lock, segment) = stage.ring();
    publish(&mut writer(&segment), 1);
    let look = || {
        let files = ["frame.meta", "frame.data"].map(|file| segment.path().join(file));
        files.map(|file| {
            (
                fs::read(&file).unwrap(),
                fs::metadata(&file).unwrap().modified().unwrap(),
            )
        })
    };
    let before = look();
    for map_mode in [MapMode::ReadOnly, MapMode::PrivateWritable] {
        let options = SourceOptions {
            map_mode,
            populate: true,
            ..SourceOptions::default()
        };
        let source = FrameSource::open_dir(segment.path(), options).unwrap();
        assert_eq!(stage::newest(&source).0, 1);
        assert!(source.writer_holds_lock());
        assert!(source.is_current() && source.is_intact());
    }
    assert_eq!(look(), before);
}

#[test]
fn p2_6_says_that_there_is_no_export() {
    let stage = Stage::new();
    assert_eq!(code(&stage.path.join("a")), "SOURCE_NOT_FOUND");
    assert_eq!(code(&stage.path), "SOURCE_NOT_FOUND");
    let text = FrameSource::open(&stage.base(), &camera("a"))
        .unwrap_err()
        .to_string();
    assert!(text.contains(stage.base().join("a").to_str().unwrap()), "{text}");
    fs::write(stage.path.join("file"), "").unwrap();
    assert_eq!(code(&stage.path.join("file")), "SOURCE_NOT_FOUND");
}

#[test]
fn p2_9_follows_no_symbolic_link_to_a_source() {
    let stage = Stage::new();
    let (_lock, segment) = stage.ring();
    symlink(segment.path(), stage.base().join("b")).unwrap();
    assert_eq!(code(&stage.base().join("b")), "SOURCE_NOT_FOUND");
    fs::create_dir(stage.base().join("c")).unwrap();
    for file in ["frame.meta", "frame.data"] {
        symlink(segment.path().join(file), stage.base().join("c").join(file)).unwrap();
    }
    assert_eq!(code(&stage.base().join("c")), "INCOMPATIBLE_LAYOUT");
}

#[test]
fn p2_10_refuses_files_that_are_no_ring() {
    let stage = Stage::new();
    let (_lock, segment) = stage.ring();
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 7] = [
        ("empty meta", |dir| {
            writable(&dir.join("frame.meta")).set_len(0).unwrap()
        }),
        ("empty data", |dir| {
            writable(&dir.join("frame.data")).set_len(0).unwrap()
        }),
        ("short meta", |dir| {
            writable(&dir.join("frame.meta")).set_len(100).unwrap()
        }),
        ("data cut short", |dir| {
            writable(&dir.join("frame.data")).set_len(4096).unwrap()
        }),
        ("meta of a size that no ring has", |dir| {
            writable(&dir.join("frame.meta")).set_len(1 << 40).unwrap()
        }),
        ("other magic", |dir| {
            writable(&dir.join("frame.meta"))
                .write_all_at(b"NOTFRAME", header::MAGIC as u64)
                .unwrap();
        }),
        ("a FIFO", |dir| {
            fs::remove_file(dir.join("frame.meta")).unwrap();
            rustix::fs::mkfifoat(rustix::fs::CWD, dir.join("frame.meta"), rustix::fs::Mode::RUSR).unwrap();
        }),
    ];
    for (what, damage) in damages {
        let copy = stage.path.join("copy");
        copy_of(&segment, &copy);
        damage(&copy);
        assert_eq!(code(&copy), "INCOMPATIBLE_LAYOUT", "{what}");
        fs::remove_dir_all(copy).unwrap();
    }
}

#[test]
fn p2_6_refuses_a_pair_of_files_that_do_not_belong_together() {
    let stage = Stage::new();
    let (_lock, segment) = stage.ring();
    let copy = stage.path.join("copy");
    copy_of(&segment, &copy);
    let error = FrameSource::open_dir(&copy, SourceOptions::default()).unwrap_err();
    assert!(matches!(error, OpenError::Mismatched { .. }), "{error}");
    assert_eq!(error.code(), "INCOMPATIBLE_LAYOUT");
    // 0 says that the ring was not made in files, so there is nothing to compare.
    writable(&copy.join("frame.meta"))
        .write_all_at(&[0; 8], header::DATA_INODE as u64)
        .unwrap();
    FrameSource::open_dir(&copy, SourceOptions::default()).unwrap();
}

#[test]
fn p2_6_says_that_a_file_was_cut_short_instead_of_dying_of_it() {
    let stage = Stage::new();
    let lock = lock(&stage.base(), "a");
    for file in ["frame.meta", "frame.data"] {
        let segment = Segment::create(&lock, &options()).unwrap();
        let source = FrameSource::open(&stage.base(), &camera("a")).unwrap();
        assert!(source.is_intact());
        let at = segment.path().join(file);
        writable(&at).set_len(0).unwrap();
        assert!(!source.is_intact());
        assert_eq!(source.health(), Health::Damaged);
        assert_eq!(source.reopen().unwrap_err().code(), "INCOMPATIBLE_LAYOUT");
    }
}

#[test]
fn p2_8_says_that_a_source_may_not_be_read() {
    let stage = Stage::new();
    let (_lock, segment) = stage.ring();
    fs::set_permissions(
        segment.path().join("frame.data"),
        PermissionsExt::from_mode(0o000),
    )
    .unwrap();
    // A thread of its own gives up what lets root pass every check.
    let none = CapabilitySet::empty();
    let refused = std::thread::spawn({
        let path = segment.path().to_owned();
        move || {
            let none = CapabilitySets {
                effective: none,
                permitted: none,
                inheritable: none,
            };
            set_capabilities(None, none).unwrap();
            code(&path)
        }
    });
    assert_eq!(refused.join().unwrap(), "PERMISSION_DENIED");
}

#[test]
fn p2_5_a_source_stays_what_it_is_when_the_working_directory_changes() {
    const TEST: &str = "p2_5_a_source_stays_what_it_is_when_the_working_directory_changes";
    let Some((_, path)) = role() else {
        assert!(
            play(TEST, "wanderer", &Stage::new().path).wait().success(),
            "see above"
        );
        return;
    };
    std::env::set_current_dir(&path).unwrap();
    let lock = lock(&path.join("base"), "a");
    let _segment = Segment::create(&lock, &options()).unwrap();
    let source = FrameSource::open(Path::new("base"), &camera("a")).unwrap();
    std::env::set_current_dir("/").unwrap();
    assert!(source.is_current());
    source.reopen().unwrap();
}

#[test]
fn p2_16_a_reader_can_insist_on_the_owner() {
    let stage = Stage::new();
    let (_lock, segment) = stage.ring();
    let us = rustix::process::geteuid().as_raw();
    let open = |owner| {
        let options = SourceOptions {
            owner,
            ..SourceOptions::default()
        };
        FrameSource::open_dir(segment.path(), options)
    };
    for accepted in [Owner::Trusted, Owner::User(us), Owner::Anyone] {
        open(accepted).unwrap();
    }
    let error = open(Owner::User(us + 1)).unwrap_err();
    assert_eq!(error.code(), "WRONG_OWNER");
    let words = format!(
        "belongs to user {us}, whose frames are not accepted: this reader insists on user {}",
        us + 1
    );
    assert!(error.to_string().contains(&words), "{error}");
}

#[test]
fn p2_6_a_writer_that_leaves_is_dead_and_its_camera_has_not_ended() {
    let stage = Stage::new();
    let (_lock, mut segment) = stage.ring();
    publish(&mut writer(&segment), 1);
    let source = FrameSource::open(&stage.base(), &camera("a")).unwrap();
    segment.leave();
    assert_eq!(source.health(), Health::Dead);
    assert!(matches!(source.reopen(), Err(OpenError::NotFound { .. })));
    segment.end();
    assert_eq!(source.reader().state(), Some(State::Live));
}
