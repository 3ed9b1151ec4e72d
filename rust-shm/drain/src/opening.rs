//! What an export is opened with, and why it cannot be opened.

use crate::descriptors::NoDescriptors;
use std::io;
use std::path::PathBuf;
use thiserror::Error;
use vas_frame_protocol::{AttachError, RingShape};
use vas_frame_segment::CameraId;
use vas_frame_segment::writer::{CreateError, FileMode, LockError};

/// What may stand in the way of another thread.
pub(crate) const THREAD_LIMITS: &str = "raise the limit of threads that is reached: the user's (ulimit -u), the container's or the \
                             service's (pids.max, --pids-limit of Docker, TasksMax of systemd), or the system's \
                             (kernel.threads-max)";

/// The properties of an export that is to be opened.
#[derive(Clone, Debug)]
pub struct ExportOptions {
    /// The folder that holds the folders of all cameras.
    pub base_dir: PathBuf,
    /// The camera.
    pub camera: CameraId,
    /// Geometry and number of slots.
    pub shape: RingShape,
    /// Who may read the files.
    pub file_mode: FileMode,
    /// Verify mode: a CRC-32 with every frame. Costs a pass over each frame on the thread that publishes it.
    pub has_checksums: bool,
    /// Whether a reader that waits for a frame is woken: a system call per frame, of constant cost. Without it readers
    /// look when the next frame is due.
    pub rings_bell: bool,
}

/// The export could not be opened. Nothing of it is left.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The camera cannot be exported by this process now.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The memory cannot be had.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// Too few descriptors would be left for the video.
    #[error("camera {camera} is not exported: {cause}")]
    Descriptors {
        /// The camera.
        camera: CameraId,
        /// How many there are.
        cause: NoDescriptors,
    },
    /// The operating system gives no thread.
    #[error("no thread for the heartbeat: {0}; {THREAD_LIMITS}")]
    Thread(#[source] io::Error),
    /// The ring that was just made is not one. A defect.
    #[error("the new ring cannot be written: {0}")]
    Ring(#[from] AttachError),
    /// The operating system refused random bytes.
    #[error("the operating system refused: {0}")]
    Os(#[from] io::Error),
}

impl OpenError {
    /// A code of [`LockError`] or [`CreateError`], `NO_DESCRIPTORS`, `NO_THREADS`, `IO` or `INTERNAL`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Lock(error) => error.code(),
            Self::Create(error) => error.code(),
            Self::Descriptors { .. } => "NO_DESCRIPTORS",
            Self::Thread(_) => "NO_THREADS",
            Self::Ring(_) => "INTERNAL",
            Self::Os(_) => "IO",
        }
    }
}
