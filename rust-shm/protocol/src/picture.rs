//! The bytes of a picture, which the other side may change while they are looked at: how they are copied,
//! and what a reader is handed instead of a `&[u8]`.
//!
//! Copying bytes that another thread writes is a data race in the language's terms, and there is no bytewise
//! atomic copy in stable Rust (RFC 3301) that would make it none. What is done here is what seqlocks do in
//! practice (Boehm, HPL-2012-68, section 4; the seqlock crate): copy with the ordinary routine at full speed,
//! conclude nothing from the bytes, and throw them away if the sequence moved. What could go wrong is that the
//! compiler, believing that nobody writes, reads the source again later or moves the copy over a fence. It
//! can do neither: the copy is a function that is never inlined, so its caller knows only that memory was
//! touched, and a fence stands between it and the second look at the sequence. The writer is
//! as a rule in another process, where the language has no say, and only the processor's order counts.
//!
//! Under loom and Miri the bytes are atomics, behind the same two functions.

use std::marker::PhantomData;

#[cfg(any(loom, miri))]
use crate::sync::AtomicByte;
use crate::sync::Byte;

/// A picture in the ring, in place. Its bytes may change while they are read.
///
/// That is why it is not a `&[u8]`. What is computed from it is garbage if the frame was overwritten
/// meanwhile, which the reader finds out afterwards; do nothing with it that garbage could make unsafe.
#[derive(Clone, Copy, Debug)]
pub struct RacyBytes<'a> {
    start: *const Byte,
    len: usize,
    memory: PhantomData<&'a Byte>,
}

impl<'a> RacyBytes<'a> {
    /// # Safety
    ///
    /// `start` leads to `len` bytes that stay mapped and readable for `'a`.
    pub(crate) const unsafe fn new(start: *const Byte, len: usize) -> Self {
        Self {
            start,
            len,
            memory: PhantomData,
        }
    }

    /// Where the picture is. Valid for [`len`](Self::len) bytes while this value lives.
    #[must_use]
    pub const fn as_ptr(&self) -> *const Byte {
        self.start
    }

    /// The number of bytes of the picture.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bytes. A picture has some.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes from `start` on, `len` of them, or `None` where the picture has not so many.
    #[must_use]
    pub fn slice(&self, start: usize, len: usize) -> Option<RacyBytes<'a>> {
        if start.checked_add(len)? > self.len {
            return None;
        }
        // SAFETY: `start <= self.len`, so the result is inside the picture or one past its end.
        let first = unsafe { self.start.add(start) };
        // SAFETY: `start + len <= self.len`, and the whole picture stays readable for `'a`.
        Some(unsafe { RacyBytes::new(first, len) })
    }

    /// Copies the first bytes into `into`, as many as both have, and returns how many.
    ///
    /// As fast as `memcpy`, which it is.
    pub fn copy_to(&self, into: &mut [u8]) -> usize {
        let len = self.len.min(into.len());
        // SAFETY: both have at least `len` bytes, and an exclusive slice cannot lie inside the ring.
        unsafe { copy_out(self.start, into.as_mut_ptr(), len) };
        len
    }
}

/// Copies `len` bytes out of a picture that may be changing.
///
/// # Safety
///
/// `from` is readable and `into` writable for `len` bytes; they do not overlap.
#[cfg(not(any(loom, miri)))]
#[inline(never)]
unsafe fn copy_out(from: *const Byte, into: *mut u8, len: usize) {
    // SAFETY: promised by the caller. For the race with the writer see the top of this file.
    unsafe { std::ptr::copy_nonoverlapping(from, into, len) };
}

/// Copies `len` bytes into a picture that others may be reading.
///
/// # Safety
///
/// `from` is readable and `into` writable for `len` bytes; they do not overlap.
#[cfg(not(any(loom, miri)))]
#[inline(never)]
pub(crate) unsafe fn copy_in(from: *const u8, into: *mut Byte, len: usize) {
    // SAFETY: promised by the caller. For the race with readers see the top of this file.
    unsafe { std::ptr::copy_nonoverlapping(from, into, len) };
}

/// `copy_out` byte by byte, for the tools that would call it a race and look no further.
#[cfg(any(loom, miri))]
unsafe fn copy_out(from: *const Byte, into: *mut u8, len: usize) {
    // SAFETY: promised by the caller; in this build every access to a picture is atomic.
    let from = unsafe { std::slice::from_raw_parts(from.cast::<AtomicByte>(), len) };
    // SAFETY: promised by the caller.
    let into = unsafe { std::slice::from_raw_parts_mut(into, len) };
    into.iter_mut()
        .zip(from)
        .for_each(|(into, from)| *into = from.load());
}

/// `copy_in` byte by byte, for the same tools.
#[cfg(any(loom, miri))]
pub(crate) unsafe fn copy_in(from: *const u8, into: *mut Byte, len: usize) {
    // SAFETY: promised by the caller.
    let from = unsafe { std::slice::from_raw_parts(from, len) };
    // SAFETY: promised by the caller; in this build every access to a picture is atomic.
    let into = unsafe { std::slice::from_raw_parts(into.cast::<AtomicByte>(), len) };
    into.iter().zip(from).for_each(|(into, from)| into.store(*from));
}
