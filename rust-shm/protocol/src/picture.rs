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
//! Under loom the bytes are atomics, and both directions go through the same two functions.

use std::marker::PhantomData;

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
    pub const fn as_ptr(&self) -> *const Byte {
        self.start
    }

    /// The number of bytes of the picture.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bytes. A picture has some.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes from `start` on, `len` of them, or `None` where the picture has not so many.
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

#[cfg(any(loom, miri))]
unsafe fn copy_out(from: *const Byte, into: *mut u8, len: usize) {
    for i in 0..len {
        // SAFETY: `i < len`, and `from` is readable for `len` bytes.
        let byte = unsafe { atomic::load(from.add(i)) };
        // SAFETY: `i < len`, and `into` is writable for `len` bytes.
        unsafe { into.add(i).write(byte) };
    }
}

#[cfg(any(loom, miri))]
pub(crate) unsafe fn copy_in(from: *const u8, into: *mut Byte, len: usize) {
    for i in 0..len {
        // SAFETY: `i < len`, and `from` is readable for `len` bytes.
        let byte = unsafe { from.add(i).read() };
        // SAFETY: `i < len`, and `into` is writable for `len` bytes.
        unsafe { atomic::store(into.add(i), byte) };
    }
}

/// Byte by byte for the tools that would call the copy a race and look no further.
#[cfg(loom)]
mod atomic {
    use crate::sync::Byte;

    pub(super) unsafe fn load(from: *const Byte) -> u8 {
        // SAFETY: promised by the caller; the model's bytes are shared values with interior mutability.
        unsafe { &*from }.load()
    }

    pub(super) unsafe fn store(into: *mut Byte, value: u8) {
        // SAFETY: promised by the caller; the model's bytes are shared values with interior mutability.
        unsafe { &*into }.store(value);
    }
}

#[cfg(all(miri, not(loom)))]
mod atomic {
    use std::sync::atomic::{AtomicU8, Ordering};

    pub(super) unsafe fn load(from: *const u8) -> u8 {
        // SAFETY: promised by the caller; every access to the picture is atomic in this build.
        unsafe { AtomicU8::from_ptr(from.cast_mut()) }.load(Ordering::Relaxed)
    }

    pub(super) unsafe fn store(into: *mut u8, value: u8) {
        // SAFETY: promised by the caller; every access to the picture is atomic in this build.
        unsafe { AtomicU8::from_ptr(into) }.store(value, Ordering::Relaxed);
    }
}
