//! A picture in place, as a read-only buffer that knows whether anybody still looks at it.

use std::ffi::{c_int, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;
use vas_frame_protocol::{FrameRecord, RacyBytes};
use vas_frame_segment::FrameSource;

/// The memory of one picture. It stays mapped as long as anything in Python leads to it.
#[pyclass(frozen)]
pub(crate) struct Mapped {
    start: *mut u8,
    len: isize,
    exports: AtomicUsize,
    record: FrameRecord,
    /// Keeps `start` valid.
    source: Arc<FrameSource>,
}

// SAFETY: the memory is mapped for the process, not for a thread, and is only read.
unsafe impl Send for Mapped {}
// SAFETY: as above.
unsafe impl Sync for Mapped {}

impl Mapped {
    /// `picture` lies in the memory of `source`, and `record` describes it.
    pub(crate) fn new(picture: RacyBytes<'_>, source: Arc<FrameSource>, record: FrameRecord) -> Self {
        Self {
            start: picture.as_ptr().cast_mut().cast(),
            len: picture.len() as isize,
            exports: AtomicUsize::new(0),
            record,
            source,
        }
    }

    pub(crate) fn source(&self) -> &Arc<FrameSource> {
        &self.source
    }

    pub(crate) fn record(&self) -> &FrameRecord {
        &self.record
    }

    /// How many buffers lead to the picture.
    pub(crate) fn exports(&self) -> usize {
        // Buffers are taken and given back with the interpreter lock, or what takes its place, held.
        self.exports.load(Ordering::Relaxed)
    }
}

#[pymethods]
impl Mapped {
    // SAFETY: called by the interpreter only, with a view to be filled.
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        if view.is_null() {
            return Err(PyBufferError::new_err("there is no view to fill"));
        }
        let (start, len) = (slf.get().start.cast::<c_void>(), slf.get().len);
        // SAFETY: `view` is what the interpreter wants filled; the memory is mapped while `slf` lives, which the
        // view holds; a writable view is refused because of the 1.
        let result = unsafe { ffi::PyBuffer_FillInfo(view, slf.as_ptr(), start, len, 1, flags) };
        if result != 0 {
            return Err(PyErr::fetch(slf.py()));
        }
        slf.get().exports.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    // SAFETY: called by the interpreter only, once for each view that was filled.
    unsafe fn __releasebuffer__(&self, _view: *mut ffi::Py_buffer) {
        self.exports.fetch_sub(1, Ordering::Relaxed);
    }
}
