//! News of one camera for an event loop: a descriptor that becomes readable. Nothing waits in the loop, and one thread
//! of the process, which never runs Python, waits for all cameras.

use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use pyo3::prelude::*;
use rustix::event::{EventfdFlags, eventfd};
use vas_frame_segment::{FrameSource, Watch, Watched};

use crate::camera::Camera;
use crate::ending::detached;
use crate::error::frame_error;

/// A descriptor that becomes readable when it is told to.
pub(crate) struct Signal(OwnedFd);

impl Signal {
    /// Never waits: a count that cannot grow is one that nobody has read yet.
    pub(crate) fn tell(&self) {
        _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }

    fn clear(&self) {
        _ = rustix::io::read(&self.0, &mut [0; 8]);
    }
}

#[pyclass(frozen)]
pub(crate) struct News {
    signal: Arc<Signal>,
    /// What is waited for, and the ring that it is in.
    watch: Mutex<Option<(Watch, Arc<FrameSource>)>>,
}

#[pymethods]
impl News {
    #[new]
    fn new(py: Python<'_>, camera: &Bound<'_, Camera>) -> PyResult<Self> {
        let descriptor = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|cause| frame_error(py, "IO", &format!("no descriptor to wait with: {cause}")))?;
        let signal = Arc::new(Signal(descriptor));
        camera.get().tell_of_close(&signal);
        Ok(Self {
            signal,
            watch: Mutex::new(None),
        })
    }

    /// Becomes readable once when there is a frame that was not taken yet, the camera is closed, or its ring is over,
    /// after `ask`.
    fn fileno(&self) -> i32 {
        self.signal.0.as_raw_fd()
    }

    /// Makes the descriptor unreadable.
    fn clear(&self) {
        self.signal.clear();
    }

    /// Asks to be told of what comes after the last frame that was taken.
    fn ask(&self, py: Python<'_>, camera: &Bound<'_, Camera>) -> PyResult<()> {
        let camera = camera.get();
        let started = detached(py, || {
            let (source, last) = camera.position();
            let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
            match &*watch {
                Some((watch, watched)) if Arc::ptr_eq(watched, &source) => watch.again(),
                _ => {
                    *watch = None;
                    let signal = Arc::clone(&self.signal);
                    let watched = vec![Watched::ring(Arc::clone(&source), last)];
                    let started = Watch::start(watched, Box::new(move || signal.tell()))?;
                    *watch = Some((started, source));
                }
            }
            Ok(())
        });
        started.map_err(|cause: std::io::Error| {
            frame_error(py, "IO", &format!("no thread to wait for frames: {cause}"))
        })
    }

    /// Waits for nothing any more.
    fn close(&self, py: Python<'_>) {
        detached(py, || {
            drop(self.watch.lock().unwrap_or_else(PoisonError::into_inner).take());
        });
    }
}

/// The signals of those that want to know when a camera is closed.
#[derive(Default)]
pub(crate) struct Listeners(Mutex<Vec<Weak<Signal>>>);

impl Listeners {
    pub(crate) fn add(&self, signal: &Arc<Signal>) {
        let mut signals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        signals.retain(|signal| signal.strong_count() > 0);
        signals.push(Arc::downgrade(signal));
    }

    pub(crate) fn tell(&self) {
        let signals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        signals
            .iter()
            .filter_map(Weak::upgrade)
            .for_each(|signal| signal.tell());
    }
}
