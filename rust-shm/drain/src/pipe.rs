//! The pipe between FFmpeg and the drain: as large as is of use, as long as the other processes of this user keep the
//! pipes that they are used to.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{Mode, fchmod};
use rustix::io;
use rustix::param::page_size;
use rustix::pipe::{PipeFlags, fcntl_getpipe_size, fcntl_setpipe_size, pipe_with};

/// The largest size that is of use: FFmpeg writes pieces of 32 KiB, and a larger pipe would save the drain only a few
/// more system calls.
const MOST_BYTES: usize = 256 << 10;
/// The smallest size of a pipe: below a piece of FFmpeg's the two wait for each other at every write.
const LEAST_BYTES: usize = 32 << 10;
/// The limit on the pipes of a user where it cannot be read: the kernel's default.
const DEFAULT_LIMIT_BYTES: usize = 64 << 20;

/// Bytes of the pipes that this process has for its exports.
static IN_USE: AtomicUsize = AtomicUsize::new(0);

/// A pipe, neither end inherited by child processes unless it is passed on explicitly.
pub(crate) struct Pipe {
    pub(crate) read_end: ReadEnd,
    pub(crate) write_end: OwnedFd,
}

/// The end that the drain reads, and the share of the user's pipe memory that it has until it is closed.
#[derive(Debug)]
pub(crate) struct ReadEnd {
    file: OwnedFd,
    bytes: usize,
}

impl ReadEnd {
    /// The size that the kernel granted.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl AsFd for ReadEnd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Drop for ReadEnd {
    fn drop(&mut self) {
        // ORDER tally: relaxed, nothing is concluded from it but a size.
        IN_USE.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Pipe {
    /// A pipe for frames of this size. Fails only if there is no pipe to be had at all (descriptors exhausted).
    pub(crate) fn new(frame_bytes: usize) -> io::Result<Self> {
        let (read_end, write_end) = pipe_with(PipeFlags::CLOEXEC)?;
        // Whoever is this process later may wake its own drain: `Link::wake` opens the pipe by its name. Nobody else
        // can reach that name.
        fchmod(&read_end, Mode::from_raw_mode(0o622))?;
        // ORDER tally: relaxed, nothing is concluded from it but a size.
        let wanted = wanted_bytes(frame_bytes, limit_bytes(), IN_USE.load(Ordering::Relaxed));
        let bytes = resize(&read_end, wanted);
        // ORDER tally: relaxed, as above.
        IN_USE.fetch_add(bytes, Ordering::Relaxed);
        let file = read_end;
        Ok(Self {
            read_end: ReadEnd { file, bytes },
            write_end,
        })
    }
}

/// The size to be asked for: a power of two, not much more than a frame, and at most a 64th of what is left of half of
/// the user's pipe memory. So the pipes get smaller as there are more of them: by the kernel's default limit the first
/// 64 are of 256 KiB, and those of 1,024 cameras leave room for more than a hundred others of the default size.
fn wanted_bytes(frame_bytes: usize, limit_bytes: Option<usize>, in_use: usize) -> usize {
    let share = limit_bytes.map_or(MOST_BYTES, |limit| (limit / 2).saturating_sub(in_use) / 64);
    let share = 1 << share.max(1).ilog2();
    frame_bytes
        .next_power_of_two()
        .min(share)
        .clamp(LEAST_BYTES, MOST_BYTES)
}

/// The bytes that all pipes of one user may have (`pipe-user-pages-soft`) before new ones get two pages each; `None`
/// without a limit. Read once.
fn limit_bytes() -> Option<usize> {
    static LIMIT: OnceLock<Option<usize>> = OnceLock::new();
    *LIMIT.get_or_init(|| {
        let text = std::fs::read_to_string("/proc/sys/fs/pipe-user-pages-soft");
        let pages = text.ok().and_then(|text| text.trim().parse::<usize>().ok());
        match pages {
            Some(0) => None,
            Some(pages) => Some(pages.saturating_mul(page_size())),
            None => Some(DEFAULT_LIMIT_BYTES),
        }
    })
}

/// Asks for `wanted` bytes, and if the kernel does not grant them, for half of it, and so on down to what the pipe
/// has. Beyond the user's limit that is two pages, and costs FFmpeg and the drain twice the system calls.
fn resize(pipe: &OwnedFd, wanted: usize) -> usize {
    let initial = fcntl_getpipe_size(pipe).unwrap_or(0);
    let mut size = wanted;
    while size != initial {
        if let Ok(granted) = fcntl_setpipe_size(pipe, size) {
            return granted;
        }
        if size / 2 <= initial {
            break;
        }
        size /= 2;
    }
    initial
}

#[cfg(test)]
mod tests {
    use super::{LEAST_BYTES, MOST_BYTES, Pipe, wanted_bytes};
    use rustix::io::{read, write};
    use rustix::pipe::{PipeFlags, fcntl_getpipe_size, pipe_with};
    use std::thread;

    const FRAME_720P: usize = 1280 * 720 * 3 / 2;
    const LIMIT: usize = 64 << 20;

    /// Makes this thread that of a user who has no pipe yet, and to whom the limits apply. Without root it stays
    /// who it is, and is subject to them already.
    pub(crate) fn become_a_user_of_its_own() {
        let user = 1_000_000 + std::process::id();
        // SAFETY: the system call changes the user of this thread only, and no memory.
        unsafe { libc::syscall(libc::SYS_setresuid, user, user, user) };
    }

    #[test]
    fn g10_pipes_are_as_large_as_is_of_use_and_leave_the_user_half_of_the_memory() {
        assert_eq!(wanted_bytes(FRAME_720P, None, 0), MOST_BYTES);
        assert_eq!(wanted_bytes(FRAME_720P, Some(LIMIT), 0), MOST_BYTES);
        assert_eq!(wanted_bytes(320 * 240 * 3 / 2, Some(LIMIT), 0), 128 << 10);
        assert_eq!(wanted_bytes(6, Some(LIMIT), 0), LEAST_BYTES);
        let mut in_use = 0;
        for pipe in 0..1024 {
            in_use += wanted_bytes(FRAME_720P, Some(LIMIT), in_use);
            assert!(pipe > 256 || in_use < LIMIT / 2, "{in_use} of {pipe} pipes");
        }
        assert!(in_use < LIMIT - (8 << 20), "{in_use}");
    }

    #[test]
    fn g10_the_pipes_of_256_cameras_leave_the_users_other_pipes_their_default_size() {
        let measured = thread::spawn(|| {
            let default = fcntl_getpipe_size(&pipe_with(PipeFlags::CLOEXEC).unwrap().0).unwrap();
            become_a_user_of_its_own();
            let pipes: Vec<_> = (0..256).map(|_| Pipe::new(FRAME_720P).unwrap()).collect();
            let others: Vec<_> = (0..128).map(|_| pipe_with(PipeFlags::CLOEXEC).unwrap()).collect();
            let smallest = others
                .iter()
                .map(|(end, _)| fcntl_getpipe_size(end).unwrap())
                .min();
            assert_eq!(smallest, Some(default));
            for pipe in &pipes {
                assert!(pipe.read_end.bytes() >= LEAST_BYTES);
                assert_eq!(write(&pipe.write_end, b"frame").unwrap(), 5);
                assert_eq!(read(&pipe.read_end, &mut [0; 8]).unwrap(), 5);
            }
        });
        measured.join().unwrap();
    }
}
