//! A ring whose bytes say anything: mutated golden rings and noise. The long runs are in `rust-shm/fuzz`.
#![cfg(not(loom))]

mod exercise;

use exercise::exercise;
use proptest::prelude::*;
use vas_frame_protocol::layout::{MAGIC, SLOT_RECORDS, header, record};
use vas_frame_protocol::{AttachError, HeapRing, Miss, Reader};

const SCENARIOS: [&str; 6] = [
    "empty",
    "two-frames",
    "wrapped",
    "mid-write",
    "ended",
    "next-generation",
];

fn golden(name: &str) -> (Vec<u8>, Vec<u8>) {
    let read = |extension| {
        std::fs::read(format!(
            "{}/golden/{name}.{extension}",
            env!("CARGO_MANIFEST_DIR")
        ))
        .unwrap()
    };
    (read("meta"), read("data"))
}

/// Numbers at which something changes.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        0..20u64,
        prop::sample::select(vec![
            127, 128, 383, 384, 385, 512, 896, 4095, 4096, 8192, 12_288, 16_384, 65_536
        ]),
        (0..64u32).prop_map(|bit| 1 << bit),
        (0..64u32).prop_map(|bit| !0 >> bit),
        (0..=u64::MAX).prop_map(|n| !(n % 20)),
    ]
}

#[derive(Clone, Debug)]
enum Mutation {
    Word { at: usize, value: u64 },
    Half { at: usize, value: u32 },
    Byte { at: usize, value: u8 },
    CopyWord { from: usize, to: usize },
}

fn mutation() -> impl Strategy<Value = Mutation> {
    // Beyond 896 there is nothing in the golden rings' meta.
    prop_oneof![
        (0..112usize, number()).prop_map(|(at, value)| Mutation::Word { at: at * 8, value }),
        (0..224usize, number()).prop_map(|(at, value)| Mutation::Half {
            at: at * 4,
            value: value as u32
        }),
        (0..896usize, any::<u8>()).prop_map(|(at, value)| Mutation::Byte { at, value }),
        (0..112usize, 0..112usize).prop_map(|(from, to)| Mutation::CopyWord {
            from: from * 8,
            to: to * 8
        }),
    ]
}

fn apply(meta: &mut [u8], mutation: &Mutation) {
    match *mutation {
        Mutation::Word { at, value } => meta[at..at + 8].copy_from_slice(&value.to_le_bytes()),
        Mutation::Half { at, value } => meta[at..at + 4].copy_from_slice(&value.to_le_bytes()),
        Mutation::Byte { at, value } => meta[at] = value,
        Mutation::CopyWord { from, to } => meta.copy_within(from..from + 8, to),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn p2_4_mutated_rings_get_an_outcome(
        name in prop::sample::select(&SCENARIOS[..]),
        mutations in prop::collection::vec(mutation(), 1..6),
        meta_len in prop_oneof![3 => Just(4096usize), 1 => 0..=4096usize],
        data_len in prop_oneof![3 => Just(12_288usize), 1 => 0..=12_288usize],
    ) {
        let (mut meta, data) = golden(name);
        mutations.iter().for_each(|mutation| apply(&mut meta, mutation));
        exercise(&meta[..meta_len], &data[..data_len]);
    }

    #[test]
    fn p2_4_noise_gets_a_verdict(
        mut meta in prop::collection::vec(any::<u8>(), 0..1024),
        data_len in 0..1024usize,
        has_magic in any::<bool>(),
    ) {
        if has_magic && meta.len() >= header::SIZE_AND_SLOT_COUNT {
            meta[header::MAGIC..header::SIZE_AND_SLOT_COUNT].copy_from_slice(&MAGIC);
        }
        exercise(&meta, &vec![0; data_len]);
    }
}

/// What `attach` answers on `wrapped` with a field of the header changed.
fn attach(offset: usize, field: &[u8]) -> Result<(), AttachError> {
    let (mut meta, data) = golden("wrapped");
    meta[offset..offset + field.len()].copy_from_slice(field);
    Reader::attach(HeapRing::from_bytes(&meta, &data)).map(drop)
}

#[test]
fn p2_10_every_check_of_the_protocol_is_made_when_attaching() {
    let word = |n: u64| n.to_le_bytes();
    let half = |n: u32| n.to_le_bytes();
    let slots = header::SIZE_AND_SLOT_COUNT + 4;
    let is_refused = |offset, field: &[u8]| attach(offset, field).is_err();

    assert_eq!(attach(header::MAGIC, b"VASFRAMF"), Err(AttachError::Magic));
    assert_eq!(
        attach(record::VERSION_AND_SIZE, &half(0)),
        Err(AttachError::Version(0))
    );
    assert_eq!(
        attach(record::VERSION_AND_SIZE + 4, &half(87)),
        Err(AttachError::RecordSize(87))
    );
    assert_eq!(
        attach(header::SIZE_AND_SLOT_COUNT, &half(287)),
        Err(AttachError::HeaderSize(287))
    );
    assert_eq!(
        attach(header::META_SIZE, &word(4097)),
        Err(AttachError::MetaSize {
            says: 4097,
            has: 4096
        })
    );
    assert_eq!(
        attach(header::DATA_SIZE, &word(12_289)),
        Err(AttachError::DataSize {
            says: 12_289,
            has: 12_288
        })
    );
    assert_eq!(
        attach(header::FORMAT_AND_STRIDE, &half(1)),
        Err(AttachError::PixelFormat(1))
    );
    assert!(is_refused(slots, &half(2)) && is_refused(slots, &half(65)) && is_refused(slots, &half(4)));
    assert!(
        is_refused(header::WIDTH_AND_HEIGHT, &half(15)) && is_refused(header::WIDTH_AND_HEIGHT, &half(0))
    );
    assert!(is_refused(header::WIDTH_AND_HEIGHT + 4, &half(15)));
    assert!(is_refused(header::WIDTH_AND_HEIGHT + 4, &half(16_386)));
    assert!(is_refused(header::FORMAT_AND_STRIDE + 4, &half(15)));
    assert!(is_refused(header::FORMAT_AND_STRIDE + 4, &half(65_537)));
    for (offset, stride) in [
        (512, 127u64),
        (512, 120),
        (512, 132),
        (516, 128),
        (4096 - 383, 128),
        (4096, 128),
    ] {
        let field = word(stride << 32 | offset);
        assert_eq!(
            attach(header::SLOT_RECORDS, &field),
            Err(AttachError::SlotRecords),
            "{offset} {stride}"
        );
    }
    for stride in [383, 4097, u64::MAX / 2, u64::MAX / 3 + 1, u64::MAX] {
        assert_eq!(
            attach(header::SLOT_STRIDE, &word(stride)),
            Err(AttachError::SlotStride),
            "{stride}"
        );
    }
    let short = HeapRing::from_bytes(&golden("wrapped").0[..511], &[]);
    assert_eq!(Reader::attach(short).map(drop), Err(AttachError::MetaTooSmall));
}

#[test]
fn p2_10_a_newer_version_that_only_appended_is_read() {
    let (mut meta, data) = golden("wrapped");
    for record in [0, SLOT_RECORDS, SLOT_RECORDS + 128, SLOT_RECORDS + 256] {
        meta[record..record + 4].copy_from_slice(&7u32.to_le_bytes());
        meta[record + 4..record + 8].copy_from_slice(&128u32.to_le_bytes());
        meta[record + record::END..record + 128].fill(0xAB);
    }
    meta[header::SIZE_AND_SLOT_COUNT..header::SIZE_AND_SLOT_COUNT + 4].copy_from_slice(&320u32.to_le_bytes());
    meta[header::END..SLOT_RECORDS].fill(0xCD);
    let reader = Reader::attach(HeapRing::from_bytes(&meta, &data)).unwrap();
    assert_eq!(reader.header().version(), 7);
    let mut picture = vec![0; reader.frame_bytes()];
    assert_eq!(reader.copy_newest(0, &mut picture).unwrap().record.frame_id, 5);
    assert_eq!(reader.current().unwrap().frame_id, 5);
}

#[test]
fn p2_4_a_record_that_contradicts_the_header_is_told_from_one_that_was_overwritten() {
    let slot_of_5 = SLOT_RECORDS + 2 * 128;
    for (field, value) in [
        (record::VERSION_AND_SIZE, 0),
        (record::VERSION_AND_SIZE, 1 | 87 << 32),
        (record::FRAME_ID, 4),
        (record::WIDTH_AND_HEIGHT, 16 | 18 << 32),
        (record::FORMAT_AND_STRIDE, 18 << 32),
        (record::DATA_SIZE, 385),
        (record::DATA_OFFSET, 12_288 - 383),
        (record::DATA_OFFSET, u64::MAX),
    ] {
        let (mut meta, data) = golden("wrapped");
        meta[slot_of_5 + field..slot_of_5 + field + 8].copy_from_slice(&value.to_le_bytes());
        let reader = Reader::attach(HeapRing::from_bytes(&meta, &data)).unwrap();
        assert_eq!(reader.look(5, |_, _| ()), Err(Miss::Damaged), "{field} {value}");
        assert!(reader.look(4, |_, _| ()).is_ok());
    }
}
