//! Times that are taken in pairs, in turns, so that what else the machine does hits both alike; and rings to take them
//! with, in a folder of their own.

#![allow(dead_code, reason = "each benchmark uses a part of it")]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;

use vas_frame_protocol::RingShape;
use vas_frame_segment::CameraId;
use vas_frame_segment::writer::{CameraLock, FileMode, Segment, SegmentOptions, new_epoch};

/// The most that a copy may take, in times of a `memcpy`.
pub const GOAL: f64 = 1.05;

pub fn create(base_dir: &Path, camera: &str, shape: RingShape) -> Segment {
    let lock = CameraLock::acquire(base_dir, &CameraId::new(camera).unwrap()).unwrap();
    let options = SegmentOptions {
        shape,
        file_mode: FileMode::default(),
        epoch: new_epoch().unwrap(),
        generation: 1,
        first_frame_id: 1,
    };
    Segment::create(&lock, &options).unwrap()
}

/// A new folder in shared memory, removed in the end.
pub struct OwnBaseDir(pub PathBuf);

impl OwnBaseDir {
    pub fn new() -> Self {
        Self(format!("/dev/shm/vas-bench-{}", std::process::id()).into())
    }
}

impl Drop for OwnBaseDir {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// Brings the bytes into the caches, as far as they fit.
pub fn warm(bytes: *const u8, len: usize) {
    // SAFETY: the callers pass a picture, which nobody writes now.
    let bytes = unsafe { std::slice::from_raw_parts(bytes, len) };
    black_box(
        bytes
            .iter()
            .step_by(64)
            .fold(0u8, |sum, &byte| sum.wrapping_add(byte)),
    );
}

pub fn time(work: impl FnOnce()) -> u64 {
    let began = Instant::now();
    work();
    began.elapsed().as_nanos() as u64
}

pub fn quantile(times: &mut [u64], percent: usize) -> u64 {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}

/// The median of the ratios pair by pair, which the machine's other work hits alike; and the ratio of the p99.
pub fn ratios(times: &mut [u64], others: &mut [u64]) -> (f64, f64) {
    let mut pairs: Vec<f64> = times
        .iter()
        .zip(&*others)
        .map(|(&time, &other)| time as f64 / other as f64)
        .collect();
    pairs.sort_unstable_by(f64::total_cmp);
    (
        pairs[pairs.len() / 2],
        quantile(times, 99) as f64 / quantile(others, 99) as f64,
    )
}
