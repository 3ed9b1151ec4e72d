//! The functions that open, wait for, read and close a camera.

use std::ffi::{CStr, OsStr, c_char, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use vas_frame_protocol::{FrameRecord, Miss, RacyBytes};
use vas_frame_segment::{
    Awaited, CameraId, Follower, FrameSource, MOST_AWAITED, Owner, SourceOptions, WaitedAny, wait_for_frames,
};

use crate::status::{VasStatus, bad_option, entry, refused, say};
use crate::types::{
    VAS_FRAMES_ABI_VERSION, VasFrame, VasGeometry, VasHealth, VasHealthReport, VasOptions, VasOwner,
    VasPicture,
};

const DEFAULT_BASE_DIR: &str = "/dev/shm/vas";

/// The longest time between two looks at the fate of a ring.
const SLICE: Duration = Duration::from_millis(100);

/// How long to leave alone a ring that promises a frame and does not have it.
const PAUSE: Duration = Duration::from_millis(1);

/// How often a look calls its callback at most.
const LOOKS: u32 = 2;

/// How many cameras one wait can be for.
pub const VAS_FRAMES_MOST_AWAITED: usize = 127;

const _: () = assert!(VAS_FRAMES_MOST_AWAITED == MOST_AWAITED);

/// An open camera. It is followed through changes of size, restarts and crashes of its host. One thread may use it at
/// a time; each frame is taken at most once.
#[derive(Debug)]
pub struct VasCamera(Follower);

/// Looks at a picture in place. It must not keep the pointers, jump out or throw, and should only compute: what it
/// sees may be garbage, which the look tells when it returns. One look may call it twice.
pub type VasLook = Option<unsafe extern "C" fn(context: *mut c_void, picture: *const VasPicture)>;

/// The version of the interface that this library has: compare it with VAS_FRAMES_ABI_VERSION.
#[unsafe(no_mangle)]
pub extern "C" fn vas_frames_abi_version() -> u32 {
    VAS_FRAMES_ABI_VERSION
}

/// Opens a camera by its id. `base_dir` may be NULL for /dev/shm/vas, `options` for the usual ones. On success
/// `*camera` is what to close later, otherwise NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vas_frames_open(
    base_dir: *const c_char,
    camera_id: *const c_char,
    options: *const VasOptions,
    camera: *mut *mut VasCamera,
) -> VasStatus {
    entry(|| {
        // SAFETY: NULL or a text, as the caller promises.
        let base_dir = unsafe { path(base_dir) }.unwrap_or_else(|| DEFAULT_BASE_DIR.into());
        // SAFETY: as above.
        let id = unsafe { text(camera_id) }.ok_or_else(|| bad_option("camera_id is NULL"))?;
        let id = CameraId::new(&id.to_string_lossy()).map_err(|error| {
            say(&error);
            VasStatus::BadCameraId
        })?;
        // SAFETY: the caller promises to this function what is asked for.
        unsafe { open_at(&base_dir.join(id.as_str()), options, camera) }
    })
}

/// Opens a camera by its folder.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vas_frames_open_path(
    folder: *const c_char,
    options: *const VasOptions,
    camera: *mut *mut VasCamera,
) -> VasStatus {
    entry(|| {
        // SAFETY: NULL or a text, as the caller promises.
        let path = unsafe { path(folder) }.ok_or_else(|| bad_option("folder is NULL"))?;
        // SAFETY: the caller promises to this function what is asked for.
        unsafe { open_at(&path, options, camera) }
    })
}

/// Closes a camera and frees it. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vas_frames_close(camera: *mut VasCamera) {
    entry(|| {
        if !camera.is_null() {
            // SAFETY: it came from `open_at`, and the caller does not use it after this.
            drop(unsafe { Box::from_raw(camera) });
        }
        Ok(())
    });
}

/// Waits until there is a frame that was not taken yet, at most for `timeout_ns`: VAS_STATUS_OK, or
/// VAS_STATUS_TIMED_OUT or VAS_STATUS_INTERRUPTED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vas_frames_wait(camera: *mut VasCamera, timeout_ns: u64) -> VasStatus {
    entry(|| {
        // SAFETY: NULL or open, and used by this thread alone, as the caller promises.
        let follower = unsafe { follower_of(camera) }?;
        wait_until(follower, Deadline::after(timeout_ns))
    })
}

/// Waits until one of `count` different cameras has a frame that was not taken yet; `*ready` is the place of the first
/// of them then. At most VAS_FRAMES_MOST_AWAITED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vas_frames_wait_any(
    cameras: *const *mut VasCamera,
    count: usize,
    timeout_ns: u64,
    ready: *mut usize,
) -> VasStatus {
    entry(|| {
        if cameras.is_null() || count == 0 || count > VAS_FRAMES_MOST_AWAITED {
            return Err(bad_option("there are no cameras to wait for, or too many"));
        }
        let deadline = Deadline::after(timeout_ns);
        let mut sources = [const { None }; VAS_FRAMES_MOST_AWAITED];
        loop {
            for (place, source) in sources.iter_mut().take(count).enumerate() {
                // SAFETY: there are `count` pointers, as the caller promises.
                let camera = unsafe { cameras.add(place) };
                // SAFETY: as above.
                let camera = unsafe { *camera };
                // SAFETY: NULL or open, and used by this thread alone, as the caller promises.
                let Some(VasCamera(follower)) = (unsafe { camera.as_mut() }) else {
                    return Err(bad_option("one of the cameras is NULL"));
                };
                if catch_up(follower) {
                    // SAFETY: NULL or a place for a number, as the caller promises.
                    if let Some(ready) = unsafe { ready.as_mut() } {
                        *ready = place;
                    }
                    return Ok(());
                }
                *source = Some((Arc::clone(follower.source()), follower.last_frame_id()));
            }
            let Some((filler, _)) = &sources[0] else {
                return Err(VasStatus::TimedOut);
            };
            let filler = Awaited {
                source: filler,
                after: u64::MAX,
            };
            let mut awaited = [filler; VAS_FRAMES_MOST_AWAITED];
            for (awaited, source) in awaited.iter_mut().zip(&sources) {
                if let Some((source, after)) = source {
                    *awaited = Awaited {
                        source,
                        after: *after,
                    };
                }
            }
            wait_slice(&awaited[..count], deadline)?;
        }
    })
}

/// Copies the newest frame, if it is newer than the last one taken, and waits for it for at most `timeout_ns` if it is
/// not; 0 does not wait. `into` has room for `len` bytes, of which the picture takes `frame_bytes` of
/// vas_frames_geometry; whatever stands there is void unless the result is VAS_STATUS_OK. `frame` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vas_frames_copy_newest(
    camera: *mut VasCamera,
    timeout_ns: u64,
    into: *mut u8,
    len: usize,
    frame: *mut VasFrame,
) -> VasStatus {
    // SAFETY: the caller promises to this function what is asked for.
    unsafe { copy(camera, timeout_ns, (into, len), frame, Follower::copy_newest) }
}

/// As vas_frames_copy_newest, for the oldest frame after the last one taken that is still there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vas_frames_copy_next(
    camera: *mut VasCamera,
    timeout_ns: u64,
    into: *mut u8,
    len: usize,
    frame: *mut VasFrame,
) -> VasStatus {
    // SAFETY: the caller promises to this function what is asked for.
    unsafe { copy(camera, timeout_ns, (into, len), frame, Follower::copy_next) }
}

/// Copies the frame of an id from the ring that is open. Does not wait, and does not change what comes next:
/// VAS_STATUS_OK, VAS_STATUS_OVERWRITTEN or VAS_STATUS_NOTHING_NEWER.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vas_frames_copy_at(
    camera: *mut VasCamera,
    id: u64,
    into: *mut u8,
    len: usize,
    frame: *mut VasFrame,
) -> VasStatus {
    entry(|| {
        // SAFETY: NULL or open, and used by this thread alone, as the caller promises.
        let follower = unsafe { follower_of(camera) }?;
        // SAFETY: NULL or room for `len` bytes, as the caller promises.
        let bytes = unsafe { destination(into, len) }?;
        let source = follower.source();
        let record = source.reader().copy(id, bytes).map_err(missed)?;
        // SAFETY: NULL or a place for a frame, as the caller promises.
        unsafe { tell(frame, source, &record, 0) };
        Ok(())
    })
}

/// Calls `look` with the newest frame in place, if it is newer than the last one taken, and waits for it for at most
/// `timeout_ns` if it is not. If the writer was faster, `look` is called a second time, with the frame that is the
/// newest then. VAS_STATUS_OK says that what `look` saw, the last time it was called, was that frame.
/// VAS_STATUS_OVERWRITTEN says that the writer was faster, twice: a look may take as long as `slot_count - 2` frames.
/// `context` is for `look`; `frame` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vas_frames_look_newest(
    camera: *mut VasCamera,
    timeout_ns: u64,
    look: VasLook,
    context: *mut c_void,
    frame: *mut VasFrame,
) -> VasStatus {
    entry(|| {
        // SAFETY: NULL or open, and used by this thread alone, as the caller promises.
        let follower = unsafe { follower_of(camera) }?;
        let look = look.ok_or_else(|| bad_option("look is NULL"))?;
        let deadline = Deadline::after(timeout_ns);
        let mut outcome = VasStatus::Overwritten;
        for _ in 0..LOOKS {
            wait_until(follower, deadline)?;
            let source = Arc::clone(follower.source());
            let Some(id) = source.reader().newest_after(follower.last_frame_id()) else {
                continue;
            };
            let before = follower.missed_before(id);
            // SAFETY: the caller promises a function that can be called with this context.
            match unsafe { look_at(&source, id, before, look, context) } {
                Ok(record) => {
                    let before = follower.take(&source, &record).unwrap_or(0);
                    // SAFETY: NULL or a place for a frame, as the caller promises.
                    unsafe { tell(frame, &source, &record, before) };
                    return Ok(());
                }
                Err(miss) => outcome = missed(miss),
            }
        }
        Err(outcome)
    })
}

/// As vas_frames_look_newest, for the frame of an id in the ring that is open. Does not wait, and does not change what
/// comes next.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vas_frames_look_at(
    camera: *mut VasCamera,
    id: u64,
    look: VasLook,
    context: *mut c_void,
    frame: *mut VasFrame,
) -> VasStatus {
    entry(|| {
        // SAFETY: NULL or open, and used by this thread alone, as the caller promises.
        let follower = unsafe { follower_of(camera) }?;
        let look = look.ok_or_else(|| bad_option("look is NULL"))?;
        let source = follower.source();
        // SAFETY: the caller promises a function that can be called with this context.
        let seen = unsafe { look_at(source, id, 0, look, context) };
        let record = seen.map_err(missed)?;
        // SAFETY: NULL or a place for a frame, as the caller promises.
        unsafe { tell(frame, source, &record, 0) };
        Ok(())
    })
}

/// The id of the newest frame of the ring that is open; 0 = none yet, or `camera` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vas_frames_newest_id(camera: *const VasCamera) -> u64 {
    let mut newest = 0;
    entry(|| {
        // SAFETY: NULL or open, and used by this thread alone, as the caller promises.
        if let Some(VasCamera(follower)) = unsafe { camera.as_ref() } {
            newest = follower.source().reader().newest_id();
        }
        Ok(())
    });
    newest
}

/// How the writer is now. Some system calls, none of which waits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vas_frames_health(
    camera: *mut VasCamera,
    report: *mut VasHealthReport,
) -> VasStatus {
    entry(|| {
        // SAFETY: NULL or open, and used by this thread alone, as the caller promises.
        let follower = unsafe { follower_of(camera) }?;
        // SAFETY: NULL or a place for a report, as the caller promises.
        let report = unsafe { report.as_mut() }.ok_or_else(|| bad_option("report is NULL"))?;
        catch_up(follower);
        let found = follower.source().health_report();
        *report = VasHealthReport {
            health: VasHealth::from(found.health) as i32,
            has_frame: found.frame_age_ns.is_some().into(),
            heartbeat_age_ns: found.heartbeat_age_ns,
            frame_age_ns: found.frame_age_ns.unwrap_or(0),
        };
        Ok(())
    })
}

/// The shape of the frames that are read now. It changes only within calls that wait, copy, look or ask for the
/// health.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vas_frames_geometry(
    camera: *const VasCamera,
    geometry: *mut VasGeometry,
) -> VasStatus {
    entry(|| {
        // SAFETY: NULL or open, and used by this thread alone, as the caller promises.
        let camera = unsafe { camera.as_ref() }.ok_or_else(|| bad_option("camera is NULL"))?;
        // SAFETY: NULL or a place for a geometry, as the caller promises.
        let geometry = unsafe { geometry.as_mut() }.ok_or_else(|| bad_option("geometry is NULL"))?;
        *geometry = VasGeometry::of(camera.0.source().reader().header());
        Ok(())
    })
}

/// When a call must be back; `None` = never.
#[derive(Clone, Copy)]
struct Deadline(Option<Instant>);

impl Deadline {
    fn after(timeout_ns: u64) -> Self {
        Self(Instant::now().checked_add(Duration::from_nanos(timeout_ns)))
    }

    fn left(self) -> Duration {
        self.0
            .map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()))
    }
}

/// # Safety
///
/// `text` is NULL, or leads to a text that ends with a NUL and stays what it is for `'a`.
unsafe fn text<'a>(text: *const c_char) -> Option<&'a CStr> {
    // SAFETY: promised by the caller.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) })
}

/// # Safety
///
/// As [`text`].
unsafe fn path(path: *const c_char) -> Option<PathBuf> {
    // SAFETY: promised by the caller.
    unsafe { text(path) }.map(|path| OsStr::from_bytes(path.to_bytes()).into())
}

/// # Safety
///
/// `options` is NULL or leads to options, `camera` is NULL or leads to a place for a pointer.
unsafe fn open_at(
    path: &Path,
    options: *const VasOptions,
    camera: *mut *mut VasCamera,
) -> Result<(), VasStatus> {
    // SAFETY: promised by the caller.
    let camera = unsafe { camera.as_mut() }.ok_or_else(|| bad_option("camera is NULL"))?;
    *camera = std::ptr::null_mut();
    // SAFETY: promised by the caller.
    let options = unsafe { options.as_ref() }.copied().unwrap_or_default();
    let owner = match options.owner {
        owner if owner == VasOwner::Trusted as i32 => Owner::Trusted,
        owner if owner == VasOwner::User as i32 => Owner::User(options.user),
        owner if owner == VasOwner::Anyone as i32 => Owner::Anyone,
        _ => return Err(bad_option("owner is no VasOwner")),
    };
    let options = SourceOptions {
        owner,
        ..SourceOptions::default()
    };
    let follower = Follower::open(path, options).map_err(|error| refused(&error))?;
    *camera = Box::into_raw(Box::new(VasCamera(follower)));
    Ok(())
}

/// # Safety
///
/// `camera` is NULL or open, and nothing else uses it for `'a`.
unsafe fn follower_of<'a>(camera: *mut VasCamera) -> Result<&'a mut Follower, VasStatus> {
    // SAFETY: promised by the caller.
    let camera = unsafe { camera.as_mut() }.ok_or_else(|| bad_option("camera is NULL"))?;
    Ok(&mut camera.0)
}

/// # Safety
///
/// `into` is NULL, or nothing else uses the `len` bytes that it leads to for `'a`.
unsafe fn destination<'a>(into: *mut u8, len: usize) -> Result<&'a mut [u8], VasStatus> {
    if into.is_null() {
        return Err(bad_option("into is NULL"));
    }
    // SAFETY: promised by the caller.
    Ok(unsafe { std::slice::from_raw_parts_mut(into, len) })
}

/// Whether there is a frame that was not taken yet, in this ring or in the one that took its place.
fn catch_up(follower: &mut Follower) -> bool {
    follower.catch_up().unwrap_or_else(|error| {
        refused(&error);
        false
    })
}

/// Waits until there is a frame that was not taken yet.
fn wait_until(follower: &mut Follower, deadline: Deadline) -> Result<(), VasStatus> {
    while !catch_up(follower) {
        let awaited = Awaited {
            source: &Arc::clone(follower.source()),
            after: follower.last_frame_id(),
        };
        wait_slice(&[awaited], deadline)?;
    }
    Ok(())
}

/// A part of a wait, after which to look at the fate of the rings.
fn wait_slice(awaited: &[Awaited<'_>], deadline: Deadline) -> Result<(), VasStatus> {
    let left = deadline.left();
    if left.is_zero() {
        return Err(VasStatus::TimedOut);
    }
    match wait_for_frames(awaited, None, left.min(SLICE)) {
        WaitedAny::Interrupted => Err(VasStatus::Interrupted),
        _ => Ok(()),
    }
}

fn missed(miss: Miss) -> VasStatus {
    say(&miss);
    match miss {
        Miss::NothingNewer => VasStatus::NothingNewer,
        Miss::Overwritten => VasStatus::Overwritten,
        Miss::DestinationTooSmall { .. } => VasStatus::DestinationTooSmall,
        _ => VasStatus::Damaged,
    }
}

/// # Safety
///
/// As the function of the interface that calls it.
unsafe fn copy(
    camera: *mut VasCamera,
    timeout_ns: u64,
    (into, len): (*mut u8, usize),
    frame: *mut VasFrame,
    copy: impl Fn(&mut Follower, &mut [u8]) -> Result<vas_frame_protocol::Taken, Miss>,
) -> VasStatus {
    entry(|| {
        // SAFETY: NULL or open, and used by this thread alone, as the caller promises.
        let follower = unsafe { follower_of(camera) }?;
        // SAFETY: NULL or room for `len` bytes, as the caller promises.
        let bytes = unsafe { destination(into, len) }?;
        let deadline = Deadline::after(timeout_ns);
        loop {
            wait_until(follower, deadline)?;
            match copy(follower, bytes) {
                Ok(taken) => {
                    // SAFETY: NULL or a place for a frame, as the caller promises.
                    unsafe { tell(frame, follower.source(), &taken.record, taken.missed) };
                    return Ok(());
                }
                // The writer was faster: there is a newer one. Unless the ring is damaged, and has none.
                Err(miss @ (Miss::Overwritten | Miss::NothingNewer | Miss::Damaged)) => {
                    if deadline.left().is_zero() {
                        return Err(missed(miss));
                    }
                    std::thread::sleep(PAUSE);
                }
                Err(miss) => return Err(missed(miss)),
            }
        }
    })
}

/// # Safety
///
/// `frame` is NULL or leads to a place for a frame.
unsafe fn tell(frame: *mut VasFrame, source: &FrameSource, record: &FrameRecord, missed: u64) {
    // SAFETY: promised by the caller.
    if let Some(frame) = unsafe { frame.as_mut() } {
        *frame = VasFrame::new(record, missed, source.reader().header().identity());
    }
}

/// Calls `look` with the picture of frame `id` in place. The record, if what `look` saw was that frame.
///
/// # Safety
///
/// `look` can be called with `context`.
unsafe fn look_at(
    source: &FrameSource,
    id: u64,
    missed: u64,
    look: unsafe extern "C" fn(*mut c_void, *const VasPicture),
    context: *mut c_void,
) -> Result<FrameRecord, Miss> {
    let (record, ()) = source.reader().look(id, |record, picture| {
        let picture = in_place(source, record, missed, picture);
        // SAFETY: promised by the caller; the picture lives until `look` returns.
        unsafe { look(context, &raw const picture) };
    })?;
    Ok(record)
}

fn in_place(source: &FrameSource, record: &FrameRecord, missed: u64, picture: RacyBytes<'_>) -> VasPicture {
    let geometry = record.geometry;
    let luma = geometry.stride() as usize * geometry.height() as usize;
    let y = picture.as_ptr().cast::<u8>();
    VasPicture {
        y,
        // Inside the picture, which is half as long again.
        uv: y.wrapping_add(luma),
        len: picture.len(),
        frame: VasFrame::new(record, missed, source.reader().header().identity()),
    }
}
