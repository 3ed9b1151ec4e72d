//! One camera as an operator sees it.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use serde::Serialize;
use vas_frame_protocol::{ChromaSiting, ColourRange, FrameRecord, RingMemory};
use vas_frame_segment::clock::wall_ns;
use vas_frame_segment::{CameraId, FrameSource, Health, HealthReport, OpenError, Waited};

use crate::failure::Failure;
use crate::output::human_ms;

/// The shape of a camera in JSON. Fields are added, never changed or removed.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CameraReport {
    pub(crate) camera: String,
    /// `live`, `idle`, `hung`, `dead`, `ended`, `replaced`, `damaged`, `absent` or `incompatible`.
    pub(crate) health: &'static str,
    /// Why it is not `live`, as a sentence; `null` if it is.
    pub(crate) reason: Option<String>,
    /// What is there of a ring that can be read.
    #[serde(flatten)]
    pub(crate) ring: Option<RingReport>,
    /// Why the ring cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<ErrorReport>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct ErrorReport {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct RingReport {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) stride_bytes: u32,
    pub(crate) pixel_format: &'static str,
    pub(crate) slots: u32,
    /// Code of `MatrixCoefficients` in H.273, and the others likewise; `null` = the camera does not say.
    pub(crate) matrix: Option<u8>,
    pub(crate) primaries: Option<u8>,
    pub(crate) transfer: Option<u8>,
    /// `limited` or `full`.
    pub(crate) range: Option<&'static str>,
    pub(crate) chroma_siting: Option<&'static str>,
    /// By the time stamps of the frames that are there; `null` with fewer than two.
    pub(crate) frames_per_second: Option<f64>,
    pub(crate) newest_frame_id: u64,
    pub(crate) frame_age_ms: Option<f64>,
    pub(crate) heartbeat_age_ms: f64,
    pub(crate) epoch: String,
    pub(crate) generation: u64,
    pub(crate) first_frame_id: u64,
    pub(crate) age_s: f64,
    pub(crate) frames_written: u64,
    pub(crate) frames_incomplete: u64,
    pub(crate) frames_rejected: u64,
    pub(crate) bytes_written: u64,
    /// Shared memory that the two files occupy.
    pub(crate) shared_memory_bytes: u64,
}

impl CameraReport {
    /// Looks at a camera; whatever stands at its path, there is an answer.
    pub(crate) fn of(base: &Path, camera: &CameraId) -> Self {
        let named = |health, reason, ring, error| Self {
            camera: camera.as_str().to_owned(),
            health,
            reason,
            ring,
            error,
        };
        match FrameSource::open(base, camera) {
            Ok(source) => {
                let report = source.health_report();
                named(
                    word(report.health),
                    reason(&report),
                    Some(RingReport::of(&source)),
                    None,
                )
            }
            Err(error) => {
                let health = match &error {
                    OpenError::NotFound { .. } => "absent",
                    _ => "incompatible",
                };
                let error = ErrorReport {
                    code: error.code(),
                    message: error.to_string(),
                };
                named(health, Some(error.message.clone()), None, Some(error))
            }
        }
    }
}

impl RingReport {
    pub(crate) fn of(source: &FrameSource) -> Self {
        let reader = source.reader();
        let (header, counters) = (reader.header(), reader.counters());
        let (geometry, identity) = (header.geometry(), header.identity());
        let colours = header.colours();
        let health = source.health_report();
        Self {
            width: geometry.width(),
            height: geometry.height(),
            stride_bytes: geometry.stride(),
            pixel_format: "nv12",
            slots: header.shape().slot_count(),
            matrix: colours.matrix,
            primaries: colours.primaries,
            transfer: colours.transfer,
            range: colours.range.map(ColourRange::name),
            chroma_siting: colours.chroma_siting.map(ChromaSiting::name),
            frames_per_second: frames_per_second(&records(source)),
            newest_frame_id: reader.newest_id(),
            frame_age_ms: health.frame_age_ns.map(ms),
            heartbeat_age_ms: ms(health.heartbeat_age_ns),
            epoch: hex(&identity.epoch),
            generation: identity.generation,
            first_frame_id: identity.first_frame_id,
            age_s: ms(wall_ns().saturating_sub(identity.created_wall_ns)) / 1000.0,
            frames_written: counters.frames_written,
            frames_incomplete: counters.frames_incomplete,
            frames_rejected: counters.frames_rejected,
            bytes_written: counters.bytes_written,
            shared_memory_bytes: (source.memory().meta_len() + source.memory().data_len()) as u64,
        }
    }
}

/// Opens a camera for reading.
pub(crate) fn open(base: &Path, camera: &str) -> Result<FrameSource, Failure> {
    Ok(FrameSource::open(base, &CameraId::new(camera)?)?)
}

/// The longest wait for a frame before a command looks at the health again.
const WAIT: Duration = Duration::from_millis(100);

/// Waits in the kernel for a frame after `last`, for a short time. For a ring that is over it sleeps as long, so that
/// the loop around it does not spin.
pub(crate) fn wait_a_little(source: &FrameSource, last: u64) {
    if let Waited::Over(_) = source.wait_newer(last, WAIT) {
        sleep(WAIT);
    }
}

/// The records of the frames that are there, oldest first.
pub(crate) fn records(source: &FrameSource) -> Vec<FrameRecord> {
    let reader = source.reader();
    let newest = reader.newest_id();
    let slots = u64::from(reader.header().shape().slot_count());
    let oldest = newest.saturating_sub(slots - 1).max(1);
    (oldest..=newest)
        .filter_map(|id| reader.look(id, |_, _| ()).ok())
        .map(|(record, ())| record)
        .collect()
}

#[allow(clippy::cast_precision_loss, reason = "a rate is shown with one digit")]
fn frames_per_second(records: &[FrameRecord]) -> Option<f64> {
    let (first, last) = (records.first()?, records.last()?);
    let frames = last.frame_id - first.frame_id;
    let ns = last.stamp.timestamp_ns.checked_sub(first.stamp.timestamp_ns)?;
    (frames > 0 && ns > 0).then(|| frames as f64 * 1e9 / ns as f64)
}

/// The word for a health, the same in every language.
pub(crate) fn word(health: Health) -> &'static str {
    match health {
        Health::Live => "live",
        Health::Idle => "idle",
        Health::Hung => "hung",
        Health::Dead => "dead",
        Health::Ended => "ended",
        Health::Replaced => "replaced",
        Health::Damaged => "damaged",
    }
}

/// Why a camera is not live.
fn reason(report: &HealthReport) -> Option<String> {
    let heartbeat = human_ms(Some(ms(report.heartbeat_age_ns)));
    Some(match report.health {
        Health::Live => return None,
        Health::Idle => match report.frame_age_ns {
            Some(age) => format!(
                "no frame came for {}; the writer is well",
                human_ms(Some(ms(age)))
            ),
            None => "no frame has come yet; the writer is well".to_owned(),
        },
        Health::Hung => format!("the writer's process is there and has not run for {heartbeat}"),
        Health::Dead => format!("the writer's process is gone; it ran {heartbeat} ago"),
        Health::Ended => "the camera was closed".to_owned(),
        Health::Replaced => "there is a newer ring at the path".to_owned(),
        Health::Damaged => {
            "a file is shorter than its ring, or its state is none that a writer writes".to_owned()
        }
    })
}

/// Nanoseconds as milliseconds.
#[allow(
    clippy::cast_precision_loss,
    reason = "2^53 ns are 104 days, and then a ns does not matter"
)]
pub(crate) fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
