//! The writer's side: the right to export a camera, and the generations of its ring. It serves the drain, and the
//! tool where it plans and cleans; readers need nothing of it.

mod camera_lock;
pub(crate) mod data_file;
mod file_mode;
mod held_lock;
mod later;
mod memory_limit;
mod pinned;
mod ring_dir;
mod segment;
mod sweep;

pub use crate::mapping::WritableMapping;
pub use camera_lock::CameraLock;
pub use file_mode::{FileMode, FileModeError};
pub use held_lock::LockError;
pub use later::{drop_later, reserve_later};
pub use memory_limit::{MemoryLimit, available_memory};
pub use pinned::Pinned;
pub use segment::{CreateError, PreparedSegment, Reserve, Segment, SegmentOptions, new_epoch};
pub use sweep::sweep;
