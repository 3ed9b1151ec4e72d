//! A file per frame: written beside its name in shared memory and renamed. The reader waits by inotify.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use inotify::{Inotify, WatchMask};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::adapter::{Failure, Publisher, Reader};
use crate::picture::{FRAME_BYTES, Picture};

pub struct Writer(PathBuf);

impl Writer {
    pub fn new(folder: &Path) -> Self {
        Self(folder.join("frame"))
    }
}

impl Publisher for Writer {
    fn publish(&mut self, picture: &Picture) -> Result<(), Failure> {
        let draft = self.0.with_extension("draft");
        fs::write(&draft, picture.bytes)?;
        Ok(fs::rename(draft, &self.0)?)
    }
}

pub struct Watcher {
    file: PathBuf,
    inotify: Inotify,
    copy: Vec<u8>,
}

impl Watcher {
    pub fn new(folder: &Path) -> Result<Self, Failure> {
        let inotify = Inotify::init()?;
        inotify.watches().add(folder, WatchMask::MOVED_TO)?;
        Ok(Self {
            file: folder.join("frame"),
            inotify,
            copy: vec![0; FRAME_BYTES],
        })
    }
}

impl Reader for Watcher {
    fn next(&mut self, timeout: Duration) -> Result<bool, Failure> {
        let timeout = Timespec::try_from(timeout)?;
        if poll(&mut [PollFd::new(&self.inotify, PollFlags::IN)], Some(&timeout))? == 0 {
            return Ok(false);
        }
        // All events that there are: the file is the newest frame, whichever of them it was.
        let mut events = [0; 16 << 10];
        let is_frame = |event: inotify::Event<&std::ffi::OsStr>| event.name == self.file.file_name();
        if !self.inotify.read_events(&mut events)?.any(is_frame) {
            return Ok(false);
        }
        fs::File::open(&self.file)?.read_exact(&mut self.copy)?;
        Ok(true)
    }

    fn picture(&self) -> &[u8] {
        &self.copy
    }
}
