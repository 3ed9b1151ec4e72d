//! Waiting for a frame by looking again at short intervals.

use std::time::Duration;

use rustix::thread::{NanosleepRelativeResult, nanosleep};
use rustix::time::Timespec;

use super::frame_source::FrameSource;
use crate::clock::monotonic_ns;

/// How long a wait sleeps between two looks.
const INTERVAL_NS: u64 = 2_000_000;

/// Waits until one of `sources` has a frame newer than the id beside it; at most for `timeout`, and no longer than
/// until a signal arrives at this thread. Returns whether there is such a frame.
///
/// A ring whose life ends meanwhile does not end the wait: keep `timeout` short and look at its health in between.
pub fn wait_for_frame<'a>(
    sources: impl Iterator<Item = (&'a FrameSource, u64)> + Clone,
    timeout: Duration,
) -> bool {
    let timeout = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
    let deadline = monotonic_ns().saturating_add(timeout);
    let has_news = |(source, after): (&FrameSource, u64)| source.reader().newest_after(after).is_some();
    loop {
        if sources.clone().any(has_news) {
            return true;
        }
        let left = deadline.saturating_sub(monotonic_ns());
        if left == 0 || sleep(left.min(INTERVAL_NS)) {
            return false;
        }
    }
}

/// Sleeps for less than a second; whether a signal ended it.
fn sleep(nanoseconds: u64) -> bool {
    let request = Timespec {
        tv_sec: 0,
        tv_nsec: nanoseconds.min(999_999_999) as i64,
    };
    !matches!(nanosleep(&request), NanosleepRelativeResult::Ok)
}
