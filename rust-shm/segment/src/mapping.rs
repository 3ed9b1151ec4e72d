//! Mapped memory of a ring. The only place that maps and unmaps.

use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::io::{Errno, retry_on_intr};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, munmap};
use vas_frame_protocol::layout::PAGE;
use vas_frame_protocol::{Byte, RingMemory, Word, WritableMemory};

use crate::bell::Bell;
use crate::truncation_guard::Guard;
use crate::writer::data_file::{DataFile, reserve_part};

/// How a reader maps the files, which it has opened read-only in either case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MapMode {
    /// `MAP_SHARED`, `PROT_READ`: a store is a crash. For readers that cannot store by mistake.
    #[default]
    ReadOnly,
    /// `MAP_PRIVATE`, `PROT_READ | PROT_WRITE`: a store stays in this process, and from then on this process
    /// no longer sees what the writer writes to that page, until [`Mapping::drop_stores`]. For memory that is
    /// handed to JavaScript.
    ///
    /// Whatever makes the kernel break the sharing of a page in advance breaks it here too: a process that
    /// locks its memory (`mlockall`) cannot read frames in this mode.
    PrivateWritable,
}

/// How much memory is asked for by one system call, which takes a fraction of a millisecond.
const POPULATE_STEP: usize = 256 << 10;

/// How much is reserved by one system call that nobody waits for.
const RESERVE_STEP: usize = 1 << 20;

/// A mapped byte range of a file, unmapped on drop.
#[derive(Debug)]
struct Region {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: a range of addresses belongs to the process, not to a thread.
unsafe impl Send for Region {}
// SAFETY: as above; what is done with the bytes is the protocol's concern.
unsafe impl Sync for Region {}

impl Region {
    fn map(file: BorrowedFd<'_>, len: usize, protection: ProtFlags, flags: MapFlags) -> Result<Self, Errno> {
        // SAFETY: the kernel chooses the address, so nothing that is mapped already is touched.
        let start = unsafe { mmap(std::ptr::null_mut(), len, protection, flags, file, 0) }?;
        let start = NonNull::new(start.cast()).ok_or(Errno::NOMEM)?;
        Ok(Self { start, len })
    }

    /// A fork does not copy it. Only for memory that no child may want to look at.
    fn keep_from_children(&self) {
        // SAFETY: the range is this mapping, and no child of this process runs any of its code.
        let _ = unsafe { madvise(self.start.as_ptr().cast(), self.len, Advice::LinuxDontFork) };
    }

    /// Maps all pages now, so that the first look costs no more than later ones. For reading only: the pages
    /// of a private mapping stay shared with the file, which `MAP_POPULATE` would end.
    fn populate_for_reading(&self) {
        // SAFETY: the range is this mapping. An old kernel that does not know the advice refuses it, and
        // nothing is lost but time.
        let _ = unsafe { madvise(self.start.as_ptr().cast(), self.len, Advice::LinuxPopulateRead) };
    }

    /// Makes the pages of a part exist and maps them, in short steps: every thread of this process that maps or unmaps
    /// memory waits for the step that is under way. `EFAULT` where the file system has no room, `EINVAL` before Linux
    /// 5.14.
    fn populate_for_writing(&self, offset: usize, len: usize) -> Result<(), Errno> {
        let end = self.len.min(offset.saturating_add(len));
        let mut at = offset - offset % PAGE;
        while at < end {
            let step = POPULATE_STEP.min(end - at);
            // SAFETY: the part lies inside the mapping.
            let start = unsafe { self.start.as_ptr().add(at) };
            // SAFETY: as above; the pages are shared with the file, and none of their bytes is changed.
            retry_on_intr(|| unsafe { madvise(start.cast(), step, Advice::LinuxPopulateWrite) })?;
            at += step;
        }
        Ok(())
    }

    /// Drops the pages that are this mapping's own, so that the file's are seen again.
    fn drop_private_pages(&self) {
        // SAFETY: a private mapping of a file, whose pages come back from the file; what was stored is meant to go.
        // It cannot fail for a range that is mapped.
        let _ = unsafe { madvise(self.start.as_ptr().cast(), self.len, Advice::LinuxDontNeed) };
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: the range was mapped in `map`, and whoever could still look at it borrows from this value.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.len) };
    }
}

/// The two files of a ring, mapped for reading. Unmapped on drop; share it with an [`Arc`](std::sync::Arc).
///
/// A file that somebody makes shorter, which nobody who may only read it can do, turns the mapping into zeros
/// when its end is looked at: see [`is_lost`](Self::is_lost).
#[derive(Debug)]
pub struct Mapping {
    // First: the ranges must not be unmapped while they are guarded.
    guard: Guard,
    meta: Region,
    data: Region,
    /// `None` for the writer's.
    mode: Option<MapMode>,
}

impl Mapping {
    pub(crate) fn for_reading(
        (meta, meta_len): (BorrowedFd<'_>, usize),
        (data, data_len): (BorrowedFd<'_>, usize),
        mode: MapMode,
        populate: bool,
    ) -> Result<Self, Errno> {
        let (protection, flags) = match mode {
            MapMode::ReadOnly => (ProtFlags::READ, MapFlags::SHARED),
            MapMode::PrivateWritable => (
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE | MapFlags::NORESERVE,
            ),
        };
        let meta = Region::map(meta, meta_len, protection, flags)?;
        let data = Region::map(data, data_len, protection, flags)?;
        if populate {
            meta.populate_for_reading();
            data.populate_for_reading();
        }
        Ok(Self::guarded(meta, data, Some(mode)))
    }

    fn guarded(meta: Region, data: Region, mode: Option<MapMode>) -> Self {
        let ranges = [&meta, &data].map(|region| (region.start.as_ptr(), region.len));
        // SAFETY: both are mappings of this value, which drops the guard before them. What is in a ring may be
        // anything at any time.
        let guard = unsafe { Guard::new(ranges) };
        Self {
            guard,
            meta,
            data,
            mode,
        }
    }

    /// Whether a file turned out to be shorter than it was when it was mapped. There are only zeros then.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.guard.is_lost()
    }

    /// The first byte of meta. Writing through it is for [`MapMode::PrivateWritable`] only.
    #[doc(hidden)]
    #[must_use]
    pub fn meta_ptr(&self) -> *mut u8 {
        self.meta.start.as_ptr()
    }

    /// Drops what was stored into the pictures of a [`MapMode::PrivateWritable`] mapping, which then show again what
    /// the writer writes. One system call; what is looked at next is mapped anew by page faults.
    #[doc(hidden)]
    pub fn drop_stores(&self) {
        if self.mode == Some(MapMode::PrivateWritable) {
            self.data.drop_private_pages();
        }
    }

    /// Bytes of meta.
    #[must_use]
    pub fn meta_len(&self) -> usize {
        self.meta.len
    }
}

// SAFETY: both ranges stay mapped and readable until this value is dropped.
unsafe impl RingMemory for Mapping {
    fn meta(&self) -> &[Word] {
        // SAFETY: the mapping is readable, begins at a page and lives as long as `self`. `Word` has the layout
        // of `u64`, every pattern of bits is one, and it allows for others changing it.
        unsafe { std::slice::from_raw_parts(self.meta.start.as_ptr().cast::<Word>(), self.meta.len / 8) }
    }

    fn data(&self) -> *mut Byte {
        self.data.start.as_ptr()
    }

    fn data_len(&self) -> usize {
        self.data.len
    }
}

/// The first page of a meta file, mapped so that the kernel can wait and wake there. Never looked at by this process:
/// it is not guarded against a file that is made shorter.
#[derive(Debug)]
pub(crate) struct BellPage(Region);

impl BellPage {
    pub(crate) fn map(meta: BorrowedFd<'_>) -> Result<Self, Errno> {
        Region::map(meta, PAGE, ProtFlags::READ, MapFlags::SHARED).map(Self)
    }

    pub(crate) fn bell(&self) -> Bell<'_> {
        // SAFETY: a shared mapping of the first page, which lives as long as the borrow.
        unsafe { Bell::in_page(self.0.start.as_ptr()) }
    }
}

/// The two files of a ring, mapped for its writer. Unmapped on drop; share it with an
/// [`Arc`](std::sync::Arc), so that a thread that still writes keeps the memory while the files are gone
/// already.
#[derive(Debug)]
pub struct WritableMapping {
    mapping: Mapping,
    /// Bytes of data, from the first on, whose memory is there. What follows may be there too.
    reserved: AtomicUsize,
    is_refused: AtomicBool,
    data_file: DataFile,
}

impl WritableMapping {
    /// Maps both files; `reserved` bytes of data have their memory already, and all of meta. The pages of data are
    /// mapped by whoever reserves the rest, or writes the first pictures: that takes the drain's thread a third of a
    /// millisecond for each of the first `slot_count` frames of 1080p. Mapping all of them here would take the host's
    /// thread as long for each slot.
    ///
    /// A fork does not copy the mapping: no child has a use for it, and copying page tables holds up the thread that
    /// forks.
    pub(crate) fn new(
        (meta, meta_len): (BorrowedFd<'_>, usize),
        (data, data_len): (BorrowedFd<'_>, usize),
        data_file: DataFile,
        reserved: usize,
    ) -> Result<Self, Errno> {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        let meta = Region::map(meta, meta_len, protection, MapFlags::SHARED | MapFlags::POPULATE)?;
        let data = Region::map(data, data_len, protection, MapFlags::SHARED)?;
        meta.keep_from_children();
        data.keep_from_children();
        Ok(Self {
            mapping: Mapping::guarded(meta, data, None),
            reserved: AtomicUsize::new(reserved),
            is_refused: AtomicBool::new(false),
            data_file,
        })
    }

    /// Bytes of data whose memory is still to be reserved.
    pub(crate) fn unreserved(&self) -> usize {
        // ORDER reserve: relaxed, what it counts is the kernel's, and stays once it is there.
        self.data_len() - self.reserved.load(Ordering::Relaxed)
    }

    /// Reserves what is still to be reserved. It may be tried again.
    ///
    /// # Errors
    /// `ENOSPC` or `EFAULT` if the file system has no room.
    pub(crate) fn reserve(&self) -> Result<(), Errno> {
        let file = self.data_file.open();
        while self.unreserved() > 0 {
            let at = self.data_len() - self.unreserved();
            let step = RESERVE_STEP.min(self.unreserved());
            let reserved = match &file {
                Some(file) => reserve_part(file, at, step),
                None => self.mapping.data.populate_for_writing(at, step),
            };
            // ORDER reserve: relaxed, as above.
            self.is_refused.store(reserved.is_err(), Ordering::Relaxed);
            reserved?;
            // ORDER reserve: relaxed, as above. Two that reserve at once reserve the same.
            self.reserved.fetch_max(at + step, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Whether there is memory for a picture of `len` bytes at `offset` of data; reserves it if nobody has yet. One load
    /// once all of the memory is reserved.
    #[must_use]
    pub fn has_room(&self, offset: usize, len: usize) -> bool {
        self.unreserved() == 0 || self.mapping.data.populate_for_writing(offset, len).is_ok()
    }

    /// Whether somebody else took memory that was free when the ring was made, before it was reserved. It is asked for
    /// again: see [`reserve_later`](crate::writer::reserve_later).
    #[must_use]
    pub fn lacks_memory(&self) -> bool {
        // ORDER reserve: relaxed, as above.
        self.is_refused.load(Ordering::Relaxed)
    }

    /// Whether a file was made shorter. What is written since is seen by nobody.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.mapping.is_lost()
    }

    /// Wakes one reader that waits for a frame, if there is one; it wakes the next. One system call of constant cost,
    /// which waits for nobody. After a frame was published, or the state has changed.
    pub fn ring_bell(&self) {
        Bell::of(&self.mapping).ring();
    }
}

// SAFETY: both ranges stay mapped and readable until this value is dropped.
unsafe impl RingMemory for WritableMapping {
    fn meta(&self) -> &[Word] {
        self.mapping.meta()
    }

    fn data(&self) -> *mut Byte {
        self.mapping.data()
    }

    fn data_len(&self) -> usize {
        self.mapping.data_len()
    }
}

// SAFETY: both ranges are mapped with PROT_WRITE.
unsafe impl WritableMemory for WritableMapping {}
