//! The interface for C: what `include/vas_frames.h` declares.
//!
//! No panic leaves it, nothing aborts, and reading a frame allocates nothing. What each function does stands in the
//! header, which is generated from here.

#![warn(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]
#![warn(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
#![allow(
    clippy::missing_safety_doc,
    reason = "what a caller in C must keep stands once, at the top of the type that it keeps"
)]

mod camera;
mod status;
mod types;

pub use camera::*;
pub use status::*;
pub use types::*;
