//! What each peer has to offer, and nothing else about it is known here.

use std::error::Error;
use std::time::Duration;

use crate::picture::Picture;

/// Whatever a peer says is wrong.
pub type Failure = Box<dyn Error>;

/// The one who has frames.
pub trait Publisher {
    /// Makes one frame available to all readers, in the way that the peer's documents recommend. What is in the picture
    /// may change afterwards.
    fn publish(&mut self, picture: &Picture) -> Result<(), Failure>;
}

/// One who wants frames.
pub trait Reader {
    /// Waits for a frame newer than the last one, as the peer's documents recommend, and makes a copy that belongs to
    /// this process. `false` when there was none in this time.
    fn next(&mut self, timeout: Duration) -> Result<bool, Failure>;

    /// The copy.
    fn picture(&self) -> &[u8];

    /// How many frames the peer itself refused because they were overwritten meanwhile.
    fn refused(&self) -> u64 {
        0
    }
}
