//! What an export costs while it lives, and that nothing of it stays. Alone in its binary: it counts what there is
//! in the whole process.

mod stage;

use stage::{Feeder, Stage, attach_here, eventually, is_detached, picture, shape};
use std::fs;
use std::io::Write;

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn mappings() -> usize {
    fs::read_to_string("/proc/self/maps")
        .unwrap()
        .lines()
        .filter(|line| line.contains("/vas-test-"))
        .count()
}

/// Our threads, by name; reading a thread that ends meanwhile gives nothing.
fn threads(name: &str) -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("comm")).ok());
    names.filter(|comm| comm.trim_end() == name).count()
}

#[test]
fn p2_7_a_thousand_restarts_and_changes_of_geometry_leave_nothing_behind() {
    let stage = Stage::new();
    let before = descriptors();
    let shapes = [shape(16, 16, 3), shape(32, 16, 3)];
    let mut export = stage.open("camera", shapes[0]);
    let mut pipe = attach_here(&mut export);
    let while_open = descriptors();
    eventually("the heart beats", || threads("vas-heartbeat") == 1);
    for cycle in 0..1000_usize {
        // Some streams end in time, some are replaced while they write or are silent, some have another size.
        pipe.write_all(&picture(export.shape(), 1)[..(cycle * 7) % 385])
            .unwrap();
        if cycle % 3 == 0 {
            drop(pipe);
            pipe = attach_here(&mut export);
        } else {
            pipe = attach_here(&mut export);
        }
        if cycle % 10 == 0 {
            export.reshape(shapes[(cycle / 10) % 2]).unwrap();
            pipe = attach_here(&mut export);
        }
    }
    // Meta and data of the present generation, and one drain.
    eventually("nothing is left of former streams", || {
        threads("vas-drain") == 1 && descriptors() == while_open && mappings() == 2
    });

    export.close();
    pipe.write_all(&[0; 5000]).unwrap();
    drop(pipe);
    eventually("the stream is drained", || is_detached(&export));
    eventually("a closed export that is kept holds nothing", || {
        descriptors() == before
    });
    drop(export);
    eventually("the threads are gone", || {
        threads("vas-drain") + threads("vas-heartbeat") == 0
    });
    assert_eq!((descriptors(), mappings()), (before, 0));

    // The heart starts again with the next export.
    let mut export = stage.open("camera", shapes[0]);
    let feeder = Feeder::attach(&mut export);
    eventually("the heart beats", || threads("vas-heartbeat") == 1);
    assert!(feeder.end().success());
}
