//! The native module of the Python package `vas_frames`: converts between Python and the reader.
//!
//! The interpreter lock is released wherever something is copied, opened or waited for. No lock of this module is
//! held while Python code runs, and no Python code is called from here.

#![warn(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]
#![warn(clippy::cast_possible_truncation, clippy::cast_sign_loss)]

mod camera;
mod ending;
mod error;
mod mapped;
mod news;
mod record;
mod signal;
mod tool;

use pyo3::prelude::*;

/// What `vas_frames` imports; not for others.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::camera::{Camera, check_camera_id, rgb, wait};
    #[pymodule_export]
    use super::ending::{begin_in_child, end};
    #[pymodule_export]
    use super::news::News;
    #[pymodule_export]
    use super::tool::run_tool;
}
