//! A refusal of the operating system: what was tried, where, and what can be done about it.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

/// A system call failed in a way that no other error of the operation describes better.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}{}", path.display(), hint(source))]
pub struct OsError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl OsError {
    pub(crate) fn new(action: &'static str, path: impl AsRef<Path>, errno: Errno) -> Self {
        Self {
            action,
            path: path.as_ref().to_owned(),
            source: errno.into(),
        }
    }

    /// `PERMISSION_DENIED` where the system forbids it (a read-only file system too), `NO_SPACE` where there is
    /// no room for another name, `NO_DESCRIPTORS` where there are too many open files, otherwise `IO`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        if let Some(Errno::MFILE | Errno::NFILE) = self.errno() {
            return "NO_DESCRIPTORS";
        }
        match self.source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => "PERMISSION_DENIED",
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "NO_SPACE",
            _ => "IO",
        }
    }

    /// What was refused.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn errno(&self) -> Option<Errno> {
        Errno::from_io_error(&self.source)
    }
}

fn hint(error: &io::Error) -> &'static str {
    match Errno::from_io_error(error) {
        Some(Errno::ROFS) => "; mount it writable for the process that exports frames",
        Some(Errno::ACCESS | Errno::PERM) => "; run as a user who may, or choose another base folder",
        Some(Errno::NOSPC | Errno::DQUOT) => "; remove files there, or mount it with a larger nr_inodes",
        Some(Errno::MFILE) => "; raise this process's limit of open files (ulimit -n)",
        Some(Errno::NFILE) => "; raise the system's limit of open files (sysctl fs.file-max)",
        Some(Errno::NOMEM) => "; there is no memory left for this process or its control group",
        Some(Errno::OPNOTSUPP | Errno::INVAL) => "; the base folder must be on a tmpfs such as /dev/shm",
        _ => "",
    }
}
