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
use matroska::{Found, Parser, WINDOW_BYTES};

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
                PICTURE_BYTES
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
