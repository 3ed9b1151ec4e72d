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

/// How long a lock that somebody else holds is asked for again. A sweep holds it for an instant only; a writer
/// holds it for good.
const PATIENCE: Duration = Duration::from_millis(250);
const PAUSE: Duration = Duration::from_millis(5);

/// The right to export one camera, held until it and every [`Segment`](crate::Segment) made under it are gone.
///
/// The kernel gives it back when the process dies, whatever way. Nobody waits for it.
#[derive(Debug)]
pub struct CameraLock {
    held: Arc<HeldLock>,
}

impl CameraLock {
    /// Takes the lock, and removes what a writer of this camera that died left behind. Readers that are still
    /// attached to that are told to open again: the camera comes back.
    ///
    /// The base folder is created (mode 0755) if only its last component is missing.
    ///
    /// # Errors
    /// [`LockError`]; `ALREADY_EXPORTED` at once if the other writer has a ring, after a quarter of a second
    /// at the latest otherwise.
    pub fn acquire(base_dir: &Path, camera: &CameraId) -> Result<Self, LockError> {
        let base = BaseDir::open_or_create(base_dir)?;
        let deadline = Instant::now() + PATIENCE;
        let held = loop {
            if let Some(held) = HeldLock::try_acquire(&base, camera)? {
                break held;
            }
            if has_living_writer(&base, camera) || Instant::now() >= deadline {
                return Err(already_exported(&base, camera, &lock_name(camera)));
            }
            thread::sleep(PAUSE);
        };
        fail_point!("lock-taken");
        // Somebody removed the lock file under a living writer: its ring still says that it is there.
        if has_living_writer(&base, camera) {
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

fn has_living_writer(base: &BaseDir, camera: &CameraId) -> bool {
    matches!(find(base, camera.as_str()), Ok(Found::Export(export)) if export.has_living_writer())
}
