//! The addon of `@vas/frame-export`. It converts arguments, results, errors and panics; everything else is in
//! the crates beside it.

#![warn(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]
#![warn(clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use error::{Result, error, guard};
use napi_derive::napi;
use std::path::Path;

mod error;
mod export;
mod kept;
mod source;
mod waiter;

#[napi_derive::module_init]
fn init() {
    error::keep_panics_silent();
}

/// Version of the binary layout that this file writes and reads.
#[napi]
#[must_use]
pub fn layout_version() -> u32 {
    vas_frame_protocol::layout::VERSION
}

/// Removes what exports that died left in a base folder; returns how many cameras that were.
#[napi]
#[allow(
    clippy::missing_errors_doc,
    reason = "the documentation is that of a TypeScript function"
)]
pub fn sweep(base_dir: String) -> Result<u32> {
    guard(|| {
        let swept = vas_frame_segment::writer::sweep(Path::new(&base_dir))
            .map_err(|cause| error(cause.code(), cause))?;
        Ok(u32::try_from(swept).unwrap_or(u32::MAX))
    })
}
