//! The file of a ring's pictures, found again by its name: a descriptor for the time between would be one more for each
//! camera that waits for its memory.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{FallocateFlags, Mode, OFlags, fallocate, openat};
use rustix::io::{Errno, retry_on_intr};

use crate::base_dir::BaseDir;
use crate::file_id::FileId;

#[derive(Debug)]
pub(crate) struct DataFile {
    base: Arc<BaseDir>,
    /// Below the base folder.
    path: String,
    id: FileId,
}

impl DataFile {
    pub(crate) fn new(base: &Arc<BaseDir>, path: String, id: FileId) -> Self {
        let base = Arc::clone(base);
        Self { base, path, id }
    }

    /// `None` if another file, or none, has the name by now.
    pub(crate) fn open(&self) -> Option<OwnedFd> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(&self.base.fd, &self.path, flags, Mode::empty()).ok()?;
        (FileId::of(&file) == Ok(self.id)).then_some(file)
    }
}

/// Reserves a part of a file. Nobody who maps or unmaps memory waits for it.
pub(crate) fn reserve_part(file: &OwnedFd, offset: usize, len: usize) -> Result<(), Errno> {
    retry_on_intr(|| fallocate(file, FallocateFlags::empty(), offset as u64, len as u64))
}
