//! This project. The writer publishes from memory; the reader waits in the kernel and copies the newest frame.

use std::path::Path;
use std::time::Duration;

use vas_frame_drain::{Export, ExportOptions, Outcome};
use vas_frame_protocol::{Geometry, Miss, RingShape};
use vas_frame_segment::writer::FileMode;
use vas_frame_segment::{CameraId, SourceOptions, Waited};

use crate::adapter::{Failure, Publisher, Reader};
use crate::picture::{FRAME_BYTES, Picture};

const SLOTS: u32 = 4;

pub struct Camera(Export);

impl Camera {
    pub fn new(folder: &Path) -> Result<Self, Failure> {
        Ok(Self(Export::open(ExportOptions {
            base_dir: folder.into(),
            camera: CameraId::new("camera")?,
            shape: RingShape::new(Geometry::nv12(1920, 1080)?, SLOTS)?,
            file_mode: FileMode::default(),
            has_checksums: false,
            rings_bell: true,
        })?))
    }
}

impl Publisher for Camera {
    fn publish(&mut self, picture: &Picture) -> Result<(), Failure> {
        match self.0.publish(picture.bytes, None) {
            Outcome::Published(_) => Ok(()),
            other => Err(format!("{other:?}").into()),
        }
    }
}

pub struct Follower {
    follower: vas_frame_segment::Follower,
    copy: Vec<u8>,
    refused: u64,
}

impl Follower {
    pub fn new(folder: &Path) -> Result<Self, Failure> {
        Ok(Self {
            follower: vas_frame_segment::Follower::open(&folder.join("camera"), SourceOptions::default())?,
            copy: vec![0; FRAME_BYTES],
            refused: 0,
        })
    }
}

impl Reader for Follower {
    fn next(&mut self, timeout: Duration) -> Result<bool, Failure> {
        let last = self.follower.last_frame_id();
        if !matches!(self.follower.source().wait_newer(last, timeout), Waited::Newer(_)) {
            self.follower.catch_up()?;
            return Ok(false);
        }
        match self.follower.copy_newest(&mut self.copy) {
            Ok(_) => Ok(true),
            Err(Miss::Overwritten) => {
                self.refused += 1;
                Ok(false)
            }
            Err(miss) => Err(format!("{miss:?}").into()),
        }
    }

    fn picture(&self) -> &[u8] {
        &self.copy
    }

    fn refused(&self) -> u64 {
        self.refused
    }
}
