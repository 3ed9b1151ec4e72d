//! `vas-frames record`: frames into a file, in the order in which they came.

use std::fs::File;
use std::io::{BufWriter, Write, stdout};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;
use vas_frame_protocol::{ColourRange, Geometry, Miss};

use crate::args::RecordFormat;
use crate::camera::{open, wait_a_little, word};
use crate::failure::{Exit, Failure};
use crate::output::Output;

#[derive(Serialize)]
struct Recorded {
    frames: u64,
    missed: u64,
    first_frame_id: Option<u64>,
    last_frame_id: Option<u64>,
}

pub(crate) fn record(
    base: &Path,
    camera: &str,
    frames: u64,
    (file, format): (&Path, RecordFormat),
    timeout: f64,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let source = open(base, camera)?;
    let reader = source.reader();
    let geometry = reader.header().geometry();
    let mut picture = vec![0; reader.frame_bytes()];
    let is_standard_output = file == Path::new("-");
    let mut to: BufWriter<Box<dyn Write>> = BufWriter::new(if is_standard_output {
        Box::new(stdout())
    } else {
        Box::new(File::create(file).map_err(Failure::io("create", file))?)
    });
    if let RecordFormat::Y4m = format {
        // The rate is in the time stamps of the frames, which this format does not carry; 25 is what players assume.
        let range = match reader.header().colours().range {
            Some(ColourRange::Full) => " XCOLORRANGE=FULL",
            Some(ColourRange::Limited) => " XCOLORRANGE=LIMITED",
            None => "",
        };
        let (width, height) = (geometry.width(), geometry.height());
        writeln!(to, "YUV4MPEG2 W{width} H{height} F25:1 Ip C420mpeg2{range}")?;
    }
    let timeout = Duration::try_from_secs_f64(timeout).unwrap_or(Duration::ZERO);
    let mut recorded = Recorded {
        frames: 0,
        missed: 0,
        first_frame_id: None,
        last_frame_id: None,
    };
    // A frame that is there already is older than the question.
    let mut last = reader.newest_id();
    let mut waited_since = Instant::now();
    while recorded.frames < frames {
        match reader.copy_next(last, &mut picture) {
            Ok(taken) => {
                last = taken.record.frame_id;
                // The frames before the first one were not asked for.
                recorded.missed += if recorded.frames == 0 { 0 } else { taken.missed };
                recorded.frames += 1;
                recorded.first_frame_id.get_or_insert(last);
                recorded.last_frame_id = Some(last);
                write_picture(&mut to, &picture, geometry, format)?;
                waited_since = Instant::now();
            }
            Err(Miss::Overwritten) => {}
            Err(_) if waited_since.elapsed() < timeout => wait_a_little(&source, last),
            Err(_) => break,
        }
    }
    to.flush()?;
    let is_whole = recorded.frames == frames;
    if !is_standard_output {
        if output.is_json {
            output.json(&recorded)?;
        } else {
            output.line(&format!(
                "{} frames in {}, {} missed in between",
                recorded.frames,
                file.display(),
                recorded.missed
            ))?;
        }
    }
    if !is_whole {
        let health = word(source.health());
        let message = format!(
            "only {} of {frames} frames came; the camera is {health}",
            recorded.frames
        );
        return Err(Failure::Said(message, "TIMEOUT", Exit::No));
    }
    Ok(Exit::Yes)
}

/// Writes rows without what pads them to the stride; y4m has Cb and Cr in planes of their own.
fn write_picture(
    to: &mut impl Write,
    picture: &[u8],
    geometry: Geometry,
    format: RecordFormat,
) -> Result<(), Failure> {
    let (width, stride) = (geometry.width() as usize, geometry.stride() as usize);
    let (luma, chroma) = picture.split_at(stride * geometry.height() as usize);
    let rows = |plane: &'_ [u8]| {
        plane
            .chunks_exact(stride)
            .map(|row| row[..width].to_vec())
            .collect::<Vec<_>>()
    };
    if let RecordFormat::Y4m = format {
        writeln!(to, "FRAME")?;
    }
    for row in rows(luma) {
        to.write_all(&row)?;
    }
    match format {
        RecordFormat::Nv12 => {
            for row in rows(chroma) {
                to.write_all(&row)?;
            }
        }
        RecordFormat::Y4m => {
            for component in [0, 1] {
                for row in rows(chroma) {
                    let samples: Vec<u8> = row.iter().skip(component).step_by(2).copied().collect();
                    to.write_all(&samples)?;
                }
            }
        }
    }
    Ok(())
}
