//! A slow reader in model time: the host publishes at a steady pace, and the work on a frame takes as long as it is
//! told to.

use std::path::Path;

use vas_frame_drain::{Export, Outcome};
use vas_frames::{VasFrame, VasStatus};

use super::camera::Camera;
use super::{Folder, export};

/// Time is counted in thousandths of the interval between two frames.
pub(crate) const INTERVAL: u64 = 1000;

/// A host that has published every frame whose time has come.
struct Clock {
    host: Export,
    published: u64,
    now: u64,
}

impl Clock {
    fn advance(&mut self, time: u64) {
        self.now += time;
        while (self.published + 1) * INTERVAL <= self.now {
            let picture = vec![0; self.host.shape().geometry().frame_bytes()];
            let outcome = self.host.publish(&picture, None);
            assert!(matches!(outcome, Outcome::Published(_)));
            self.published += 1;
        }
    }

    fn wait_for_the_next(&mut self) {
        self.advance(INTERVAL - self.now % INTERVAL);
    }
}

#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) delivered: u64,
    pub(crate) missed: u64,
    pub(crate) newest: u64,
    pub(crate) looks_in_one_call: u64,
}

/// Reads for the time `run`. The work on a frame takes place within a look, and after a copy.
pub(crate) fn read(slot_count: u32, work: u64, run: u64, call: &str) -> Told {
    let base = Folder::new(Path::new("/dev/shm"));
    let mut clock = Clock {
        host: export(&base.0.join("base"), (2, 2), slot_count),
        published: 0,
        now: 0,
    };
    let camera = Camera::open(clock.host.path());
    let mut into = vec![0; camera.geometry().frame_bytes];
    let mut told = Told::default();
    while clock.now < run {
        let (mut looks, mut seen) = (0, (0, 0));
        let mut copied = |(status, frame): (VasStatus, VasFrame)| {
            looks += 1;
            seen = (frame.id, frame.missed);
            status
        };
        let status = match call {
            "copy_newest" => copied(camera.copy_newest(0, &mut into)),
            "copy_next" => copied(camera.copy_next(0, &mut into)),
            call => {
                assert_eq!(call, "look_newest");
                camera.look(0, |picture| {
                    looks += 1;
                    seen = (picture.frame.id, picture.frame.missed);
                    clock.advance(work);
                })
            }
        };
        told.looks_in_one_call = told.looks_in_one_call.max(looks);
        match status {
            VasStatus::Ok => {
                told.delivered += 1;
                told.newest = seen.0;
                told.missed += seen.1;
                if call != "look_newest" {
                    clock.advance(work);
                }
            }
            VasStatus::TimedOut => clock.wait_for_the_next(),
            status => assert_eq!(status, VasStatus::Overwritten),
        }
    }
    told
}
