//! The folder of a generation: built out of sight, put into its place in one step, removed with what is in it.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{
    AtFlags, FallocateFlags, Mode, OFlags, RenameFlags, fallocate, ftruncate, mkdirat, openat, renameat_with,
    unlinkat,
};
use rustix::io::{Errno, retry_on_intr};
use rustix::rand::{GetRandomFlags, getrandom};

use super::held_lock::HeldLock;
use crate::base_dir::BaseDir;
use crate::camera_id::CameraId;
use crate::export_dir::{Fate, Found, find, remove_dir, remove_files_of};
use crate::fail_point::fail_point;
use crate::file_id::FileId;
use crate::os_error::OsError;

/// How much is reserved by one system call. A signal interrupts it and undoes that much, no more.
const RESERVE_STEP: u64 = 32 << 20;
/// How often the path may change under us before we give up; each time somebody else must have changed it.
const PLACING_TRIES: usize = 8;

pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N], Errno> {
    let mut bytes = [0; N];
    // Up to 256 bytes are given whole or not at all.
    getrandom(&mut bytes, GetRandomFlags::empty())?;
    Ok(bytes)
}

/// `.<camera>.new`: no camera id begins with a dot. There is one such folder at a time, since only the holder of the
/// camera's lock builds; so the next start finds it without a search.
pub(crate) fn unfinished_name(camera: &CameraId) -> String {
    format!(".{camera}.new")
}

/// The camera whose half-built folder has this name.
pub(crate) fn camera_of_unfinished(name: &str) -> Option<CameraId> {
    CameraId::new(name.strip_prefix('.')?.strip_suffix(".new")?).ok()
}

/// A folder with the files of a ring, first under a hidden name and then under the camera's. Removed on drop,
/// under whichever of the two; what somebody else put at that name is left alone.
#[derive(Debug)]
pub(crate) struct RingDir {
    id: FileId,
    name: String,
    lock: Arc<HeldLock>,
}

impl RingDir {
    /// A new, hidden folder that only its owner can enter, and the same folder open. The descriptor is needed only
    /// until the folder has what it is to have.
    pub(crate) fn make(lock: &Arc<HeldLock>) -> Result<(Self, OwnedFd), OsError> {
        let base = &lock.base;
        let name = unfinished_name(&lock.camera);
        let refused = |errno| OsError::new("create", base.join(&name), errno);
        match mkdirat(&base.fd, &name, Mode::RWXU) {
            Err(Errno::EXIST) => {
                // Something that could not be removed before. Only this user's own is removed; anything else stays in
                // the way.
                if let Ok(Found::Export(leftover)) = find(base, &name) {
                    leftover.remove(base, &name, Fate::Replaced);
                }
                mkdirat(&base.fd, &name, Mode::RWXU).map_err(refused)?;
            }
            made => made.map_err(refused)?,
        }
        let opened = open_dir(base, &name).and_then(|fd| Ok((FileId::of(&fd)?, fd)));
        let (id, fd) = opened.map_err(|errno| {
            let _ = unlinkat(&base.fd, &name, AtFlags::REMOVEDIR);
            refused(errno)
        })?;
        let lock = Arc::clone(lock);
        Ok((Self { id, name, lock }, fd))
    }

    /// Creates a file of that size. Its memory is still to be reserved: a store to a page that the file system has no
    /// room for is a SIGBUS.
    pub(crate) fn make_file(&self, dir: &OwnedFd, file: &str, len: u64) -> Result<OwnedFd, OsError> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat(dir, file, flags, Mode::RUSR | Mode::WUSR).map_err(self.refused("create", file))?;
        ftruncate(&fd, len).map_err(self.refused("make", file))?;
        Ok(fd)
    }

    /// Reserves all of the memory of a file.
    pub(crate) fn reserve(&self, fd: &OwnedFd, file: &str, len: u64) -> Result<(), OsError> {
        let mut reserved = 0;
        while reserved < len {
            let step = RESERVE_STEP.min(len - reserved);
            retry_on_intr(|| fallocate(fd, FallocateFlags::empty(), reserved, step))
                .map_err(self.refused("reserve memory for", file))?;
            reserved += step;
        }
        Ok(())
    }

    fn refused(&self, action: &'static str, file: &str) -> impl FnOnce(Errno) -> OsError {
        let path = self.lock.base.join(&self.name).join(file);
        move |errno| OsError::new(action, path, errno)
    }

    /// Renames the folder to the camera's name: into an empty place, or in exchange for the former generation,
    /// which is told and removed then. At no moment is there nothing or half of something at the path. Returns
    /// `false` if something stands there that is not ours to remove.
    pub(crate) fn put_in_place(&mut self) -> Result<bool, OsError> {
        let lock = Arc::clone(&self.lock);
        let (base, name) = (&lock.base, lock.camera.as_str());
        let refused = |errno| OsError::new("rename a folder to", base.join(name), errno);
        let hidden = self.name.clone();
        let rename = |how| renameat_with(&base.fd, &hidden, &base.fd, name, how);
        for _ in 0..PLACING_TRIES {
            match rename(RenameFlags::NOREPLACE) {
                Ok(()) => {
                    self.name = name.to_owned();
                    return Ok(true);
                }
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(refused(errno)),
            }
            let former = match find(base, name).map_err(refused)? {
                Found::Export(former) => former,
                Found::Nothing => continue,
                Found::Foreign => break,
            };
            match rename(RenameFlags::EXCHANGE) {
                Ok(()) => {}
                Err(Errno::NOENT) => continue,
                Err(errno) => return Err(refused(errno)),
            }
            fail_point!("rings-exchanged");
            if FileId::at(&base.fd, &hidden) == Ok(former.id) {
                self.name = name.to_owned();
                former.remove(base, &hidden, Fate::Replaced);
                return Ok(true);
            }
            // Something else had come to stand there meanwhile: put it back.
            rename(RenameFlags::EXCHANGE).map_err(refused)?;
            break;
        }
        Ok(false)
    }
}

fn open_dir(base: &BaseDir, name: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(&base.fd, name, flags, Mode::empty())
}

impl Drop for RingDir {
    fn drop(&mut self) {
        remove_files_of(&self.lock.base, &self.name, self.id);
        fail_point!("files-removed");
        remove_dir(&self.lock.base, &self.name, self.id);
        fail_point!("folder-removed");
    }
}
