//! Keeps open files for the video: an export that would take the last ones is refused while FFmpeg can still be
//! started, for this and for every other camera.

use rustix::fs::stat;
use rustix::process::{Resource, getrlimit};
use std::fs;
use thiserror::Error;

/// The descriptors that opening a camera needs: its lock, its `frame.meta`, the base folder, and what is open for an
/// instant only.
pub(crate) const FOR_A_CAMERA: u64 = 8;
/// The descriptors that attaching needs: both ends of the pipe.
pub(crate) const FOR_A_PIPE: u64 = 2;
/// The most that is kept when a camera is opened, which otherwise is half of the limit.
const MOST_KEPT: u64 = 1024;
/// The descriptors that are kept when a pipe is made for a camera that is open already: enough to start FFmpeg.
const KEPT_FOR_A_START: u64 = 16;

/// Too many files are open in this process.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "{open} of {limit} descriptors of this process are in use, and {kept} are kept for the video: raise the limit of \
     open files (ulimit -n, LimitNOFILE of systemd, --ulimit nofile of Docker)"
)]
pub struct NoDescriptors {
    /// Open now.
    pub open: u64,
    /// `RLIMIT_NOFILE`.
    pub limit: u64,
    /// What must stay free.
    pub kept: u64,
}

/// Whether a camera may be opened.
pub(crate) fn check_for_a_camera() -> Result<(), NoDescriptors> {
    check(FOR_A_CAMERA, |limit| (limit / 2).min(MOST_KEPT))
}

/// Whether the files of a camera that is open may be made anew.
pub(crate) fn check_for_a_restore() -> Result<(), NoDescriptors> {
    check(FOR_A_CAMERA, |limit| (limit / 2).min(KEPT_FOR_A_START))
}

/// Whether a pipe may be made.
pub(crate) fn check_for_a_pipe() -> Result<(), NoDescriptors> {
    check(FOR_A_PIPE, |limit| (limit / 2).min(KEPT_FOR_A_START))
}

fn check(needed: u64, kept: impl Fn(u64) -> u64) -> Result<(), NoDescriptors> {
    let (Some(limit), Some(open)) = (getrlimit(Resource::Nofile).current, open_descriptors()) else {
        return Ok(());
    };
    let kept = kept(limit);
    if open + needed + kept > limit {
        return Err(NoDescriptors { open, limit, kept });
    }
    Ok(())
}

/// How many descriptors are open; `None` without `/proc`. Linux 6.2 and later tell by one system call.
fn open_descriptors() -> Option<u64> {
    const DESCRIPTORS: &str = "/proc/self/fd";
    let told = u64::try_from(stat(DESCRIPTORS).ok()?.st_size).unwrap_or(0);
    if told > 0 {
        return Some(told);
    }
    fs::read_dir(DESCRIPTORS)
        .ok()
        .map(|entries| entries.count() as u64)
}
