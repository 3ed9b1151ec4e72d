//! The lock on `frame.meta` by which readers, in any container, tell a living writer from a dead one.
//!
//! It is an open file description lock: it belongs to the descriptor, so the kernel drops it with the process,
//! two exports in one process do not share it, and closing another descriptor of the file does not lose it.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use rustix::io::Errno;

/// Takes the lock. The file must be open for writing; the lock lasts as long as the descriptor and every copy
/// of it that a fork made.
pub(crate) fn take(meta: impl AsFd) -> Result<(), Errno> {
    command(meta.as_fd(), libc::F_OFD_SETLK, libc::F_WRLCK).map(|_| ())
}

/// Gives the lock back, also if a child between fork and exec still has a copy of the descriptor.
pub(crate) fn release(meta: impl AsFd) -> Result<(), Errno> {
    command(meta.as_fd(), libc::F_OFD_SETLK, libc::F_UNLCK).map(|_| ())
}

/// Whether anybody holds the lock. Takes none itself, and a file that is open for reading is enough.
pub(crate) fn is_held(meta: impl AsFd) -> Result<bool, Errno> {
    command(meta.as_fd(), libc::F_OFD_GETLK, libc::F_RDLCK).map(|found| found != libc::F_UNLCK)
}

/// Does what [`is_held`] does, for a process that is about to write: where the kernel does not answer the question, it
/// takes a lock for reading and gives it back. Readers never do that: a lock that they hold for an instant could be in
/// the way of a writer.
pub(crate) fn is_held_by_writer(meta: impl AsFd) -> bool {
    let meta = meta.as_fd();
    is_held(meta).unwrap_or_else(|_| {
        let is_refused = command(meta, libc::F_OFD_SETLK, libc::F_RDLCK).is_err();
        let _ = release(meta);
        is_refused
    })
}

/// One command about the whole file; the answer is the kind of lock that stands in the way.
#[allow(
    clippy::cast_possible_truncation,
    reason = "the constants are small and meant for these narrow fields"
)]
fn command(file: BorrowedFd<'_>, command: i32, kind: i32) -> Result<i32, Errno> {
    // Length 0 is "to the end, wherever that will be"; the pid must be 0 for these commands.
    let mut lock = libc::flock {
        l_type: kind as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    // SAFETY: the descriptor is open for as long as it is borrowed, and `lock` is the type that these commands
    // read and write.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), command, &raw mut lock) };
    if result == -1 {
        return Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO));
    }
    Ok(i32::from(lock.l_type))
}
