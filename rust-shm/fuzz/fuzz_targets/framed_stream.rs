//! A framed stream of arbitrary bytes, read as the drain reads it.
#![no_main]

#[allow(dead_code)]
#[path = "../../drain/src/head.rs"]
mod head;
#[allow(dead_code)]
#[path = "../../drain/src/matroska/mod.rs"]
mod matroska;

use head::Head;
use libfuzzer_sys::fuzz_target;
use matroska::{Found, Overrun, Parser, WINDOW_BYTES, judge};

/// The size of the streams in the corpus.
const WIDTH: u32 = 16;
const HEIGHT: u32 = 16;
const PICTURE_BYTES: usize = 384;

fuzz_target!(|input: &[u8]| {
    // The first byte says how many bytes the pipe gives at a time.
    let Some((&piece, mut rest)) = input.split_first() else {
        return;
    };
    let piece = usize::from(piece) + 1;
    let _ = Parser::is_framed(rest);
    let (mut parser, mut head) = (Parser::new(WIDTH, HEIGHT, PICTURE_BYTES), Head::new());
    loop {
        let shown = head.unread().len();
        let left = match parser.next(head.unread()) {
            Found::Pass(count) => {
                assert!((1..=shown).contains(&count));
                head.take(count);
                continue;
            }
            Found::Incomplete => {
                assert!(shown < WINDOW_BYTES);
                let room = head.room(parser.is_searching());
                let count = room.len().min(piece).min(rest.len());
                if count == 0 {
                    return;
                }
                let (now, later) = rest.split_at(count);
                room[..count].copy_from_slice(now);
                rest = later;
                head.came(count);
                continue;
            }
            Found::Picture { head_bytes, .. } => {
                assert!((1..=shown).contains(&head_bytes));
                head.take(head_bytes);
                match read_picture(&mut parser, &mut head, rest, piece) {
                    Some((left, behind)) => {
                        rest = behind;
                        left
                    }
                    None => return,
                }
            }
            Found::Foreign {
                head_bytes,
                picture_bytes,
                ..
            } => {
                assert!((1..=shown).contains(&head_bytes));
                head.take(head_bytes);
                usize::try_from(picture_bytes).unwrap_or(usize::MAX)
            }
        };
        let known = head.take(left).len();
        rest = &rest[(left - known).min(rest.len())..];
    }
});

/// Reads a picture, and others that begin in what was taken for it. The result is how many bytes of a foreign picture
/// are still to come, and the bytes behind; `None` at the end of the stream.
fn read_picture<'a>(
    parser: &mut Parser,
    head: &mut Head,
    mut rest: &'a [u8],
    piece: usize,
) -> Option<(usize, &'a [u8])> {
    let mut picture = head.take(PICTURE_BYTES).to_vec();
    let mut left = PICTURE_BYTES - picture.len();
    picture.resize(PICTURE_BYTES, 0);
    loop {
        while left > 0 {
            let ahead = head.room(false);
            let (now, later) = rest.split_at((left + ahead.len()).min(piece).min(rest.len()));
            if now.is_empty() {
                return None;
            }
            let (of_picture, behind) = now.split_at(left.min(now.len()));
            picture[PICTURE_BYTES - left..][..of_picture.len()].copy_from_slice(of_picture);
            ahead[..behind.len()].copy_from_slice(behind);
            head.came(behind.len());
            left -= of_picture.len();
            rest = later;
        }
        if parser.may_follow(head.unread()) {
            return Some((0, rest));
        }
        match judge(parser, head, &mut picture) {
            Overrun::Whole | Overrun::Nothing => return Some((0, rest)),
            Overrun::Foreign { left, .. } => return Some((usize::try_from(left).unwrap_or(usize::MAX), rest)),
            Overrun::Picture { left: more, .. } => {
                assert!(more <= PICTURE_BYTES);
                left = more;
            }
        }
    }
}
