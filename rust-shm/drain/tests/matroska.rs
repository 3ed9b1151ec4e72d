//! The parser of framed streams, against streams that are whole, in pieces, damaged, and no streams at all.

#![allow(dead_code, reason = "the drain uses the rest")]

#[path = "../src/head.rs"]
mod head;
#[path = "../src/matroska/mod.rs"]
mod matroska;
#[path = "stage/matroska_stream.rs"]
mod matroska_stream;

use head::Head;
use matroska::{Colours, Found, Mismatch, Overrun, Parser, WINDOW_BYTES, judge};
use matroska_stream::{block, cluster, cluster_without_checksum, ebml_header, element, header};
use proptest::prelude::*;

/// A picture is larger than the window, as all but the smallest are.
const WIDTH: u32 = 16;
const HEIGHT: u32 = 16;
const PICTURE_BYTES: usize = 384;

/// What became of a stream.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    /// Number and time of each picture that would be published.
    pictures: Vec<(Vec<u8>, Option<u64>)>,
    foreign: Vec<(u64, Mismatch)>,
    damages: u64,
    colours: Colours,
}

/// Reads a stream as the drain does, from a pipe that gives so many bytes at a time.
fn read(stream: &[u8], piece: usize) -> Seen {
    read_of(WIDTH, HEIGHT, stream, piece)
}

fn read_of(width: u32, height: u32, stream: &[u8], piece: usize) -> Seen {
    let picture_bytes = (width * height * 3 / 2) as usize;
    let (mut parser, mut head, mut rest) = (Parser::new(width, height, picture_bytes), Head::new(), stream);
    let mut seen = Seen::default();
    loop {
        let shown = head.unread().len();
        let found = parser.next(head.unread());
        seen.damages += parser.take_damages();
        let (left, picture) = match found {
            Found::Pass(count) => {
                assert!((1..=shown).contains(&count), "{count} of {shown} bytes");
                head.take(count);
                continue;
            }
            Found::Incomplete => {
                assert!(shown < WINDOW_BYTES, "the window was full");
                let room = head.room(parser.is_searching());
                assert!(!room.is_empty());
                let count = room.len().min(piece).min(rest.len());
                if count == 0 {
                    seen.colours = parser.colours();
                    return seen;
                }
                room[..count].copy_from_slice(&rest[..count]);
                rest = &rest[count..];
                head.came(count);
                continue;
            }
            Found::Picture {
                head_bytes,
                timestamp_ns,
            } => {
                head.take(head_bytes);
                (picture_bytes, Some(timestamp_ns))
            }
            Found::Foreign {
                head_bytes,
                picture_bytes: bytes,
                mismatch,
            } => {
                head.take(head_bytes);
                seen.foreign.push((bytes, mismatch));
                (usize::try_from(bytes).unwrap(), None)
            }
        };
        let mut payload = head.take(left).to_vec();
        let Some(mut timestamp_ns) = picture else {
            rest = &rest[(left - payload.len()).min(rest.len())..];
            continue;
        };
        payload.resize(left, 0);
        let mut missing = left - (left.min(payload_len(shown, found)));
        let mut is_overrun = false;
        loop {
            let mut is_first = true;
            while (missing > 0 || is_overrun && is_first) && !rest.is_empty() {
                is_first = false;
                let ahead = head.room(false);
                let (now, later) = rest.split_at((missing + ahead.len()).min(piece).min(rest.len()));
                let (of_picture, behind) = now.split_at(missing.min(now.len()));
                payload[left - missing..][..of_picture.len()].copy_from_slice(of_picture);
                ahead[..behind.len()].copy_from_slice(behind);
                head.came(behind.len());
                missing -= of_picture.len();
                rest = later;
            }
            if missing > 0 {
                break;
            }
            if parser.may_follow(head.unread()) {
                seen.pictures.push((payload, timestamp_ns));
                break;
            }
            match judge(&mut parser, &mut head, &mut payload) {
                Overrun::Picture {
                    timestamp_ns: of_next,
                    left,
                } => {
                    is_overrun = true;
                    (timestamp_ns, missing) = (of_next, left);
                }
                Overrun::Foreign { left, mismatch } => {
                    seen.foreign.push((left, mismatch));
                    rest = &rest[usize::try_from(left).unwrap().min(rest.len())..];
                    break;
                }
                Overrun::Whole => {
                    seen.pictures.push((payload, timestamp_ns));
                    break;
                }
                Overrun::Nothing => break,
            }
        }
    }
}

/// How many bytes of a picture were in the window together with its head.
fn payload_len(shown: usize, found: Found) -> usize {
    match found {
        Found::Picture { head_bytes, .. } => shown - head_bytes,
        _ => 0,
    }
}

/// A picture that says which one it is in every byte, and looks like the heads of streams and clusters otherwise.
fn picture(number: u8) -> Vec<u8> {
    let mut picture = [[0x1f, 0x43, 0xb6, 0x75], [0x1a, 0x45, 0xdf, 0xa3]].concat();
    picture.resize(PICTURE_BYTES, number);
    picture
}

fn ours() -> Vec<u8> {
    header(WIDTH, HEIGHT, b"NV12")
}

fn published(seen: &Seen) -> Vec<u8> {
    for (picture, _) in &seen.pictures {
        assert_eq!(
            picture,
            &self::picture(picture[PICTURE_BYTES - 1]),
            "not as it was sent"
        );
    }
    seen.pictures
        .iter()
        .map(|(picture, _)| picture[PICTURE_BYTES - 1])
        .collect()
}

#[test]
fn p2_14_every_frame_comes_with_its_time_and_the_colours_of_the_stream() {
    let stream = [
        ours(),
        cluster(0, &picture(1)),
        cluster(40, &picture(2)),
        cluster(3_600_000, &picture(3)),
    ];
    for piece in [1, 2, 3, 7, 31, 64, 1000] {
        let seen = read(&stream.concat(), piece);
        let times: Vec<_> = seen.pictures.iter().map(|(_, time)| time.unwrap()).collect();
        assert_eq!((published(&seen), seen.damages), (vec![1, 2, 3], 0));
        assert_eq!(times, [0, 40_000_000, 3_600_000_000_000]);
        let expected = Colours {
            matrix: Some(1),
            transfer: Some(13),
            primaries: Some(9),
            is_full_range: Some(false),
        };
        assert_eq!(seen.colours, expected);
    }
}

#[test]
fn p2_14_several_small_frames_in_one_cluster_have_times_of_their_own() {
    let content = [
        element(0xe7, &[0x03, 0xe8]),
        block(1, -40, &picture(1)),
        block(1, 0, &picture(2)),
        block(1, 40, &picture(3)),
    ];
    let stream = [
        ours(),
        element(0x1f43_b675, &content.concat()),
        cluster(1080, &picture(4)),
    ]
    .concat();
    let seen = read(&stream, 10);
    assert_eq!((published(&seen), seen.damages), (vec![1, 2, 3, 4], 0));
    let times: Vec<_> = seen
        .pictures
        .iter()
        .map(|(_, time)| time.unwrap() / 1_000_000)
        .collect();
    assert_eq!(times, [960, 1000, 1040, 1080]);
}

#[test]
fn p2_15_frames_of_another_size_or_format_are_named_and_passed() {
    let of = |width: u32, height: u32, format: &[u8], bytes: usize| {
        let stream = [
            header(width, height, format),
            cluster(0, &vec![9; bytes]),
            cluster(1, &vec![9; bytes]),
        ];
        let seen = read(&stream.concat(), 50);
        assert_eq!((seen.pictures.len(), seen.damages), (0, 0));
        seen.foreign
    };
    assert_eq!(of(16, 4, b"NV12", 96), [(96, Mismatch::WrongSize); 2]);
    // As many bytes, and another picture.
    assert_eq!(of(8, 32, b"NV12", 384), [(384, Mismatch::WrongSize); 2]);
    assert_eq!(of(16, 16, b"I420", 384), [(384, Mismatch::WrongFormat); 2]);
    assert_eq!(of(16, 16, b"BGRA", 1024), [(1024, Mismatch::WrongFormat); 2]);
    assert_eq!(of(9, 5, b"NV12", 45 + 30), [(75, Mismatch::WrongSize); 2]);
}

#[test]
fn p2_15_a_block_that_contradicts_its_track_is_no_frame() {
    let long = [picture(1), vec![0; 2]].concat();
    let stream = [
        ours(),
        cluster(0, &long),
        cluster(40, &picture(2)),
        cluster(80, &picture(3)[1..]),
    ];
    assert_eq!(published(&read(&stream.concat(), 64)), [2]);
    let other_track = element(
        0x1f43_b675,
        &[element(0xe7, &[0]), block(2, 0, &picture(1))].concat(),
    );
    assert!(published(&read(&[ours(), other_track].concat(), 64)).is_empty());
}

#[test]
fn a_stream_without_its_headers_has_no_frames() {
    let stream = [
        cluster(0, &picture(1)),
        cluster(40, &picture(2)),
        ours(),
        cluster(80, &picture(3)),
    ];
    assert_eq!(published(&read(&stream.concat(), 64)), [3]);
}

#[test]
fn a_new_header_in_mid_stream_counts_from_its_first_frame_on() {
    let stream = [
        ours(),
        cluster(0, &picture(1)),
        header(16, 4, b"NV12"),
        cluster(40, &[9; 96]),
        ours(),
        cluster(80, &picture(3)),
    ];
    let seen = read(&stream.concat(), 64);
    assert_eq!(
        (published(&seen), seen.foreign),
        (vec![1, 3], vec![(96, Mismatch::WrongSize)])
    );
}

#[test]
fn only_a_whole_header_makes_a_stream_framed() {
    let header = ebml_header();
    for len in 0..header.len() {
        assert_eq!(Parser::is_framed(&header[..len]), None, "{len} bytes");
    }
    assert_eq!(Parser::is_framed(&header), Some(true));
    let webm = ebml_header()
        .iter()
        .map(|&byte| if byte == b'k' { b'x' } else { byte })
        .collect::<Vec<_>>();
    assert_eq!(Parser::is_framed(&webm), Some(false));
    assert_eq!(Parser::is_framed(&[0x1a, 0x45, 0xdf, 0xa4]), Some(false));
    assert_eq!(Parser::is_framed(&[16; 64]), Some(false));
}

/// The streams of several FFmpegs that fuzzing starts from, with the byte that says how they come.
const OF_FFMPEG: [&[u8]; 4] = [
    include_bytes!("../../fuzz/corpus/framed_stream/ffmpeg-4.1"),
    include_bytes!("../../fuzz/corpus/framed_stream/ffmpeg-4.2.2"),
    include_bytes!("../../fuzz/corpus/framed_stream/ffmpeg-5.1"),
    include_bytes!("../../fuzz/corpus/framed_stream/ffmpeg-7.0.2"),
];

#[test]
fn p2_14_what_ffmpegs_of_four_versions_write_is_understood() {
    for stream in OF_FFMPEG {
        let seen = read_of(16, 16, &stream[1..], 50);
        let times: Vec<_> = seen
            .pictures
            .iter()
            .map(|(_, time)| time.unwrap() / 1_000_000)
            .collect();
        assert_eq!((times, seen.damages), (vec![0, 40, 80, 120], 0));
        assert_eq!((seen.colours.matrix, seen.colours.primaries), (Some(1), Some(1)));
    }
}

#[test]
fn what_ffmpegs_write_gets_an_answer_wherever_a_bit_is_flipped_or_a_byte_is_missing() {
    for stream in OF_FFMPEG {
        for at in 1..stream.len() {
            let (before, after) = stream.split_at(at);
            read_of(16, 16, &[&before[1..], &after[1..]].concat(), 64);
            let mut flipped = stream[1..].to_vec();
            flipped[at - 1] ^= 1_u8 << (at % 8);
            read_of(16, 16, &flipped, 64);
        }
    }
}

/// What may stand between two whole frames: anything, and pieces of what a stream consists of.
fn between() -> impl Strategy<Value = Vec<u8>> {
    let pieces = |whole: Vec<u8>| {
        let len = whole.len();
        (0..len, 0..=len).prop_map(move |(start, end)| whole[start.min(end)..end].to_vec())
    };
    // A whole head says that a frame follows. Pieces of one say nothing, and must not add up to a whole one here.
    let cut = cluster(40, &picture(77));
    let head = cut.len() - PICTURE_BYTES - 8;
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        pieces(ours()),
        (0..head).prop_map({
            let cut = cut.clone();
            move |len| cut[..len].to_vec()
        }),
        (head + 1..cut.len()).prop_map(move |start| cut[start..].to_vec()),
        pieces(header(16, 4, b"NV12")[..60].to_vec()),
    ]
}

type Frame = fn(u64, &[u8]) -> Vec<u8>;

/// A frame that was cut short somewhere in its picture.
fn cut_frame(frame: Frame) -> impl Strategy<Value = Vec<u8>> {
    let head = frame(40, &picture(78)).len() - PICTURE_BYTES;
    (head..head + PICTURE_BYTES).prop_map(move |len| frame(40, &picture(78))[..len].to_vec())
}

/// Whether what stands behind a frame that was cut short is exactly as long as what it lacks, so that nothing shows.
fn adds_up(frame: Frame, gap: &[Vec<u8>]) -> bool {
    let whole = frame(40, &picture(78)).len();
    (0..gap.len()).any(|first| {
        let ends = gap[first..].iter().scan(0, |end, piece| {
            *end += piece.len();
            Some(*end)
        });
        ends.skip(1).any(|end| end == whole)
    })
}

/// Frames 1 and up with a gap behind each of them, and frame 99.
fn stream(frame: Frame, gaps: &[Vec<Vec<u8>>]) -> (Vec<u8>, Vec<u8>) {
    let mut stream = ours();
    for (number, gap) in (1..).zip(gaps) {
        stream.extend(frame(40 * u64::from(number), &picture(number)));
        stream.extend(gap.concat());
    }
    stream.extend(frame(4000, &picture(99)));
    (stream, (1..=gaps.len() as u8).chain([99]).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    // What stands behind a picture is in the pipe already when the picture is.
    #[test]
    fn p2_15_whatever_is_between_two_frames_the_next_is_published_and_none_that_was_not_sent(
        gaps in proptest::collection::vec(
            proptest::collection::vec(prop_oneof![between(), cut_frame(cluster)], 0..4),
            1..6,
        ),
    ) {
        prop_assume!(!gaps.iter().any(|gap| adds_up(cluster, gap)));
        let (stream, sent) = stream(cluster, &gaps);
        prop_assert_eq!(published(&read(&stream, usize::MAX)), sent);
    }

    // Without checksums, a frame that is cut short is known by the next one directly behind it.
    #[test]
    fn p2_15_without_checksums_a_frame_cut_short_by_the_next_is_not_published(
        gaps in proptest::collection::vec(
            (
                proptest::collection::vec(between(), 0..3),
                proptest::collection::vec(cut_frame(cluster_without_checksum), 0..3),
            )
                .prop_map(|(between, cut)| [between, cut].concat()),
            1..6,
        ),
    ) {
        prop_assume!(!gaps.iter().any(|gap| adds_up(cluster_without_checksum, gap)));
        let (stream, sent) = stream(cluster_without_checksum, &gaps);
        prop_assert_eq!(published(&read(&stream, usize::MAX)), sent);
    }

    // What stands behind it may come later: then a frame that is cut short cannot be told from a whole one.
    #[test]
    fn p2_15_between_frames_that_are_not_cut_it_may_come_as_it_likes(
        gaps in proptest::collection::vec(proptest::collection::vec(between(), 0..3), 1..6),
        piece in 1..100_usize,
    ) {
        for frame in [cluster, cluster_without_checksum] {
            let (stream, sent) = stream(frame, &gaps);
            prop_assert_eq!(published(&read(&stream, piece)), sent);
        }
    }

    #[test]
    fn p2_15_a_frame_that_was_cut_short_costs_itself_and_no_other(cut in 1..PICTURE_BYTES) {
        for frame in [cluster, cluster_without_checksum] {
            let mut short = frame(40, &picture(2));
            short.truncate(short.len() - cut);
            let [first, third, fourth] = [(0, 1), (80, 3), (120, 4)].map(|(at, number)| frame(at, &picture(number)));
            // The next frame follows at once, or the headers of an output that was opened again do.
            for behind in [Vec::new(), ours()] {
                let stream = [ours(), first.clone(), short.clone(), behind, third.clone(), fourth.clone()].concat();
                let seen = read(&stream, usize::MAX);
                prop_assert_eq!((published(&seen), seen.damages), (vec![1, 3, 4], 1));
            }
        }
    }

    #[test]
    fn a_frame_that_was_cut_short_costs_itself_and_the_one_behind_it_at_most_whatever_comes_when(
        cut in 1..PICTURE_BYTES,
        piece in 1..100_usize,
    ) {
        let whole = cluster(0, &picture(1));
        let stream = [ours(), whole[..whole.len() - cut].to_vec(), cluster(40, &picture(2)), cluster(80, &picture(3)), cluster(120, &picture(4))];
        let seen = read(&stream.concat(), piece);
        let last: Vec<u8> = seen.pictures.iter().rev().take(2).rev().map(|(picture, _)| picture[PICTURE_BYTES - 1]).collect();
        prop_assert_eq!(last, [3, 4]);
    }

    #[test]
    fn any_bytes_get_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..2000), piece in 1..300_usize) {
        read(&bytes, piece);
        read(&[ours(), bytes].concat(), piece);
    }

    #[test]
    fn a_stream_with_a_flipped_bit_gets_an_answer(at in 0..2000_usize, bit in 0..8, piece in 1..300_usize) {
        let mut stream = [ours(), cluster(0, &picture(1)), cluster(40, &picture(2)), cluster(80, &picture(3))].concat();
        let at = at % stream.len();
        stream[at] ^= 1_u8 << bit;
        read(&stream, piece);
    }
}
