//! What this machine, a container and a user still allow a process, beyond what is in use.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use rustix::fs::statvfs;
use rustix::thread::{CapabilitySet, capabilities};
use vas_frame_segment::control_groups;
use vas_frame_segment::writer::available_memory;

/// A process whose limits are asked for: the host if it can be seen, this one otherwise.
#[derive(Clone, Copy)]
pub(crate) struct Subject(pub(crate) Option<u32>);

impl Subject {
    fn text_of(self, file: &str) -> Option<String> {
        let pid = self.0.map_or_else(|| "self".to_owned(), |pid| pid.to_string());
        fs::read_to_string(Path::new("/proc").join(pid).join(file)).ok()
    }

    /// Whether its users are those of the machine, and not of a user namespace, whose root is a user like any other.
    fn is_of_the_machine(self) -> bool {
        let map = self.text_of("uid_map").unwrap_or_default();
        map.split_whitespace().eq(["0", "0", &u32::MAX.to_string()])
    }

    /// Whether the kernel lets it go beyond the limits on users. Root of a container has no such capability.
    fn is_above_limits(self) -> bool {
        let pid = self
            .0
            .and_then(|pid| rustix::thread::Pid::from_raw(pid.try_into().ok()?));
        let above = CapabilitySet::SYS_RESOURCE | CapabilitySet::SYS_ADMIN;
        self.is_of_the_machine() && capabilities(pid).is_ok_and(|sets| sets.effective.intersects(above))
    }

    /// The soft limit of a line of `/proc/<pid>/limits`; `None` where it is unlimited.
    pub(crate) fn limit(self, name: &str) -> Option<u64> {
        let text = self.text_of("limits")?;
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    }

    /// Bytes of all pipes of its user; `None` for who is above the limit.
    pub(crate) fn pipe_bytes(self) -> Option<u64> {
        let pages = number("/proc/sys/fs/pipe-user-pages-soft").filter(|&pages| pages > 0)?;
        let page = rustix::param::page_size() as u64;
        (!self.is_above_limits()).then(|| pages.saturating_mul(page))
    }

    /// Threads that may still be started: by its user, in its control groups, in the system.
    pub(crate) fn threads_left(self) -> Option<u64> {
        let of_user = || {
            let user = user_in(&self.text_of("status")?)?;
            // The kernel never counts the threads of root.
            if self.is_above_limits() || (user == 0 && self.is_of_the_machine()) {
                return None;
            }
            Some(self.limit("Max processes")?.saturating_sub(threads_of_user(user)))
        };
        let of_groups = control_groups("pids").into_iter().filter_map(|(_, dir)| {
            let limit = number(dir.join("pids.max"))?;
            Some(limit.saturating_sub(number(dir.join("pids.current"))?))
        });
        let of_system = || {
            // "0.20 0.18 0.12 1/80 11206": one of 80 threads runs.
            let load = fs::read_to_string("/proc/loadavg").ok()?;
            let threads: u64 = load.split([' ', '/']).nth(4)?.parse().ok()?;
            Some(number("/proc/sys/kernel/threads-max")?.saturating_sub(threads))
        };
        of_groups.chain(of_user()).chain(of_system()).min()
    }
}

/// Bytes that may be allocated, in the system and in the control groups of this process.
pub(crate) fn memory_bytes() -> Option<u64> {
    Some(available_memory()?.available)
}

/// Bytes free in the file system of a folder, or of what it will be made in.
pub(crate) fn free_bytes(folder: &Path) -> Option<u64> {
    let place = folder.ancestors().find(|path| path.exists())?;
    let stat = statvfs(place).ok()?;
    Some(stat.f_bavail * stat.f_frsize)
}

/// Mappings that a process may have.
pub(crate) fn mappings() -> Option<u64> {
    number("/proc/sys/vm/max_map_count")
}

/// The real user in `/proc/<pid>/status`.
fn user_in(status: &str) -> Option<u32> {
    field(status, "Uid:")
}

fn field<T: std::str::FromStr>(status: &str, name: &str) -> Option<T> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The threads of all processes of a user.
fn threads_of_user(user: u32) -> u64 {
    // `self` is there, too.
    let is_process = |name: &OsStr| name.to_str().is_some_and(|name| name.parse::<u32>().is_ok());
    let entries = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    entries
        .filter(|entry| is_process(&entry.file_name()))
        .filter_map(|process| fs::read_to_string(process.path().join("status")).ok())
        .filter(|status| user_in(status) == Some(user))
        .filter_map(|status| field::<u64>(&status, "Threads:"))
        .sum()
}

/// The number in a file of the kernel; `max` is none.
fn number(path: impl AsRef<Path>) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}
