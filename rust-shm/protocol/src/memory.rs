//! What the writer and the reader need to know about the memory of a ring. Where it comes from is not known
//! here.

use std::sync::Arc;

use crate::sync::{Byte, Word};

/// The two ranges of a ring, readable.
///
/// # Safety
///
/// For as long as the value lives, both ranges stay mapped, readable and where they are; `data` leads to
/// `data_len` bytes. What the bytes say is not promised: it may change at any time, by anybody.
pub unsafe trait RingMemory {
    /// Meta, as aligned words.
    fn meta(&self) -> &[Word];

    /// The first byte of data. It is read through, and written through only by [`WritableMemory`].
    fn data(&self) -> *mut Byte;

    /// The number of bytes of data.
    fn data_len(&self) -> usize;
}

/// Memory of a ring that this process may write.
///
/// # Safety
///
/// Both ranges are writable as well as readable.
pub unsafe trait WritableMemory: RingMemory {}

// SAFETY: the value behind the reference lives at least as long, and keeps the promise.
unsafe impl<M: RingMemory + ?Sized> RingMemory for &M {
    fn meta(&self) -> &[Word] {
        (**self).meta()
    }

    fn data(&self) -> *mut Byte {
        (**self).data()
    }

    fn data_len(&self) -> usize {
        (**self).data_len()
    }
}

// SAFETY: as above; it is the same memory.
unsafe impl<M: WritableMemory + ?Sized> WritableMemory for &M {}

// SAFETY: the `Arc` keeps the value alive, and the value keeps the promise.
unsafe impl<M: RingMemory + ?Sized> RingMemory for Arc<M> {
    fn meta(&self) -> &[Word] {
        (**self).meta()
    }

    fn data(&self) -> *mut Byte {
        (**self).data()
    }

    fn data_len(&self) -> usize {
        (**self).data_len()
    }
}

// SAFETY: as above; it is the same memory.
unsafe impl<M: WritableMemory + ?Sized> WritableMemory for Arc<M> {}
