//! `vas-frames verify`: hunts for frames that are not whole on a live system.

use std::path::Path;
use std::time::Instant;

use serde::Serialize;
use vas_frame_protocol::Miss;
use vas_frame_segment::Health;

use crate::camera::{open, wait_a_little, word};
use crate::failure::{Exit, Failure};
use crate::output::Output;

/// A camera whose every frame is wrong needs no more lines than this to say so.
const MOST_PROBLEMS: usize = 20;

#[derive(Debug, Default, Serialize)]
struct Verified {
    frames: u64,
    /// Frames that carried a checksum and agreed with it.
    checksums_right: u64,
    checksums_wrong: u64,
    /// Frames of a writer that stores no checksums.
    without_checksum: u64,
    missed: u64,
    overtaken: u64,
    problems: Vec<String>,
}

pub(crate) fn verify(
    base: &Path,
    camera: &str,
    seconds: f64,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let source = open(base, camera)?;
    let reader = source.reader();
    let mut picture = vec![0; reader.frame_bytes()];
    let mut found = Verified::default();
    let (mut last, mut last_stamp) = (0, 0);
    let began = Instant::now();
    while began.elapsed().as_secs_f64() < seconds {
        let health = source.health();
        match reader.copy_next(last, &mut picture) {
            Ok(taken) => {
                let record = taken.record;
                found.frames += 1;
                found.missed += if last == 0 { 0 } else { taken.missed };
                match record.verify(&picture) {
                    Some(true) => found.checksums_right += 1,
                    Some(false) => {
                        found.checksums_wrong += 1;
                        found.say(format!(
                            "frame {}: the picture does not have its checksum",
                            record.frame_id
                        ));
                    }
                    None => found.without_checksum += 1,
                }
                if record.stamp.timestamp_ns < last_stamp {
                    found.say(format!(
                        "frame {}: older than the frame before it",
                        record.frame_id
                    ));
                }
                (last, last_stamp) = (record.frame_id, record.stamp.timestamp_ns);
            }
            Err(Miss::Overwritten) => found.overtaken += 1,
            Err(Miss::Damaged) => {
                found.say("a record contradicts the header of its ring".to_owned());
                wait_a_little(&source, last);
            }
            Err(_) if matches!(health, Health::Live | Health::Idle | Health::Hung) => {
                wait_a_little(&source, last)
            }
            Err(_) => {
                found.say(format!("the camera is {}", word(health)));
                break;
            }
        }
    }
    if output.is_json {
        output.json(&found)?;
    } else {
        output.line(&format!(
            "{} frames: {} checksums right, {} wrong, {} frames without one; {} missed, {} overtaken",
            found.frames,
            found.checksums_right,
            found.checksums_wrong,
            found.without_checksum,
            found.missed,
            found.overtaken
        ))?;
        if found.frames > 0 && found.without_checksum == found.frames {
            output.line("checksums need verify mode in the host: the option checksum of its exporter")?;
        }
        for problem in &found.problems {
            output.line(&format!("wrong: {problem}"))?;
        }
    }
    Ok(if found.problems.is_empty() && found.frames > 0 {
        Exit::Yes
    } else {
        Exit::No
    })
}

impl Verified {
    fn say(&mut self, problem: String) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(problem);
        }
    }
}
