//! A ring in memory of this process: for tests and tools, and for rings that were read from a file.

use std::cell::UnsafeCell;

use crate::header::{InitialiseError, RingIdentity, initialise};
use crate::memory::{RingMemory, WritableMemory};
use crate::shape::RingShape;
use crate::sync::Word;

/// Both ranges of a ring, allocated.
#[derive(Debug)]
pub struct HeapRing {
    meta: Box<[Word]>,
    data: Box<[UnsafeCell<u8>]>,
}

// SAFETY: the picture is reached through raw pointers only, by the writer and by readers that follow the
// protocol; meta is atomics.
unsafe impl Sync for HeapRing {}

// SAFETY: both ranges are boxed, so they stay where they are while the value lives, and their lengths are
// those of the boxes.
unsafe impl RingMemory for HeapRing {
    fn meta(&self) -> &[Word] {
        &self.meta
    }

    fn data(&self) -> *mut u8 {
        UnsafeCell::raw_get(self.data.as_ptr())
    }

    fn data_len(&self) -> usize {
        self.data.len()
    }
}

// SAFETY: meta is atomics and data is in cells: both may be written through a shared reference.
unsafe impl WritableMemory for HeapRing {}

impl HeapRing {
    /// An empty ring.
    ///
    /// # Errors
    /// [`InitialiseError`] for an identity that no ring can have.
    pub fn new(shape: RingShape, identity: &RingIdentity) -> Result<Self, InitialiseError> {
        let ring = Self::from_bytes(&vec![0; shape.meta_bytes()], &vec![0; shape.data_bytes()]);
        initialise(&ring, shape, identity)?;
        Ok(ring)
    }

    /// A copy of the two ranges, whatever they hold. Bytes of meta after the last whole word are left out.
    pub fn from_bytes(meta: &[u8], data: &[u8]) -> Self {
        Self {
            meta: meta.chunks_exact(8).map(word_from_bytes).collect(),
            data: data.iter().map(|&byte| UnsafeCell::new(byte)).collect(),
        }
    }

    /// Replaces what meta holds while readers may look at it, as another program could that may write the memory.
    pub fn overwrite_meta(&self, meta: &[u8]) {
        for (word, bytes) in self.meta.iter().zip(meta.chunks_exact(8)) {
            word.set(word_from_bytes(bytes).load());
        }
    }

    /// What meta holds now.
    #[must_use]
    pub fn meta_to_vec(&self) -> Vec<u8> {
        self.meta
            .iter()
            .flat_map(|word| word.load().to_le_bytes())
            .collect()
    }

    /// What data holds now. Nobody can be writing it: the borrow is exclusive.
    pub fn data_to_vec(&mut self) -> Vec<u8> {
        self.data.iter_mut().map(|byte| *byte.get_mut()).collect()
    }
}

fn word_from_bytes(bytes: &[u8]) -> Word {
    let mut word = [0; 8];
    word.copy_from_slice(bytes);
    Word::new(u64::from_le_bytes(word))
}
