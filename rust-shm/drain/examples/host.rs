//! A camera for the tests of readers in other languages: publishes pictures by itself or on demand, and does what it
//! is told on standard input.
//!
//! `cargo run --example host -- <base dir> <camera id> <width>x<height> [--slots N] [--fps N] [--stride N]
//! [--matrix CODE] [--full 0|1]`
//!
//! It prints the camera's folder, then a line for each command that it has carried out:
//!
//! | command | what it does |
//! | --- | --- |
//! | `publish N` | publishes N frames at once; prints the id of the last |
//! | `picture PATH` | publishes the bytes of a file as one frame; prints its id |
//! | `reshape WxH` | goes on in another size |
//! | `close` | closes the camera and ends; the end of standard input does the same |
//!
//! Each byte of a picture is the low byte of the frame's id, and each 64 bytes begin with its low four. The source's
//! time stamp is the id times 40 ms.

use std::error::Error;
use std::io::{Write, stdin, stdout};
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::spawn;
use std::time::{Duration, Instant};

use vas_frame_drain::{Export, ExportOptions, Outcome};
use vas_frame_protocol::{ColourRange, Colours, Geometry, RingShape};
use vas_frame_segment::CameraId;
use vas_frame_segment::writer::FileMode;

const USAGE: &str = "usage: host <base dir> <camera id> <width>x<height> [--slots N] [--fps N] [--stride N] \
                     [--matrix CODE] [--full 0|1]";

/// Each block of a picture begins with the low half of the frame's id.
const BLOCK: usize = 64;

const SOURCE_INTERVAL_NS: u64 = 40_000_000;

struct Host {
    export: Export,
    picture: Vec<u8>,
    next_id: u64,
}

impl Host {
    fn publish(&mut self) -> Result<u64, Box<dyn Error>> {
        let id = self.next_id.to_le_bytes();
        self.picture.fill(id[0]);
        for block in self.picture.chunks_exact_mut(BLOCK) {
            block[..4].copy_from_slice(&id[..4]);
        }
        let source_timestamp_ns = self.next_id * SOURCE_INTERVAL_NS;
        match self.export.publish(&self.picture, Some(source_timestamp_ns)) {
            Outcome::Published(id) => {
                self.next_id = id + 1;
                Ok(id)
            }
            other => Err(format!("the frame is {other:?}").into()),
        }
    }

    fn reshape(&mut self, geometry: Geometry) -> Result<(), Box<dyn Error>> {
        let former = self.export.shape();
        let shape = RingShape::new(geometry, former.slot_count())?;
        self.export.reshape(shape.with_colours(former.colours()))?;
        self.picture = vec![0; geometry.frame_bytes()];
        Ok(())
    }
}

fn geometry(size: &str) -> Result<Geometry, Box<dyn Error>> {
    let (width, height) = size.split_once('x').ok_or(USAGE)?;
    Ok(Geometry::nv12(width.parse()?, height.parse()?)?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let base_dir = PathBuf::from(arguments.next().ok_or(USAGE)?);
    let camera = CameraId::new(&arguments.next().ok_or(USAGE)?)?;
    let mut geometry_of_frames = geometry(&arguments.next().ok_or(USAGE)?)?;
    let (mut slots, mut fps) = (4, 0.0);
    let mut colours = Colours::default();
    while let Some(option) = arguments.next() {
        let value = arguments.next().ok_or(USAGE)?;
        match option.as_str() {
            "--slots" => slots = value.parse()?,
            "--fps" => fps = value.parse()?,
            "--stride" => geometry_of_frames = geometry_of_frames.with_stride(value.parse()?)?,
            "--matrix" => colours.matrix = Some(value.parse()?),
            "--full" if value == "1" => colours.range = Some(ColourRange::Full),
            "--full" => colours.range = Some(ColourRange::Limited),
            _ => return Err(USAGE.into()),
        }
    }
    let export = Export::open(ExportOptions {
        base_dir,
        camera,
        shape: RingShape::new(geometry_of_frames, slots)?.with_colours(colours),
        file_mode: FileMode::default(),
        has_checksums: true,
        rings_bell: true,
    })?;
    writeln!(stdout(), "{}", export.path().display())?;
    let mut host = Host {
        export,
        picture: vec![0; geometry_of_frames.frame_bytes()],
        next_id: 1,
    };

    let (sender, commands) = channel();
    spawn(move || {
        for line in stdin().lines() {
            if line.is_ok_and(|line| sender.send(line).is_ok()) {
                continue;
            }
            return;
        }
    });
    let interval = if fps > 0.0 {
        Duration::from_secs_f64(1.0 / fps)
    } else {
        Duration::MAX
    };
    let mut due = Instant::now().checked_add(interval);
    loop {
        let left = due.map_or(Duration::MAX, |due| due.saturating_duration_since(Instant::now()));
        match commands.recv_timeout(left) {
            Ok(command) => match command.split_once(' ').unwrap_or((&command, "")) {
                ("publish", count) => {
                    for _ in 0..count.parse()? {
                        host.publish()?;
                    }
                    writeln!(stdout(), "{}", host.next_id - 1)?;
                }
                ("picture", path) => {
                    let picture = std::fs::read(path)?;
                    match host.export.publish(&picture, None) {
                        Outcome::Published(id) => host.next_id = id + 1,
                        other => return Err(format!("{path} is {other:?}").into()),
                    }
                    writeln!(stdout(), "{}", host.next_id - 1)?;
                }
                ("reshape", size) => {
                    host.reshape(geometry(size)?)?;
                    writeln!(stdout(), "{size}")?;
                }
                ("close", _) => break,
                _ => return Err(format!("what is {command:?}?").into()),
            },
            Err(RecvTimeoutError::Timeout) => {
                host.publish()?;
                due = due.and_then(|due| due.checked_add(interval));
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    host.export.close();
    Ok(())
}
