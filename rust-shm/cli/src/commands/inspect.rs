//! `vas-frames inspect`: the fields of PROTOCOL.md as they stand in `frame.meta`, whatever stands there.

use std::fs;
use std::os::linux::fs::MetadataExt;
use std::path::Path;

use serde::Serialize;
use vas_frame_protocol::layout::{self, header, record};
use vas_frame_segment::CameraId;

use crate::camera::{CameraReport, hex};
use crate::failure::{Exit, Failure};
use crate::host_process::{HostProcess, host_of};
use crate::output::Output;

#[derive(Serialize)]
struct Inspection {
    #[serde(flatten)]
    camera: CameraReport,
    /// The process that writes; `null` if there is none, or none that can be seen.
    writer: Option<HostProcess>,
    fields: Vec<Field>,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct Field {
    offset: usize,
    name: String,
    value: String,
}

/// Meta as it was read, and what was found in it so far.
struct Meta {
    bytes: Vec<u8>,
    fields: Vec<Field>,
    problems: Vec<String>,
}

pub(crate) fn inspect(base: &Path, camera: &str, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let camera = CameraId::new(camera)?;
    let dir = base.join(camera.as_str());
    let report = CameraReport::of(base, &camera);
    if report.health == "absent" {
        let message = format!("there is no export at {}", dir.display());
        return Err(Failure::Said(message, "SOURCE_NOT_FOUND", Exit::Absent));
    }
    let path = dir.join("frame.meta");
    // Read, not mapped: a file that is cut short meanwhile gives fewer bytes, and nothing worse happens.
    let mut meta = Meta {
        bytes: fs::read(&path).map_err(Failure::io("read", &path))?,
        fields: Vec::new(),
        problems: Vec::new(),
    };
    meta.describe(&dir);
    if let Some(error) = &report.error {
        meta.problems.push(error.message.clone());
    }
    let exit = if meta.problems.is_empty() {
        Exit::Yes
    } else {
        Exit::No
    };
    let inspection = Inspection {
        writer: host_of(base, Some(&camera)),
        camera: report,
        fields: meta.fields,
        problems: meta.problems,
    };
    if output.is_json {
        output.json(&inspection)?;
        return Ok(exit);
    }
    let reason = inspection.camera.reason.iter().map(|why| format!(": {why}"));
    output.line(&format!(
        "{}: {}{}",
        dir.display(),
        output.health(inspection.camera.health),
        reason.collect::<String>()
    ))?;
    match &inspection.writer {
        Some(writer) => output.line(&format!(
            "writer: process {} ({}), {}",
            writer.pid, writer.command, writer.state
        ))?,
        None => output.line("writer: no process that can be seen from here")?,
    }
    let rows = inspection
        .fields
        .iter()
        .map(|field| vec![field.name.clone(), field.offset.to_string(), field.value.clone()]);
    output.table(&["FIELD", "OFFSET", "VALUE"], rows.collect())?;
    for problem in &inspection.problems {
        output.line(&format!("wrong: {problem}"))?;
    }
    Ok(exit)
}

impl Meta {
    fn describe(&mut self, dir: &Path) {
        if self.bytes.len() < layout::SLOT_RECORDS {
            let has = self.bytes.len();
            self.problems
                .push(format!("frame.meta has {has} bytes, too few for a header"));
            return;
        }
        self.text("magic", header::MAGIC, 8);
        self.check(
            self.bytes[header::MAGIC..][..8] == layout::MAGIC,
            "the magic is not VASFRAME",
        );
        let [header_size, slots] = self.u32s(["header_size", "slot_count"], header::SIZE_AND_SLOT_COUNT);
        let slot_stride = self.u64("slot_stride", header::SLOT_STRIDE);
        let meta_size = self.u64("meta_size", header::META_SIZE);
        let data_size = self.u64("data_size", header::DATA_SIZE);
        let [records, record_stride] = self.u32s(
            ["slot_records_offset", "slot_record_stride"],
            header::SLOT_RECORDS,
        );
        let epoch = hex(&self.bytes[header::EPOCH..][..16]);
        self.field("epoch", header::EPOCH, epoch);
        self.u64("generation", header::GENERATION);
        let first = self.u64("first_frame_id", header::FIRST_FRAME_ID);
        let inode = self.u64("data_inode", header::DATA_INODE);
        self.u64("created_ns", header::CREATED_NS);
        self.u64("created_wall_ns", header::CREATED_WALL_NS);
        let [width, height] = self.u32s(["width", "height"], header::WIDTH_AND_HEIGHT);
        let [_, stride] = self.u32s(["pixel_format", "stride"], header::FORMAT_AND_STRIDE);
        let colours = hex(&self.bytes[header::COLOURS..][..5]);
        self.field("colours", header::COLOURS, colours);
        let [state, _] = self.u32s(["state", "reserved"], header::STATE);
        self.u64("heartbeat_ns", header::HEARTBEAT_NS);
        self.u64("frames_written", header::FRAMES_WRITTEN);
        self.u64("frames_incomplete", header::FRAMES_INCOMPLETE);
        self.u64("bytes_written", header::BYTES_WRITTEN);
        self.u64("frames_rejected", header::FRAMES_REJECTED);

        self.check(
            header_size >= header::SIZE,
            "header_size is smaller than version 1 has",
        );
        self.check(
            (layout::MIN_SLOTS..=layout::MAX_SLOTS).contains(&slots),
            "slot_count is out of range",
        );
        self.check((1..=3).contains(&state), "state is none that a writer writes");
        self.check(first >= 1, "first_frame_id is 0");
        self.check(
            meta_size <= self.bytes.len() as u64,
            "frame.meta is shorter than meta_size",
        );
        let picture = u64::from(stride) * u64::from(height) * 3 / 2;
        self.check(
            width <= stride && picture <= slot_stride,
            "a picture does not fit into slot_stride",
        );
        match fs::symlink_metadata(dir.join("frame.data")) {
            Ok(data) => {
                self.check(
                    data.st_size() >= data_size,
                    "frame.data is shorter than data_size",
                );
                self.check(
                    inode == 0 || inode == data.st_ino(),
                    "data_inode is not that of frame.data",
                );
            }
            Err(error) => self.problems.push(format!("frame.data: {error}")),
        }
        let current = self.record("current", 0);
        if !(layout::MIN_SLOTS..=layout::MAX_SLOTS).contains(&slots) || record_stride < 128 {
            return;
        }
        for slot in 0..slots as usize {
            let at = records as usize + slot * record_stride as usize;
            if at + record::END > self.bytes.len() {
                self.problems
                    .push(format!("the record of slot {slot} lies outside frame.meta"));
                return;
            }
            let sequence = self.record(&format!("slot {slot}"), at);
            let frame = sequence / 2;
            let is_its_own = sequence == 0 || sequence.div_ceil(2) % u64::from(slots) == slot as u64;
            self.check(
                is_its_own,
                &format!("slot {slot} holds frame {frame}, which is not its own"),
            );
            // One frame more than the current record tells of may be on its way.
            let is_known = frame <= current / 2 + 1;
            self.check(
                is_known,
                &format!("slot {slot} holds frame {frame}, newer than the newest"),
            );
        }
    }

    /// Describes a record and returns its sequence.
    fn record(&mut self, name: &str, at: usize) -> u64 {
        let sequence = self.number(at + record::SEQUENCE, 8);
        let (id, data_offset) = (
            self.number(at + record::FRAME_ID, 8),
            self.number(at + record::DATA_OFFSET, 8),
        );
        let flags = self.number(at + record::FLAGS_AND_CHECKSUM, 4);
        let state = match sequence {
            0 => "never held a frame".to_owned(),
            odd if odd % 2 == 1 => format!("being written: frame {}", odd.div_ceil(2)),
            even => format!("frame {}", even / 2),
        };
        let mut value = format!("{state}; sequence {sequence}, data_offset {data_offset}");
        if sequence > 0 {
            let (stamp, wall) = (
                self.number(at + record::TIMESTAMP_NS, 8),
                self.number(at + record::WALL_CLOCK_NS, 8),
            );
            value += &format!(", timestamp_ns {stamp}, wall_clock_ns {wall}");
        }
        if flags & u64::from(record::HAS_SOURCE_TIMESTAMP) != 0 {
            value += &format!(
                ", source_timestamp_ns {}",
                self.number(at + record::SOURCE_TIMESTAMP_NS, 8)
            );
        }
        if flags & u64::from(record::HAS_CHECKSUM) != 0 {
            value += &format!(
                ", checksum {:08x}",
                self.number(at + record::FLAGS_AND_CHECKSUM + 4, 4)
            );
        }
        self.field(&format!("{name} record"), at, value);
        let is_complete = sequence > 0 && sequence % 2 == 0;
        self.check(
            !is_complete || id == sequence / 2,
            &format!("{name}: frame_id {id} contradicts the sequence"),
        );
        sequence
    }

    fn check(&mut self, holds: bool, problem: &str) {
        if !holds {
            self.problems.push(problem.to_owned());
        }
    }

    fn field(&mut self, name: &str, offset: usize, value: String) {
        let name = name.to_owned();
        self.fields.push(Field { offset, name, value });
    }

    fn text(&mut self, name: &str, offset: usize, len: usize) {
        let text = self.bytes[offset..][..len].escape_ascii().to_string();
        self.field(name, offset, text);
    }

    fn u64(&mut self, name: &str, offset: usize) -> u64 {
        let value = self.number(offset, 8);
        self.field(name, offset, value.to_string());
        value
    }

    /// Two fields that share a word.
    #[allow(clippy::cast_possible_truncation, reason = "four bytes were read")]
    fn u32s(&mut self, names: [&str; 2], offset: usize) -> [u32; 2] {
        let values = [offset, offset + 4].map(|offset| self.number(offset, 4) as u32);
        for (index, name) in names.into_iter().enumerate() {
            self.field(name, offset + 4 * index, values[index].to_string());
        }
        values
    }

    fn number(&self, offset: usize, len: usize) -> u64 {
        let bytes = self.bytes[offset..][..len].iter().rev();
        bytes.fold(0, |value, &byte| value << 8 | u64::from(byte))
    }
}
