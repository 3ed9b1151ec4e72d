//! The checksum of verify mode.

/// CRC-32 (IEEE 802.3) of a picture, as it stands in `checksum`.
///
/// It costs a pass over the picture: meant for the search for a fault in a live system, not for every day.
#[must_use]
pub fn checksum(picture: &[u8]) -> u32 {
    crc32fast::hash(picture)
}
