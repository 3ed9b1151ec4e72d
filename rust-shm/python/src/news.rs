//! News of one camera for an event loop: a descriptor that becomes readable. Nothing waits in the loop, and one thread
//! of the process, which never runs Python, waits for all cameras.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use vas_frame_segment::{FrameSource, Watch, Watched};

use crate::camera::Camera;
use crate::ending::detached;
use crate::error::frame_error;
use crate::signal::Signal;

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
        let signal = Signal::new()
            .map_err(|cause| frame_error(py, "IO", &format!("no descriptor to wait with: {cause}")))?;
        let signal = Arc::new(signal);
        camera.get().tell_of_close(&signal);
        Ok(Self {
            signal,
            watch: Mutex::new(None),
        })
    }

    /// Becomes readable once when there is a frame that was not taken yet, the camera is closed, or its ring is over,
    /// after `ask`.
    fn fileno(&self) -> i32 {
        self.signal.descriptor()
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
