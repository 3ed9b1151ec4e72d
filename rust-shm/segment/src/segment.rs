//! The writer's side of shared memory: one generation of one camera's ring in its two files.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{
    AtFlags, FallocateFlags, Mode, OFlags, RenameFlags, fallocate, fchmod, fstatvfs, mkdirat, openat,
    renameat_with, unlinkat,
};
use rustix::io::{Errno, retry_on_intr};
use rustix::rand::{GetRandomFlags, getrandom};
use vas_frame_protocol::{
    InitialiseError, RingIdentity, RingShape, State, beat, initialise, set_state, state,
};

use crate::camera_id::CameraId;
use crate::camera_lock::{CameraLock, HeldLock};
use crate::clock::{monotonic_ns, wall_ns};
use crate::export_dir::{DATA, Found, META, find, remove_dir, remove_files};
use crate::fail_point::fail_point;
use crate::file_id::FileId;
use crate::file_mode::FileMode;
use crate::file_size_limit::file_size_limit;
use crate::mapping::WritableMapping;
use crate::os_error::OsError;
use crate::writer_lock;

/// How much is reserved by one system call. A signal interrupts it and undoes that much, no more.
const RESERVE_STEP: u64 = 32 << 20;
/// How often the path may change under us before we give up; each time somebody else must have changed it.
const PLACING_TRIES: usize = 8;

/// What a ring is to be like.
#[derive(Clone, Copy, Debug)]
pub struct SegmentOptions {
    /// Geometry and number of slots.
    pub shape: RingShape,
    /// Who may read the files.
    pub file_mode: FileMode,
    /// Random, one for every start of the export: see [`new_epoch`].
    pub epoch: [u8; 16],
    /// From 1 within the epoch.
    pub generation: u64,
    /// The id that the first frame gets, from 1.
    pub first_frame_id: u64,
}

/// Draws an epoch.
///
/// # Errors
/// None on any system that has finished booting.
pub fn new_epoch() -> io::Result<[u8; 16]> {
    Ok(random()?)
}

fn random<const N: usize>() -> Result<[u8; N], Errno> {
    let mut bytes = [0; N];
    // Up to 256 bytes are given whole or not at all.
    getrandom(&mut bytes, GetRandomFlags::empty())?;
    Ok(bytes)
}

/// One generation of a camera's ring, visible to readers from [`create`](Self::create) to [`end`](Self::end).
///
/// Its files exist, whole, exactly as long. The memory lives on as long as anybody holds [`memory`](Self::memory),
/// here or in a reader.
#[derive(Debug)]
pub struct Segment {
    memory: Arc<WritableMapping>,
    path: PathBuf,
    files: Option<Files>,
}

/// What there is as long as the segment has not ended.
#[derive(Debug)]
struct Files {
    /// Holds the writer's lock.
    meta: OwnedFd,
    dir: RingDir,
}

/// The ring could not be created. Nothing of it is left, and what stood at its path before still stands there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// Something that is not an export of this user has the name of the camera's folder.
    #[error("{} is in the way: it is not an export of this user; remove it", path.display())]
    Occupied {
        /// Where the folder would be.
        path: PathBuf,
    },
    /// The file system has not enough bytes.
    #[error(
        "not enough shared memory for camera {camera}: {needed} bytes ({} MiB) are needed in {}, {free} are free; \
         enlarge it (Docker: --shm-size), or use fewer slots or smaller frames",
        needed.div_ceil(1 << 20), base_dir.display()
    )]
    NoSpace {
        /// The camera.
        camera: CameraId,
        /// The base folder.
        base_dir: PathBuf,
        /// Bytes of both files.
        needed: u64,
        /// Bytes that were free after the attempt.
        free: u64,
    },
    /// The file system has no inodes left.
    #[error(
        "no inodes left for camera {camera} in {}: remove files there, or mount it with a larger nr_inodes",
        base_dir.display()
    )]
    NoInodes {
        /// The camera.
        camera: CameraId,
        /// The base folder.
        base_dir: PathBuf,
    },
    /// This process may not make files that large.
    #[error(
        "camera {camera} needs a file of {needed} bytes, this process may not make files larger than {limit}: \
         raise the limit (ulimit -f)"
    )]
    FileSizeLimit {
        /// The camera.
        camera: CameraId,
        /// Bytes of the larger file.
        needed: u64,
        /// The limit, `RLIMIT_FSIZE`.
        limit: u64,
    },
    /// Generation or first frame id is 0.
    #[error(transparent)]
    Identity(#[from] InitialiseError),
    /// The operating system refused.
    #[error(transparent)]
    Os(#[from] OsError),
}

impl CreateError {
    /// `CAMERA_PATH_OCCUPIED`, `NO_SPACE`, `PERMISSION_DENIED`, `BAD_OPTION` or `IO`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Occupied { .. } => "CAMERA_PATH_OCCUPIED",
            Self::NoSpace { .. } | Self::NoInodes { .. } => "NO_SPACE",
            Self::FileSizeLimit { .. } => "PERMISSION_DENIED",
            Self::Identity(_) => "BAD_OPTION",
            Self::Os(error) => error.code(),
        }
    }
}

impl Segment {
    /// Builds a ring out of sight, with all of its memory reserved and touched, and puts it at the camera's path
    /// in one step.
    ///
    /// The former generation of the camera, if there is one, is told that it is replaced, and its files are
    /// removed; its `Segment` is to be dropped then.
    ///
    /// # Errors
    /// [`CreateError`]. The former generation then stays as it is.
    pub fn create(lock: &CameraLock, options: &SegmentOptions) -> Result<Self, CreateError> {
        let lock = lock.held();
        let (base, camera) = (&lock.base, &lock.camera);
        let name = camera.as_str();
        let (meta_len, data_len) = (
            options.shape.meta_bytes() as u64,
            options.shape.data_bytes() as u64,
        );
        let limit = file_size_limit();
        if data_len.max(meta_len) > limit {
            return Err(CreateError::FileSizeLimit {
                camera: camera.clone(),
                needed: data_len.max(meta_len),
                limit,
            });
        }
        // Looked at again when the path is taken; this is to refuse before memory is spent.
        match find(base, name).map_err(|errno| OsError::new("look at", base.join(name), errno))? {
            Found::Foreign => {
                return Err(CreateError::Occupied {
                    path: base.join(name),
                });
            }
            Found::Nothing | Found::Export(_) => {}
        }
        Self::build(lock, options).map_err(|error| error.explained(lock, meta_len + data_len))
    }

    fn build(lock: &Arc<HeldLock>, options: &SegmentOptions) -> Result<Self, CreateError> {
        let path = lock.base.join(lock.camera.as_str());
        let mut dir = RingDir::make(lock)?;
        fail_point!("folder-made");
        let (meta_len, data_len) = (options.shape.meta_bytes(), options.shape.data_bytes());
        let meta = dir.make_file(META, meta_len as u64)?;
        fail_point!("meta-made");
        let data = dir.make_file(DATA, data_len as u64)?;
        fail_point!("data-made");

        let refused = |action| move |errno| OsError::new(action, lock.base.join(lock.camera.as_str()), errno);
        let memory = WritableMapping::new((meta.as_fd(), meta_len), (data.as_fd(), data_len))
            .map_err(refused("map the memory of"))?;
        let now = monotonic_ns();
        let identity = RingIdentity {
            epoch: options.epoch,
            generation: options.generation,
            first_frame_id: options.first_frame_id,
            data_inode: FileId::of(&data).map_err(refused("look at the files of"))?.inode,
            created_ns: now,
            created_wall_ns: wall_ns(),
        };
        initialise(&memory, options.shape, &identity)?;
        beat(&memory, now);
        fail_point!("ring-initialised");
        writer_lock::take(&meta).map_err(refused("lock the ring of"))?;
        for file in [&meta, &data] {
            fchmod(file, options.file_mode.of_file()).map_err(refused("set the mode of"))?;
        }
        fchmod(&dir.fd, options.file_mode.of_dir()).map_err(refused("set the mode of"))?;
        fail_point!("ring-finished");
        dir.put_in_place()?;
        fail_point!("ring-placed");
        Ok(Self {
            memory: Arc::new(memory),
            path,
            files: Some(Files { meta, dir }),
        })
    }

    /// The memory of the ring, for its writer. Outlives the segment in whoever holds it.
    #[must_use]
    pub fn memory(&self) -> &Arc<WritableMapping> {
        &self.memory
    }

    /// The camera's folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether [`end`](Self::end) has been called.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.files.is_none()
    }

    /// Tells the readers that the ring has ended, unless they know that it was replaced, and removes its files.
    /// What somebody else put at the path is left alone. Never fails and never waits; a second call does
    /// nothing. Dropping the segment does the same.
    pub fn end(&mut self) {
        let Some(files) = self.files.take() else {
            return;
        };
        if state(&self.memory) == Some(State::Live) {
            set_state(&self.memory, State::Ended);
        }
        fail_point!("ring-ended");
        // Closing is not enough: a child between fork and exec has a copy of the descriptor.
        let _ = writer_lock::release(&files.meta);
        drop(files.dir);
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        self.end();
    }
}

impl CreateError {
    /// What a full file system lacks; asked when the attempt has been cleaned up.
    fn explained(self, lock: &HeldLock, needed: u64) -> Self {
        let Self::Os(error) = &self else {
            return self;
        };
        if !matches!(error.errno(), Some(Errno::NOSPC | Errno::DQUOT)) {
            return self;
        }
        let (camera, base_dir) = (lock.camera.clone(), lock.base.path.clone());
        match fstatvfs(&lock.base.fd) {
            Ok(stat) if stat.f_files > 0 && stat.f_favail < INODES_NEEDED => {
                Self::NoInodes { camera, base_dir }
            }
            Ok(stat) => Self::NoSpace {
                camera,
                base_dir,
                needed,
                free: stat.f_bavail.saturating_mul(stat.f_frsize),
            },
            Err(_) => self,
        }
    }
}

/// A folder and two files.
const INODES_NEEDED: u64 = 3;

/// `.<camera>.<random>.new`: no camera id begins with a dot.
fn unfinished_name(camera: &CameraId) -> Result<String, Errno> {
    Ok(format!(".{camera}.{:016x}.new", u64::from_le_bytes(random()?)))
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
struct RingDir {
    fd: OwnedFd,
    id: FileId,
    name: String,
    lock: Arc<HeldLock>,
}

impl RingDir {
    /// A new, hidden folder that only its owner can enter.
    fn make(lock: &Arc<HeldLock>) -> Result<Self, OsError> {
        let base = &lock.base;
        let name = unfinished_name(&lock.camera)
            .map_err(|errno| OsError::new("draw a name for a folder in", &base.path, errno))?;
        let refused = |errno| OsError::new("create", base.join(&name), errno);
        mkdirat(&base.fd, &name, Mode::RWXU).map_err(refused)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = openat(&base.fd, &name, flags, Mode::empty()).and_then(|fd| Ok((FileId::of(&fd)?, fd)));
        let (id, fd) = opened.map_err(|errno| {
            let _ = unlinkat(&base.fd, &name, AtFlags::REMOVEDIR);
            refused(errno)
        })?;
        Ok(Self {
            fd,
            id,
            name,
            lock: Arc::clone(lock),
        })
    }

    /// Creates a file with all of its memory reserved. A file of that size without it would be a SIGBUS on the
    /// first page that the file system has no room for.
    fn make_file(&self, file: &str, len: u64) -> Result<OwnedFd, OsError> {
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
    /// which is told and removed then. At no moment is there nothing or half of something at the path.
    fn put_in_place(&mut self) -> Result<(), CreateError> {
        let lock = Arc::clone(&self.lock);
        let (base, name) = (&lock.base, lock.camera.as_str());
        let refused = |errno| OsError::new("rename a folder to", base.join(name), errno);
        let hidden = self.name.clone();
        let rename = |how| renameat_with(&base.fd, &hidden, &base.fd, name, how);
        for _ in 0..PLACING_TRIES {
            match rename(RenameFlags::NOREPLACE) {
                Ok(()) => {
                    self.name = name.to_owned();
                    return Ok(());
                }
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(refused(errno).into()),
            }
            let former = match find(base, name).map_err(refused)? {
                Found::Export(former) => former,
                Found::Nothing => continue,
                Found::Foreign => break,
            };
            match rename(RenameFlags::EXCHANGE) {
                Ok(()) => {}
                Err(Errno::NOENT) => continue,
                Err(errno) => return Err(refused(errno).into()),
            }
            fail_point!("rings-exchanged");
            if FileId::at(&base.fd, &hidden) == Ok(former.id) {
                self.name = name.to_owned();
                former.remove(base, &hidden, State::Replaced);
                return Ok(());
            }
            // Something else had come to stand there meanwhile. It is not ours to remove: put it back.
            rename(RenameFlags::EXCHANGE).map_err(refused)?;
            break;
        }
        Err(CreateError::Occupied {
            path: base.join(name),
        })
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
