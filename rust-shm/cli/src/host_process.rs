//! The process that exports cameras, as far as `/proc` shows it to us.

use std::fs;
use std::path::Path;

use serde::Serialize;
use vas_frame_segment::CameraId;

use crate::processes::mappings;

#[derive(Clone, Debug, Serialize)]
pub(crate) struct HostProcess {
    pub(crate) pid: u32,
    pub(crate) command: String,
    /// `running`, `stopped` or `waiting in the kernel`.
    pub(crate) state: &'static str,
    /// Cameras whose current rings it writes.
    pub(crate) cameras: u64,
    pub(crate) descriptors: u64,
    /// `null` without a limit.
    pub(crate) descriptors_limit: Option<u64>,
    pub(crate) threads: u64,
    pub(crate) mappings: u64,
}

/// The process that writes most rings of a base folder, or the ring of one camera. `None` if there is none, or none
/// that this user may look into.
pub(crate) fn host_of(base: &Path, camera: Option<&CameraId>) -> Option<HostProcess> {
    let found = mappings(base).ok()?;
    let writers = || {
        found
            .processes
            .iter()
            .filter(|one| one.role == "writer" && !one.is_gone)
    };
    let rings_of = |pid| writers().filter(|other| other.pid == pid).count() as u64;
    let writer = writers()
        .filter(|one| camera.is_none_or(|camera| one.camera == camera.as_str()))
        .max_by_key(|one| rings_of(one.pid))?;
    let dir = Path::new("/proc").join(writer.pid.to_string());
    let status = fs::read_to_string(dir.join("status")).ok()?;
    let limits = fs::read_to_string(dir.join("limits")).ok()?;
    let after = |text: &str, name| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next().map(str::to_owned)
    };
    let entries = |name| Some(fs::read_dir(dir.join(name)).ok()?.count() as u64);
    Some(HostProcess {
        pid: writer.pid,
        command: writer.command.clone(),
        state: match after(&status, "State:").as_deref() {
            Some("T" | "t") => "stopped",
            Some("D") => "waiting in the kernel",
            _ => "running",
        },
        cameras: rings_of(writer.pid),
        descriptors: entries("fd")?,
        descriptors_limit: after(&limits, "Max open files").and_then(|limit| limit.parse().ok()),
        threads: entries("task")?,
        mappings: fs::read_to_string(dir.join("maps")).ok()?.lines().count() as u64,
    })
}
