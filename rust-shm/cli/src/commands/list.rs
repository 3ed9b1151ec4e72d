//! `vas-frames list`.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use crate::failure::{Exit, Failure};
use crate::output::{Output, human_bytes, human_ms};
use crate::processes::mappings;
use crate::survey::{Survey, survey};

const CLEAR_SCREEN: &str = "\u{1b}[H\u{1b}[2J";

pub(crate) fn list(base: &Path, watch: Option<f64>, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let Some(seconds) = watch else {
        show(&survey(base)?, base, output)?;
        return Ok(Exit::Yes);
    };
    let pause = Duration::try_from_secs_f64(seconds.max(0.1)).unwrap_or(Duration::from_secs(1));
    loop {
        let seen = survey(base)?;
        if output.is_terminal() {
            output.bytes(CLEAR_SCREEN.as_bytes())?;
        }
        show(&seen, base, output)?;
        sleep(pause);
    }
}

fn show(seen: &Survey, base: &Path, output: &mut Output<'_>) -> Result<(), Failure> {
    if output.is_json {
        return output.json(seen);
    }
    if seen.cameras.is_empty() {
        output.line(&format!("no camera is exported in {}", base.display()))?;
    } else {
        // Without the right to look into other processes no writer and no readers are shown; `vas-frames readers` says
        // why.
        let mapped = mappings(base).ok();
        let rows = seen.cameras.iter().map(|report| {
            let of_camera = || {
                mapped
                    .iter()
                    .flat_map(|all| &all.processes)
                    .filter(|one| one.camera == report.camera)
            };
            let writer = of_camera().find(|one| one.role == "writer" && !one.is_gone);
            let readers = of_camera()
                .filter(|one| one.role == "reader" && !one.is_gone)
                .count();
            let ring = report.ring.as_ref();
            let of_ring = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
            vec![
                report.camera.clone(),
                output.health(report.health),
                of_ring(ring.map(|ring| format!("{}x{}", ring.width, ring.height))),
                of_ring(
                    ring.and_then(|ring| ring.frames_per_second)
                        .map(|rate| format!("{rate:.1}")),
                ),
                human_ms(ring.and_then(|ring| ring.frame_age_ms)),
                of_ring(ring.map(|ring| ring.newest_frame_id.to_string())),
                of_ring(ring.map(|ring| format!("{}.{}", &ring.epoch[..8], ring.generation))),
                of_ring(ring.map(|ring| human_bytes(ring.shared_memory_bytes))),
                writer.map_or_else(|| "-".to_owned(), |one| one.pid.to_string()),
                readers.to_string(),
            ]
        });
        let rows = rows.collect();
        let headings = [
            "CAMERA",
            "HEALTH",
            "SIZE",
            "FPS",
            "AGE",
            "FRAME",
            "EPOCH.GEN",
            "MEMORY",
            "WRITER",
            "READERS",
        ];
        output.table(&headings, rows)?;
    }
    for leftover in &seen.leftovers {
        let (kind, name) = (leftover.kind, base.join(&leftover.name));
        output.line(&format!(
            "left behind: {kind} {} ({})",
            name.display(),
            human_bytes(leftover.bytes)
        ))?;
    }
    for name in &seen.foreign {
        output.line(&format!("not ours: {}", base.join(name).display()))?;
    }
    Ok(())
}
