//! Pictures that say which frame they are in every eight bytes. The same rule stands in `python/picture.py`,
//! `c/reader.c` and `src/node/picture.ts`.

use rustix::time::{ClockId, clock_gettime};

/// NV12, 1920x1080.
pub const FRAME_BYTES: usize = 1920 * 1080 * 3 / 2;
/// The id and the time of a frame, in its first bytes.
pub const HEAD_BYTES: usize = 16;
/// How many pictures take turns. Frames that could be mixed up are fewer apart.
const KINDS: u64 = 8;

/// The pictures of all kinds, prepared: filling one is no part of what is measured.
pub struct Pictures(Vec<Vec<u8>>);

/// One frame to publish.
pub struct Picture<'a> {
    /// From 1.
    pub id: u64,
    /// All of it.
    pub bytes: &'a [u8],
}

impl Pictures {
    pub fn new() -> Self {
        let picture = |kind: u64| {
            let words = 0..FRAME_BYTES as u64 / 8;
            words.flat_map(|word| (kind << 32 | word).to_le_bytes()).collect()
        };
        Self((0..KINDS).map(picture).collect())
    }

    /// The picture of a frame that is published now.
    pub fn stamped(&mut self, id: u64) -> Picture<'_> {
        let bytes = &mut self.0[kind(id)];
        bytes[..8].copy_from_slice(&id.to_le_bytes());
        bytes[8..HEAD_BYTES].copy_from_slice(&now_ns().to_le_bytes());
        Picture { id, bytes }
    }

    /// Everything but the head, which is the same for all frames of a kind.
    pub fn body(&self, id: u64) -> &[u8] {
        &self.0[kind(id)][HEAD_BYTES..]
    }
}

fn kind(id: u64) -> usize {
    usize::try_from(id % KINDS).expect("few kinds")
}

/// The id of a frame, and when it was published.
pub fn head(picture: &[u8]) -> (u64, u64) {
    let word = |at: usize| u64::from_le_bytes(picture[at..at + 8].try_into().expect("eight bytes"));
    (word(0), word(8))
}

/// `CLOCK_MONOTONIC`, which all processes of a host share.
pub fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec).expect("after the start") * 1_000_000_000
        + u64::try_from(now.tv_nsec).expect("positive")
}
