//! The reading part: reads until SIGTERM, then leaves a report.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;

use crate::adapter::{Failure, Reader};
use crate::picture::{HEAD_BYTES, Pictures, head, now_ns};

/// How long a reader waits before it asks whether it shall end.
const TIMEOUT: Duration = Duration::from_millis(100);

#[derive(Clone, Copy)]
pub struct Options {
    /// Whether every byte of each frame is compared.
    pub is_checked: bool,
    /// How long it is busy with each frame.
    pub hold: Duration,
}

#[derive(Default, Serialize)]
struct Report {
    /// From the call that publishes to the copy, for each frame.
    latency_us: Vec<f64>,
    first_id: u64,
    last_id: u64,
    /// Frames that came again, or after a newer one.
    repeated: u64,
    /// Frames that were handed out as whole and are a mixture.
    torn: u64,
    refused: u64,
    error: Option<String>,
}

pub fn run(mut reader: Box<dyn Reader>, path: &Path, options: Options) -> Result<(), Failure> {
    let is_over = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGTERM, Arc::clone(&is_over))?;
    let pictures = options.is_checked.then(Pictures::new);
    let mut report = Report::default();
    fs::write(path.with_extension("ready"), "")?;
    while !is_over.load(Ordering::Relaxed) {
        match reader.next(TIMEOUT) {
            Ok(false) => continue,
            Ok(true) => {}
            // The signal interrupts the waiting of some.
            Err(_) if is_over.load(Ordering::Relaxed) => break,
            Err(error) => {
                // A peer that is broken stays so; the others go on.
                report.error.get_or_insert_with(|| error.to_string());
                std::thread::sleep(TIMEOUT);
                continue;
            }
        }
        let seen_ns = now_ns();
        let picture = reader.picture();
        let (id, published_ns) = head(picture);
        report
            .latency_us
            .push(seen_ns.saturating_sub(published_ns) as f64 / 1000.0);
        if pictures
            .as_ref()
            .is_some_and(|pictures| picture[HEAD_BYTES..] != *pictures.body(id))
        {
            report.torn += 1;
        } else if id <= report.last_id {
            report.repeated += 1;
        }
        if report.first_id == 0 {
            report.first_id = id;
        }
        report.last_id = id;
        std::thread::sleep(options.hold);
    }
    report.refused = reader.refused();
    let draft = path.with_extension("draft");
    fs::write(&draft, serde_json::to_string(&report)?)?;
    fs::rename(&draft, path)?;
    Ok(())
}
