//! The state that an export shares with the thread that drains its pipe.

use crate::matroska::{Colours, Mismatch};
use crate::pipe::ReadEnd;
use rustix::fd::{AsFd, AsRawFd, BorrowedFd};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::write;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

/// What the thread that reads the attached pipe is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrainState {
    /// There is no pipe, or it was drained to its end.
    Detached,
    /// A pipe is attached; nothing has come through it yet.
    Waiting,
    /// What comes through the pipe is published.
    Publishing,
    /// What comes through the pipe is read and thrown away.
    Discarding,
}

const STATES: [DrainState; 4] = [
    DrainState::Detached,
    DrainState::Waiting,
    DrainState::Publishing,
    DrainState::Discarding,
];

/// How the frames come through the attached pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamForm {
    /// Nothing has come through it yet.
    Unknown,
    /// Picture after picture and nothing else.
    Bare,
    /// Matroska: what the pictures are, and when.
    Framed,
}

/// What the attached pipe carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Whether its frames come with a description.
    pub form: StreamForm,
    /// Why its frames are thrown away, where the stream itself says that they are not what the export is for.
    pub mismatch: Option<Mismatch>,
    /// What a framed stream says of its colours.
    pub colours: Colours,
}

impl Stream {
    pub(crate) const UNKNOWN: Self = Self {
        form: StreamForm::Unknown,
        mismatch: None,
        colours: Colours {
            matrix: None,
            transfer: None,
            primaries: None,
            is_full_range: None,
        },
    };

    /// Everything in one word, so that it is always of one moment: the form, the mismatch, the range, and the three
    /// codes, each with a bit that says whether it is known.
    fn to_bits(self) -> u64 {
        let code = |code: Option<u8>| code.map_or(0, |code| 0x100 | u64::from(code));
        let Colours {
            matrix,
            transfer,
            primaries,
            is_full_range,
        } = self.colours;
        let range = is_full_range.map_or(0, |is_full| 1 + u64::from(is_full));
        let mismatch = self.mismatch.map_or(0, |mismatch| 1 + mismatch as u64);
        (self.form as u64)
            | mismatch << 4
            | range << 8
            | code(matrix) << 16
            | code(transfer) << 32
            | code(primaries) << 48
    }

    fn from_bits(bits: u64) -> Self {
        let code = |shift: u32| (bits >> shift & 0x100 != 0).then_some((bits >> shift).to_le_bytes()[0]);
        Self {
            form: [StreamForm::Unknown, StreamForm::Bare, StreamForm::Framed][(bits & 0xf) as usize % 3],
            mismatch: [None, Some(Mismatch::WrongSize), Some(Mismatch::WrongFormat)]
                [(bits >> 4 & 0xf) as usize % 3],
            colours: Colours {
                matrix: code(16),
                transfer: code(32),
                primaries: code(48),
                is_full_range: [None, Some(false), Some(true)][(bits >> 8 & 0xf) as usize % 3],
            },
        }
    }
}

/// The shared state of one drain thread and its export. It holds the read end of the pipe: the descriptor stays
/// open, and its number stays ours, until the stream has ended and nobody is waking the thread.
#[derive(Debug)]
pub(crate) struct Link {
    read_end: ReadEnd,
    retired: AtomicBool,
    state: AtomicU8,
    stream: AtomicU64,
}

impl Link {
    pub(crate) fn new(read_end: ReadEnd) -> Self {
        let link = Self {
            read_end,
            retired: AtomicBool::new(false),
            state: AtomicU8::new(0),
            stream: AtomicU64::new(Stream::UNKNOWN.to_bits()),
        };
        link.set_state(DrainState::Waiting);
        link
    }

    pub(crate) fn read_end(&self) -> BorrowedFd<'_> {
        self.read_end.as_fd()
    }

    pub(crate) fn pipe_bytes(&self) -> usize {
        self.read_end.bytes()
    }

    pub(crate) fn state(&self) -> DrainState {
        // ORDER tally: relaxed, nothing is concluded from it.
        STATES[usize::from(self.state.load(Ordering::Relaxed)) % STATES.len()]
    }

    pub(crate) fn set_state(&self, state: DrainState) {
        // ORDER tally: relaxed, as above.
        self.state.store(state as u8, Ordering::Relaxed);
    }

    pub(crate) fn stream(&self) -> Stream {
        // ORDER tally: relaxed, as above.
        Stream::from_bits(self.stream.load(Ordering::Relaxed))
    }

    pub(crate) fn set_stream(&self, stream: Stream) {
        // ORDER tally: relaxed, as above.
        self.stream.store(stream.to_bits(), Ordering::Relaxed);
    }

    pub(crate) fn is_retired(&self) -> bool {
        // ORDER retire: acquire, pairs with the release in `retire`.
        self.retired.load(Ordering::Acquire)
    }

    /// Tells the drain to publish nothing any more, to let go of the ring, and to read on until the end of
    /// the stream. Does not wait for it. Idempotent.
    pub(crate) fn retire(&self) {
        // ORDER retire: release, pairs with the acquire in `is_retired`: whoever reads the byte that `wake`
        // writes finds itself retired.
        if !self.retired.swap(true, Ordering::Release) {
            self.wake();
        }
    }

    /// Ends a read that may be blocked because FFmpeg is silent, with a byte of our own.
    ///
    /// The write end is opened for that and closed again, so that the stream still ends when FFmpeg does: a copy that
    /// was kept would keep the end from coming. The pipe's mode allows it to this process whatever user it has become.
    /// If the pipe is full the drain is not blocked; without `/proc` it takes notice with the next byte.
    fn wake(&self) {
        let path = format!("/proc/self/fd/{}", self.read_end.as_fd().as_raw_fd());
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        if let Ok(write_end) = open(path, flags, Mode::empty()) {
            let _ = write(write_end, &[0]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Colours, Mismatch, Stream, StreamForm};

    #[test]
    fn p2_14_what_a_stream_says_passes_through_one_word() {
        let codes = [None, Some(0), Some(1), Some(2), Some(9), Some(255)];
        for form in [StreamForm::Unknown, StreamForm::Bare, StreamForm::Framed] {
            for mismatch in [None, Some(Mismatch::WrongSize), Some(Mismatch::WrongFormat)] {
                for is_full_range in [None, Some(false), Some(true)] {
                    for at in 0..codes.len() {
                        let code = |offset: usize| codes[(at + offset) % codes.len()];
                        let (matrix, transfer, primaries) = (code(0), code(1), code(3));
                        let colours = Colours {
                            matrix,
                            transfer,
                            primaries,
                            is_full_range,
                        };
                        let stream = Stream {
                            form,
                            mismatch,
                            colours,
                        };
                        assert_eq!(Stream::from_bits(stream.to_bits()), stream);
                    }
                }
            }
        }
    }
}
