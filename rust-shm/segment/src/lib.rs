//! Shared memory of the frame ring: every system call that creates, locks, maps, replaces, removes and opens it.
//! What is in the memory is the protocol crate's concern, and how frames get there is the drain's.
//!
//! A reader: see [`FrameSource`], [`wait_any`] for one that waits for many, and [`Watch`] for one that cannot wait.
//!
//! A [writer]: a [`CameraLock`](writer::CameraLock) is the right to export a camera, a [`Segment`](writer::Segment) is
//! one generation of its ring.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::path::Path;
//! use std::sync::Arc;
//! use vas_frame_protocol::{Geometry, RingShape, Writer};
//! use vas_frame_segment::CameraId;
//! use vas_frame_segment::writer::{CameraLock, FileMode, Segment, SegmentOptions, new_epoch};
//!
//! let lock = CameraLock::acquire(Path::new("/dev/shm/vas"), &CameraId::new("entrance")?)?;
//! let options = SegmentOptions {
//!     shape: RingShape::new(Geometry::nv12(1920, 1080)?, 4)?,
//!     file_mode: FileMode::default(),
//!     epoch: new_epoch()?,
//!     generation: 1,
//!     first_frame_id: 1,
//! };
//! let segment = Segment::create(&lock, &options)?;
//! # let _ = segment; Ok(()) }
//! ```
//!
//! On disk there are, for each camera, `<base>/<camera>/frame.meta` and `frame.data`, the lock file
//! `<base>/.<camera>.lock`, and, while a generation is built or removed, `<base>/.<camera>.new/`.
//! Camera ids do not begin with a dot, so the hidden names are never those of a camera.
//!
//! # SIGBUS
//!
//! A page of a mapped file that the file system cannot provide is a SIGBUS. The memory is reserved before anything is
//! stored there, so a full file system is an error of [`create`](writer::Segment::create) and nothing later, or, where
//! the memory is [reserved later](writer::Reserve::Later), the answer to
//! [`has_room`](writer::WritableMapping::has_room). What remains is somebody who makes a file shorter while it is
//! mapped. Only root and the writer's own user may; nothing here does. From
//! the first mapped ring on, a handler of SIGBUS puts zeros where such a ring was, which no reader takes for a
//! frame, and leaves every other fault to the handler before it. A handler that is installed later goes first.
//!
//! # The OOM killer
//!
//! A tmpfs may have room for what there is no memory for, in the system or within a limit on this process's control
//! group. [`create`](writer::Segment::create) compares before it reserves anything, and refuses
//! ([`NoMemory`](writer::CreateError::NoMemory)). What others allocate later, and FFmpeg when it starts, it cannot know.

#![warn(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]
#![warn(clippy::cast_possible_truncation, clippy::cast_sign_loss)]

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
compile_error!("shared memory export needs 64-bit Linux");

mod base_dir;
mod bell;
mod camera_id;
pub mod clock;
mod control_group;
mod export_dir;
mod fail_point;
mod file_id;
mod file_size_limit;
mod mapping;
mod os_error;
mod reader;
mod truncation_guard;
pub mod writer;
mod writer_lock;

pub use base_dir::BaseDirError;
pub use bell::Alarm;
pub use camera_id::{CameraId, CameraIdError};
// For the tool, which plans by the same limits.
#[doc(hidden)]
pub use control_group::{ControlGroupVersion, control_groups};
pub use mapping::{MapMode, Mapping};
pub use os_error::OsError;
pub use reader::{
    Awaited, Follower, FrameSource, Health, HealthReport, MOST_AWAITED, OpenError, Owner, SourceOptions,
    Waited, WaitedAny, Watch, Watched, WrongOwner, wait_any, wait_for_frames,
};

/// The example of the README is compiled with the tests of the documentation.
#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
