//! Removal of what dead writers left behind.

use std::collections::BTreeSet;
use std::path::Path;

use rustix::fs::Dir;

use super::held_lock::{HeldLock, camera_of_lock};
use super::ring_dir::{camera_of_unfinished, unfinished_name};
use crate::base_dir::{BaseDir, BaseDirError};
use crate::camera_id::CameraId;
use crate::export_dir::{Fate, Found, find};
use crate::os_error::OsError;

/// Removes every export in the base folder whose writer died, half-built ones and lock files too. What has a
/// living writer, belongs to another user or is not an export is left alone. Returns the number of cameras whose
/// leftovers were all removed.
///
/// Readers that are still attached find the writer dead at once, and nothing when they open again. They are not told
/// that the camera has ended: it was not closed, and may come back.
///
/// Opening a camera does the same for that camera, so this is for cameras that do not come back.
///
/// # Errors
/// [`BaseDirError`] if the base folder is there and cannot be used or listed.
pub fn sweep(base_dir: &Path) -> Result<usize, BaseDirError> {
    let Some(base) = BaseDir::open(base_dir)? else {
        return Ok(0);
    };
    let refused = |errno| OsError::new("list the base folder", &base.path, errno);
    let names = names(&base).map_err(refused)?;
    let of_hidden = |name: &String| camera_of_lock(name).or_else(|| camera_of_unfinished(name));
    let mut cameras: BTreeSet<CameraId> = names.iter().filter_map(of_hidden).collect();
    // Whatever else has a camera's name is looked into once: nearly all cameras have a lock file.
    for camera in names.iter().filter_map(|name| CameraId::new(name).ok()) {
        if !cameras.contains(&camera) && matches!(find(&base, camera.as_str()), Ok(Found::Export(_))) {
            cameras.insert(camera);
        }
    }
    // A camera that cannot be locked has a writer, or belongs to somebody else.
    let sweep = |camera: &CameraId| {
        let held = HeldLock::try_acquire(&base, camera).ok().flatten();
        held.is_some_and(|held| remove_leftovers(&held, Fate::Dead))
    };
    Ok(cameras.iter().filter(|camera| sweep(camera)).count())
}

/// Removes the folder and the half-built folder of a camera whose lock is held, unless a living writer is seen to hold
/// the ring itself. Best effort; returns whether none is left.
pub(crate) fn remove_leftovers(held: &HeldLock, fate: Fate) -> bool {
    let base = &held.base;
    let names = [unfinished_name(&held.camera), held.camera.as_str().to_owned()];
    let remove = |name: &String| match find(base, name) {
        Ok(Found::Export(export)) => !export.has_living_writer() && export.remove(base, name, fate),
        Ok(Found::Nothing) => true,
        Ok(Found::Foreign) | Err(_) => false,
    };
    // Every one of them, whatever became of the others.
    names.iter().filter(|name| !remove(name)).count() == 0
}

/// The names in the base folder; those that are not UTF-8 are none of ours.
fn names(base: &BaseDir) -> Result<Vec<String>, rustix::io::Errno> {
    let entries = Dir::read_from(&base.fd)?;
    let names = entries.map(|entry| entry.map(|entry| entry.file_name().to_str().map(str::to_owned).ok()));
    names.filter_map(Result::transpose).collect()
}
