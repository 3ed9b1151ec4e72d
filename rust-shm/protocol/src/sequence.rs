//! The arithmetic of sequences: odd while frame `n` is written, `2n` once it is complete.

/// The largest frame id whose sequence fits into 64 bits.
pub const MAX_FRAME_ID: u64 = u64::MAX / 2;

/// The sequence of a record while frame `id` is written into it. `id` is from 1.
#[must_use]
pub const fn open(id: u64) -> u64 {
    complete(id).wrapping_sub(1)
}

/// The sequence of a record that holds frame `id`.
#[must_use]
pub const fn complete(id: u64) -> u64 {
    id.wrapping_mul(2)
}

/// The newest complete frame that the current record's sequence tells of; 0 is none.
#[must_use]
pub const fn newest(sequence: u64) -> u64 {
    sequence >> 1
}

const _: () = {
    assert!(open(1) == 1 && complete(1) == 2);
    assert!(newest(0) == 0 && newest(open(1)) == 0 && newest(complete(1)) == 1 && newest(open(2)) == 1);
    assert!(newest(complete(MAX_FRAME_ID)) == MAX_FRAME_ID);
};
