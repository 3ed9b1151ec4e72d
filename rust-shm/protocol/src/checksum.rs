//! The checksum of verify mode.

/// CRC-32 (IEEE 802.3) of a picture, as it stands in `checksum`.
///
/// It costs a pass over the picture and is meant for hunting on a live system, not for every day.
#[must_use]
pub fn checksum(picture: &[u8]) -> u32 {
    crc32fast::hash(picture)
}
