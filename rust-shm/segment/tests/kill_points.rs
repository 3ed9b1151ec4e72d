//! `kill -9` at every step of create, change and remove: the next start finds its way without help, and readers
//! that stayed attached are told the right health.

mod stage;

use std::fs;
use std::path::Path;

use stage::{Stage, camera, lock, names, next_generation, options, play_with, role, wait_until, was_killed};
use vas_frame_segment::clock::monotonic_ns;
use vas_frame_segment::writer::{Segment, sweep};
use vas_frame_segment::{FrameSource, Health};

/// Where to die, and what a reader that is attached to the first generation is told then. Without a reader the
/// first generation was not there yet.
const DEATHS: [(&str, Option<Health>); 20] = [
    ("lock-taken=kill", None),
    ("folder-made=kill", None),
    ("meta-made=kill", None),
    ("data-made=kill", None),
    ("ring-initialised=kill", None),
    ("ring-finished=kill", None),
    ("ring-placed=kill", None),
    ("folder-made=kill@2", Some(Health::Dead)),
    ("meta-made=kill@2", Some(Health::Dead)),
    ("data-made=kill@2", Some(Health::Dead)),
    ("ring-initialised=kill@2", Some(Health::Dead)),
    ("ring-finished=kill@2", Some(Health::Dead)),
    ("rings-exchanged=kill", Some(Health::Dead)),
    ("former-told=kill", Some(Health::Replaced)),
    ("former-emptied=kill", Some(Health::Replaced)),
    ("ring-placed=kill@2", Some(Health::Replaced)),
    ("ring-ended=kill", Some(Health::Replaced)),
    ("ring-ended=kill@2", Some(Health::Replaced)),
    ("files-removed=kill@2", Some(Health::Replaced)),
    ("folder-removed=kill@2", Some(Health::Replaced)),
];

/// Creates a ring, waits for a reader that attaches, changes the geometry, ends. Dies somewhere on the way.
fn write_until_killed(base: &Path) {
    let lock = lock(base, "a");
    let options = options();
    let first = Segment::create(&lock, &options).unwrap();
    fs::write(base.join("created"), "").unwrap();
    wait_until("a reader has attached", || base.join("attached").exists());
    let second = Segment::create(&lock, &next_generation(&options, 1)).unwrap();
    drop(first);
    drop(second);
}

/// Lets a writer die, and gives the reader that attached to its first generation.
fn die(test: &str, base: &Path, fault: &str) -> Option<FrameSource> {
    fs::create_dir(base).unwrap();
    let mut process = play_with(test, "writer", base, ("VAS_FAULT", fault));
    let created = base.join("created");
    wait_until("the writer has created its ring, or died", || {
        created.exists() || process.has_exited()
    });
    let attached = created
        .exists()
        .then(|| FrameSource::open(base, &camera("a")).unwrap());
    fs::write(base.join("attached"), "").unwrap();
    let status = process.wait();
    assert!(was_killed(status), "{fault}: {status}");
    for sign in ["created", "attached"] {
        fs::remove_file(base.join(sign)).ok();
    }
    attached
}

/// What a reader is told once the last heartbeat is old.
fn health_much_later(source: &FrameSource) -> Health {
    source.health_report_at(monotonic_ns() + 3_600_000_000_000).health
}

#[test]
fn p2_6_a_start_after_a_kill_at_any_step_finds_its_way_without_help() {
    const TEST: &str = "p2_6_a_start_after_a_kill_at_any_step_finds_its_way_without_help";
    if let Some((_, base)) = role() {
        return write_until_killed(&base);
    }
    for (fault, told) in DEATHS {
        let stage = Stage::new();
        let base = stage.base();
        let attached = die(TEST, &base, fault);
        assert_eq!(attached.as_ref().map(health_much_later), told, "{fault}");

        let lock = lock(&base, "a");
        let segment = Segment::create(&lock, &options()).unwrap();
        assert_eq!(names(&base), [".a.lock", "a"], "{fault}");
        let source = FrameSource::open(&base, &camera("a")).unwrap();
        assert!(source.writer_holds_lock() && source.is_current(), "{fault}");
        if let Some(attached) = attached {
            assert_eq!(attached.health(), Health::Replaced, "{fault}");
            assert!(!attached.is_current(), "{fault}");
        }
        drop((segment, lock));
        assert_eq!(names(&base), [""; 0], "{fault}");
    }
}

#[test]
fn p2_6_a_sweep_after_a_kill_at_any_step_leaves_nothing() {
    const TEST: &str = "p2_6_a_sweep_after_a_kill_at_any_step_leaves_nothing";
    if let Some((_, base)) = role() {
        return write_until_killed(&base);
    }
    for (fault, _) in DEATHS {
        let stage = Stage::new();
        die(TEST, &stage.base(), fault);
        assert_eq!(sweep(&stage.base()).unwrap(), 1, "{fault}");
        assert_eq!(names(&stage.base()), [""; 0], "{fault}");
    }
}

#[test]
fn p2_6_a_sweep_that_is_killed_leaves_nothing_that_the_next_one_does_not_remove() {
    const TEST: &str = "p2_6_a_sweep_that_is_killed_leaves_nothing_that_the_next_one_does_not_remove";
    match role() {
        Some((role, base)) if role == "sweeper" => {
            sweep(&base).unwrap();
            return;
        }
        Some((_, base)) => return write_until_killed(&base),
        None => {}
    }
    for fault in ["former-told=kill@2", "former-emptied=kill@2"] {
        let stage = Stage::new();
        let attached = die(TEST, &stage.base(), "ring-finished=kill@2").unwrap();
        // The half-built folder comes first, the ring that a reader is attached to second.
        let status = play_with(TEST, "sweeper", &stage.base(), ("VAS_FAULT", fault)).wait();
        assert!(was_killed(status), "{fault}: {status}");
        assert_eq!(health_much_later(&attached), Health::Dead, "{fault}");
        assert_eq!(sweep(&stage.base()).unwrap(), 1, "{fault}");
        assert_eq!(names(&stage.base()), [""; 0], "{fault}");
    }
}
