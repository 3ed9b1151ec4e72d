//! Files that somebody makes shorter, as root and the writer's own user can: nobody crashes.

mod stage;

use std::fs::OpenOptions;
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::ptr;

use stage::{Stage, camera, lock, options, play, publish, role, writer};
use vas_frame_protocol::Miss;
use vas_frame_segment::writer::Segment;
use vas_frame_segment::{FrameSource, Health, MapMode, SourceOptions};

fn truncate(base: &Path, name: &str) {
    let file = OpenOptions::new().write(true).open(base.join("a").join(name));
    file.unwrap().set_len(0).unwrap();
}

#[test]
fn p2_4_a_reader_of_a_truncated_file_gets_no_frame_and_is_told_of_the_damage() {
    for name in ["frame.meta", "frame.data"] {
        for map_mode in [MapMode::ReadOnly, MapMode::PrivateWritable] {
            let stage = Stage::new();
            let (_lock, segment) = stage.ring();
            publish(&mut writer(&segment), 1);
            let options = SourceOptions {
                map_mode,
                ..SourceOptions::default()
            };
            let source = FrameSource::open_dir(segment.path(), options).unwrap();
            let mut picture = vec![0; source.reader().frame_bytes()];
            assert!(source.reader().copy(1, &mut picture).is_ok());

            truncate(&stage.base(), name);
            let miss = source.reader().copy(1, &mut picture).unwrap_err();
            assert!(
                matches!(miss, Miss::Overwritten | Miss::NothingNewer),
                "{name}: {miss}"
            );
            assert!(source.memory().is_lost());
            assert_eq!(source.health(), Health::Damaged);
            assert_eq!(source.reader().newest_id(), 0);
            assert_eq!(
                FrameSource::open(&stage.base(), &camera("a")).unwrap_err().code(),
                "INCOMPATIBLE_LAYOUT"
            );
        }
    }
}

#[test]
fn p2_8_a_writer_of_truncated_files_goes_on_without_them() {
    for name in ["frame.meta", "frame.data"] {
        let stage = Stage::new();
        let (_lock, segment) = stage.ring();
        let mut writer = writer(&segment);
        publish(&mut writer, 1);
        assert!(!segment.memory().is_lost());
        truncate(&stage.base(), name);
        for frame in 2..10 {
            assert_eq!(publish(&mut writer, 1), frame);
        }
        assert!(segment.memory().is_lost(), "{name}");
    }
}

#[test]
fn a_ring_that_is_opened_again_and_again_is_guarded_each_time() {
    let stage = Stage::new();
    let lock = lock(&stage.base(), "a");
    for _ in 0..1100 {
        let segment = Segment::create(&lock, &options()).unwrap();
        drop(FrameSource::open_dir(segment.path(), SourceOptions::default()).unwrap());
    }
    let segment = Segment::create(&lock, &options()).unwrap();
    truncate(&stage.base(), "frame.data");
    publish(&mut writer(&segment), 1);
    assert!(segment.memory().is_lost());
}

#[test]
fn p2_8_every_ring_is_guarded_however_many_there_are() {
    let stage = Stage::new();
    let (_lock, segment) = stage.ring();
    let mut picture = vec![0; options().shape.geometry().frame_bytes()];
    publish(&mut writer(&segment), 1);
    let sources: Vec<_> = (0..3000)
        .map(|_| FrameSource::open(&stage.base(), &camera("a")).unwrap())
        .collect();
    truncate(&stage.base(), "frame.data");
    for (number, source) in sources.iter().enumerate() {
        assert!(source.reader().copy(1, &mut picture).is_err(), "ring {number}");
        assert!(source.memory().is_lost(), "ring {number}");
    }
}

#[test]
fn p2_8_a_sigbus_that_is_sent_and_ignored_leaves_the_guard_where_it_is() {
    const TEST: &str = "p2_8_a_sigbus_that_is_sent_and_ignored_leaves_the_guard_where_it_is";
    let Some((_, base)) = role() else {
        assert!(play(TEST, "sent", &Stage::new().base()).wait().success());
        return;
    };
    // SAFETY: ignoring a signal touches no memory.
    unsafe { libc::signal(libc::SIGBUS, libc::SIG_IGN) };
    let lock = lock(&base, "a");
    let segment = Segment::create(&lock, &options()).unwrap();
    let mut writer = writer(&segment);
    publish(&mut writer, 1);
    // SAFETY: sends a signal to this thread.
    unsafe { libc::raise(libc::SIGBUS) };
    truncate(&base, "frame.data");
    publish(&mut writer, 1);
    assert!(segment.memory().is_lost());
}

/// A fault in a mapping that is no ring.
fn fault_elsewhere(base: &Path) {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(base.join("other"));
    let file = file.unwrap();
    file.set_len(4096).unwrap();
    let (protection, flags) = (libc::PROT_READ, libc::MAP_SHARED);
    // SAFETY: a new mapping at a place of the kernel's choice touches no other memory.
    let start = unsafe { libc::mmap(ptr::null_mut(), 4096, protection, flags, file.as_raw_fd(), 0) };
    file.set_len(0).unwrap();
    // SAFETY: the page is mapped for reading; that its file has no byte for it is the fault to be seen, in a process of
    // its own that has nothing to lose.
    let byte = unsafe { start.cast::<u8>().read_volatile() };
    panic!("read {byte} where there is nothing");
}

#[test]
fn a_fault_that_is_none_of_ours_has_the_action_that_it_had_before() {
    const TEST: &str = "a_fault_that_is_none_of_ours_has_the_action_that_it_had_before";
    extern "C" fn leave(_: libc::c_int) {
        // SAFETY: ends the process at once, which is allowed in a handler.
        unsafe { libc::_exit(42) };
    }
    if let Some((role, base)) = role() {
        if role == "with-a-handler" {
            let handler = (leave as *const ()).expose_provenance();
            // SAFETY: `leave` is a handler, and a static function.
            unsafe { libc::signal(libc::SIGBUS, handler) };
        }
        let lock = lock(&base, "a");
        let _segment = Segment::create(&lock, &options()).unwrap();
        return fault_elsewhere(&base);
    }
    let stage = Stage::new();
    assert_eq!(
        play(TEST, "without", &stage.base()).wait().signal(),
        Some(libc::SIGBUS)
    );
    let stage = Stage::new();
    assert_eq!(
        play(TEST, "with-a-handler", &stage.base()).wait().code(),
        Some(42)
    );
}
