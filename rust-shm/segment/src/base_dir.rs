//! The base folder, which holds the folders of all cameras: opened without following links, and trusted only
//! if nobody else could replace what is in it.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, fchmod, fstat, fstatfs, mkdirat, open, openat, statat};
use rustix::io::Errno;
use rustix::process::{getegid, geteuid};

use crate::file_id::FileId;
use crate::os_error::OsError;

/// An open base folder that has passed every check. All files below it are reached relative to it, so it does
/// not matter what happens to its path. Open once in this process, however many cameras are in it.
#[derive(Debug)]
pub(crate) struct BaseDir {
    pub(crate) path: PathBuf,
    pub(crate) fd: OwnedFd,
    id: FileId,
}

/// The base folders that are open in this process.
static OPEN: Mutex<Vec<Weak<BaseDir>>> = Mutex::new(Vec::new());

/// The base folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BaseDirError {
    /// There is nothing to create it in.
    #[error("{} cannot be created because the folder above it does not exist: create that one", path.display())]
    Missing {
        /// The base folder.
        path: PathBuf,
    },
    /// The path leads to a file or another thing.
    #[error("{} is not a directory: remove it or choose another base folder", path.display())]
    NotADirectory {
        /// The base folder.
        path: PathBuf,
    },
    /// The last component of the path is a symbolic link; it was not followed.
    #[error("{} is a symbolic link: give the path it leads to, or remove it", path.display())]
    Symlink {
        /// The base folder.
        path: PathBuf,
    },
    /// The path depends on the working directory.
    #[error("base folder {path:?} is not an absolute path: give one that begins with a slash")]
    NotAbsolute {
        /// The base folder.
        path: PathBuf,
    },
    /// It is, or would be, on another file system than a tmpfs.
    #[error(
        "{} is not in shared memory: a disk that stalls would stop the video; choose a base folder on a tmpfs, such \
         as /dev/shm/vas", path.display()
    )]
    NotTmpfs {
        /// The base folder.
        path: PathBuf,
    },
    /// It belongs to somebody who could replace everything in it.
    #[error(
        "{} belongs to user {owner}, neither to this process's user {user} nor to root: \
         remove it or choose another base folder", path.display()
    )]
    NotOurs {
        /// The base folder.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// The effective user of this process.
        user: u32,
    },
    /// Others may write to it and could replace everything in it.
    #[error(
        "others may write to {} (mode {mode:04o}) and it has no sticky bit: chmod 0755 or 1777", path.display()
    )]
    Unsafe {
        /// The base folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The operating system refused.
    #[error(transparent)]
    Os(#[from] OsError),
}

impl BaseDirError {
    /// `BASE_DIR_MISSING`, `BASE_DIR_NOT_A_DIRECTORY`, `BASE_DIR_SYMLINK`, `BASE_DIR_NOT_TMPFS`,
    /// `BASE_DIR_NOT_OURS`, `BASE_DIR_UNSAFE`, `BAD_OPTION` for a path that is not absolute, or a code of
    /// [`OsError`].
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "BASE_DIR_MISSING",
            Self::NotADirectory { .. } => "BASE_DIR_NOT_A_DIRECTORY",
            Self::Symlink { .. } => "BASE_DIR_SYMLINK",
            Self::NotAbsolute { .. } => "BAD_OPTION",
            Self::NotTmpfs { .. } => "BASE_DIR_NOT_TMPFS",
            Self::NotOurs { .. } => "BASE_DIR_NOT_OURS",
            Self::Unsafe { .. } => "BASE_DIR_UNSAFE",
            Self::Os(error) => error.code(),
        }
    }
}

/// The mode of a base folder between `mkdirat`, which the umask has a say in, and `fchmod`. The umask leaves
/// the sticky bit alone, so that a folder whose maker died in between is recognised and finished.
const UNFINISHED: Mode = Mode::SVTX.union(Mode::RWXU);
const FINISHED: Mode = Mode::RWXU
    .union(Mode::RGRP)
    .union(Mode::XGRP)
    .union(Mode::ROTH)
    .union(Mode::XOTH);

impl BaseDir {
    /// Opens the base folder, creating it (mode 0755) if only its last component is missing. It is never
    /// removed again: a container may have it mounted.
    pub(crate) fn open_or_create(path: &Path) -> Result<Arc<Self>, BaseDirError> {
        let missing = || BaseDirError::Missing {
            path: path.to_owned(),
        };
        if let Some(base) = Self::open(path)? {
            return Ok(base);
        }
        let (parent, name) = split(path);
        let parent = open_parent(parent).map_err(|errno| match errno {
            Errno::NOENT => missing(),
            errno => OsError::new("open the folder above", path, errno).into(),
        })?;
        // Making a folder on a disk that stalls would be the wait that the check is to prevent.
        check_tmpfs(&parent, path)?;
        match mkdirat(&parent, name, UNFINISHED) {
            // Somebody else was faster.
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(OsError::new("create the base folder", path, errno).into()),
        }
        Self::open(path)?.ok_or_else(missing)
    }

    /// Opens the base folder; `None` if there is none.
    pub(crate) fn open(path: &Path) -> Result<Option<Arc<Self>>, BaseDirError> {
        let refused = |errno| BaseDirError::from(OsError::new("open the base folder", path, errno));
        if !path.is_absolute() {
            return Err(BaseDirError::NotAbsolute {
                path: path.to_owned(),
            });
        }
        let (parent, name) = split(path);
        let parent = match open_parent(parent) {
            Ok(parent) => parent,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::NOTDIR) => {
                return Err(BaseDirError::Missing {
                    path: path.to_owned(),
                });
            }
            Err(errno) => return Err(refused(errno)),
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match openat(&parent, name, flags, Mode::empty()) {
            Ok(fd) => Self {
                path: path.to_owned(),
                id: FileId::of(&fd).map_err(refused)?,
                fd,
            }
            .checked()
            .map(|base| Some(base.shared())),
            Err(Errno::NOENT) => Ok(None),
            // With O_DIRECTORY a symbolic link is reported like any other thing that is not a directory.
            Err(Errno::NOTDIR | Errno::LOOP) => {
                let stat = statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW).map_err(refused)?;
                let path = path.to_owned();
                Err(match FileType::from_raw_mode(stat.st_mode) {
                    FileType::Symlink => BaseDirError::Symlink { path },
                    _ => BaseDirError::NotADirectory { path },
                })
            }
            Err(errno) => Err(refused(errno)),
        }
    }

    fn checked(self) -> Result<Self, BaseDirError> {
        let refused = |errno| BaseDirError::from(OsError::new("look at the base folder", &self.path, errno));
        check_tmpfs(&self.fd, &self.path)?;
        let stat = fstat(&self.fd).map_err(refused)?;
        let (owner, user) = (stat.st_uid, geteuid().as_raw());
        if owner != user && owner != 0 {
            return Err(BaseDirError::NotOurs {
                path: self.path,
                owner,
                user,
            });
        }
        let mode = Mode::from_raw_mode(stat.st_mode);
        if owner == user && mode.contains(Mode::SVTX) && !mode.intersects(Mode::RWXG | Mode::RWXO) {
            fchmod(&self.fd, FINISHED).map_err(refused)?;
            return Ok(self);
        }
        // Whoever may write to a folder without the sticky bit may rename and remove what others put there.
        let is_trusted_group = stat.st_gid == 0 || stat.st_gid == getegid().as_raw();
        let others_may_write = mode.contains(Mode::WOTH) || (mode.contains(Mode::WGRP) && !is_trusted_group);
        if others_may_write && !mode.contains(Mode::SVTX) {
            return Err(BaseDirError::Unsafe {
                path: self.path,
                mode: mode.as_raw_mode(),
            });
        }
        Ok(self)
    }

    /// The same folder as this process has it open already, or this one if it has not.
    fn shared(self) -> Arc<Self> {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|base| base.strong_count() > 0);
        let is_same = |base: &Arc<Self>| base.id == self.id && base.path == self.path;
        if let Some(base) = open.iter().filter_map(Weak::upgrade).find(is_same) {
            return base;
        }
        let base = Arc::new(self);
        open.push(Arc::downgrade(&base));
        base
    }

    /// The path of something in this folder, for messages.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// Only memory that nobody has to wait for can be written in the path of the video.
fn check_tmpfs(dir: &OwnedFd, path: &Path) -> Result<(), BaseDirError> {
    match fstatfs(dir) {
        Ok(stat) if stat.f_type == libc::TMPFS_MAGIC => Ok(()),
        Ok(_) => Err(BaseDirError::NotTmpfs {
            path: path.to_owned(),
        }),
        Err(errno) => Err(OsError::new("look at the file system of", path, errno).into()),
    }
}

/// The folder above, whose links are followed like those of any path, and the last component, whose are not.
fn split(path: &Path) -> (&Path, &OsStr) {
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => (parent, name),
        // "/", or something that ends in "..": it is there or it is not, but nothing to be created.
        _ => (path, OsStr::new(".")),
    }
}

fn open_parent(parent: &Path) -> Result<OwnedFd, Errno> {
    open(
        parent,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
}
