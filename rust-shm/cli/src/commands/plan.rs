//! `vas-frames plan`: what cameras need, by slopes that were measured, beside what this machine allows.

use std::path::Path;
use std::thread::available_parallelism;

use serde::Serialize;
use vas_frame_protocol::{Geometry, RingShape};

use crate::args::Plan;
use crate::failure::{Exit, Failure};
use crate::host_process::{HostProcess, host_of};
use crate::limits::{Subject, free_bytes, mappings, memory_bytes};
use crate::output::{Output, human_bytes};

/// Descriptors of one camera in the host: see the `cameras` benchmark of the drain.
const DESCRIPTORS: u64 = 3;
/// Descriptors of a host that has no camera yet, where none can be seen.
const DESCRIPTORS_OF_HOST: u64 = 32;
/// The exporter opens a camera only while so many descriptors are free beside those that it keeps for the video: half
/// of the limit, and at most [`MOST_KEPT`].
const DESCRIPTORS_TO_OPEN: u64 = 8;
const MOST_KEPT: u64 = 1024;
const THREADS: u64 = 1;
const MAPPINGS: u64 = 4;
const MAPPINGS_OF_HOST: u64 = 2_000;
const THREADS_OF_HOST: u64 = 32;
/// Capacity of one camera's pipe: with many cameras each new pipe is smaller, and none is smaller than that.
const PIPE_BYTES: u64 = 32 << 10;
/// CPU time of the drain for a frame: the `read` calls of its bytes are nearly all of it.
const DRAIN_US_PER_FRAME: f64 = 5.0;
const DRAIN_US_PER_KB: f64 = 0.145;
/// FFmpeg's own `write` of the same bytes.
const WRITE_TO_READ: f64 = 1.25;
/// A reader that copies a frame: one pass over memory.
const COPY_US_PER_KB: f64 = 0.05;

#[derive(Serialize)]
struct Planned {
    cameras: u64,
    width: u32,
    height: u32,
    frames_per_second: f64,
    needs: Vec<Need>,
    /// The need whose limit is reached with the fewest cameras.
    bound: Option<&'static str>,
    /// Beside the cameras that `host` has already.
    cameras_that_fit: Option<u64>,
    /// The process whose use of its limits is counted; `null` if none exports here, or none that can be seen.
    host: Option<HostProcess>,
    container_flags: String,
}

#[derive(Serialize)]
struct Need {
    what: &'static str,
    unit: &'static str,
    per_camera: f64,
    in_all: f64,
    limit: Option<f64>,
    /// What sets the limit, and how it is raised.
    limit_is: &'static str,
    cameras_that_fit: Option<u64>,
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a plan is good to three digits, and its numbers are positive"
)]
pub(crate) fn plan(base: &Path, plan: &Plan, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let geometry = Geometry::nv12(plan.size.0, plan.size.1)?;
    let shape = RingShape::new(geometry, plan.slots)?;
    let ring = (shape.meta_bytes() + shape.data_bytes()) as u64;
    let frame_kb = geometry.frame_bytes() as f64 / 1024.0;
    let drain_us = DRAIN_US_PER_FRAME + DRAIN_US_PER_KB * frame_kb;
    let drain = drain_us * plan.fps / 1e6;
    let cpu =
        drain * (1.0 + WRITE_TO_READ) + COPY_US_PER_KB * frame_kb * plan.fps / 1e6 * plan.readers as f64;
    // Three passes over memory by the writer: into the pipe, out of it, into the slot. Two by each reader: out of the
    // slot, into its copy.
    let traffic = geometry.frame_bytes() as f64 * plan.fps * (3.0 + 2.0 * plan.readers as f64);

    let cameras = plan.cameras as f64;
    let need = |what, unit, per_camera: f64, of_host: f64, limit: Option<f64>, limit_is| {
        let fit = limit.map(|limit| ((limit - of_host).max(0.0) / per_camera) as u64);
        Need {
            what,
            unit,
            per_camera,
            in_all: per_camera * cameras + of_host,
            limit,
            limit_is,
            cameras_that_fit: fit,
        }
    };
    let host = host_of(base, None);
    let subject = Subject(host.as_ref().map(|host| host.pid));
    let used = |of: fn(&HostProcess) -> u64, otherwise| host.as_ref().map_or(otherwise, of) as f64;
    let descriptors_limit = subject.limit("Max open files");
    // What stays free when the last camera that fits is open.
    let descriptors_kept = descriptors_limit.map_or(0, |limit| {
        (limit / 2).min(MOST_KEPT) + DESCRIPTORS_TO_OPEN - DESCRIPTORS
    });
    let needs = vec![
        need(
            "shared memory",
            "bytes",
            ring as f64,
            0.0,
            free_bytes(base).map(|bytes| bytes as f64),
            "free in the base folder's file system; --shm-size",
        ),
        need(
            "memory",
            "bytes",
            ring as f64 + 300_000.0,
            0.0,
            memory_bytes().map(|bytes| bytes as f64),
            "available, or the control group's memory.max; --memory",
        ),
        need(
            "pipe memory",
            "bytes",
            PIPE_BYTES as f64,
            0.0,
            subject.pipe_bytes().map(|bytes| bytes as f64),
            "fs.pipe-user-pages-soft, for all but root outside of containers",
        ),
        need(
            "descriptors",
            "",
            DESCRIPTORS as f64,
            used(|host| host.descriptors, DESCRIPTORS_OF_HOST) + descriptors_kept as f64,
            descriptors_limit.map(|limit| limit as f64),
            "ulimit -n, part of it kept for the video; --ulimit nofile",
        ),
        need(
            "threads",
            "",
            THREADS as f64,
            if host.is_some() {
                0.0
            } else {
                THREADS_OF_HOST as f64
            },
            subject.threads_left().map(|threads| threads as f64),
            "left of ulimit -u, pids.max, TasksMax; --pids-limit",
        ),
        need(
            "mappings",
            "",
            MAPPINGS as f64,
            used(|host| host.mappings, MAPPINGS_OF_HOST),
            mappings().map(|mappings| mappings as f64),
            "vm.max_map_count",
        ),
        need(
            "processors",
            "",
            cpu,
            0.0,
            cores(),
            "cores, for the frames alone: decoding comes on top",
        ),
        need(
            "memory traffic",
            "bytes/s",
            traffic,
            0.0,
            None,
            "what the machine's memory can move",
        ),
    ];
    let bound = needs
        .iter()
        .filter(|need| need.cameras_that_fit.is_some())
        .min_by_key(|need| need.cameras_that_fit);
    let (bound, fit) = (
        bound.map(|need| need.what),
        bound.and_then(|need| need.cameras_that_fit),
    );
    let shm_mib = (ring * plan.cameras).div_ceil(1 << 20) + 64;
    let planned = Planned {
        cameras: plan.cameras,
        width: geometry.width(),
        height: geometry.height(),
        frames_per_second: plan.fps,
        container_flags: format!(
            "--shm-size={shm_mib}m --ulimit nofile={} --pids-limit={}",
            descriptors_for(DESCRIPTORS * plan.cameras + DESCRIPTORS_OF_HOST + DESCRIPTORS_TO_OPEN),
            (THREADS * plan.cameras + 256).next_power_of_two()
        ),
        host,
        needs,
        bound,
        cameras_that_fit: fit,
    };
    let fits = planned.cameras_that_fit.is_none_or(|fit| fit >= plan.cameras);
    if output.is_json {
        output.json(&planned)?;
        return Ok(if fits { Exit::Yes } else { Exit::No });
    }
    let shown = |value: f64, unit: &str| match unit {
        "bytes" => human_bytes(value as u64),
        "bytes/s" => format!("{}/s", human_bytes(value as u64)),
        _ if value < 10.0 && value.fract() > 0.0 => format!("{value:.3}"),
        _ => format!("{value:.0}"),
    };
    let rows = planned.needs.iter().map(|need| {
        vec![
            need.what.to_owned(),
            shown(need.per_camera, need.unit),
            shown(need.in_all, need.unit),
            need.limit
                .map_or_else(|| "-".to_owned(), |limit| shown(limit, need.unit)),
            need.cameras_that_fit
                .map_or_else(|| "-".to_owned(), |fit| fit.to_string()),
            need.limit_is.to_owned(),
        ]
    });
    output.table(
        &[
            "WHAT",
            "PER CAMERA",
            "IN ALL",
            "LIMIT",
            "FIT",
            "WHAT SETS THE LIMIT",
        ],
        rows.collect(),
    )?;
    if let (Some(bound), Some(fit)) = (planned.bound, planned.cameras_that_fit) {
        let enough = if fits { "enough" } else { "NOT ENOUGH" };
        output.line(&match &planned.host {
            Some(host) => format!(
                "{enough}: {fit} more cameras fit beside the {} of process {} ({}), {bound} comes first",
                host.cameras, host.pid, host.command
            ),
            None => format!("{enough}: {fit} cameras fit, {bound} comes first"),
        })?;
    }
    output.line(&format!("container: {}", planned.container_flags))?;
    Ok(if fits { Exit::Yes } else { Exit::No })
}

/// The limit of open files that leaves so many free beside those that the exporter keeps.
fn descriptors_for(open: u64) -> u64 {
    let limit = if open < MOST_KEPT {
        2 * open
    } else {
        open + MOST_KEPT
    };
    limit.next_power_of_two().max(1024)
}

#[allow(clippy::cast_precision_loss, reason = "a count of processors")]
fn cores() -> Option<f64> {
    available_parallelism().ok().map(|cores| cores.get() as f64)
}
