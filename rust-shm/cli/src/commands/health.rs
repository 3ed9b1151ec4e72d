//! `vas-frames health`.

use std::path::Path;

use vas_frame_segment::CameraId;

use crate::camera::CameraReport;
use crate::failure::{Exit, Failure};
use crate::output::Output;

pub(crate) fn health(
    base: &Path,
    camera: &str,
    idle_is_well: bool,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let report = CameraReport::of(base, &CameraId::new(camera)?);
    if output.is_json {
        output.json(&report)?;
    } else {
        output.line(report.health)?;
    }
    Ok(match report.health {
        "live" => Exit::Yes,
        "idle" if idle_is_well => Exit::Yes,
        "absent" => Exit::Absent,
        "incompatible" => Exit::Incompatible,
        _ => Exit::No,
    })
}
