//! A golden ring with words, halves or bytes of its meta replaced, and the files cut short.
#![no_main]

#[path = "../../protocol/tests/exercise/mod.rs"]
mod exercise;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

macro_rules! golden {
    ($($name:literal),*) => {
        [$((
            include_bytes!(concat!("../../protocol/golden/", $name, ".meta")),
            include_bytes!(concat!("../../protocol/golden/", $name, ".data")),
        )),*]
    };
}

const GOLDEN: [(&[u8; 4096], &[u8; 12_288]); 6] = golden![
    "empty",
    "two-frames",
    "wrapped",
    "mid-write",
    "ended",
    "next-generation"
];

/// Bytes of a golden meta that have meaning: the header and three slot records.
const USED: usize = 896;

#[derive(Arbitrary, Debug)]
enum Mutation {
    Word {
        at: u8,
        value: u64,
    },
    /// Close to where checks change their mind.
    NearWord {
        at: u8,
        distance: i8,
    },
    Half {
        at: u8,
        value: u32,
    },
    Byte {
        at: u16,
        value: u8,
    },
    CopyWord {
        from: u8,
        to: u8,
    },
}

#[derive(Arbitrary, Debug)]
struct Ring {
    golden: u8,
    mutations: Vec<Mutation>,
    cut_meta: Option<u16>,
    cut_data: Option<u16>,
}

fuzz_target!(|ring: Ring| {
    let (meta, data) = GOLDEN[usize::from(ring.golden) % GOLDEN.len()];
    let mut meta = *meta;
    ring.mutations
        .iter()
        .for_each(|mutation| apply(&mut meta, mutation));
    let cut = |at: Option<u16>, len: usize| at.map_or(len, |at| usize::from(at).min(len));
    exercise::exercise(
        &meta[..cut(ring.cut_meta, meta.len())],
        &data[..cut(ring.cut_data, data.len())],
    );
});

fn apply(meta: &mut [u8], mutation: &Mutation) {
    let word = |index: u8| usize::from(index) * 8 % USED;
    match *mutation {
        Mutation::Word { at, value } => meta[word(at)..][..8].copy_from_slice(&value.to_le_bytes()),
        Mutation::NearWord { at, distance } => {
            let mut value = [0; 8];
            value.copy_from_slice(&meta[word(at)..][..8]);
            let value = u64::from_le_bytes(value).wrapping_add_signed(distance.into());
            meta[word(at)..][..8].copy_from_slice(&value.to_le_bytes());
        }
        Mutation::Half { at, value } => {
            meta[usize::from(at) * 4 % USED..][..4].copy_from_slice(&value.to_le_bytes());
        }
        Mutation::Byte { at, value } => meta[usize::from(at) % USED] = value,
        Mutation::CopyWord { from, to } => meta.copy_within(word(from)..word(from) + 8, word(to)),
    }
}
