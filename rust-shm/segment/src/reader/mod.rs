//! The reader's side: a ring that is open for reading, and how its writer is.

mod frame_source;
mod health;

pub use frame_source::{FrameSource, OpenError, SourceOptions};
pub use health::{Health, HealthReport};
