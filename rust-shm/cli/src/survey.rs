//! What stands in the base folder: cameras, and what crashes have left behind.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::Serialize;
use vas_frame_segment::CameraId;

use crate::camera::CameraReport;
use crate::failure::Failure;

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Survey {
    pub(crate) base_dir: String,
    pub(crate) cameras: Vec<CameraReport>,
    pub(crate) leftovers: Vec<Leftover>,
    /// Names that are neither: nothing of ours, and never touched.
    pub(crate) foreign: Vec<String>,
}

/// Something that no living writer owns.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Leftover {
    pub(crate) name: String,
    pub(crate) camera: String,
    /// `dead ring`, `half-built ring` or `lock file`.
    pub(crate) kind: &'static str,
    pub(crate) bytes: u64,
}

/// Looks at everything in the base folder. A folder that is not there holds nothing.
pub(crate) fn survey(base: &Path) -> Result<Survey, Failure> {
    let mut survey = Survey {
        base_dir: base.display().to_string(),
        cameras: Vec::new(),
        leftovers: Vec::new(),
        foreign: Vec::new(),
    };
    let mut names = Vec::new();
    match fs::read_dir(base) {
        Ok(entries) => {
            for entry in entries {
                let entry = entry.map_err(Failure::io("list", base))?;
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(Failure::io("list", base)(error)),
    }
    names.sort();
    // Cameras first: whether a lock file or a half-built folder is a leftover depends on them.
    let (hidden, visible): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| name.starts_with('.'));
    for name in visible {
        match CameraId::new(&name) {
            Ok(camera) if base.join(&name).is_dir() => survey.see_camera(base, &camera),
            _ => survey.foreign.push(name),
        }
    }
    for name in hidden {
        survey.see_hidden(base, name);
    }
    Ok(survey)
}

impl Survey {
    fn see_camera(&mut self, base: &Path, camera: &CameraId) {
        let report = CameraReport::of(base, camera);
        let dir = base.join(camera.as_str());
        let holds_no_ring = report.health == "absent";
        if report.health == "dead" || report.health == "ended" || (holds_no_ring && is_our_export(&dir)) {
            self.leftovers.push(Leftover {
                name: camera.as_str().to_owned(),
                camera: camera.as_str().to_owned(),
                kind: "dead ring",
                bytes: bytes_in(&dir),
            });
        }
        if holds_no_ring {
            if !is_our_export(&dir) {
                self.foreign.push(camera.as_str().to_owned());
            }
        } else {
            self.cameras.push(report);
        }
    }

    fn see_hidden(&mut self, base: &Path, name: String) {
        let (camera, kind) = match hidden(&name) {
            Some(found) => found,
            None => return self.foreign.push(name),
        };
        // Whoever has a living writer is building, or holds the lock.
        let is_written = self
            .cameras
            .iter()
            .any(|report| report.camera == camera && matches!(report.health, "live" | "idle" | "hung"));
        if !is_written {
            let bytes = bytes_in(&base.join(&name));
            let camera = camera.to_owned();
            self.leftovers.push(Leftover {
                name,
                camera,
                kind,
                bytes,
            });
        }
    }
}

/// The camera and the kind of a hidden name: `.<camera>.lock`, `.<camera>.new`.
fn hidden(name: &str) -> Option<(&str, &'static str)> {
    let name = name.strip_prefix('.')?;
    let lock = name.strip_suffix(".lock").map(|camera| (camera, "lock file"));
    let ring = || {
        name.strip_suffix(".new")
            .map(|camera| (camera, "half-built ring"))
    };
    lock.or_else(ring)
        .filter(|(camera, _)| CameraId::new(camera).is_ok())
}

/// Whether a folder holds nothing but files of a ring, or nothing at all.
fn is_our_export(dir: &Path) -> bool {
    fs::read_dir(dir).is_ok_and(|mut entries| {
        entries.all(|entry| {
            entry.is_ok_and(|entry| {
                ["frame.meta", "frame.data"]
                    .iter()
                    .any(|&ours| entry.file_name() == ours)
            })
        })
    })
}

fn bytes_in(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else {
        return 0;
    };
    let sizes = entries
        .filter_map(|entry| entry.ok()?.metadata().ok())
        .map(|metadata| metadata.len());
    sizes.sum()
}
