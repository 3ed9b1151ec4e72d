//! The lock of a camera as long as it is held: `flock` on a hidden file beside the camera's folder.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::fs::{
    AtFlags, CWD, FlockOperation, Mode, OFlags, fchmod, flock, fstat, openat, statat, unlinkat,
};
use rustix::io::Errno;

use crate::base_dir::{BaseDir, BaseDirError};
use crate::camera_id::CameraId;
use crate::export_dir::is_our_regular_file;
use crate::file_id::FileId;
use crate::os_error::OsError;

/// The camera cannot be exported by this process now.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// The base folder cannot be used.
    #[error(transparent)]
    BaseDir(#[from] BaseDirError),
    /// There is a writer, in this process or another one.
    #[error("camera {camera} is exported already, by this process or another: {} is locked", path.display())]
    AlreadyExported {
        /// The camera.
        camera: CameraId,
        /// What is locked.
        path: PathBuf,
    },
    /// Something that is not our lock file has its name.
    #[error("{} is in the way: it is not a file of this user; remove it", path.display())]
    Occupied {
        /// Where the lock file would be.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error(transparent)]
    Os(#[from] OsError),
}

impl LockError {
    /// A code of [`BaseDirError`], `ALREADY_EXPORTED`, `CAMERA_PATH_OCCUPIED`, or a code of [`OsError`].
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::BaseDir(error) => error.code(),
            Self::AlreadyExported { .. } => "ALREADY_EXPORTED",
            Self::Occupied { .. } => "CAMERA_PATH_OCCUPIED",
            Self::Os(error) => error.code(),
        }
    }
}

/// `.<camera>.lock`. No camera id begins with a dot.
pub(crate) fn lock_name(camera: &CameraId) -> String {
    format!(".{camera}.lock")
}

/// The camera whose lock file has this name.
pub(crate) fn camera_of_lock(name: &str) -> Option<CameraId> {
    CameraId::new(name.strip_prefix('.')?.strip_suffix(".lock")?).ok()
}

/// The lock as long as anybody needs it.
#[derive(Debug)]
pub(crate) struct HeldLock {
    pub(crate) base: Arc<BaseDir>,
    pub(crate) camera: CameraId,
    file: OwnedFd,
    id: FileId,
}

impl HeldLock {
    /// `None` if somebody else holds it, or has just given it back: ask again.
    pub(crate) fn try_acquire(base: &Arc<BaseDir>, camera: &CameraId) -> Result<Option<Self>, LockError> {
        Self::lock(base, camera, open_lock_file(base, &lock_name(camera))?)
    }

    fn lock(base: &Arc<BaseDir>, camera: &CameraId, file: OwnedFd) -> Result<Option<Self>, LockError> {
        let name = lock_name(camera);
        let refused = |errno| LockError::from(OsError::new("lock", base.join(&name), errno));
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(errno) => return Err(refused(errno)),
        }
        // The former holder unlinks the file while it holds it. Whoever opened it before that has the lock of a file
        // that nobody else will ever find.
        let id = FileId::of(&file).map_err(refused)?;
        if FileId::at(&base.fd, &name) != Ok(id) {
            return Ok(None);
        }
        Ok(Some(Self {
            base: Arc::clone(base),
            camera: camera.clone(),
            file,
            id,
        }))
    }
}

impl HeldLock {
    pub(crate) fn is_in_place(&self) -> bool {
        FileId::at(CWD, self.base.join(&lock_name(&self.camera))) == Ok(self.id)
    }
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        let name = lock_name(&self.camera);
        if FileId::at(&self.base.fd, &name) == Ok(self.id) {
            let _ = unlinkat(&self.base.fd, &name, AtFlags::empty());
        }
        // Closing is not enough: a child between fork and exec has a copy of the descriptor.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

fn open_lock_file(base: &BaseDir, name: &str) -> Result<OwnedFd, LockError> {
    let path = || base.join(name);
    let mode = Mode::RUSR | Mode::WUSR;
    let flags = OFlags::RDWR
        | OFlags::CREATE
        | OFlags::NOFOLLOW
        | OFlags::NONBLOCK
        | OFlags::CLOEXEC
        | OFlags::NOCTTY;
    let file = match openat(&base.fd, name, flags, mode) {
        Ok(file) => file,
        Err(errno) => {
            return Err(match statat(&base.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) if !is_our_regular_file(&stat) => LockError::Occupied { path: path() },
                _ => OsError::new("open", path(), errno).into(),
            });
        }
    };
    let refused = |errno| LockError::from(OsError::new("prepare", path(), errno));
    if !is_our_regular_file(&fstat(&file).map_err(refused)?) {
        return Err(LockError::Occupied { path: path() });
    }
    fchmod(&file, mode).map_err(refused)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::{BaseDir, CameraId, HeldLock, lock_name, open_lock_file};
    use std::path::PathBuf;

    #[test]
    fn p2_2_a_lock_file_that_its_holder_has_unlinked_locks_nobody_out() {
        let path = PathBuf::from(format!("/dev/shm/vas-test-lock-{}", std::process::id()));
        let base = BaseDir::open_or_create(&path).unwrap();
        let camera = CameraId::new("a").unwrap();
        let first = HeldLock::try_acquire(&base, &camera).unwrap().unwrap();
        let opened_before = open_lock_file(&base, &lock_name(&camera)).unwrap();
        drop(first);
        let second = HeldLock::try_acquire(&base, &camera).unwrap();
        let unlinked = HeldLock::lock(&base, &camera, opened_before).unwrap();
        std::fs::remove_dir_all(path).unwrap();
        assert!(second.is_some());
        assert!(unlinked.is_none(), "two hold the lock of one camera");
    }
}
