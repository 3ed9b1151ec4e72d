//! Which processes map files of rings, as `/proc` tells whoever may look there.

use std::collections::BTreeMap;
use std::fs;
use std::os::linux::fs::MetadataExt;
use std::path::Path;

use serde::Serialize;

use crate::failure::Failure;

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Mappings {
    pub(crate) processes: Vec<Mapper>,
    /// Processes of other users, into which this one may not look.
    pub(crate) processes_not_seen: usize,
}

/// One ring in one process.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Mapper {
    pub(crate) pid: u32,
    pub(crate) command: String,
    pub(crate) camera: String,
    /// `writer` or `reader`.
    pub(crate) role: &'static str,
    /// Whether the ring has gone from its path. Its memory is kept by this mapping.
    pub(crate) is_gone: bool,
    /// Bytes of the files that are mapped.
    pub(crate) bytes: u64,
}

/// A line of `/proc/<pid>/maps`.
struct Line<'a> {
    bytes: u64,
    permissions: &'a str,
    device: (u32, u32),
    inode: u64,
    path: &'a str,
}

/// Looks for mappings of `frame.meta` and `frame.data` on the file system of the base folder.
///
/// A path in another container may have another name, so files are told by device and inode; the camera of a ring that
/// is gone is read from the name it had.
pub(crate) fn mappings(base: &Path) -> Result<Mappings, Failure> {
    let mut found = Mappings {
        processes: Vec::new(),
        processes_not_seen: 0,
    };
    let device = match fs::metadata(base) {
        Ok(metadata) => metadata.st_dev(),
        // No base folder, no rings.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(Failure::io("look at", base)(error)),
    };
    let device = (rustix::fs::major(device), rustix::fs::minor(device));
    let cameras = cameras_by_inode(base);
    let proc = Path::new("/proc");
    for entry in fs::read_dir(proc)
        .map_err(Failure::io("list", proc))?
        .filter_map(Result::ok)
    {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let maps = match fs::read_to_string(entry.path().join("maps")) {
            Ok(maps) => maps,
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                found.processes_not_seen += 1;
                continue;
            }
            // It has ended meanwhile.
            Err(_) => continue,
        };
        // By inode of either file: meta and data of a ring are two rows of maps and one of ours.
        let mut rings: BTreeMap<(String, bool, &'static str), u64> = BTreeMap::new();
        for line in maps
            .lines()
            .filter_map(parse)
            .filter(|line| line.device == device)
        {
            let Some((camera, is_gone)) = ring_of(&line, &cameras) else {
                continue;
            };
            let role = if line.permissions.starts_with("rw") && line.permissions.ends_with('s') {
                "writer"
            } else {
                "reader"
            };
            *rings.entry((camera, is_gone, role)).or_default() += line.bytes;
        }
        let command = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        found
            .processes
            .extend(rings.into_iter().map(|((camera, is_gone, role), bytes)| Mapper {
                pid,
                command: command.trim_end().to_owned(),
                camera,
                role,
                is_gone,
                bytes,
            }));
    }
    found
        .processes
        .sort_by(|a, b| (&a.camera, a.role, a.pid).cmp(&(&b.camera, b.role, b.pid)));
    Ok(found)
}

/// The files of the rings that are at their paths.
fn cameras_by_inode(base: &Path) -> BTreeMap<u64, String> {
    let mut cameras = BTreeMap::new();
    for dir in fs::read_dir(base).into_iter().flatten().filter_map(Result::ok) {
        for file in ["frame.meta", "frame.data"] {
            if let Ok(metadata) = fs::symlink_metadata(dir.path().join(file)) {
                cameras.insert(metadata.st_ino(), dir.file_name().to_string_lossy().into_owned());
            }
        }
    }
    cameras
}

/// The camera of a mapped file, and whether its ring has gone; `None` if it is not a file of a ring.
fn ring_of(line: &Line<'_>, cameras: &BTreeMap<u64, String>) -> Option<(String, bool)> {
    if let Some(camera) = cameras.get(&line.inode) {
        return Some((camera.clone(), false));
    }
    let path = line.path.strip_suffix(" (deleted)")?;
    let (folder, file) = path.rsplit_once('/')?;
    if !["frame.meta", "frame.data"].contains(&file) {
        return None;
    }
    let folder = folder.rsplit('/').next()?;
    // A ring that was replaced has left the path under a hidden name: .<camera>.new
    let hidden = folder
        .strip_prefix('.')
        .and_then(|name| name.strip_suffix(".new"));
    let camera = hidden.unwrap_or(folder);
    Some((camera.to_owned(), true))
}

/// `start-end rwxs offset major:minor inode   path`; numbers but the inode are hexadecimal.
fn parse(line: &str) -> Option<Line<'_>> {
    let mut fields = line.splitn(6, ' ');
    let (start, end) = fields.next()?.split_once('-')?;
    let permissions = fields.next()?;
    let (major, minor) = fields.nth(1)?.split_once(':')?;
    let inode = fields.next()?.parse().ok()?;
    let hex = |text| u64::from_str_radix(text, 16).ok();
    Some(Line {
        bytes: hex(end)?.checked_sub(hex(start)?)?,
        permissions,
        device: (
            u32::from_str_radix(major, 16).ok()?,
            u32::from_str_radix(minor, 16).ok()?,
        ),
        inode,
        path: fields.next()?.trim_start(),
    })
}
