//! The command line tool, which comes with the package.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs the tool with a command line, the name of the program first, and gives its exit code.
#[pyfunction]
pub(crate) fn run_tool(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| vas_frames_cli::run(arguments))
}
