//! Judges a picture that no head follows: it is whole, with damage behind it, or it was cut short, and what was taken
//! for the rest of it is what comes next.

use super::{Found, Mismatch, Parser};
use crate::head::Head;

/// What bytes are that were taken for a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overrun {
    /// The picture that was announced.
    Whole,
    /// No picture. What comes next is to be read as ever.
    Nothing,
    /// Another picture is to be published. Its beginning was moved to where it belongs, and `left` bytes are to come.
    Picture { timestamp_ns: Option<u64>, left: usize },
    /// A picture that is not what is wanted, with so many bytes still to come.
    Foreign { left: u64, mismatch: Mismatch },
}

/// Judges `picture` by itself, when the bytes behind it, which `head` has already, may not follow it. Reads the picture
/// once or twice; that is only done beside damage.
pub(crate) fn judge(parser: &mut Parser, head: &mut Head, picture: &mut [u8]) -> Overrun {
    let is_as_sent = parser.is_as_sent(picture);
    if is_as_sent == Some(true) {
        return Overrun::Whole;
    }
    let (before, behind) = (parser.clone(), std::mem::replace(head, Head::new()));
    let is_cut = is_as_sent == Some(false);
    let found = find(parser, head, behind.unread(), picture, is_cut);
    if is_as_sent.is_none() && found.is_none() {
        (*parser, *head) = (before, behind);
        return Overrun::Whole;
    }
    found.unwrap_or(Overrun::Nothing)
}

/// Finds the next frame, or at least the beginning of a stream, if `picture` is known to be cut or that shows it. What
/// is `behind` it and was not passed is in `head` then.
fn find(
    parser: &mut Parser,
    head: &mut Head,
    behind: &[u8],
    picture: &mut [u8],
    mut is_cut: bool,
) -> Option<Overrun> {
    let (len, all) = (picture.len(), picture.len() + behind.len());
    // How many bytes of the picture, and then of those behind it, were put into `head`.
    let mut at = 0;
    parser.lose_track();
    loop {
        let place = at - head.unread().len();
        let found = parser.next(head.unread());
        // Only the next frame, or the next stream, sets a lost parser right.
        is_cut |= place < len && !parser.is_lost();
        match found {
            Found::Pass(count) => {
                head.take(count);
            }
            Found::Incomplete if at == all => {
                // The beginning of a head that the picture's last bytes begin, or nothing.
                is_cut |= place < len;
                return is_cut.then_some(Overrun::Nothing);
            }
            Found::Incomplete => {
                let more = match picture.get(at..) {
                    Some(more) if !more.is_empty() => more,
                    _ => behind.get(at - len..).unwrap_or_default(),
                };
                let room = head.room(true);
                let count = room.len().min(more.len());
                for (to, from) in room.iter_mut().zip(more) {
                    *to = *from;
                }
                head.came(count);
                at += count;
                if count == 0 {
                    // A defect: the parser decides on as many bytes as there is room for.
                    head.take(1);
                }
            }
            Found::Picture {
                head_bytes,
                timestamp_ns,
            } => {
                head.take(head_bytes);
                // What was looked at and not taken is still where it was.
                let start = at - head.unread().len();
                *head = Head::new();
                if !is_cut {
                    return None;
                }
                let left = move_to_front(picture, behind, start, head);
                return Some(Overrun::Picture { timestamp_ns, left });
            }
            Found::Foreign {
                head_bytes,
                picture_bytes,
                mismatch,
            } => {
                head.take(head_bytes);
                let start = at - head.unread().len();
                *head = Head::new();
                let passed =
                    usize::try_from(picture_bytes).map_or(all - start, |bytes| bytes.min(all - start));
                at = start + passed;
                let left = picture_bytes - passed as u64;
                if left > 0 {
                    return is_cut.then_some(Overrun::Foreign { left, mismatch });
                }
            }
        }
    }
}

/// Moves what begins at `start` of the picture and the bytes behind it to the picture's first byte. What is left over
/// goes into `head`; the result is how many bytes the picture lacks.
fn move_to_front(picture: &mut [u8], behind: &[u8], start: usize, head: &mut Head) -> usize {
    let len = picture.len();
    picture.copy_within(start.min(len).., 0);
    let moved = len - start.min(len);
    let behind = behind.get(start - start.min(len)..).unwrap_or_default();
    let (belongs, over) = behind.split_at(behind.len().min(len - moved));
    for (to, from) in picture.iter_mut().skip(moved).zip(belongs) {
        *to = *from;
    }
    for (to, from) in head.room(true).iter_mut().zip(over) {
        *to = *from;
    }
    head.came(over.len());
    len - moved - belongs.len()
}
