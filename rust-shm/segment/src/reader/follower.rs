//! One camera, followed through changes of geometry, restarts and crashes of its host: which ring is read now, and
//! what was read last. Opening again is what a reader in any language would otherwise have to write for itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use vas_frame_protocol::{FrameRecord, Miss, State, Taken};

use super::frame_source::{FrameSource, OpenError, SourceOptions};
use super::wait::{Awaited, Waited, WaitedAny, wait_any};
use crate::bell::Alarm;
use crate::clock::monotonic_ns;

/// How often the path is asked at most, while there is nothing newer in the ring that is open.
const ASK_AGAIN_NS: u64 = 100_000_000;

/// How many cameras one wait in the kernel covers; those beyond it are looked at in between.
pub const MOST_AWAITED: usize = 127;

/// How often to look at the cameras that no wait in the kernel covers.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Waits until one of the rings has a frame newer than the id beside it, the alarm is raised or a signal arrives; at
/// most for `timeout`. Allocates nothing.
///
/// A ring whose life is over ends [`wait_any`] and does not end this wait: another one may take its place, which
/// [`Follower::catch_up`] finds. Keep `timeout` short, and let the followers catch up in between. Whatever ended the
/// wait, ask them what is there: the result names only the first ring that is ready, by its place among those that are
/// not over.
#[must_use]
pub fn wait_for_frames(awaited: &[Awaited<'_>], alarm: Option<&Alarm>, timeout: Duration) -> WaitedAny {
    let Some(filler) = awaited.first() else {
        return wait_any(&[], Some(alarm.unwrap_or(&Alarm::new())), timeout);
    };
    let mut live = [*filler; MOST_AWAITED];
    let mut count = 0;
    let mut timeout = timeout;
    for one in awaited {
        match one.source.wait_newer(one.after, Duration::ZERO) {
            Waited::Over(_) => {}
            waited @ Waited::Newer(_) => return WaitedAny::Ready(count, waited),
            Waited::TimedOut | Waited::Interrupted => match live.get_mut(count) {
                Some(place) => {
                    *place = *one;
                    count += 1;
                }
                None => timeout = timeout.min(LOOK_AGAIN),
            },
        }
    }
    if count == 0 {
        return wait_any(&[], Some(alarm.unwrap_or(&Alarm::new())), timeout);
    }
    wait_any(&live[..count], alarm, timeout)
}

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

    /// Notes that a frame of `source` was taken by other means, and returns how many frames were missed before that
    /// one. `None` if the frame is not newer than the last one taken, or `source` is not what is open any more.
    pub fn take(&mut self, source: &Arc<FrameSource>, record: &FrameRecord) -> Option<u64> {
        let is_newer = Arc::ptr_eq(source, &self.source) && record.frame_id > self.last;
        is_newer.then(|| {
            let missed = self.missed_before(record.frame_id);
            self.last = record.frame_id;
            missed
        })
    }

    /// How many frames were lost between the last one taken and frame `id` of the ring that is open.
    #[must_use]
    pub fn missed_before(&self, id: u64) -> u64 {
        self.source.reader().missed_between(self.last, id)
    }

    /// Opens what is at the path, if it is another ring than the one that is open and this one has nothing newer.
    /// Returns whether there is something newer now.
    ///
    /// Some loads as a rule; system calls at most ten times a second.
    ///
    /// # Errors
    /// [`OpenError`], also if there is nothing at the path. What is open stays open; call again later.
    pub fn catch_up(&mut self) -> Result<bool, OpenError> {
        // The state is loaded before the newest frame: then a frame that an ended ring has nothing newer than is its
        // last.
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
