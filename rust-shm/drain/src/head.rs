//! The few bytes of a stream that are not read straight to where they belong: what a stream begins with, and what
//! stands between the pictures of a framed one.

use crate::matroska::{HEAD_BYTES, WINDOW_BYTES};

/// Bytes that were read and are still to be looked at, in the order in which they came.
#[derive(Debug)]
pub(crate) struct Head {
    bytes: [u8; WINDOW_BYTES],
    start: usize,
    end: usize,
}

impl Head {
    pub(crate) const fn new() -> Self {
        Self {
            bytes: [0; WINDOW_BYTES],
            start: 0,
            end: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(crate) fn unread(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// The next bytes, at most `limit`, which are behind us then.
    pub(crate) fn take(&mut self, limit: usize) -> &[u8] {
        let (start, count) = (self.start, limit.min(self.end - self.start));
        self.start += count;
        self.bytes.get(start..self.start).unwrap_or_default()
    }

    /// Room for more: for the rest of a frame's head, or for as much as there may be if that was not enough. Never
    /// empty as long as somebody takes from what was read.
    pub(crate) fn room(&mut self, is_searching: bool) -> &mut [u8] {
        self.bytes.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        let until = if is_searching || self.end >= HEAD_BYTES {
            WINDOW_BYTES
        } else {
            HEAD_BYTES
        };
        self.bytes.get_mut(self.end..until).unwrap_or_default()
    }

    /// So many bytes were stored where `room` said.
    pub(crate) fn came(&mut self, count: usize) {
        self.end = (self.end + count).min(WINDOW_BYTES);
    }
}
