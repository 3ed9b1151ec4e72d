//! The folder of a generation: built out of sight, put into its place in one step, removed with what is in it.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{FallocateFlags, Mode, OFlags, RenameFlags, fallocate, mkdirat, openat, renameat_with};
use rustix::io::{Errno, retry_on_intr};
use rustix::rand::{GetRandomFlags, getrandom};

use super::held_lock::HeldLock;
use crate::camera_id::CameraId;
use crate::export_dir::{Fate, Found, find, remove_dir, remove_files};
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

/// `.<camera>.<random>.new`: no camera id begins with a dot.
fn unfinished_name(camera: &CameraId) -> Result<String, Errno> {
    Ok(format!(
        ".{camera}.{:016x}.new",
        u64::from_le_bytes(random_bytes()?)
    ))
}

/// The camera whose half-built folder has this name.
pub(crate) fn camera_of_unfinished(name: &str) -> Option<CameraId> {
    let (camera, random) = name.strip_prefix('.')?.strip_suffix(".new")?.rsplit_once('.')?;
    let is_random = random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit());
    CameraId::new(camera).ok().filter(|_| is_random)
}

/// A folder with the files of a ring, first under a hidden name and then under the camera's. Removed on drop,
/// under whichever of the two; what somebody else put at that name is left alone.
#[derive(Debug)]
pub(crate) struct RingDir {
    pub(crate) fd: OwnedFd,
    id: FileId,
    name: String,
    lock: Arc<HeldLock>,
}

impl RingDir {
    /// A new, hidden folder that only its owner can enter.
    pub(crate) fn make(lock: &Arc<HeldLock>) -> Result<Self, OsError> {
        let base = &lock.base;
        let name = unfinished_name(&lock.camera)
            .map_err(|errno| OsError::new("draw a name for a folder in", &base.path, errno))?;
        let refused = |errno| OsError::new("create", base.join(&name), errno);
        mkdirat(&base.fd, &name, Mode::RWXU).map_err(refused)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat(&base.fd, &name, flags, Mode::empty()).map_err(refused)?;
        let id = FileId::of(&fd).map_err(refused)?;
        Ok(Self {
            fd,
            id,
            name,
            lock: Arc::clone(lock),
        })
    }

    /// Creates a file with all of its memory reserved. A file of that size without it would be a SIGBUS on the
    /// first page that the file system has no room for.
    pub(crate) fn make_file(&self, file: &str, len: u64) -> Result<OwnedFd, OsError> {
        let refused =
            |action| move |errno| OsError::new(action, self.lock.base.join(&self.name).join(file), errno);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat(&self.fd, file, flags, Mode::RUSR | Mode::WUSR).map_err(refused("create"))?;
        let mut reserved = 0;
        while reserved < len {
            let step = RESERVE_STEP.min(len - reserved);
            retry_on_intr(|| fallocate(&fd, FallocateFlags::empty(), reserved, step))
                .map_err(refused("reserve memory for"))?;
            reserved += step;
        }
        Ok(fd)
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

impl Drop for RingDir {
    fn drop(&mut self) {
        remove_files(&self.fd);
        fail_point!("files-removed");
        remove_dir(&self.lock.base, &self.name, self.id);
        fail_point!("folder-removed");
    }
}
