//! Memory that is not free although its files are gone: rings that were replaced or have ended, and that somebody still
//! maps. Asked for only to explain why there is no room.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::time::{Duration, Instant};

use rustix::fs::{fstat, major, minor};

use crate::base_dir::BaseDir;
use crate::export_dir::{DATA, META};

/// How long the processes are looked through, the newest first. What is found until then is told.
const PATIENCE: Duration = Duration::from_millis(100);

/// The memory of rings that are gone, as far as it can be known: only this user's processes may be looked at, and only
/// those of the same container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pinned {
    /// Bytes that are free when these processes let go.
    pub bytes: u64,
    /// The processes that have them mapped.
    pub processes: BTreeSet<u32>,
}

impl Pinned {
    /// The memory of such rings on the file system of the base folder.
    pub(crate) fn on_the_file_system_of(base: &BaseDir) -> Self {
        let Ok(stat) = fstat(&base.fd) else {
            return Self::default();
        };
        let device = format!("{:02x}:{:02x}", major(stat.st_dev), minor(stat.st_dev));
        let deadline = Instant::now() + PATIENCE;
        let mut lengths = BTreeMap::new();
        let mut processes = BTreeSet::new();
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let mut all: Vec<u32> = entries
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect();
        all.sort_unstable();
        for process in all.into_iter().rev() {
            if Instant::now() >= deadline {
                break;
            }
            let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap_or_default();
            for (inode, length) in maps.lines().filter_map(|line| gone_ring_file(line, &device)) {
                lengths.insert(inode, length);
                processes.insert(process);
            }
        }
        let bytes = lengths.values().sum();
        Self { bytes, processes }
    }
}

/// Inode and length of a file of a ring that is gone, if this line of `maps` shows one on this device.
fn gone_ring_file(line: &str, device: &str) -> Option<(u64, u64)> {
    let path = line.strip_suffix(" (deleted)")?;
    let is_of_a_ring = [META, DATA]
        .iter()
        .any(|file| path.ends_with(&format!("/{file}")));
    let mut fields = path.split_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let is_here = fields.nth(2)? == device;
    let inode = fields.next()?.parse().ok()?;
    let address = |hex| u64::from_str_radix(hex, 16).ok();
    let length = address(end)?.checked_sub(address(start)?)?;
    (is_of_a_ring && is_here).then_some((inode, length))
}

impl fmt::Display for Pinned {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bytes == 0 {
            return Ok(());
        }
        let processes: Vec<_> = self.processes.iter().map(u32::to_string).collect();
        write!(
            formatter,
            "; {} bytes ({} MiB) are held by rings that are gone and that these processes still have open: {}; let them \
             open again, or end them",
            self.bytes,
            self.bytes.div_ceil(1 << 20),
            processes.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::gone_ring_file;

    #[test]
    fn p2_8_only_files_of_rings_that_are_gone_from_this_file_system_pin_its_memory() {
        let gone = "7f10a000-7f10c000 r--s 00000000 00:1a 42      /dev/shm/vas/a b/frame.data (deleted)";
        assert_eq!(gone_ring_file(gone, "00:1a"), Some((42, 0x2000)));
        for other in [
            gone.strip_suffix(" (deleted)").unwrap_or_default(),
            "7f10a000-7f10c000 r--s 00000000 00:1b 42      /dev/shm/vas/a/frame.data (deleted)",
            "7f10a000-7f10c000 r--s 00000000 00:1a 42      /dev/shm/other (deleted)",
            "7f10a000-7f10c000 rw-p 00000000 00:00 0",
            "frame.data (deleted)",
            "",
        ] {
            assert_eq!(gone_ring_file(other, "00:1a"), None, "{other}");
        }
    }
}
