//! What the functions of the interface do, called from Rust: outcomes, limits, restarts, and that reading allocates
//! nothing.

mod stage;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{null, null_mut};
use std::time::{Duration, Instant};

use stage::camera::{Camera, last_message};
use stage::{Folder, with_live_camera};
use vas_frame_drain::{Export, Outcome};
use vas_frame_protocol::{ChromaSiting, ColourRange, Colours, Geometry, RingShape};
use vas_frames::*;

/// Counts what a thread allocates.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: all calls go to the system's allocator; the counter allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as promised to this function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as promised to this function.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const SECOND: u64 = 1_000_000_000;
const SIZE: usize = 64 * 48 * 3 / 2;

fn export(base: &Folder, width: u32) -> Export {
    stage::export(&base.0.join("base"), (width, 48), 4)
}

fn shape(width: u32) -> RingShape {
    RingShape::new(Geometry::nv12(width, 48).unwrap(), 4).unwrap()
}

fn publish(export: &mut Export, count: u8) {
    for byte in 1..=count {
        let picture = vec![byte; export.shape().geometry().frame_bytes()];
        assert!(matches!(export.publish(&picture, None), Outcome::Published(_)));
    }
}

#[test]
fn r2_reads_in_order_by_id_and_the_newest_and_tells_what_was_missed() {
    let base = Folder::new(Path::new("/dev/shm"));
    let mut host = export(&base, 64);
    let camera = Camera::open(host.path());
    let mut picture = [0; SIZE];
    assert_eq!(camera.copy_next(0, &mut picture).0, VasStatus::TimedOut);
    publish(&mut host, 2);
    let (status, frame) = camera.copy_next(0, &mut picture);
    assert_eq!(
        (status, frame.id, frame.width, picture[9]),
        (VasStatus::Ok, 1, 64, 1)
    );
    publish(&mut host, 3);
    let (status, frame) = camera.copy_newest(0, &mut picture);
    assert_eq!((status, frame.id, frame.missed), (VasStatus::Ok, 5, 3));
    assert_eq!(camera.copy_newest(0, &mut picture).0, VasStatus::TimedOut);
    for (id, expected) in [
        (4, VasStatus::Ok),
        (1, VasStatus::Overwritten),
        (6, VasStatus::NothingNewer),
    ] {
        assert_eq!(camera.copy_at(id, &mut picture).0, expected, "frame {id}");
    }
    publish(&mut host, 1);
    let (status, _) = camera.copy_next(0, &mut picture[1..]);
    assert_eq!(status, VasStatus::DestinationTooSmall);
    assert_eq!(last_message(), format!("the picture needs {SIZE} bytes"));
    assert_eq!(camera.copy_next(0, &mut picture).1.id, 6);
    // SAFETY: an open camera of this thread.
    assert_eq!(unsafe { vas_frames_newest_id(camera.0) }, 6);
}

#[test]
fn r2_a_look_is_good_only_if_the_picture_was_whole_to_its_end() {
    let base = Folder::new(Path::new("/dev/shm"));
    let mut host = export(&base, 64);
    publish(&mut host, 2);
    let camera = Camera::open(host.path());
    let mut seen = Vec::new();
    let status = camera.look(0, |picture| {
        // SAFETY: the planes of the picture.
        let y = unsafe { *picture.y };
        // SAFETY: as above.
        let uv = unsafe { *picture.uv };
        seen.push((picture.frame.id, y, uv, picture.len));
    });
    assert_eq!((status, seen.as_slice()), (VasStatus::Ok, &[(2, 2, 2, SIZE)][..]));
    assert_eq!(camera.look(0, |_| unreachable!()), VasStatus::TimedOut);
    let mut looks = 0;
    publish(&mut host, 1);
    let status = camera.look(0, |_| {
        looks += 1;
        publish(&mut host, 4);
    });
    assert_eq!((status, looks), (VasStatus::Overwritten, 2));
}

#[test]
fn p2_7_goes_on_after_a_change_of_size_and_after_a_restart() {
    let base = Folder::new(Path::new("/dev/shm"));
    let mut host = export(&base, 64);
    publish(&mut host, 1);
    let camera = Camera::open(host.path());
    let mut picture = vec![0; 2 * SIZE];
    assert_eq!(camera.copy_next(0, &mut picture).1.id, 1);
    host.reshape(shape(128)).unwrap();
    publish(&mut host, 1);
    let (status, frame) = camera.copy_next(20 * SECOND, &mut picture);
    assert_eq!(
        (status, frame.id, frame.missed, frame.width),
        (VasStatus::Ok, 2, 0, 128)
    );
    assert_eq!(camera.health().health, VasHealth::Live as i32);
    drop(host);
    assert_eq!(camera.copy_next(SECOND / 5, &mut picture).0, VasStatus::TimedOut);
    assert_eq!(camera.health().health, VasHealth::Ended as i32);
    let mut host = export(&base, 64);
    publish(&mut host, 1);
    let (status, frame) = camera.copy_next(20 * SECOND, &mut picture);
    assert_eq!((status, frame.id, frame.width), (VasStatus::Ok, 1, 64));
}

#[test]
fn r4_a_file_that_is_cut_short_is_no_crash_and_no_frame() {
    let base = Folder::new(Path::new("/dev/shm"));
    let mut host = export(&base, 64);
    publish(&mut host, 1);
    let camera = Camera::open(host.path());
    let data = std::fs::File::options()
        .write(true)
        .open(host.path().join("frame.data"))
        .unwrap();
    let status = camera.look(0, |picture| {
        data.set_len(0).unwrap();
        // SAFETY: the first byte of the picture, which the handler of SIGBUS replaces.
        unsafe { picture.y.read_volatile() };
    });
    assert_ne!(status, VasStatus::Ok);
    assert_eq!(camera.health().health, VasHealth::Damaged as i32);
}

#[test]
fn p2_17_waits_for_one_and_for_many_no_longer_than_they_should() {
    let base = Folder::new(Path::new("/dev/shm"));
    let host = export(&base, 64);
    let idle = Camera::open(host.path());
    let began = Instant::now();
    // SAFETY: an open camera of this thread.
    let status = unsafe { vas_frames_wait(idle.0, SECOND / 20) };
    assert_eq!(status, VasStatus::TimedOut);
    assert!(began.elapsed() >= Duration::from_millis(50));
    with_live_camera(|path| {
        let live = Camera::open(path);
        let cameras = [idle.0, live.0];
        let mut ready = 7;
        for _ in 0..5 {
            // SAFETY: two open cameras of this thread, and a place for a number.
            let status = unsafe { vas_frames_wait_any(cameras.as_ptr(), 2, 20 * SECOND, &raw mut ready) };
            assert_eq!((status, ready), (VasStatus::Ok, 1));
            assert_eq!(live.copy_newest(0, &mut [0; SIZE]).0, VasStatus::Ok);
        }
    });
}

#[test]
fn r2_reading_and_waiting_allocate_nothing() {
    with_live_camera(|path| {
        let camera = Camera::open(path);
        let mut picture = [0; SIZE];
        assert_eq!(camera.copy_next(SECOND, &mut picture).0, VasStatus::Ok);
        let before = ALLOCATIONS.get();
        for _ in 0..20 {
            assert_eq!(camera.copy_next(20 * SECOND, &mut picture).0, VasStatus::Ok);
            let cameras = [camera.0];
            // SAFETY: an open camera of this thread.
            unsafe { vas_frames_wait_any(cameras.as_ptr(), 1, 20 * SECOND, null_mut()) };
            camera.look(20 * SECOND, |_| ());
        }
        assert_eq!(ALLOCATIONS.get(), before);
        drop(vec![0_u8; 8]);
        assert!(ALLOCATIONS.get() > before, "the counter counts");
    });
}

#[test]
fn p2_14_tells_what_the_colours_mean_and_what_is_not_said() {
    let base = Folder::new(Path::new("/dev/shm"));
    let mut host = export(&base, 64);
    let camera = Camera::open(host.path());
    assert_eq!(camera.colours(), [0; 5]);
    host.reshape(shape(64).with_colours(Colours {
        matrix: Some(9),
        primaries: Some(5),
        transfer: None,
        range: Some(ColourRange::Full),
        chroma_siting: Some(ChromaSiting::TopLeft),
    }))
    .unwrap();
    publish(&mut host, 1);
    assert_eq!(camera.copy_next(20 * SECOND, &mut [0; SIZE]).0, VasStatus::Ok);
    assert_eq!(camera.colours(), [9, 5, 0, 2, 3]);
}

#[test]
fn p2_16_a_reader_insists_on_whose_frames_it_accepts() {
    let base = Folder::new(Path::new("/dev/shm"));
    let host = export(&base, 64);
    let path = CString::new(host.path().as_os_str().as_bytes()).unwrap();
    let user = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(host.path()).unwrap());
    for (owner, user, expected) in [
        (VasOwner::Trusted as i32, 0, VasStatus::Ok),
        (VasOwner::User as i32, user, VasStatus::Ok),
        (VasOwner::Anyone as i32, 0, VasStatus::Ok),
        (VasOwner::User as i32, user + 1, VasStatus::WrongOwner),
        (3, 0, VasStatus::BadOption),
    ] {
        let options = VasOptions { owner, user };
        let mut camera = null_mut();
        // SAFETY: a text, options, and a place for a pointer.
        let status = unsafe { vas_frames_open_path(path.as_ptr(), &raw const options, &raw mut camera) };
        assert_eq!(status, expected, "owner {owner}");
        drop(Camera(camera));
    }
}

#[test]
fn r2_misuse_is_a_status_and_every_status_has_its_code() {
    let mut camera = null_mut();
    let camera = &raw mut camera;
    // SAFETY: NULL is allowed, as is a text that is no camera id.
    let status = unsafe { vas_frames_open(null(), c"../gate".as_ptr(), null(), camera) };
    assert_eq!(status, VasStatus::BadCameraId);
    // SAFETY: NULL is allowed.
    let status = unsafe { vas_frames_open(null(), null(), null(), camera) };
    assert_eq!(status, VasStatus::BadOption);
    // SAFETY: NULL is allowed.
    let status = unsafe { vas_frames_open_path(c"/nowhere".as_ptr(), null(), null_mut()) };
    assert_eq!(status, VasStatus::BadOption);
    // SAFETY: NULL is allowed.
    let status = unsafe { vas_frames_open_path(c"/nowhere".as_ptr(), null(), camera) };
    assert_eq!(status, VasStatus::SourceNotFound);
    // SAFETY: a place for a pointer.
    assert!(unsafe { *camera }.is_null());
    // SAFETY: NULL is allowed.
    let status = unsafe { vas_frames_wait(null_mut(), 0) };
    assert_eq!(status, VasStatus::BadOption);
    // SAFETY: NULL is allowed.
    let status = unsafe { vas_frames_wait_any(null(), 1, 0, null_mut()) };
    assert_eq!(status, VasStatus::BadOption);
    // SAFETY: NULL is allowed.
    let status = unsafe { vas_frames_copy_next(null_mut(), 0, null_mut(), 0, null_mut()) };
    assert_eq!(status, VasStatus::BadOption);
    // SAFETY: NULL is allowed.
    let status = unsafe { vas_frames_look_newest(null_mut(), 0, None, null_mut(), null_mut()) };
    assert_eq!(status, VasStatus::BadOption);
    // SAFETY: NULL is allowed.
    let status = unsafe { vas_frames_health(null_mut(), null_mut()) };
    assert_eq!(status, VasStatus::BadOption);
    // SAFETY: NULL is allowed.
    let status = unsafe { vas_frames_geometry(null(), null_mut()) };
    assert_eq!(status, VasStatus::BadOption);
    // SAFETY: NULL is allowed.
    unsafe { vas_frames_close(null_mut()) };
    assert_eq!(last_message(), "camera is NULL");
    for (status, code) in [
        (0, c"OK"),
        (102, c"SOURCE_NOT_FOUND"),
        (105, c"DESTINATION_TOO_SMALL"),
        (99, c"UNKNOWN"),
    ] {
        // SAFETY: a text that ends with a NUL.
        let text = unsafe { CStr::from_ptr(vas_frames_status_code(status)) };
        assert_eq!(text, code);
    }
}

#[test]
fn r2_a_message_that_is_too_long_is_cut_off() {
    let long = CString::new(format!("/{}", "ö".repeat(400))).unwrap();
    let mut camera = null_mut();
    // SAFETY: a text, and a place for a pointer.
    let status = unsafe { vas_frames_open_path(long.as_ptr(), null(), &raw mut camera) };
    assert_ne!(status, VasStatus::Ok);
    assert!(last_message().len() > 400);
    let mut short = [1; 4];
    // SAFETY: room for as many bytes as is said.
    unsafe { vas_frames_last_message(short.as_mut_ptr(), short.len()) };
    assert_eq!(short[3], 0);
}
