//! What copying a frame through the functions for C costs, as a ratio to `memcpy` of the same bytes out of a mapping of
//! the same kind, measured in turns in one run: `cargo bench -p vas-frame-c-binding [-- --json]`.
#![allow(clippy::print_stdout, reason = "a tool that prints what it measures")]
#![allow(clippy::cast_precision_loss, reason = "times are short")]

#[path = "../../segment/benches/paired/mod.rs"]
mod paired;

use std::ffi::CString;
use std::hint::black_box;
use std::os::unix::ffi::OsStrExt;
use std::ptr::null_mut;

use paired::{GOAL, OwnBaseDir, create, quantile, ratios, time, warm};
use vas_frame_protocol::{FrameStamp, Geometry, RingShape, Writer};
use vas_frame_segment::{CameraId, FrameSource};
use vas_frames::*;

const SIZE: (u32, u32) = (1920, 1080);
const SLOTS: u32 = 4;
const ROUNDS: usize = 600;
/// The first rounds touch the pages.
const UNCOUNTED: usize = 20;

fn main() {
    let shape = RingShape::new(Geometry::nv12(SIZE.0, SIZE.1).unwrap(), SLOTS).unwrap();
    let base = OwnBaseDir::new();
    let segment = create(&base.0, "ring", shape);
    // SAFETY: the only writer.
    let mut writer = unsafe { Writer::new(segment.memory().clone()) }.unwrap();
    // `memcpy` comes out of a ring of its own, so that caches and pages are treated alike: what warms the one and the
    // other is another mapping than the one that is copied from.
    let plain = create(&base.0, "plain", shape);
    // SAFETY: the only writer.
    let mut plain_writer = unsafe { Writer::new(plain.memory().clone()) }.unwrap();
    let source_of = |id| FrameSource::open(&base.0, &CameraId::new(id).unwrap()).unwrap();
    let (ring, plain, copied) = (source_of("ring"), source_of("plain"), source_of("plain"));
    let place = |source: &FrameSource, id| source.reader().look(id, |_, picture| picture.as_ptr()).unwrap().1;

    let folder = CString::new(base.0.join("ring").as_os_str().as_bytes()).unwrap();
    let mut camera = null_mut();
    // SAFETY: a text, no options, and a place for a pointer.
    let status = unsafe { vas_frames_open_path(folder.as_ptr(), std::ptr::null(), &raw mut camera) };
    assert_eq!(status, VasStatus::Ok);

    let len = ring.reader().frame_bytes();
    let mut picture = vec![7; len];
    let (mut copies, mut plain_copies) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS + UNCOUNTED {
        let id = writer.push(&picture, &FrameStamp::default()).unwrap();
        assert_eq!(plain_writer.push(&picture, &FrameStamp::default()).unwrap(), id);
        let mut timed = [0; 2];
        // The order of the two changes from round to round, and both begin with a warm source.
        for half in [round % 2, 1 - round % 2] {
            warm(place(if half == 0 { &ring } else { &plain }, id), len);
            let source = place(&copied, id);
            let into = black_box(&mut picture).as_mut_ptr();
            if half == 0 {
                let copy = || {
                    // SAFETY: an open camera of this thread, and room for as many bytes as is said.
                    let status = unsafe { vas_frames_copy_next(camera, 0, into, len, null_mut()) };
                    assert_eq!(status, VasStatus::Ok);
                };
                timed[0] = time(copy);
            } else {
                // SAFETY: slot and picture have `len` bytes each, and nobody else uses the ring.
                timed[1] = time(|| unsafe { into.copy_from_nonoverlapping(source, len) });
            }
        }
        if round >= UNCOUNTED {
            copies.push(timed[0]);
            plain_copies.push(timed[1]);
        }
    }
    // SAFETY: open, and not used after this.
    unsafe { vas_frames_close(camera) };

    let (width, height) = SIZE;
    let (median, p99) = ratios(&mut copies, &mut plain_copies);
    let memcpy_ns = quantile(&mut plain_copies, 50);
    if std::env::args().any(|argument| argument == "--json") {
        println!(
            "{{ \"reader\": \"c\", \"width\": {width}, \"height\": {height}, \"memcpy_ns\": {memcpy_ns}, \
             \"copy_median\": {median:.3}, \"copy_p99\": {p99:.3} }}"
        );
        return;
    }
    let verdict = if median <= GOAL { "met" } else { "MISSED" };
    println!("C, copy / memcpy        median      p99            goal: median at most {GOAL}");
    println!("{width:>4}x{height:<4}               {median:>6.3}   {p99:>6.3}    {verdict}");
}
