//! What publishing and reading cost in shared memory, as ratios to `memcpy` of the same bytes into and out of a
//! mapping of the same kind, measured in turns in one run: `cargo bench -p vas-frame-segment [-- --json]`.
#![allow(clippy::print_stdout, reason = "a tool that prints what it measures")]
#![allow(clippy::cast_precision_loss, reason = "times are short")]

mod paired;

use std::hint::black_box;

use paired::{GOAL, OwnBaseDir, create, quantile, ratios, time, warm};
use serde::Serialize;
use vas_frame_protocol::{FrameStamp, Geometry, RingMemory, RingShape, Writer};
use vas_frame_segment::{CameraId, FrameSource};

const SIZES: [(u32, u32); 3] = [(640, 360), (1920, 1080), (3840, 2160)];
const SLOTS: u32 = 4;

#[derive(Serialize)]
struct Ratios {
    width: u32,
    height: u32,
    /// Nanoseconds of the `memcpy` that is compared with.
    memcpy_into_ns: u64,
    publish_median: f64,
    publish_p99: f64,
    memcpy_out_ns: u64,
    copy_median: f64,
    copy_p99: f64,
    /// Nanoseconds of a look that does nothing.
    look_ns: u64,
}

fn main() {
    let all: Vec<Ratios> = SIZES
        .into_iter()
        .map(|(width, height)| measure(width, height))
        .collect();
    if std::env::args().any(|argument| argument == "--json") {
        println!("{}", serde_json::to_string_pretty(&all).unwrap());
        return;
    }
    println!("             publish / memcpy    copy / memcpy      look");
    println!("             median      p99     median      p99            goal: medians at most {GOAL}");
    for ratios in all {
        println!(
            "{:>4}x{:<4}    {:>6.3}   {:>6.3}     {:>6.3}   {:>6.3}   {:>4} ns    {}",
            ratios.width,
            ratios.height,
            ratios.publish_median,
            ratios.publish_p99,
            ratios.copy_median,
            ratios.copy_p99,
            ratios.look_ns,
            if ratios.publish_median.max(ratios.copy_median) <= GOAL {
                "met"
            } else {
                "MISSED"
            }
        );
    }
}

fn measure(width: u32, height: u32) -> Ratios {
    let shape = RingShape::new(Geometry::nv12(width, height).unwrap(), SLOTS).unwrap();
    let base = OwnBaseDir::new();
    let segment = create(&base.0, "ring", shape);
    // SAFETY: the only writer.
    let mut writer = unsafe { Writer::new(segment.memory().clone()) }.unwrap();
    let source = FrameSource::open(&base.0, &CameraId::new("ring").unwrap()).unwrap();
    let reader = source.reader();
    let len = reader.frame_bytes();
    let mut picture = vec![7; len];
    let stamp = FrameStamp::default();
    // `memcpy` goes through the slots of a ring of its own, so that caches and pages are treated alike: written through
    // a writer's mapping, read through a reader's.
    let plain = create(&base.0, "plain", shape);
    let plain_source = FrameSource::open(&base.0, &CameraId::new("plain").unwrap()).unwrap();
    let plain_memory = plain_source.memory();
    let slot_of = |data: *mut u8, id: u64| {
        let offset = (id % u64::from(SLOTS)) as usize * shape.slot_stride();
        // SAFETY: the slot lies inside data.
        unsafe { data.add(offset) }
    };
    let plain_slot = |id| slot_of(plain.memory().data(), id);
    let plain_slot_read = |id| slot_of(plain_memory.data(), id);

    let rounds = (400_000_000 / len).max(200);
    let (mut publish, mut into, mut copy, mut out) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds + 20 {
        let id = writer.newest_id() + 1;
        let mut timed = [0; 4];
        // The order of the two of a pair changes from round to round, and both begin with a warm source.
        for half in [round % 2, 1 - round % 2] {
            warm(picture.as_ptr(), len);
            if half == 0 {
                timed[0] = time(|| _ = writer.push(black_box(&picture), &stamp).unwrap());
            } else {
                let from = black_box(&picture).as_ptr();
                // SAFETY: slot and picture have `len` bytes each, and nobody else uses the ring.
                timed[1] = time(|| unsafe { from.copy_to_nonoverlapping(plain_slot(id), len) });
            }
        }
        for half in [round % 2, 1 - round % 2] {
            if half == 0 {
                warm(reader.look(id, |_, picture| picture.as_ptr()).unwrap().1, len);
                timed[2] = time(|| _ = reader.copy(id, black_box(&mut picture)).unwrap());
            } else {
                warm(plain_slot_read(id), len);
                let into = black_box(&mut picture).as_mut_ptr();
                // SAFETY: slot and picture have `len` bytes each, and nobody else uses the ring.
                timed[3] = time(|| unsafe { into.copy_from_nonoverlapping(plain_slot_read(id), len) });
            }
        }
        // The first rounds touch the pages.
        if round >= 20 {
            publish.push(timed[0]);
            into.push(timed[1]);
            copy.push(timed[2]);
            out.push(timed[3]);
        }
    }

    let id = reader.newest_id();
    let look = (0..1_000)
        .map(|_| time(|| (0..100).for_each(|_| _ = black_box(reader.look(id, |_, picture| picture.len())))));
    let mut look: Vec<u64> = look.map(|hundred| hundred / 100).collect();
    let (publish_median, publish_p99) = ratios(&mut publish, &mut into);
    let (copy_median, copy_p99) = ratios(&mut copy, &mut out);
    Ratios {
        width,
        height,
        memcpy_into_ns: quantile(&mut into, 50),
        publish_median,
        publish_p99,
        memcpy_out_ns: quantile(&mut out, 50),
        copy_median,
        copy_p99,
        look_ns: quantile(&mut look, 50),
    }
}
