//! How much memory a tmpfs can still be given, asked for in advance: the kernel reserves whatever the file system
//! has room for, and ends a process when no memory is left: the video server, as likely as not.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::fs::fstatfs;

use crate::control_group::{ControlGroupVersion, control_groups};

/// The tightest bound on more memory for this process.
///
/// An estimate of the kind of `MemAvailable`: what is free, and what the kernel gives back on demand, which is the
/// page cache. Swap is not counted: every page of a ring is written again and again, so what is swapped out for it
/// belongs to the video server and FFmpeg, which would wait for the disk then. The kernel's count of the page cache
/// of a group may be a second or two old. Nothing is set aside by asking: who asks at the same instant gets the
/// same answer.
#[derive(Debug)]
pub struct MemoryLimit {
    /// Bytes that can be had.
    pub available: u64,
    /// The folder of the control group that sets the limit; `None` if the memory of the system does.
    pub control_group: Option<PathBuf>,
}

/// The memory that a file of this size takes, the kernel's page table and index included: 17 bytes and some padding
/// for each page of 4096.
pub(crate) fn memory_for(file_bytes: u64) -> u64 {
    file_bytes.saturating_add(file_bytes / 128)
}

/// The limit on files in this folder. `None` if they are not kept in memory, or no limit is known. A ramfs, which
/// cannot reserve memory, is refused by the reservation itself.
pub(crate) fn memory_limit(dir: impl AsFd) -> Option<MemoryLimit> {
    if fstatfs(dir).ok()?.f_type != libc::TMPFS_MAGIC {
        return None;
    }
    available_memory()
}

/// The limit that [`Segment::create`](super::Segment::create) compares with. `None` if the system does not say.
#[must_use]
pub fn available_memory() -> Option<MemoryLimit> {
    let system = mem_available(&text_of("/proc/meminfo")).map(|available| MemoryLimit {
        available,
        control_group: None,
    });
    let groups = control_groups("memory").into_iter().filter_map(|(version, dir)| {
        let files = match version {
            ControlGroupVersion::V1 => &V1,
            ControlGroupVersion::V2 => &V2,
        };
        let available = files.available(|file| text_of(dir.join(file)))?;
        let control_group = Some(dir);
        Some(MemoryLimit {
            available,
            control_group,
        })
    });
    system
        .into_iter()
        .chain(groups)
        .min_by_key(|limit| limit.available)
}

/// The text of a file; empty if it cannot be read. None of these files is ever empty.
fn text_of(path: impl AsRef<Path>) -> String {
    // The kernel makes up these texts when they are read and does not know their length before: with `take` it is not
    // asked for, and one read takes most of them.
    let mut text = Vec::with_capacity(8192);
    match File::open(path).and_then(|file| file.take(u64::MAX).read_to_end(&mut text)) {
        Ok(_) => String::from_utf8_lossy(&text).into_owned(),
        Err(_) => String::new(),
    }
}

/// The number after a name at the beginning of a line.
fn number_after(name: &str, text: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next()? == name).then(|| words.next()?.parse().ok())?
    })
}

fn mem_available(meminfo: &str) -> Option<u64> {
    number_after("MemAvailable:", meminfo)?.checked_mul(1024)
}

/// What the files of a version of control groups are called.
struct Files {
    /// Beyond any of these limits, processes are ended or made to wait (`memory.high`).
    limits: &'static [&'static str],
    used: &'static str,
    /// Lines of `memory.stat`, for the group and those below it: part of what is used, given back on demand.
    reclaimable: &'static [&'static str],
}

const V2: Files = Files {
    limits: &["memory.max", "memory.high"],
    used: "memory.current",
    reclaimable: &["inactive_file", "active_file", "slab_reclaimable"],
};
const V1: Files = Files {
    limits: &["memory.limit_in_bytes"],
    used: "memory.usage_in_bytes",
    reclaimable: &["total_inactive_file", "total_active_file"],
};

/// As much as nobody has.
const NO_LIMIT: u64 = 1 << 62;

impl Files {
    /// The bytes that a group may still be given, from the texts of its files.
    fn available(&self, text_of: impl Fn(&str) -> String) -> Option<u64> {
        // "max" is no number and no limit; version 1 has a number for it.
        let number_in = |file: &&str| text_of(file).trim().parse::<u64>().ok();
        let limits = self.limits.iter().filter_map(number_in);
        let limit = limits.filter(|limit| *limit < NO_LIMIT).min()?;
        let used = number_in(&self.used)?;
        let stat = text_of("memory.stat");
        let reclaimable: u64 = self
            .reclaimable
            .iter()
            .filter_map(|name| number_after(name, &stat))
            .sum();
        Some(limit.saturating_sub(used.saturating_sub(reclaimable)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Files, V1, V2, mem_available, memory_limit};
    use std::fs::File;

    const MIB: u64 = 1 << 20;

    #[test]
    fn p2_8_memory_that_is_available_is_that_of_meminfo_in_bytes() {
        let meminfo =
            "MemTotal:       24684092 kB\nMemFree:        15297120 kB\nMemAvailable:   23175656 kB\n";
        assert_eq!(mem_available(meminfo), Some(23_175_656 * 1024));
        for unknown in [
            "",
            "MemFree: 1 kB\n",
            "MemAvailable:\n",
            "MemAvailable: many kB\n",
        ] {
            assert_eq!(mem_available(unknown), None, "{unknown:?}");
        }
    }

    fn available(version: &Files, files: &[(&str, &str)]) -> Option<u64> {
        version.available(|asked| {
            let found = files.iter().find(|(name, _)| *name == asked);
            found.map_or_else(String::new, |(_, text)| (*text).to_owned())
        })
    }

    #[test]
    fn p2_8_a_control_group_has_what_it_does_not_use_and_what_can_be_reclaimed() {
        let used = ("memory.current", "73400320\n");
        let stat = (
            "memory.stat",
            "anon 1\nfile 2\nshmem 4\ninactive_file 10485760\nactive_file 5242880\nslab_reclaimable 1048576\n",
        );
        let (max, high, unlimited) = ("104857600\n", "94371840\n", "max\n");
        for (rest, expected) in [
            // 100 - 70 + 10 + 5 + 1, and 90 - ... for the lower limit.
            (&[("memory.max", max), stat][..], Some(46 * MIB)),
            (
                &[("memory.max", max), ("memory.high", unlimited), stat],
                Some(46 * MIB),
            ),
            (
                &[("memory.max", max), ("memory.high", high), stat],
                Some(36 * MIB),
            ),
            (
                &[("memory.max", unlimited), ("memory.high", high), stat],
                Some(36 * MIB),
            ),
            // More is used than a limit that was lowered allows.
            (&[("memory.max", "62914560\n"), stat], Some(6 * MIB)),
            (&[("memory.max", "52428800\n"), stat], Some(0)),
            (&[("memory.max", "0\n"), stat], Some(0)),
            (&[("memory.max", max)], Some(30 * MIB)),
            (&[("memory.max", unlimited), stat], None),
            (&[stat], None),
        ] {
            assert_eq!(available(&V2, &[&[used], rest].concat()), expected, "{rest:?}");
        }
        assert_eq!(available(&V2, &[("memory.max", max), stat]), None);

        let files = [
            ("memory.limit_in_bytes", max),
            ("memory.usage_in_bytes", used.1),
            (
                "memory.stat",
                "inactive_file 1\nactive_file 1\ntotal_inactive_file 10485760\ntotal_active_file 5242880\n",
            ),
        ];
        assert_eq!(available(&V1, &files), Some(45 * MIB));
        let unlimited = ("memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(available(&V1, &[unlimited, files[1], files[2]]), None);
        assert_eq!(available(&V2, &files), None);
    }

    #[test]
    fn p2_8_memory_limits_only_what_is_kept_in_memory() {
        assert!(memory_limit(File::open("/dev/shm").unwrap()).is_some());
        assert!(memory_limit(File::open("/proc").unwrap()).is_none());
    }
}
