//! Follows a camera: `cargo run --example follow -- <base dir> <camera id>` prints a line per frame.

use std::error::Error;
use std::io::{Write, stdout};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use vas_frame_protocol::Miss;
use vas_frame_segment::clock::monotonic_ns;
use vas_frame_segment::{CameraId, FrameSource, Health, OpenError};

const POLL: Duration = Duration::from_millis(5);
const RETRY: Duration = Duration::from_millis(250);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, base_dir, camera] = arguments.as_slice() else {
        return Err("usage: follow <base dir> <camera id>".into());
    };
    let (base_dir, camera) = (Path::new(base_dir), CameraId::new(camera)?);
    let mut out = stdout().lock();
    // Frame ids go on as long as the epoch is the same.
    let mut followed: Option<([u8; 16], u64)> = None;
    let mut told = String::new();
    loop {
        let why = match FrameSource::open(base_dir, &camera) {
            Ok(source) => {
                let epoch = source.reader().header().identity().epoch;
                let after = followed
                    .filter(|(former, _)| *former == epoch)
                    .map_or(0, |(_, id)| id);
                let (last, health) = follow(&source, after, &mut out)?;
                followed = Some((epoch, last));
                format!("{health:?} after frame {last}")
            }
            Err(error @ OpenError::NotFound { .. }) => error.to_string(),
            Err(error) => return Err(error.into()),
        };
        if why != told {
            writeln!(out, "{why}")?;
            told = why;
        }
        sleep(RETRY);
    }
}

/// Reads frames as long as there may be any; returns the last id and why there will be no more.
fn follow(
    source: &FrameSource,
    mut last: u64,
    out: &mut impl Write,
) -> Result<(u64, Health), Box<dyn Error>> {
    let reader = source.reader();
    let mut picture = vec![0; reader.frame_bytes()];
    loop {
        // The health is asked first: then a frame that an ended ring has nothing newer than is its last.
        let health = source.health();
        if health == Health::Damaged {
            return Ok((last, health));
        }
        match reader.copy_next(last, &mut picture) {
            Ok(taken) => {
                last = taken.record.frame_id;
                let age_us = monotonic_ns().saturating_sub(taken.record.stamp.timestamp_ns) / 1000;
                writeln!(out, "frame {last}  missed {}  age {age_us} us", taken.missed)?;
            }
            Err(Miss::NothingNewer) if matches!(health, Health::Live | Health::Idle | Health::Hung) => {
                sleep(POLL)
            }
            Err(Miss::NothingNewer) => return Ok((last, health)),
            // The writer was faster than this loop: go on with what is there now.
            Err(Miss::Overwritten) => {}
            Err(miss) => return Err(miss.into()),
        }
    }
}
