//! The writer's side of shared memory: one generation of one camera's ring in its two files.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{CWD, fchmod, fstatvfs};
use rustix::io::Errno;
use vas_frame_protocol::{
    InitialiseError, RingIdentity, RingShape, State, beat, change_bell, initialise, set_state, state,
};

use super::camera_lock::CameraLock;
use super::data_file::DataFile;
use super::file_mode::FileMode;
use super::held_lock::{HeldLock, LockError};
use super::later::{is_large, promised_bytes, reserve_later, settle};
use super::memory_limit::{memory_for, memory_limit};
use super::pinned::Pinned;
use super::ring_dir::{RingDir, random_bytes, unfinished_name};
use crate::base_dir::BaseDir;
use crate::camera_id::CameraId;
use crate::clock::{monotonic_ns, wall_ns};
use crate::export_dir::{DATA, Found, META, find};
use crate::fail_point::fail_point;
use crate::file_id::FileId;
use crate::file_size_limit::file_size_limit;
use crate::mapping::WritableMapping;
use crate::os_error::OsError;
use crate::writer_lock;

/// The inodes of a ring: a folder and two files.
const INODES_NEEDED: u64 = 3;

/// The properties of a ring that is to be created.
#[derive(Clone, Copy, Debug)]
pub struct SegmentOptions {
    /// Geometry and number of slots.
    pub shape: RingShape,
    /// Who may read the files.
    pub file_mode: FileMode,
    /// Random, one for every start of the export: see [`new_epoch`].
    pub epoch: [u8; 16],
    /// The number of the ring within the epoch, from 1.
    pub generation: u64,
    /// The id that the first frame gets, from 1.
    pub first_frame_id: u64,
}

/// When the memory of a ring is reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserve {
    /// Before the call returns, however long that takes: about a millisecond per MiB.
    Now,
    /// By another thread, if the ring is large and there is room for it and for all that was promised before. A picture
    /// may be written where there [is room](WritableMapping::has_room).
    Later,
}

/// Draws an epoch.
///
/// # Errors
/// None on any system that has finished booting.
pub fn new_epoch() -> io::Result<[u8; 16]> {
    Ok(random_bytes()?)
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
    /// Which files `frame.meta` and `frame.data` are.
    ids: [FileId; 2],
    dir: RingDir,
}

/// A ring that was built out of sight: all of its memory is there, and nobody knows of it. Removed on drop.
#[derive(Debug)]
pub struct PreparedSegment {
    memory: WritableMapping,
    options: SegmentOptions,
    files: Files,
    dir_fd: OwnedFd,
    lock: Arc<HeldLock>,
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
         enlarge it (Docker: --shm-size), or use fewer slots or smaller frames{pinned}",
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
        /// What of the rest is held by rings that are gone, and by whom.
        pinned: Pinned,
    },
    /// There is no memory for it, whatever room the file system has. Nothing was reserved: trying it could have
    /// been the end of this process or of another one.
    #[error(
        "not enough memory for camera {camera}: {needed} bytes ({} MiB) are needed in {}, {available} are \
         available {}, or use fewer slots or smaller frames",
        needed.div_ceil(1 << 20), base_dir.display(), where_memory_ends(control_group.as_deref())
    )]
    NoMemory {
        /// The camera.
        camera: CameraId,
        /// The base folder.
        base_dir: PathBuf,
        /// Bytes of both files, and of what the kernel needs to manage them.
        needed: u64,
        /// Bytes that can be had without swapping.
        available: u64,
        /// The folder of the control group that sets the limit; `None` if the memory of the system does.
        control_group: Option<PathBuf>,
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
            Self::NoSpace { .. } | Self::NoMemory { .. } | Self::NoInodes { .. } => "NO_SPACE",
            Self::FileSizeLimit { .. } => "PERMISSION_DENIED",
            Self::Identity(_) => "BAD_OPTION",
            Self::Os(error) => error.code(),
        }
    }

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
                pinned: Pinned::on_the_file_system_of(&lock.base),
            },
            Err(_) => self,
        }
    }
}

/// What limits the memory, and how that is changed.
fn where_memory_ends(control_group: Option<&Path>) -> String {
    match control_group {
        Some(group) => format!(
            "within the limit of control group {}; raise it (Docker: --memory)",
            group.display()
        ),
        None => "in the whole system (MemAvailable); end what uses it".to_owned(),
    }
}

impl CameraLock {
    /// Takes the lock anew for a camera whose lock file, or base folder, somebody has removed. A ring that is still at
    /// the camera's path belongs to another writer unless it is `own`.
    ///
    /// # Errors
    /// As for [`acquire`](Self::acquire): somebody else may export the camera by now.
    pub fn renew(&self, own: &Segment) -> Result<Self, LockError> {
        let held = self.held();
        Self::acquire_beside(&held.base.path, &held.camera, |meta| own.has_meta(meta))
    }
}

impl Segment {
    /// Builds a ring out of sight, with all of its memory reserved, and puts it at the camera's path
    /// in one step.
    ///
    /// The former generation of the camera, if there is one, is told that it is replaced, and its files are
    /// removed; its `Segment` is to be dropped then.
    ///
    /// # Errors
    /// [`CreateError`]. The former generation then stays as it is.
    pub fn create(lock: &CameraLock, options: &SegmentOptions) -> Result<Self, CreateError> {
        Self::prepare(lock, options, Reserve::Now)?.place(options.first_frame_id)
    }

    /// The part of [`create`](Self::create) that takes time: a former generation can go on until the new one is
    /// [placed](PreparedSegment::place).
    ///
    /// # Errors
    /// [`CreateError`].
    pub fn prepare(
        lock: &CameraLock,
        options: &SegmentOptions,
        reserve: Reserve,
    ) -> Result<PreparedSegment, CreateError> {
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
        for name in [name, &unfinished_name(camera)] {
            match find(base, name).map_err(|errno| OsError::new("look at", base.join(name), errno))? {
                Found::Foreign => {
                    return Err(CreateError::Occupied {
                        path: base.join(name),
                    });
                }
                Found::Nothing | Found::Export(_) => {}
            }
        }
        let needed = memory_for(meta_len + data_len);
        let promised = promised_bytes();
        let mut limit = memory_limit(&base.fd);
        let has_room = limit
            .as_ref()
            .is_none_or(|limit| limit.available >= needed + memory_for(promised))
            && free_bytes(base).is_some_and(|free| free >= meta_len + data_len + promised);
        let reserve = if has_room && is_large(data_len) {
            reserve
        } else {
            if !has_room {
                settle();
                limit = memory_limit(&base.fd);
            }
            Reserve::Now
        };
        if let Some(limit) = limit.filter(|limit| limit.available < needed) {
            return Err(CreateError::NoMemory {
                camera: camera.clone(),
                base_dir: base.path.clone(),
                needed,
                available: limit.available,
                control_group: limit.control_group,
            });
        }
        Self::build(lock, options, reserve).map_err(|error| error.explained(lock, meta_len + data_len))
    }

    fn build(
        lock: &Arc<HeldLock>,
        options: &SegmentOptions,
        reserve: Reserve,
    ) -> Result<PreparedSegment, CreateError> {
        let (dir, dir_fd) = RingDir::make(lock)?;
        fail_point!("folder-made");
        let (meta_len, data_len) = (options.shape.meta_bytes(), options.shape.data_bytes());
        let meta = dir.make_file(&dir_fd, META, meta_len as u64)?;
        dir.reserve(&meta, META, meta_len as u64)?;
        fail_point!("meta-made");
        let data = dir.make_file(&dir_fd, DATA, data_len as u64)?;
        if reserve == Reserve::Now {
            dir.reserve(&data, DATA, data_len as u64)?;
        }
        fail_point!("data-made");

        let refused = |action| move |errno| OsError::new(action, lock.base.join(lock.camera.as_str()), errno);
        let id = |file: &OwnedFd| FileId::of(file).map_err(refused("look at the files of"));
        let ids = [id(&meta)?, id(&data)?];
        let map = |reserved| {
            let path = format!("{}/{DATA}", lock.camera);
            let data_file = DataFile::new(&lock.base, path, ids[1]);
            let (meta, data) = ((meta.as_fd(), meta_len), (data.as_fd(), data_len));
            WritableMapping::new(meta, data, data_file, reserved).map_err(refused("map the memory of"))
        };
        let memory = if reserve == Reserve::Now {
            map(data_len)?
        } else {
            let memory = map(0)?;
            if memory.has_room(0, 1) {
                memory
            } else {
                // An old kernel, or somebody was faster.
                drop(memory);
                dir.reserve(&data, DATA, data_len as u64)?;
                map(data_len)?
            }
        };
        for file in [&meta, &data] {
            fchmod(file, options.file_mode.of_file()).map_err(refused("set the mode of"))?;
        }
        Ok(PreparedSegment {
            memory,
            options: *options,
            files: Files { meta, ids, dir },
            dir_fd,
            lock: Arc::clone(lock),
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

    /// Whether the camera's path still leads to both files. Somebody may have removed them, or put something else in
    /// their place; who is attached does not notice that. Two system calls.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        self.files.as_ref().is_some_and(|files| {
            let at = |name| FileId::at(CWD, self.path.join(name));
            [META, DATA].map(at) == files.ids.map(Ok)
        })
    }

    /// Whether this is the ring whose meta file has this identity.
    pub(crate) fn has_meta(&self, id: FileId) -> bool {
        self.files.as_ref().is_some_and(|files| files.ids[0] == id)
    }

    /// Tells the readers that there is a newer ring at the path. A second call does nothing.
    pub fn tell_replaced(&self) {
        self.tell(|memory| set_state_of_live(memory, State::Replaced));
    }

    fn tell(&self, tell: impl FnOnce(&WritableMapping)) {
        tell(&self.memory);
        change_bell(&self.memory);
        self.memory.ring_bell();
    }

    /// Tells the readers that the ring has ended, unless they know that it was replaced, and removes its files.
    /// What somebody else put at the path is left alone. Never fails and never waits; a second call does
    /// nothing. Dropping the segment does the same.
    pub fn end(&mut self) {
        self.remove(|memory| set_state_of_live(memory, State::Ended));
    }

    /// Removes the files of a camera that was not closed, because its process ends: readers find the writer dead, as
    /// after a crash, and wait for its return. Otherwise like [`end`](Self::end).
    pub fn leave(&mut self) {
        // Readers need not wait until the heartbeat is old.
        self.remove(|memory| beat(memory, 0));
    }

    fn remove(&mut self, tell: impl FnOnce(&WritableMapping)) {
        let Some(files) = self.files.take() else {
            return;
        };
        self.tell(tell);
        fail_point!("ring-ended");
        // Closing is not enough: a child between fork and exec has a copy of the descriptor.
        let _ = writer_lock::release(&files.meta);
        drop(files.dir);
    }
}

/// Bytes that the file system has left; `u64::MAX` if it has no limit of its own.
fn free_bytes(base: &BaseDir) -> Option<u64> {
    let stat = fstatvfs(&base.fd).ok()?;
    if stat.f_blocks == 0 {
        return Some(u64::MAX);
    }
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Stores a final state into a ring that is live. Another final state, which readers may know already, stays.
fn set_state_of_live(memory: &WritableMapping, fate: State) {
    if state(memory) == Some(State::Live) {
        set_state(memory, fate);
    }
}

impl PreparedSegment {
    /// Puts the ring at the camera's path in one step; its first frame gets the id that is given.
    ///
    /// # Errors
    /// [`CreateError`]. A former generation then stays as it is.
    pub fn place(mut self, first_frame_id: u64) -> Result<Segment, CreateError> {
        let path = self.lock.base.join(self.lock.camera.as_str());
        let refused = |action| {
            let path = path.clone();
            move |errno| OsError::new(action, path, errno)
        };
        let now = monotonic_ns();
        let identity = RingIdentity {
            epoch: self.options.epoch,
            generation: self.options.generation,
            first_frame_id,
            data_inode: self.files.ids[1].inode,
            created_ns: now,
            created_wall_ns: wall_ns(),
        };
        initialise(&self.memory, self.options.shape, &identity)?;
        beat(&self.memory, now);
        fail_point!("ring-initialised");
        writer_lock::take(&self.files.meta).map_err(refused("lock the ring of"))?;
        fchmod(&self.dir_fd, self.options.file_mode.of_dir()).map_err(refused("set the mode of"))?;
        fail_point!("ring-finished");
        if !self.files.dir.put_in_place()? {
            return Err(CreateError::Occupied { path });
        }
        fail_point!("ring-placed");
        let memory = Arc::new(self.memory);
        reserve_later(&memory);
        Ok(Segment {
            memory,
            path,
            files: Some(self.files),
        })
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        self.end();
    }
}
