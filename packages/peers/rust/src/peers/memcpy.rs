//! The floor: one `memcpy` into shared memory that is mapped and warm. Nobody can read it.

use std::fs::File;
use std::path::Path;

use rustix::mm::{MapFlags, ProtFlags, mmap};

use crate::adapter::{Failure, Publisher};
use crate::picture::{FRAME_BYTES, Picture};

const SLOTS: usize = 4;

pub struct Floor {
    slots: &'static mut [u8],
    next: usize,
}

impl Floor {
    pub fn new(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join("floor");
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)?;
        file.set_len((SLOTS * FRAME_BYTES) as u64)?;
        let (protection, flags) = (
            ProtFlags::READ | ProtFlags::WRITE,
            MapFlags::SHARED | MapFlags::POPULATE,
        );
        // SAFETY: a new mapping, of a file that nobody else knows.
        let start = unsafe {
            mmap(
                std::ptr::null_mut(),
                SLOTS * FRAME_BYTES,
                protection,
                flags,
                &file,
                0,
            )
        }?;
        // SAFETY: mapped above with this length, and never unmapped.
        let slots = unsafe { std::slice::from_raw_parts_mut(start.cast(), SLOTS * FRAME_BYTES) };
        Ok(Self { slots, next: 0 })
    }
}

impl Publisher for Floor {
    fn publish(&mut self, picture: &Picture) -> Result<(), Failure> {
        let start = self.next * FRAME_BYTES;
        self.slots[start..start + FRAME_BYTES].copy_from_slice(picture.bytes);
        self.next = (self.next + 1) % SLOTS;
        Ok(())
    }
}
