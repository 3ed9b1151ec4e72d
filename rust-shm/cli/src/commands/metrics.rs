//! `vas-frames metrics`: OpenMetrics text (openmetrics.io, version 1.0), on standard output or in a file. Nothing
//! listens.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::camera::{CameraReport, RingReport};
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::survey::{Survey, survey};

const HEALTHS: [&str; 8] = [
    "live",
    "idle",
    "hung",
    "dead",
    "ended",
    "replaced",
    "damaged",
    "incompatible",
];

/// A metric that each readable ring has: name, type, help, value.
type RingMetric = (
    &'static str,
    &'static str,
    &'static str,
    fn(&RingReport) -> Option<f64>,
);

#[allow(
    clippy::cast_precision_loss,
    reason = "OpenMetrics has floating point numbers only"
)]
const RING_METRICS: [RingMetric; 10] = [
    ("frame_age_seconds", "gauge", "Age of the newest frame.", |ring| {
        ring.frame_age_ms.map(|ms| ms / 1e3)
    }),
    (
        "heartbeat_age_seconds",
        "gauge",
        "Since the writer last showed life.",
        |ring| Some(ring.heartbeat_age_ms / 1e3),
    ),
    (
        "frame_rate",
        "gauge",
        "Frames per second, by the frames that are there.",
        |ring| ring.frames_per_second,
    ),
    (
        "frames_written",
        "counter",
        "Frames published in this generation.",
        |ring| Some(ring.frames_written as f64),
    ),
    (
        "frames_incomplete",
        "counter",
        "Frames begun and not published in this generation.",
        |ring| Some(ring.frames_incomplete as f64),
    ),
    (
        "frames_rejected",
        "counter",
        "Frames refused in this generation.",
        |ring| Some(ring.frames_rejected as f64),
    ),
    (
        "bytes_written",
        "counter",
        "Bytes of published frames in this generation.",
        |ring| Some(ring.bytes_written as f64),
    ),
    (
        "generation",
        "gauge",
        "Generation of the ring within its epoch.",
        |ring| Some(ring.generation as f64),
    ),
    ("created_age_seconds", "gauge", "Age of the ring.", |ring| {
        Some(ring.age_s)
    }),
    (
        "shared_memory_bytes",
        "gauge",
        "Shared memory that the ring occupies.",
        |ring| Some(ring.shared_memory_bytes as f64),
    ),
];

pub(crate) fn metrics(base: &Path, file: Option<&Path>, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let text = open_metrics(&survey(base)?);
    match file {
        None => output.bytes(text.as_bytes())?,
        Some(file) => {
            // The collector reads the old text or the new one, never half of one.
            let mut unfinished = file.as_os_str().to_owned();
            unfinished.push(format!(".{}.tmp", std::process::id()));
            let unfinished = Path::new(&unfinished);
            fs::write(unfinished, text).map_err(Failure::io("write", unfinished))?;
            let placed = fs::rename(unfinished, file).map_err(Failure::io("replace", file));
            if placed.is_err() {
                // The error of the renaming is the one to tell.
                let _ = fs::remove_file(unfinished);
            }
            placed?;
        }
    }
    Ok(Exit::Yes)
}

fn open_metrics(seen: &Survey) -> String {
    let mut text = String::new();
    let mut family = |name: &str, kind: &str, help: &str, samples: Vec<(String, f64)>| {
        let suffix = if kind == "counter" { "_total" } else { "" };
        // Writing into a String cannot fail.
        let _ = writeln!(
            text,
            "# TYPE vas_frames_{name} {kind}\n# HELP vas_frames_{name} {help}"
        );
        for (labels, value) in samples {
            let _ = writeln!(text, "vas_frames_{name}{suffix}{labels} {value}");
        }
    };
    let cameras = &seen.cameras;
    let state = |report: &CameraReport, health: &str| {
        (
            format!("{{camera=\"{}\",vas_frames_health=\"{health}\"}}", report.camera),
            f64::from(u8::from(report.health == health)),
        )
    };
    let states = cameras
        .iter()
        .flat_map(|report| HEALTHS.map(|health| state(report, health)));
    family(
        "health",
        "stateset",
        "How the camera's writer is.",
        states.collect(),
    );
    for (name, kind, help, value) in RING_METRICS {
        let of_camera = |report: &CameraReport| {
            let value = value(report.ring.as_ref()?)?;
            Some((format!("{{camera=\"{}\"}}", report.camera), value))
        };
        family(name, kind, help, cameras.iter().filter_map(of_camera).collect());
    }
    #[allow(clippy::cast_precision_loss, reason = "a count of folders")]
    let leftovers = seen.leftovers.len() as f64;
    family(
        "leftovers",
        "gauge",
        "What crashes have left behind.",
        vec![(String::new(), leftovers)],
    );
    text.push_str("# EOF\n");
    text
}
