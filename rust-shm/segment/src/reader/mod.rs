//! The reader's side: a ring that is open for reading, and how its writer is.

mod follower;
mod frame_source;
mod health;
mod owner;
mod rhythm;
mod wait;
mod watch;

pub use follower::{Follower, MOST_AWAITED, wait_for_frames};
pub use frame_source::{FrameSource, OpenError, SourceOptions};
pub use health::{Health, HealthReport};
pub use owner::{Owner, WrongOwner};
pub use wait::{Awaited, Waited, WaitedAny, wait_any};
pub use watch::{Watch, Watched};
