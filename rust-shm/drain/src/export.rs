//! The export of one camera: which memory its frames go to, and who puts them there.

use crate::descriptors::{NoDescriptors, check_for_a_camera, check_for_a_pipe};
use crate::drain::Drain;
use crate::generations::{Generations, NotInPlace};
use crate::heartbeat;
use crate::link::{DrainState, Link, Stream};
use crate::opening::{ExportOptions, OpenError, THREAD_LIMITS};
use crate::pipe::Pipe;
use crate::ring::Ring;
use crate::tally::Tally;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use thiserror::Error;
use vas_frame_protocol::RingShape;

/// The frames of one camera on their way into shared memory.
///
/// One party writes at a time: the drain of the pipe that was attached last, or [`publish`](Self::publish).
/// A drain that is not needed any more reads its pipe to the end all the same, so that whoever writes into it
/// never notices anything. Nothing here waits for a drain or for a reader. Dropping an export closes it.
#[derive(Debug)]
pub struct Export {
    generations: Arc<Generations>,
    // Weak: the memory of a ring that was replaced is free once no drain is in it.
    ring: Weak<Ring>,
    path: PathBuf,
    options: ExportOptions,
    // Weak: the pipe is closed when its drain has read it to the end, however long this export is kept.
    link: Weak<Link>,
    /// The pipe that was offered, until it is accepted or withdrawn.
    offered: Option<Weak<Link>>,
    write_end: Option<OwnedFd>,
    tally: Arc<Tally>,
}

/// What became of a frame that was given to [`Export::publish`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in shared memory, with this id.
    Published(u64),
    /// Its size is not that of the geometry.
    WrongSize,
    /// A drain is the writer: a pipe is attached, or a former drain is just letting go. Or the files were removed by
    /// somebody, and new ones are put into place at this very moment.
    Draining,
    /// The export was closed, or its memory is gone, or was taken by somebody else before it was reserved.
    Closed,
}

/// Totals since the export was opened, and how it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// Published.
    pub frames_written: u64,
    /// Ended early, and dropped.
    pub frames_incomplete: u64,
    /// Refused for their size.
    pub frames_rejected: u64,
    /// Read from a pipe and thrown away, because they could not be published.
    pub frames_discarded: u64,
    /// Bytes of the published frames.
    pub bytes_written: u64,
    /// When the newest frame was complete, CLOCK_MONOTONIC; `None` before the first.
    pub last_frame_ns: Option<u64>,
    /// The state of the drain of the attached pipe.
    pub drain: DrainState,
    /// What the attached pipe carries.
    pub stream: Stream,
    /// How often something stood in a framed stream that does not belong there. Reading goes on with the next frame.
    pub stream_damages: u64,
    /// Capacity of the attached pipe; 0 if there is none.
    pub pipe_bytes: usize,
    /// The number of the generation, from 1; one more with each change of shape.
    pub generation: u64,
    /// Panics in drain threads: defects, of which each ended the publishing of one pipe.
    pub drain_panics: u64,
    /// How often the files were removed or replaced by somebody else, and put back.
    pub restored: u64,
    /// Why the files, or their memory, are not there for readers; `None` while they are. Frames are published all the
    /// same, for readers that are attached, as far as there is memory.
    pub not_in_place: Option<NotInPlace>,
}

/// No pipe is attached, and nothing has changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PipeError {
    /// The export was closed.
    #[error("the export of this camera was closed")]
    Closed,
    /// Too few descriptors would be left for the video.
    #[error("no pipe for the raw video: {0}")]
    Descriptors(#[from] NoDescriptors),
    /// The operating system gave no pipe.
    #[error("no pipe for the raw video: {0}; raise the limit of open files (ulimit -n)")]
    Pipe(#[source] io::Error),
    /// The operating system gave no thread.
    #[error("no thread to read the raw video: {0}; {THREAD_LIMITS}")]
    Thread(#[source] io::Error),
}

impl PipeError {
    /// `CLOSED`, `NO_DESCRIPTORS` or `NO_THREADS`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Closed => "CLOSED",
            Self::Descriptors(_) | Self::Pipe(_) => "NO_DESCRIPTORS",
            Self::Thread(_) => "NO_THREADS",
        }
    }
}

/// The shape is the old one, and frames of it are published as before.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReshapeError {
    /// The export was closed.
    #[error("the export of this camera was closed")]
    Closed,
    /// The memory of the new ring cannot be had.
    #[error(transparent)]
    Open(OpenError),
}

impl ReshapeError {
    /// `CLOSED` or a code of [`OpenError`].
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Closed => "CLOSED",
            Self::Open(error) => error.code(),
        }
    }
}

impl Export {
    /// Makes a camera visible to readers. Its memory is reserved in this call, or, where it is large and there is room
    /// for it, by another thread soon after: frames are published meanwhile. What somebody else takes in between is
    /// asked for once a second, and [`Statistics::not_in_place`] says so.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(options: ExportOptions) -> Result<Self, OpenError> {
        check_for_a_camera().map_err(|cause| OpenError::Descriptors {
            camera: options.camera.clone(),
            cause,
        })?;
        let path = options.base_dir.join(options.camera.as_str());
        let (generations, ring) = Generations::open(options.clone())?;
        heartbeat::sweep_once(&options.base_dir);
        let tally = Arc::new(Tally::default());
        Ok(Self {
            generations,
            ring: Arc::downgrade(&ring),
            path,
            options,
            link: Weak::new(),
            offered: None,
            write_end: None,
            tally,
        })
    }

    /// The camera's folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Geometry and number of slots.
    #[must_use]
    pub fn shape(&self) -> RingShape {
        self.options.shape
    }

    /// Makes a pipe and starts its drain. The result is the write end for the child process, which is to have
    /// it as a descriptor of its own; then [`release`](Self::release) it here, since the stream ends when all
    /// copies are closed.
    ///
    /// What comes through the pipe is published from its first byte on. A pipe that was attached before is
    /// read on to its end, and thrown away: ids and memory go on, and two streams never mix.
    ///
    /// # Errors
    /// [`PipeError`].
    pub fn attach(&mut self) -> Result<&OwnedFd, PipeError> {
        self.offer()?;
        self.accept();
        self.write_end.as_ref().ok_or(PipeError::Closed)
    }

    /// [`attach`](Self::attach) for a child process that may not start: what is attached already goes on until
    /// [`accept`](Self::accept) says that it did, or [`withdraw`](Self::withdraw) that it did not.
    ///
    /// # Errors
    /// [`PipeError`].
    pub fn offer(&mut self) -> Result<&OwnedFd, PipeError> {
        if self.generations.is_closed() {
            return Err(PipeError::Closed);
        }
        check_for_a_pipe()?;
        let frame_bytes = self.options.shape.geometry().frame_bytes();
        let pipe = Pipe::new(frame_bytes).map_err(|errno| PipeError::Pipe(errno.into()))?;
        let link = Arc::new(Link::new(pipe.read_end));
        let (generations, tally) = (Arc::clone(&self.generations), Arc::clone(&self.tally));
        let drain = Drain::new(
            Arc::clone(&link),
            generations,
            self.options.shape,
            tally,
            self.options.has_checksums,
        );
        drain.start().map_err(PipeError::Thread)?;
        self.withdraw();
        self.offered = Some(Arc::downgrade(&link));
        Ok(self.write_end.insert(pipe.write_end))
    }

    /// The process at the other end of the offered pipe has started: it takes the place of the one before.
    /// Without an offer this does nothing.
    pub fn accept(&mut self) {
        if let Some(offered) = self.offered.take() {
            self.retire();
            self.link = offered;
        }
    }

    /// Nobody took the offered pipe: its write end is closed here, which ends its drain.
    pub fn withdraw(&mut self) {
        if let Some(link) = self.offered.take().and_then(|link| link.upgrade()) {
            link.retire();
        }
        self.release();
    }

    /// Closes our copy of the write end. Idempotent.
    pub fn release(&mut self) {
        self.write_end = None;
    }

    /// Publishes a picture that is in memory: one copy, no allocation, no system call.
    pub fn publish(&mut self, picture: &[u8], source_timestamp_ns: Option<u64>) -> Outcome {
        let Some(ring) = self.current_ring() else {
            return if self.generations.is_closed() {
                Outcome::Closed
            } else {
                Outcome::Draining
            };
        };
        if ring.has_ended() {
            return Outcome::Closed;
        }
        if self.drain_state() != DrainState::Detached {
            return Outcome::Draining;
        }
        let Some(mut writer) = ring.take_writer() else {
            return Outcome::Draining;
        };
        if picture.len() != ring.frame_bytes() {
            writer.note_rejected();
            self.tally.rejected.add(1);
            return Outcome::WrongSize;
        }
        let mut slot = writer.begin();
        let id = slot.id();
        if !ring.has_room(&slot) {
            return Outcome::Closed;
        }
        if slot.write_at(0, picture).is_err() {
            return Outcome::WrongSize;
        }
        match ring.publish(slot, source_timestamp_ns, self.options.has_checksums) {
            Some(stamp) => {
                self.tally.count_published(picture.len(), stamp.timestamp_ns);
                Outcome::Published(id)
            }
            None => Outcome::Closed,
        }
    }

    /// Goes on with frames of another geometry, or another number of slots, in new memory. Readers are told to
    /// open again; frame ids go on. The attached pipe carries frames of the old size: its drain is retired, and
    /// the stream of the new size is to be attached after this. The same shape changes nothing.
    ///
    /// The new memory is reserved as by [`open`](Self::open).
    ///
    /// # Errors
    /// [`ReshapeError`]; everything is as it was then.
    pub fn reshape(&mut self, shape: RingShape) -> Result<(), ReshapeError> {
        if self.generations.is_closed() {
            return Err(ReshapeError::Closed);
        }
        if shape == self.options.shape {
            return Ok(());
        }
        let ring = self.generations.reshape(shape).map_err(|error| match error {
            Some(error) => ReshapeError::Open(error),
            None => ReshapeError::Closed,
        })?;
        self.ring = Arc::downgrade(&ring);
        self.options.shape = shape;
        self.retire();
        // An offered pipe is for frames of the old size, too, and its descriptor is in somebody's hands.
        if let Some(link) = self.offered.as_ref().and_then(Weak::upgrade) {
            link.retire();
        }
        Ok(())
    }

    /// Whether somebody has cut the files short, so that nothing can be published until they are back, or has taken the
    /// memory before it was reserved.
    #[must_use]
    pub fn has_lost_memory(&self) -> bool {
        let ring = self.ring.upgrade();
        ring.is_some_and(|ring| !ring.is_superseded() && (ring.has_ended() || ring.lacks_memory()))
    }

    fn lacks_memory(&self) -> bool {
        let ring = self.ring.upgrade();
        ring.is_some_and(|ring| !ring.is_superseded() && ring.lacks_memory())
    }

    /// Totals, and how the export is now. Some loads; no system call.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let last_frame_ns = self.tally.last_frame_ns.get();
        let drain = self.drain_state();
        let pipe_bytes = match (self.link.upgrade(), drain) {
            (None, _) | (_, DrainState::Detached) => 0,
            (Some(link), _) => link.pipe_bytes(),
        };
        Statistics {
            frames_written: self.tally.frames.get(),
            frames_incomplete: self.tally.incomplete.get(),
            frames_rejected: self.tally.rejected.get(),
            frames_discarded: self.tally.discarded.get(),
            bytes_written: self.tally.bytes.get(),
            last_frame_ns: (last_frame_ns > 0).then_some(last_frame_ns),
            drain,
            stream: self.link.upgrade().map_or(Stream::UNKNOWN, |link| link.stream()),
            stream_damages: self.tally.damages.get(),
            pipe_bytes,
            generation: self.generations.generation(),
            drain_panics: self.tally.panics.get(),
            restored: self.generations.restored(),
            not_in_place: if self.lacks_memory() {
                Some(NotInPlace::without_memory(&self.options.camera))
            } else {
                self.generations.not_in_place()
            },
        }
    }

    /// Removes the export: readers learn that it ended, its files go, and an attached pipe is drained to its
    /// end, however long that takes. Waits for nothing, never fails; a second call does nothing.
    pub fn close(&mut self) {
        if !self.generations.is_closed() {
            self.generations.close();
            self.retire();
        }
        self.withdraw();
    }

    /// [`close`](Self::close) for a process that ends without having closed the camera: readers learn that the writer
    /// is gone, and wait for its return.
    pub fn leave(&mut self) {
        if !self.generations.is_closed() {
            self.generations.leave();
            self.retire();
        }
        self.withdraw();
    }

    /// The ring to publish into; looked up anew only when the last one is gone.
    fn current_ring(&mut self) -> Option<Arc<Ring>> {
        let known = self.ring.upgrade().filter(|ring| !ring.is_superseded());
        if known.is_some() || self.generations.is_closed() {
            return known;
        }
        let ring = self.generations.current()?;
        self.ring = Arc::downgrade(&ring);
        Some(ring)
    }

    fn drain_state(&self) -> DrainState {
        self.link
            .upgrade()
            .map_or(DrainState::Detached, |link| link.state())
    }

    fn retire(&self) {
        if let Some(link) = self.link.upgrade() {
            link.retire();
        }
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        self.close();
    }
}
