//! Errors with the codes that all languages share.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

/// A `vas_frames.FrameError`.
pub(crate) fn frame_error(py: Python<'_>, code: &str, message: &str) -> PyErr {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let raised = CLASS
        .import(py, "vas_frames._errors", "FrameError")
        .and_then(|class| class.call1((code, message)));
    match raised {
        Ok(error) => PyErr::from_value(error),
        Err(error) => error,
    }
}
