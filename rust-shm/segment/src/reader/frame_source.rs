//! The reader's side of shared memory: one ring, opened and mapped so that nothing done here can be noticed by
//! its writer.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use rustix::fs::{CWD, FileType, Mode, OFlags, Stat, fstat, openat};
use rustix::io::Errno;
use vas_frame_protocol::{AttachError, Reader, RingMemory, State};

use super::health::{Health, HealthReport};
use super::owner::{CheckError, Owner, WrongOwner};
use crate::bell::Bell;
use crate::camera_id::CameraId;
use crate::clock::monotonic_ns;
use crate::export_dir::{DATA, META};
use crate::file_id::FileId;
use crate::mapping::{BellPage, MapMode, Mapping};
use crate::os_error::OsError;
use crate::writer_lock;

/// How often the files are opened anew when one is missing or they do not belong together. Each retry means that
/// the writer put a new generation into place since the last try, if there is an export at all.
const OPENING_TRIES: usize = 8;

/// Meta is a page or two. A version with larger records would still be far below this.
const LARGEST_META: u64 = 16 << 20;

/// How a source is mapped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceOptions {
    /// How the files are mapped, which decides what happens to a store.
    pub map_mode: MapMode,
    /// Maps all pages when the source is opened, so that the first look at each slot costs no page faults.
    pub populate: bool,
    /// The owner whose frames are accepted.
    pub owner: Owner,
}

/// The ring of one camera, open for reading.
///
/// Frames are read with [`reader`](Self::reader); that is loads only and no system call. A ring never changes its
/// shape: when the health is anything but [`Health::Live`] or [`Health::Idle`], [`reopen`](Self::reopen) finds
/// what is at the path then. Frame ids go on if the epoch is the same and begin again if it is not.
///
/// Whoever can replace the folder can show other pictures (see [`SourceOptions::owner`]) and do nothing worse: whatever
/// is in the files is checked before it is used.
#[derive(Debug)]
pub struct FrameSource {
    reader: Reader<Arc<Mapping>>,
    path: PathBuf,
    options: SourceOptions,
    meta: OwnedFd,
    data: OwnedFd,
    /// Whether the last frame that was waited for was rung for.
    pub(super) hears_bell: AtomicBool,
    /// The page on which a source waits that is not mapped `MAP_SHARED`; mapped by the first wait.
    bell_page: OnceLock<Option<BellPage>>,
}

/// The source could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no export at the path.
    #[error("there is no export at {}: the camera is not running, or it is exported somewhere else", path.display())]
    NotFound {
        /// The camera's folder.
        path: PathBuf,
    },
    /// There is something at the path that this version does not understand.
    #[error("{} holds no ring that can be read: {source}", path.display())]
    Incompatible {
        /// The camera's folder.
        path: PathBuf,
        /// What does not fit.
        source: AttachError,
    },
    /// A name leads to something that is no regular file, or to one of a size that no ring has.
    #[error("{} is not a file of a frame ring", path.display())]
    NotARingFile {
        /// The file.
        path: PathBuf,
    },
    /// `frame.meta` named another `frame.data` than the one beside it, in every try.
    #[error("the two files in {} do not belong together: they were copied, or one was replaced", path.display())]
    Mismatched {
        /// The camera's folder.
        path: PathBuf,
    },
    /// The export is not that of the user whose frames are accepted.
    #[error(transparent)]
    WrongOwner(#[from] WrongOwner),
    /// The operating system refused.
    #[error(transparent)]
    Os(#[from] OsError),
}

impl OpenError {
    /// `SOURCE_NOT_FOUND`, `INCOMPATIBLE_LAYOUT`, `WRONG_OWNER`, or what [`OsError::code`] gives: `PERMISSION_DENIED`,
    /// `NO_DESCRIPTORS`, `NO_SPACE` or `IO`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "SOURCE_NOT_FOUND",
            Self::Incompatible { .. } | Self::NotARingFile { .. } | Self::Mismatched { .. } => {
                "INCOMPATIBLE_LAYOUT"
            }
            Self::WrongOwner(_) => "WRONG_OWNER",
            Self::Os(error) => error.code(),
        }
    }
}

impl FrameSource {
    /// Opens a camera by its id, mapped [`MapMode::ReadOnly`].
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(base_dir: &Path, camera: &CameraId) -> Result<Self, OpenError> {
        Self::open_dir(&base_dir.join(camera.as_str()), SourceOptions::default())
    }

    /// Opens a camera by its folder, which must not be a symbolic link.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_dir(path: &Path, options: SourceOptions) -> Result<Self, OpenError> {
        // A later change of the working directory must not change what `is_current` and `reopen` look at.
        let path = std::path::absolute(path)
            .map_err(|error| OsError::new("find", path, Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
        let mut last = OpenError::NotFound { path: path.clone() };
        for _ in 0..OPENING_TRIES {
            match Self::try_open(&path, options) {
                // Either file may vanish with a generation that is just being replaced.
                Err(error @ (OpenError::NotFound { .. } | OpenError::Mismatched { .. })) => last = error,
                done => return done,
            }
        }
        Err(last)
    }

    fn try_open(path: &Path, options: SourceOptions) -> Result<Self, OpenError> {
        let dir = open_dir(path).map_err(|errno| refused("open", path, errno))?;
        let (meta, meta_stat) = open_file(&dir, path, META)?;
        let (data, data_stat) = open_file(&dir, path, DATA)?;
        let not_a_ring_file = |file| {
            move || OpenError::NotARingFile {
                path: path.join(file),
            }
        };
        options
            .owner
            .check(path, &dir, [&meta_stat, &data_stat])
            .map_err(|error| match error {
                CheckError::WrongOwner(wrong) => OpenError::WrongOwner(wrong),
                CheckError::Os(errno) => refused("look at", path, errno),
            })?;
        let meta_len = usable_len(&meta_stat).filter(|&len| len as u64 <= LARGEST_META);
        let meta_len = meta_len.ok_or_else(not_a_ring_file(META))?;
        let data_len = usable_len(&data_stat).ok_or_else(not_a_ring_file(DATA))?;
        let (meta_range, data_range) = ((meta.as_fd(), meta_len), (data.as_fd(), data_len));
        let mapping = Mapping::for_reading(meta_range, data_range, options.map_mode, options.populate)
            .map_err(|errno| refused("map", path, errno))?;
        let reader = Reader::attach(Arc::new(mapping)).map_err(|source| OpenError::Incompatible {
            path: path.to_owned(),
            source,
        })?;
        let data_inode = reader.header().identity().data_inode;
        if data_inode != 0 && data_inode != FileId::from_stat(&data_stat).inode {
            return Err(OpenError::Mismatched {
                path: path.to_owned(),
            });
        }
        Ok(Self {
            reader,
            path: path.to_owned(),
            options,
            meta,
            data,
            hears_bell: AtomicBool::new(false),
            bell_page: OnceLock::new(),
        })
    }

    /// Opens what is at the path now, in the same way. This source stays as it is.
    ///
    /// A ring that was ended or replaced, and still stands there because its writer died before it could remove the
    /// files, is not opened again: there is no export then.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn reopen(&self) -> Result<Self, OpenError> {
        let found = Self::open_dir(&self.path, self.options)?;
        let is_over = matches!(self.reader.state(), Some(State::Ended | State::Replaced));
        if is_over && found.has_the_files_of(self) {
            return Err(OpenError::NotFound {
                path: self.path.clone(),
            });
        }
        Ok(found)
    }

    /// Whether both sources have the same two files open, and so the same ring.
    pub(crate) fn has_the_files_of(&self, other: &Self) -> bool {
        let are_same = |ours, theirs| match (FileId::of(ours), FileId::of(theirs)) {
            (Ok(ours), Ok(theirs)) => ours == theirs,
            _ => false,
        };
        are_same(&self.meta, &other.meta) && are_same(&self.data, &other.data)
    }

    /// Reads frames.
    #[must_use]
    pub fn reader(&self) -> &Reader<Arc<Mapping>> {
        &self.reader
    }

    /// The memory of the ring. It stays mapped as long as anybody holds it, also when the source is gone.
    #[must_use]
    pub fn memory(&self) -> &Arc<Mapping> {
        self.reader.memory()
    }

    /// Where this process waits for a frame; `None` if there is no memory for the page.
    pub(super) fn bell(&self) -> Option<Bell<'_>> {
        if self.options.map_mode == MapMode::ReadOnly {
            return Some(Bell::of(self.memory().as_ref()));
        }
        let page = self
            .bell_page
            .get_or_init(|| BellPage::map(self.meta.as_fd()).ok());
        page.as_ref().map(BellPage::bell)
    }

    /// The camera's folder, as an absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the path still leads to the files that are open here.
    #[must_use]
    pub fn is_current(&self) -> bool {
        let Ok(dir) = open_dir(&self.path) else {
            return false;
        };
        [(META, &self.meta), (DATA, &self.data)]
            .into_iter()
            .all(|(name, file)| FileId::of(file).is_ok_and(|open| FileId::at(&dir, name) == Ok(open)))
    }

    /// Whether a living process holds the writer's lock. Takes no lock; nobody can notice the question. `true` where the
    /// kernel does not answer it, so that a writer that may live is not taken for dead.
    #[must_use]
    pub fn writer_holds_lock(&self) -> bool {
        writer_lock::is_held(&self.meta).unwrap_or(true)
    }

    /// Whether the files are as long as they were when they were mapped.
    ///
    /// Root and the writer's own user could make them shorter. A look at memory that is gone then finds zeros, and
    /// so does every later one: [`Mapping::is_lost`]. Asking here finds out without a look, by two system calls.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        let has = |file: &OwnedFd, len: usize| {
            fstat(file).is_ok_and(|stat| u64::try_from(stat.st_size).is_ok_and(|size| size >= len as u64))
        };
        has(&self.meta, self.memory().meta_len()) && has(&self.data, self.memory().data_len())
    }

    /// How the writer is now, with the ages that say so.
    #[must_use]
    pub fn health_report(&self) -> HealthReport {
        self.health_report_at(monotonic_ns())
    }

    /// How the writer is now.
    #[must_use]
    pub fn health(&self) -> Health {
        self.health_report().health
    }

    /// The same as [`health_report`](Self::health_report), at a given time of [`monotonic_ns`]. Three system calls at
    /// most, none of which waits for anything.
    #[must_use]
    pub fn health_report_at(&self, now_ns: u64) -> HealthReport {
        if !self.is_intact() {
            return HealthReport {
                health: Health::Damaged,
                heartbeat_age_ns: 0,
                frame_age_ns: None,
            };
        }
        let state = self.reader.state();
        let heartbeat_age_ns = now_ns.saturating_sub(self.reader.heartbeat_ns());
        let newest = self.reader.current();
        let frame_age_ns = newest
            .ok()
            .map(|record| now_ns.saturating_sub(record.stamp.timestamp_ns));
        let health = Health::judge(state, heartbeat_age_ns, frame_age_ns, || self.writer_holds_lock());
        HealthReport {
            health,
            heartbeat_age_ns,
            frame_age_ns,
        }
    }
}

fn open_dir(path: &Path) -> Result<OwnedFd, Errno> {
    openat(
        CWD,
        path,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
    )
}

fn open_file(dir: &OwnedFd, path: &Path, name: &str) -> Result<(OwnedFd, Stat), OpenError> {
    // Without O_NONBLOCK a FIFO that somebody put there would keep us waiting for its writer.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = openat(dir, name, flags, Mode::empty()).map_err(|errno| match errno {
        Errno::LOOP => OpenError::NotARingFile {
            path: path.join(name),
        },
        errno => refused("open", path, errno),
    })?;
    let stat = fstat(&file).map_err(|errno| refused("look at", path, errno))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(OpenError::NotARingFile {
            path: path.join(name),
        });
    }
    Ok((file, stat))
}

/// The length of a file that can be mapped.
fn usable_len(stat: &Stat) -> Option<usize> {
    usize::try_from(stat.st_size).ok().filter(|&len| len > 0)
}

fn refused(action: &'static str, path: &Path, errno: Errno) -> OpenError {
    match errno {
        // A file, or a symbolic link, where the folder would be is not an export either.
        Errno::NOENT | Errno::NOTDIR | Errno::LOOP => OpenError::NotFound {
            path: path.to_owned(),
        },
        errno => OsError::new(action, path, errno).into(),
    }
}
