//! The frames of one camera on their way from FFmpeg's raw video output into shared memory.
//!
//! FFmpeg writes all of its outputs in one process: if its raw output stalls for an instant, so do the
//! recording and the live stream. So the pipe that an [`Export`] hands out is read by a thread of its own,
//! which does nothing else, straight into the slots of the ring; and whatever happens, also after the export
//! was closed, that thread reads on until the process at the other end has closed the pipe.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::process::Command;
//! use vas_frame_drain::{Export, ExportOptions};
//! use vas_frame_protocol::{Geometry, RingShape};
//! use vas_frame_segment::CameraId;
//! use vas_frame_segment::writer::FileMode;
//!
//! let mut export = Export::open(ExportOptions {
//!     base_dir: "/dev/shm/vas".into(),
//!     camera: CameraId::new("entrance")?,
//!     shape: RingShape::new(Geometry::nv12(1920, 1080)?, 4)?,
//!     file_mode: FileMode::default(),
//!     has_checksums: false,
//!     rings_bell: true,
//! })?;
//! let output = export.attach()?.try_clone()?;
//! // The last arguments of a command line that records as well: an FFmpeg of version 5.1 or later.
//! let args = [
//!     "-map", "0:v:0", "-fps_mode", "passthrough", "-enc_time_base", "1:90000",
//!     "-vf", "scale=1920:1080:out_range=tv", "-c:v", "rawvideo", "-pix_fmt", "nv12",
//!     "-f", "fifo", "-fifo_format", "tee", "-queue_size", "8", "-drop_pkts_on_overflow", "1",
//!     "[f=matroska:live=1:onfail=ignore]pipe:1|[f=null]-",
//! ];
//! let mut ffmpeg = Command::new("ffmpeg").args(["-i", "rtsp://camera/1"]).args(args).stdout(output).spawn()?;
//! export.release();
//! # ffmpeg.wait()?; Ok(()) }
//! ```

#![warn(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]
#![warn(clippy::cast_possible_truncation, clippy::cast_sign_loss)]

mod baton;
mod descriptors;
mod drain;
mod export;
mod fail_point;
mod gate;
mod generations;
mod head;
mod heartbeat;
mod keeper;
mod link;
mod matroska;
mod opening;
mod pipe;
mod ring;
mod scratch;
mod sync;
mod tally;

pub use descriptors::NoDescriptors;
pub use export::{Export, Outcome, PipeError, ReshapeError, Statistics};
pub use generations::NotInPlace;
pub use link::{DrainState, Stream, StreamForm};
pub use matroska::{Colours, Mismatch};
pub use opening::{ExportOptions, OpenError};
