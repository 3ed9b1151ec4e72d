//! Taking the right to export a camera, and tidying up after a former writer of it.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::held_lock::{HeldLock, LockError, lock_name};
use super::sweep::remove_leftovers;
use crate::base_dir::BaseDir;
use crate::camera_id::CameraId;
use crate::export_dir::{Fate, Found, find};
use crate::fail_point::fail_point;
use crate::file_id::FileId;

/// How often to ask for a lock that somebody else holds. A sweep holds it for an instant only; a writer holds it for
/// good. Questions are counted and not time: on a full machine few of them fit into a time, and sweeps that follow one
/// another could have the lock at each.
const QUESTIONS: usize = 100;
const PAUSE: Duration = Duration::from_micros(500);
/// The thread that waits is that of the host.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// The right to export one camera, held until it and every [`Segment`](super::Segment) made under it are gone.
///
/// The kernel gives it back when the process dies, whatever way. Nobody waits for it.
#[derive(Debug)]
pub struct CameraLock {
    held: Arc<HeldLock>,
}

impl CameraLock {
    /// Takes the lock, and removes what a writer of this camera that died left behind. Readers that still have its ring
    /// open are told to open again: the camera comes back.
    ///
    /// The base folder is created (mode 0755) if only its last component is missing.
    ///
    /// # Errors
    /// [`LockError`]; `ALREADY_EXPORTED` at once if the other writer has a ring; otherwise after a twentieth of
    /// a second, on a full machine after a second at the latest.
    pub fn acquire(base_dir: &Path, camera: &CameraId) -> Result<Self, LockError> {
        Self::acquire_beside(base_dir, camera, |_| false)
    }

    /// [`acquire`](Self::acquire) where the ring whose meta file `is_own` knows is no other writer's.
    pub(super) fn acquire_beside(
        base_dir: &Path,
        camera: &CameraId,
        is_own: impl Fn(FileId) -> bool,
    ) -> Result<Self, LockError> {
        let base = BaseDir::open_or_create(base_dir)?;
        let has_other_writer = || living_writer(&base, camera).is_some_and(|meta| !is_own(meta));
        let deadline = Instant::now() + LONGEST_WAIT;
        let mut questions = 1;
        let held = loop {
            if let Some(held) = HeldLock::try_acquire(&base, camera)? {
                break held;
            }
            if has_other_writer() || questions >= QUESTIONS || Instant::now() >= deadline {
                return Err(already_exported(&base, camera, &lock_name(camera)));
            }
            thread::sleep(PAUSE);
            questions += 1;
        };
        fail_point!("lock-taken");
        // Somebody removed the lock file under a living writer: its ring still says that it is there.
        if has_other_writer() {
            return Err(already_exported(&base, camera, camera.as_str()));
        }
        remove_leftovers(&held, Fate::Replaced);
        Ok(Self { held: Arc::new(held) })
    }

    /// The camera.
    #[must_use]
    pub fn camera(&self) -> &CameraId {
        &self.held.camera
    }

    /// Whether the path still leads to the lock file. Somebody may have removed it, or the base folder: others could
    /// take the lock then. One system call.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        self.held.is_in_place()
    }

    pub(crate) fn held(&self) -> &Arc<HeldLock> {
        &self.held
    }
}

fn already_exported(base: &BaseDir, camera: &CameraId, locked: &str) -> LockError {
    LockError::AlreadyExported {
        camera: camera.clone(),
        path: base.join(locked),
    }
}

fn living_writer(base: &BaseDir, camera: &CameraId) -> Option<FileId> {
    match find(base, camera.as_str()) {
        Ok(Found::Export(export)) => export.living_writer(),
        _ => None,
    }
}
