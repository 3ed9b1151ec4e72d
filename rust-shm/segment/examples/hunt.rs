//! Hunts for torn frames: reads a camera whose frames say in each 64-byte block who they are, copying and in
//! place, and prints what came of it as one line of JSON.
//!
//! `cargo run --release --example hunt -- <camera folder> <seconds> [--waiting] [--without-validation]`

use std::cell::Cell;
use std::error::Error;
use std::io::{Write, stdout};
use std::path::Path;
use std::time::{Duration, Instant};

use vas_frame_protocol::{FrameRecord, Miss, RacyBytes};
use vas_frame_segment::{FrameSource, SourceOptions};

const USAGE: &str = "usage: hunt <camera folder> <seconds> [--waiting] [--without-validation]";

/// A wait of the reader that waits for each frame.
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// Each block of a picture begins with the low half of the frame's id.
const BLOCK: usize = 64;

#[derive(Debug, Default)]
struct Counts {
    accepted: u64,
    lapped: u64,
    torn_accepted: u64,
    torn_refused: u64,
}

fn id_bytes(record: &FrameRecord) -> [u8; 4] {
    let [a, b, c, d, ..] = record.frame_id.to_le_bytes();
    [a, b, c, d]
}

/// Whether the fields of the record are of the same frame.
fn is_stamped(record: &FrameRecord) -> bool {
    record.stamp.source_timestamp_ns == Some(record.frame_id)
}

fn is_whole(picture: &[u8], record: &FrameRecord) -> bool {
    let id = id_bytes(record);
    is_stamped(record) && picture.chunks_exact(BLOCK).all(|block| block.starts_with(&id))
}

fn is_whole_in_place(picture: RacyBytes<'_>, record: &FrameRecord) -> bool {
    let id = id_bytes(record);
    is_stamped(record)
        && (0..picture.len()).step_by(BLOCK).all(|at| {
            let mut found = [0; 4];
            picture.slice(at, found.len()).is_some_and(|start| {
                start.copy_to(&mut found);
                found == id
            })
        })
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, path, seconds, options @ ..] = arguments.as_slice() else {
        return Err(USAGE.into());
    };
    let (mut waits, mut is_validated) = (false, true);
    for option in options {
        match option.as_str() {
            "--waiting" => waits = true,
            "--without-validation" => is_validated = false,
            _ => return Err(USAGE.into()),
        }
    }
    let source = FrameSource::open_dir(Path::new(path), SourceOptions::default())?;
    let reader = source.reader();
    let slots = u64::from(reader.header().shape().slot_count());
    let deadline = Instant::now() + Duration::from_secs_f64(seconds.parse()?);
    let mut picture = vec![0; reader.frame_bytes()];
    let mut counts = Counts::default();
    let mut turn = 0_u64;
    while Instant::now() < deadline {
        if waits {
            _ = source.wait_newer(reader.newest_id(), LONGEST_WAIT);
        }
        let newest = reader.newest_id();
        turn += 1;
        // The newest, and the oldest there can be, which is the next to be overwritten.
        let id = if turn % 2 == 0 {
            newest
        } else {
            (newest + 1).saturating_sub(slots)
        };
        if id == 0 {
            continue;
        }
        // What a reader that does not look at the sequence again would have believed.
        let seen = Cell::new(None);
        let outcome = reader.look(id, |record, bytes| {
            let whole = if turn % 4 < 2 {
                bytes.copy_to(&mut picture);
                is_whole(&picture, record)
            } else {
                is_whole_in_place(bytes, record)
            };
            seen.set(Some(whole));
        });
        let is_accepted = match outcome {
            Ok(_) => true,
            Err(Miss::Overwritten) => !is_validated && seen.get().is_some(),
            Err(Miss::Damaged) if !is_validated => seen.get().is_some(),
            Err(Miss::NothingNewer) => continue,
            Err(miss) => return Err(miss.into()),
        };
        *match (is_accepted, seen.get().unwrap_or(true)) {
            (true, true) => &mut counts.accepted,
            (true, false) => &mut counts.torn_accepted,
            (false, true) => &mut counts.lapped,
            (false, false) => &mut counts.torn_refused,
        } += 1;
    }
    // A read that was torn and refused was lapped, too.
    counts.lapped += counts.torn_refused;
    let Counts {
        accepted,
        lapped,
        torn_accepted,
        torn_refused,
    } = counts;
    writeln!(
        stdout(),
        r#"{{"accepted":{accepted},"lapped":{lapped},"tornAccepted":{torn_accepted},"tornRefused":{torn_refused}}}"#
    )?;
    Ok(())
}
