//! The pipe between FFmpeg and the drain: made as large as the limits allow.

use rustix::fd::OwnedFd;
use rustix::io;
use rustix::pipe::{PipeFlags, fcntl_getpipe_size, fcntl_setpipe_size, pipe_with};

/// What is asked for: the limit for unprivileged processes (`/proc/sys/fs/pipe-max-size`) of every kernel.
/// A 1080p frame then takes 3 reads; with the default of 64 KiB it takes 48.
const WANTED_BYTES: usize = 1 << 20;

/// A pipe, neither end inherited by child processes unless it is passed on explicitly.
pub(crate) struct Pipe {
    pub(crate) read_end: OwnedFd,
    pub(crate) write_end: OwnedFd,
    /// What the kernel granted.
    pub(crate) capacity: usize,
}

impl Pipe {
    /// Fails only if there is no pipe to be had at all (descriptors exhausted).
    pub(crate) fn new() -> io::Result<Self> {
        let (read_end, write_end) = pipe_with(PipeFlags::CLOEXEC)?;
        let capacity = enlarge(&read_end, WANTED_BYTES);
        Ok(Self {
            read_end,
            write_end,
            capacity,
        })
    }
}

/// Asks for `wanted` bytes, then for half of it, and so on. A user's pipes share a limit
/// (`pipe-user-pages-soft`, 64 MiB): beyond it a new pipe has one or two pages and may not grow. That costs
/// FFmpeg and the drain more system calls, nothing else.
fn enlarge(pipe: &OwnedFd, wanted: usize) -> usize {
    let initial = fcntl_getpipe_size(pipe).unwrap_or(0);
    let mut size = wanted;
    while size > initial {
        if let Ok(granted) = fcntl_setpipe_size(pipe, size) {
            return granted;
        }
        size /= 2;
    }
    initial
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::{Pipe, WANTED_BYTES};
    use rustix::io::{read, write};
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
    use std::thread;

    /// Root may have as much pipe memory as it likes. This thread may not any more.
    fn become_subject_to_limits() {
        let mut sets = capabilities(None).unwrap();
        sets.effective
            .remove(CapabilitySet::SYS_RESOURCE | CapabilitySet::SYS_ADMIN);
        set_capabilities(None, sets).unwrap();
    }

    #[test]
    fn g1_pipes_are_had_beyond_the_limit_of_a_users_pipe_memory() {
        let pipes = thread::spawn(|| {
            become_subject_to_limits();
            (0..100).map(|_| Pipe::new().unwrap()).collect::<Vec<_>>()
        });
        let pipes = pipes.join().unwrap();
        // The limit is 64 MiB unless it was raised; other processes of the user may use some of it.
        assert!(pipes[99].capacity < WANTED_BYTES, "the limit was not reached");
        for pipe in pipes {
            assert!(pipe.capacity >= 4096);
            assert_eq!(write(&pipe.write_end, b"frame").unwrap(), 5);
            assert_eq!(read(&pipe.read_end, &mut [0; 8]).unwrap(), 5);
        }
    }
}
