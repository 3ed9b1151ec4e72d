//! Opening, changing and closing again and again costs nothing that stays.

mod stage;

use std::fs;
use std::path::Path;

use stage::{Stage, camera, lock, names, next_generation, options, play, role};
use vas_frame_segment::writer::Segment;
use vas_frame_segment::{FrameSource, Health};

/// Descriptors, and mappings of files below `base`.
fn held(base: &Path) -> (usize, usize) {
    let descriptors = fs::read_dir("/proc/self/fd").unwrap().count();
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    (
        descriptors,
        maps.lines()
            .filter(|line| line.contains(base.to_str().unwrap()))
            .count(),
    )
}

/// Runs `body` in a process in which nothing else opens or maps anything.
fn alone(test: &str, body: impl Fn(&Path)) {
    if let Some((_, base)) = role() {
        return body(&base);
    }
    let stage = Stage::new();
    assert!(play(test, "alone", &stage.base()).wait().success(), "see above");
    assert_eq!(names(&stage.base()), [""; 0]);
}

#[test]
fn p2_7_a_thousand_changes_of_geometry_leave_descriptors_and_mappings_flat() {
    alone(
        "p2_7_a_thousand_changes_of_geometry_leave_descriptors_and_mappings_flat",
        |base| {
            let without = held(base).0;
            let lock = lock(base, "a");
            let mut options = options();
            let mut segment = Segment::create(&lock, &options).unwrap();
            let mut source = FrameSource::open(base, &camera("a")).unwrap();
            let before = held(base);
            // One for the base folder, and for the camera its lock and meta; the reader has both files open.
            assert_eq!(before.0, without + 3 + 2);
            assert_eq!(before.1, 4, "two files, mapped by the writer and by the reader");
            for _ in 0..1000 {
                options = next_generation(&options, 1);
                segment = Segment::create(&lock, &options).unwrap();
                assert_eq!(source.health(), Health::Replaced);
                source = source.reopen().unwrap();
            }
            assert_eq!(held(base), before);
            assert_eq!(source.reader().header().identity().generation, 1001);
            assert_eq!(names(base), [".a.lock", "a"]);
            drop(segment);
        },
    );
}

#[test]
fn p2_6_two_thousand_opens_and_closes_leave_descriptors_mappings_and_files_flat() {
    alone(
        "p2_6_two_thousand_opens_and_closes_leave_descriptors_mappings_and_files_flat",
        |base| {
            fs::create_dir(base).unwrap();
            let before = held(base);
            for _ in 0..2000 {
                let lock = lock(base, "a");
                let segment = Segment::create(&lock, &options()).unwrap();
                let source = FrameSource::open(base, &camera("a")).unwrap();
                drop((segment, lock));
                assert_eq!(source.health(), Health::Ended);
            }
            assert_eq!(held(base), before);
            assert_eq!(names(base), [""; 0]);
        },
    );
}
