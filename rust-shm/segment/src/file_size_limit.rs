//! The limit on file sizes, asked for in advance: the kernel answers a call beyond it with SIGXFSZ, which ends
//! the process.

use rustix::process::{Resource, getrlimit};

/// The largest size that a file may get by an action of this process.
pub(crate) fn file_size_limit() -> u64 {
    getrlimit(Resource::Fsize).current.unwrap_or(u64::MAX)
}
