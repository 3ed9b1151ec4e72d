//! Live Matroska streams, as FFmpeg writes them.

#![allow(dead_code, reason = "each test binary uses a part of it")]

/// An element: its id as the specification prints it, a size of one byte if that is enough and of eight if not.
pub fn element(id: u32, content: &[u8]) -> Vec<u8> {
    let id = id.to_be_bytes();
    let id = &id[id.iter().position(|&byte| byte != 0).unwrap_or(3)..];
    let size = if content.len() < 127 {
        vec![0x80 | content.len() as u8]
    } else {
        (content.len() as u64 | 1 << 56).to_be_bytes().to_vec()
    };
    [id, &size, content].concat()
}

fn number(id: u32, value: u64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    element(
        id,
        &bytes[bytes.iter().position(|&byte| byte != 0).unwrap_or(7)..],
    )
}

pub fn ebml_header() -> Vec<u8> {
    let content = [
        number(0x4286, 1),
        number(0x42f7, 1),
        number(0x42f2, 4),
        number(0x42f3, 8),
        element(0x4282, b"matroska"),
        number(0x4287, 4),
        number(0x4285, 2),
    ];
    element(0x1a45_dfa3, &content.concat())
}

/// What a stream begins with: header, an open segment, seek head, information, one track, tags.
pub fn header(width: u32, height: u32, four_cc: &[u8]) -> Vec<u8> {
    let colour = [
        number(0x55b1, 1),
        number(0x55b9, 1),
        number(0x55ba, 13),
        number(0x55bb, 9),
    ];
    let video = [
        number(0xb0, width.into()),
        number(0xba, height.into()),
        number(0x9a, 2),
        element(0x2e_b524, four_cc),
        element(0x55b0, &colour.concat()),
    ];
    let track = [
        number(0xd7, 1),
        number(0x73c5, 0x1f43_b675_1a45_dfa3),
        element(0x86, b"V_UNCOMPRESSED"),
        number(0x83, 1),
        number(0x23_e383, 40_000_000),
        element(0xe0, &video.concat()),
    ];
    let information = [number(0x2a_d7b1, 1_000_000), element(0x4d80, b"Lavf59.27.100")];
    [
        ebml_header(),
        vec![
            0x18, 0x53, 0x80, 0x67, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        ],
        element(
            0x114d_9b74,
            &[element(0xbf, &[1, 2, 3, 4]), vec![0xec, 0x80]].concat(),
        ),
        element(0xec, &[0; 98]),
        element(0x1549_a966, &information.concat()),
        element(
            0x1654_ae6b,
            &[element(0xbf, &[5, 6, 7, 8]), element(0xae, &track.concat())].concat(),
        ),
        element(0x1254_c367, &[0; 300]),
    ]
    .concat()
}

/// One picture in a block, `ticks` behind its cluster.
pub fn block(track: u8, ticks: i16, picture: &[u8]) -> Vec<u8> {
    let [high, low] = ticks.to_be_bytes();
    element(0xa3, &[&[0x80 | track, high, low, 0x80], picture].concat())
}

/// One picture in a cluster of its own, at so many milliseconds.
pub fn cluster(at_ms: u64, picture: &[u8]) -> Vec<u8> {
    let content = [number(0xe7, at_ms), block(1, 0, picture)].concat();
    let checksum = element(0xbf, &crc32fast::hash(&content).to_le_bytes());
    element(0x1f43_b675, &[checksum, content].concat())
}

/// The same as FFmpeg before 4.2 writes it.
pub fn cluster_without_checksum(at_ms: u64, picture: &[u8]) -> Vec<u8> {
    element(0x1f43_b675, &[number(0xe7, at_ms), block(1, 0, picture)].concat())
}
