//! A camera in Python: a follower, a flag that ends its waits, and the loops that wait in bounded slices.

use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use vas_frame_picture::{Conversion, convert};
use vas_frame_protocol::{Geometry, Miss, Taken};
use vas_frame_segment::{
    Awaited, CameraId, Follower, FrameSource, Health, OpenError, Owner, SourceOptions, wait_for_frames,
};

use crate::ending::detached;
use crate::error::frame_error;
use crate::mapped::Mapped;
use crate::record::{colours_tuple, record_tuple};
use crate::signal::{Listeners, Signal};

/// The longest time between two looks at signals, at `close` in another thread and at the fate of the ring.
const SLICE: Duration = Duration::from_millis(100);

/// How long to leave alone a ring that promises a frame and does not have it.
const PAUSE: Duration = Duration::from_millis(1);

/// The longest time limit.
const FOREVER_SECONDS: f64 = 1e9;

#[pyclass(frozen)]
pub(crate) struct Camera {
    follower: Mutex<Follower>,
    options: SourceOptions,
    /// Why there was nothing new at the path, the last time it was asked.
    refusal: Mutex<Option<(&'static str, String)>>,
    is_closed: AtomicBool,
    listeners: Listeners,
    process: u32,
}

/// When a call must be back.
#[derive(Clone, Copy)]
struct Deadline(Instant);

impl Deadline {
    fn after(seconds: f64) -> PyResult<Self> {
        // Not a number is neither.
        if !(0.0..=FOREVER_SECONDS).contains(&seconds) {
            return Err(PyValueError::new_err(format!(
                "a time limit is from 0 to {FOREVER_SECONDS} seconds, not {seconds}"
            )));
        }
        Ok(Self(Instant::now() + Duration::from_secs_f64(seconds)))
    }

    fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    fn has_passed(self) -> bool {
        self.left().is_zero()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whose frames are accepted: `None` is whom this process trusts, -1 anyone, and everything else a user.
fn owner_of(owner: Option<i64>) -> PyResult<Owner> {
    match owner {
        None => Ok(Owner::Trusted),
        Some(-1) => Ok(Owner::Anyone),
        Some(user) => u32::try_from(user)
            .map(Owner::User)
            .map_err(|_| PyValueError::new_err(format!("{user} is not the id of a user"))),
    }
}

#[pymethods]
impl Camera {
    #[staticmethod]
    #[pyo3(signature = (path, owner))]
    fn open(py: Python<'_>, path: PathBuf, owner: Option<i64>) -> PyResult<Self> {
        let options = SourceOptions {
            owner: owner_of(owner)?,
            ..SourceOptions::default()
        };
        let follower = detached(py, || Follower::open(&path, options))
            .map_err(|error| frame_error(py, error.code(), &error.to_string()))?;
        Ok(Self {
            follower: Mutex::new(follower),
            options,
            refusal: Mutex::new(None),
            is_closed: AtomicBool::new(false),
            listeners: Listeners::default(),
            process: process::id(),
        })
    }

    /// Whether this process opened the camera; a child of a fork has it from its parent.
    fn is_of_this_process(&self) -> bool {
        self.process == process::id()
    }

    /// The same for a child of a fork, where a thread that does not exist may hold the lock for ever.
    fn renewed(&self, py: Python<'_>) -> PyResult<Self> {
        let held = match self.follower.try_lock() {
            Ok(held) => Some(held),
            Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        let renewed = match held {
            Some(follower) => follower.again(),
            None => {
                return Err(frame_error(
                    py,
                    "IO",
                    "this process was forked while another thread read the camera: open it here",
                ));
            }
        };
        Ok(Self {
            follower: Mutex::new(renewed),
            options: self.options,
            refusal: Mutex::new(None),
            is_closed: AtomicBool::new(self.is_closed.load(Ordering::Relaxed)),
            listeners: Listeners::default(),
            process: process::id(),
        })
    }

    fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        self.listeners.tell();
    }

    #[getter]
    fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    /// Width, height, stride, slots, bytes of a picture, epoch, generation, colours.
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        self.check_open(py)?;
        let source = self.source(py);
        let header = source.reader().header();
        let (shape, identity) = (header.shape(), header.identity());
        let geometry = shape.geometry();
        (
            geometry.width(),
            geometry.height(),
            geometry.stride(),
            shape.slot_count(),
            geometry.frame_bytes(),
            identity.epoch.as_slice(),
            identity.generation,
            colours_tuple(py, header.colours())?,
        )
            .into_pyobject(py)
    }

    /// Health, age of the heartbeat and of the newest frame in nanoseconds, frames not taken yet, and why nothing
    /// new could be opened.
    fn health<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        self.check_open(py)?;
        let (report, lag) = detached(py, || {
            let mut follower = lock(&self.follower);
            self.catch_up(&mut follower);
            let reader = follower.source().reader();
            let first = reader.header().identity().first_frame_id;
            let taken = follower.last_frame_id().max(first - 1);
            let lag = reader.newest_id().saturating_sub(taken);
            (follower.source().health_report(), lag)
        });
        let name = match report.health {
            Health::Live => "live",
            Health::Idle => "idle",
            Health::Hung => "hung",
            Health::Dead => "dead",
            Health::Ended => "ended",
            Health::Replaced => "replaced",
            Health::Damaged => "damaged",
        };
        (
            name,
            report.heartbeat_age_ns,
            report.frame_age_ns,
            lag,
            lock(&self.refusal).clone(),
        )
            .into_pyobject(py)
    }

    /// Waits until there is a frame that was not taken yet. Whether there is.
    fn wait(&self, py: Python<'_>, timeout: f64) -> PyResult<bool> {
        self.wait_until(py, Deadline::after(timeout)?)
    }

    /// How many bytes a picture has now.
    fn frame_bytes(&self, py: Python<'_>) -> PyResult<usize> {
        self.check_open(py)?;
        Ok(self.source(py).reader().frame_bytes())
    }

    /// Copies a frame into `out`: the newest one, or the next in order. The frame's fields; `None` when the time is
    /// over. With `is_own` a picture of another size than `out` is not copied and the result is its size; without,
    /// `out` may be larger.
    fn take<'py>(
        &self,
        py: Python<'py>,
        in_order: bool,
        timeout: f64,
        out: &Bound<'py, PyAny>,
        is_own: bool,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let deadline = Deadline::after(timeout)?;
        let out = Destination::of(out)?;
        let mut failures = 0;
        while self.wait_until(py, deadline)? {
            let needed = self.source(py).reader().frame_bytes();
            if is_own && out.len() != needed {
                return Ok(Some(needed.into_pyobject(py)?.into_any()));
            }
            if out.len() < needed {
                return Err(out.too_small(py, needed));
            }
            // SAFETY: the buffer is held by `out`. Python code of other threads may write there meanwhile, and gets
            // a mixture then: nothing is concluded from these bytes here.
            let bytes = unsafe { out.bytes() };
            let copied = detached(py, || {
                let mut follower = lock(&self.follower);
                let taken = if in_order {
                    follower.copy_next(bytes)
                } else {
                    follower.copy_newest(bytes)
                };
                let source = Arc::clone(follower.source());
                taken.map(|taken| (taken, source))
            });
            match copied {
                Ok((Taken { record, missed, .. }, source)) => {
                    let fields = record_tuple(py, &record, missed, source.reader().header())?;
                    return Ok(Some(fields.into_any()));
                }
                // Another size since it was asked for.
                Err(Miss::DestinationTooSmall { .. }) => {}
                Err(miss) => {
                    failures += 1;
                    if !self.may_try_again(py, miss, failures, deadline)? {
                        return Ok(None);
                    }
                }
            }
        }
        Ok(None)
    }

    /// The newest frame in place, and its fields, for a look that ends with `end_look`. `None` when the time is over.
    ///
    /// Two calls, and not one that calls the look: so no Python code ever runs above frames of Rust, which the end of
    /// the interpreter could not unwind.
    fn begin_look<'py>(
        &self,
        py: Python<'py>,
        timeout: f64,
    ) -> PyResult<Option<(Bound<'py, Mapped>, Bound<'py, PyTuple>)>> {
        let deadline = Deadline::after(timeout)?;
        let mut failures = 0;
        while self.wait_until(py, deadline)? {
            let (source, newest, missed) = detached(py, || {
                let follower = lock(&self.follower);
                let newest = follower.source().reader().newest_after(follower.last_frame_id());
                let missed = newest.map_or(0, |newest| follower.missed_before(newest));
                (Arc::clone(follower.source()), newest, missed)
            });
            let Some(newest) = newest else {
                continue;
            };
            let begun = source.reader().look(newest, |record, picture| {
                Mapped::new(picture, Arc::clone(&source), *record)
            });
            match begun {
                Ok((record, mapped)) => {
                    let fields = record_tuple(py, &record, missed, source.reader().header())?;
                    return Ok(Some((Bound::new(py, mapped)?, fields)));
                }
                Err(miss) => {
                    failures += 1;
                    if !self.may_try_again(py, miss, failures, deadline)? {
                        return Ok(None);
                    }
                }
            }
        }
        Ok(None)
    }

    /// Whether what `begin_look` gave was one whole frame to this moment. It is taken then, if the look has a result.
    fn end_look(&self, py: Python<'_>, mapped: &Bound<'_, Mapped>, has_result: bool) -> PyResult<bool> {
        let seen = mapped.get();
        // Steps R2 to R5 once more: the slot has the sequence that it had before, so it never had another one.
        let again = seen.source().reader().look(seen.record().frame_id, |_, _| ());
        if let Err(miss) = again {
            self.may_try_again(py, miss, 1, Deadline::after(0.0)?)?;
            return Ok(false);
        }
        if !has_result {
            return Ok(true);
        }
        if seen.exports() > 0 {
            return Err(frame_error(
                py,
                "VIEW_ESCAPED",
                "the look kept an array of the view, which shows other frames from now on: keep a copy",
            ));
        }
        detached(py, || lock(&self.follower).take(seen.source(), seen.record()));
        Ok(true)
    }
}

/// Waits until one of the cameras has a frame that was not taken yet. The positions of those that have.
#[pyfunction]
pub(crate) fn wait(py: Python<'_>, cameras: Vec<Py<Camera>>, timeout: f64) -> PyResult<Vec<usize>> {
    let deadline = Deadline::after(timeout)?;
    let cameras: Vec<&Camera> = cameras.iter().map(Py::get).collect();
    loop {
        let mut ready = Vec::new();
        for (position, camera) in cameras.iter().enumerate() {
            camera.check_open(py)?;
            if detached(py, || camera.catch_up(&mut lock(&camera.follower))) {
                ready.push(position);
            }
        }
        if !ready.is_empty() || deadline.has_passed() {
            return Ok(ready);
        }
        detached(py, || {
            let positions: Vec<_> = cameras.iter().map(|camera| camera.position()).collect();
            let awaited: Vec<_> = positions
                .iter()
                .map(|(source, after)| Awaited {
                    source,
                    after: *after,
                })
                .collect();
            _ = wait_for_frames(&awaited, None, deadline.left().min(SLICE));
        });
        py.check_signals()?;
    }
}

/// Raises `BAD_CAMERA_ID` unless `id` is one.
#[pyfunction]
pub(crate) fn check_camera_id(py: Python<'_>, id: &str) -> PyResult<()> {
    match CameraId::new(id) {
        Ok(_) => Ok(()),
        Err(error) => Err(frame_error(py, error.code(), &error.to_string())),
    }
}

/// Converts a picture into `out`, with the interpreter lock released.
#[pyfunction]
pub(crate) fn rgb(
    py: Python<'_>,
    picture: &Bound<'_, PyAny>,
    geometry: (u32, u32, u32),
    matrix: u8,
    is_full_range: bool,
    out: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let (width, height, stride) = geometry;
    let Some(conversion) = Conversion::new(matrix, is_full_range) else {
        let message = format!("there is no conversion to RGB for matrix {matrix} of H.273: give another one");
        return Err(frame_error(py, "UNKNOWN_COLOURS", &message));
    };
    let geometry = Geometry::nv12(width, height).and_then(|geometry| geometry.with_stride(stride));
    let geometry = geometry.map_err(|error| PyValueError::new_err(error.to_string()))?;
    let from = PyBuffer::<u8>::get(picture)?;
    if !from.is_c_contiguous() || from.len_bytes() < geometry.frame_bytes() {
        return Err(PyValueError::new_err("the memory is smaller than the picture"));
    }
    let into = Destination::of(out)?;
    let needed = width as usize * height as usize * 3;
    if into.len() < needed {
        return Err(into.too_small(py, needed));
    }
    // SAFETY: the buffer is held by `into`, and nothing is concluded from its bytes.
    let bytes = unsafe { into.bytes() };
    let rgb = &mut bytes[..needed];
    let start = from.buf_ptr() as usize;
    let shape = (width as usize, height as usize, stride as usize);
    // SAFETY: the buffer is held by `from`, and long enough for the geometry, which was checked.
    detached(py, || unsafe {
        convert(conversion, start as *const u8, shape, rgb)
    });
    Ok(())
}

impl Camera {
    fn check_open(&self, py: Python<'_>) -> PyResult<()> {
        if self.is_closed() {
            return Err(frame_error(py, "CLOSED", "the camera was closed by its reader"));
        }
        Ok(())
    }

    /// Has `signal` told when the camera is closed.
    pub(crate) fn tell_of_close(&self, signal: &Arc<Signal>) {
        self.listeners.add(signal);
    }

    fn source(&self, py: Python<'_>) -> Arc<FrameSource> {
        detached(py, || self.position().0)
    }

    /// The ring that is open and the last frame taken. Without the interpreter lock.
    pub(crate) fn position(&self) -> (Arc<FrameSource>, u64) {
        let follower = lock(&self.follower);
        (Arc::clone(follower.source()), follower.last_frame_id())
    }

    /// Whether there is a frame that was not taken yet, in this ring or in the one that took its place.
    fn catch_up(&self, follower: &mut Follower) -> bool {
        let found = follower.catch_up();
        let refusal = found.as_ref().err();
        let refusal = refusal.map(|error: &OpenError| (error.code(), error.to_string()));
        *lock(&self.refusal) = refusal;
        found.unwrap_or(false)
    }

    fn wait_until(&self, py: Python<'_>, deadline: Deadline) -> PyResult<bool> {
        loop {
            self.check_open(py)?;
            let (has_newer, source, last) = detached(py, || {
                let mut follower = lock(&self.follower);
                let has_newer = self.catch_up(&mut follower);
                (has_newer, Arc::clone(follower.source()), follower.last_frame_id())
            });
            if has_newer || deadline.has_passed() {
                return Ok(has_newer);
            }
            let slice = deadline.left().min(SLICE);
            let awaited = [Awaited {
                source: &source,
                after: last,
            }];
            _ = detached(py, || wait_for_frames(&awaited, None, slice));
            py.check_signals()?;
        }
    }

    /// After a miss: whether there is time for another try. A ring that goes on missing is asked less often.
    fn may_try_again(&self, py: Python<'_>, miss: Miss, failures: u32, deadline: Deadline) -> PyResult<bool> {
        if failures > 1 || miss == Miss::Damaged {
            detached(py, || std::thread::sleep(PAUSE));
        }
        py.check_signals()?;
        self.check_open(py)?;
        Ok(!deadline.has_passed())
    }
}

/// Writable memory of a Python object, held while it is written to.
struct Destination(PyBuffer<u8>);

impl Destination {
    fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let buffer = PyBuffer::get(object)?;
        if buffer.readonly() || !buffer.is_c_contiguous() {
            return Err(PyValueError::new_err(
                "the memory for a picture must be writable and contiguous bytes",
            ));
        }
        Ok(Self(buffer))
    }

    fn len(&self) -> usize {
        self.0.len_bytes()
    }

    /// # Safety
    ///
    /// Nothing may be concluded from the bytes that others could be writing, too.
    #[allow(
        clippy::mut_from_ref,
        reason = "the memory is Python's, as is the order of access to it"
    )]
    unsafe fn bytes(&self) -> &mut [u8] {
        // SAFETY: the buffer is contiguous, writable and held by `self`.
        unsafe { std::slice::from_raw_parts_mut(self.0.buf_ptr().cast(), self.len()) }
    }

    fn too_small(&self, py: Python<'_>, needed: usize) -> PyErr {
        let message = format!("the picture needs {needed} bytes, and there are {}", self.len());
        frame_error(py, "DESTINATION_TOO_SMALL", &message)
    }
}
