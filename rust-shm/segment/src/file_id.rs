//! Which file a descriptor or a path leads to, whatever it is called.

use std::ffi::OsStr;
use std::os::fd::AsFd;

use rustix::fs::{AtFlags, Stat, fstat, statat};
use rustix::io::Errno;

/// Device and inode of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileId {
    device: u64,
    pub(crate) inode: u64,
}

impl FileId {
    pub(crate) fn of(file: impl AsFd) -> Result<Self, Errno> {
        fstat(file).map(|stat| Self::from_stat(&stat))
    }

    /// What stands at `name` in `dir`; a symbolic link is not followed.
    pub(crate) fn at(dir: impl AsFd, name: impl AsRef<OsStr>) -> Result<Self, Errno> {
        statat(dir, name.as_ref(), AtFlags::SYMLINK_NOFOLLOW).map(|stat| Self::from_stat(&stat))
    }

    pub(crate) fn from_stat(stat: &Stat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
        }
    }
}
