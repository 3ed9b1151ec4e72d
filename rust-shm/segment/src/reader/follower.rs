//! One camera, followed through changes of geometry, restarts and crashes of its host: which ring is read now, and
//! what was read last. Opening again is what a reader in any language would otherwise have to write for itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use vas_frame_protocol::{FrameRecord, Miss, State, Taken};

use super::frame_source::{FrameSource, OpenError, SourceOptions};
use crate::clock::monotonic_ns;

/// How often the path is asked at most, while there is nothing newer in the ring that is open.
const ASK_AGAIN_NS: u64 = 100_000_000;

/// Follows one camera. Each frame is taken at most once.
///
/// Reading costs what it costs on a [`FrameSource`]; [`catch_up`](Self::catch_up) is for the moments when there is
/// nothing newer. Positions are kept: within an epoch frame ids go on, also from one generation to the next, and
/// `missed` counts across it. In a new epoch they begin again.
#[derive(Debug)]
pub struct Follower {
    source: Arc<FrameSource>,
    options: SourceOptions,
    last: u64,
    asked_ns: u64,
}

impl Follower {
    /// Opens a camera by its folder.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(path: &Path, options: SourceOptions) -> Result<Self, OpenError> {
        let source = Arc::new(FrameSource::open_dir(path, options)?);
        Ok(Self {
            source,
            options,
            last: 0,
            asked_ns: monotonic_ns(),
        })
    }

    /// The same follower once more, at the same position; each goes on by itself.
    #[must_use]
    pub fn again(&self) -> Self {
        Self {
            source: Arc::clone(&self.source),
            ..*self
        }
    }

    /// The ring that is open now. It stays usable, and says how it ended, when another one takes its place here.
    #[must_use]
    pub fn source(&self) -> &Arc<FrameSource> {
        &self.source
    }

    /// The camera's folder, as an absolute path.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.source.path().to_owned()
    }

    /// The frame that was taken last; 0 = none in this epoch.
    #[must_use]
    pub fn last_frame_id(&self) -> u64 {
        self.last
    }

    /// Whether there is a frame that was not taken yet.
    #[must_use]
    pub fn has_newer(&self) -> bool {
        self.source.reader().newest_after(self.last).is_some()
    }

    /// Copies the newest frame, if it is newer than the last one taken, into the beginning of `into`.
    ///
    /// # Errors
    /// [`Miss`]; nothing is taken then, and what stands in `into` is void.
    pub fn copy_newest(&mut self, into: &mut [u8]) -> Result<Taken, Miss> {
        let taken = self.source.reader().copy_newest(self.last, into);
        self.note(taken)
    }

    /// Copies the oldest frame newer than the last one taken that is still there.
    ///
    /// # Errors
    /// [`Miss`]; nothing is taken then, and what stands in `into` is void.
    pub fn copy_next(&mut self, into: &mut [u8]) -> Result<Taken, Miss> {
        let taken = self.source.reader().copy_next(self.last, into);
        self.note(taken)
    }

    /// Puts down that a frame of `source` was taken by other means, and returns how many were missed before it.
    /// `None` if it is not newer than the last one taken, or `source` is not what is open any more.
    pub fn take(&mut self, source: &Arc<FrameSource>, record: &FrameRecord) -> Option<u64> {
        let is_newer = Arc::ptr_eq(source, &self.source) && record.frame_id > self.last;
        is_newer.then(|| {
            let missed = self.source.reader().missed_between(self.last, record.frame_id);
            self.last = record.frame_id;
            missed
        })
    }

    /// Opens what is at the path, if it is another ring than the one that is open and this one has nothing newer.
    /// Returns whether there is something newer now.
    ///
    /// Some loads as a rule; system calls at most ten times a second.
    ///
    /// # Errors
    /// [`OpenError`], also if there is nothing at the path. What is open stays open; call again later.
    pub fn catch_up(&mut self) -> Result<bool, OpenError> {
        // The state before the newest frame: what an ended ring has nothing newer than is its last frame.
        let state = self.source.reader().state();
        if self.has_newer() {
            return Ok(true);
        }
        let now = monotonic_ns();
        if now.saturating_sub(self.asked_ns) < ASK_AGAIN_NS {
            return Ok(false);
        }
        self.asked_ns = now;
        if state == Some(State::Live) && self.source.is_intact() && self.source.is_current() {
            return Ok(false);
        }
        let next = FrameSource::open_dir(self.source.path(), self.options)?;
        let (former, found) = (self.source.reader().header(), next.reader().header());
        if former.identity().epoch != found.identity().epoch {
            self.last = 0;
        }
        self.source = Arc::new(next);
        Ok(self.has_newer())
    }

    fn note<T>(&mut self, taken: Result<Taken<T>, Miss>) -> Result<Taken<T>, Miss> {
        if let Ok(taken) = &taken {
            self.last = taken.record.frame_id;
        }
        taken
    }
}
