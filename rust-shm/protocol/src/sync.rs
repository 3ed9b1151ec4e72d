//! The one place where atomics come from: the processor's, or loom's under `cfg(loom)`.
//!
//! Stores are visible to this crate only: whoever is handed a [`Word`] can load it and nothing else.

#[cfg(not(loom))]
mod real {
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Eight bytes of meta, aligned. Same size and layout as `u64`.
    ///
    /// Every access to meta is made through this type, so none of them is a data race, whatever the other
    /// side does.
    #[derive(Debug)]
    #[repr(transparent)]
    pub struct Word(AtomicU64);

    impl Word {
        /// A word of memory that belongs to this process.
        #[must_use]
        pub const fn new(value: u64) -> Self {
            Self(AtomicU64::new(value))
        }

        /// The value now.
        ///
        /// Always relaxed, with fences where order is needed: on memory that is mapped read-only, Rust
        /// promises relaxed loads and no others (`std::sync::atomic`, "Atomic accesses to read-only memory").
        #[inline]
        pub fn load(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }

        #[inline]
        pub(crate) fn store(&self, value: u64, ordering: Ordering) {
            self.0.store(value, ordering);
        }

        #[inline]
        pub(crate) fn set(&self, value: u64) {
            self.store(value, Ordering::Relaxed);
        }

        #[inline]
        pub(crate) fn set_bits(&self, bits: u64) {
            self.0.fetch_or(bits, Ordering::Relaxed);
        }
    }

    /// A byte of a picture.
    pub type Byte = u8;

    /// A byte of a picture as Miri is to see it.
    #[cfg(miri)]
    #[repr(transparent)]
    pub(crate) struct AtomicByte(std::sync::atomic::AtomicU8);

    #[cfg(miri)]
    impl AtomicByte {
        pub(crate) fn load(&self) -> u8 {
            self.0.load(Ordering::Relaxed)
        }

        pub(crate) fn store(&self, value: u8) {
            self.0.store(value, Ordering::Relaxed);
        }
    }

    pub(crate) use std::sync::atomic::fence;
}

#[cfg(loom)]
mod model {
    use loom::sync::atomic::{AtomicU8, AtomicU64, Ordering};
    use std::sync::atomic::{AtomicU8 as PlainU8, AtomicU64 as PlainU64};

    /// A word of meta. A model chooses the words that loom watches. Watching all of them would leave it with more
    /// executions than can be explored.
    #[derive(Debug)]
    pub enum Word {
        /// Loom explores every value that a load may see.
        Watched(AtomicU64),
        /// A load sees the latest store, and loom does not know of it.
        Plain(PlainU64),
    }

    impl Word {
        /// A word that loom watches.
        #[must_use]
        pub fn watched(value: u64) -> Self {
            Self::Watched(AtomicU64::new(value))
        }

        /// A word that loom does not watch.
        #[must_use]
        pub fn plain(value: u64) -> Self {
            Self::Plain(PlainU64::new(value))
        }

        /// The value that a load may see now.
        pub fn load(&self) -> u64 {
            match self {
                Self::Watched(word) => word.load(Ordering::Relaxed),
                Self::Plain(word) => word.load(Ordering::SeqCst),
            }
        }

        pub(crate) fn store(&self, value: u64, ordering: Ordering) {
            match self {
                Self::Watched(word) => word.store(value, ordering),
                Self::Plain(word) => word.store(value, Ordering::SeqCst),
            }
        }

        pub(crate) fn set(&self, value: u64) {
            self.store(value, Ordering::Relaxed);
        }

        pub(crate) fn set_bits(&self, bits: u64) {
            match self {
                Self::Watched(word) => _ = word.fetch_or(bits, Ordering::Relaxed),
                Self::Plain(word) => _ = word.fetch_or(bits, Ordering::SeqCst),
            }
        }
    }

    /// A byte of a picture, watched by loom or not.
    #[derive(Debug)]
    pub enum Byte {
        /// Loom explores every value that a load may see.
        Watched(AtomicU8),
        /// A load sees the latest store, and loom does not know of it.
        Plain(PlainU8),
    }

    impl Byte {
        /// A byte that loom watches.
        #[must_use]
        pub fn watched(value: u8) -> Self {
            Self::Watched(AtomicU8::new(value))
        }

        /// A byte that loom does not watch.
        #[must_use]
        pub fn plain(value: u8) -> Self {
            Self::Plain(PlainU8::new(value))
        }

        pub(crate) fn load(&self) -> u8 {
            match self {
                Self::Watched(byte) => byte.load(Ordering::Relaxed),
                Self::Plain(byte) => byte.load(Ordering::SeqCst),
            }
        }

        pub(crate) fn store(&self, value: u8) {
            match self {
                Self::Watched(byte) => byte.store(value, Ordering::Relaxed),
                Self::Plain(byte) => byte.store(value, Ordering::SeqCst),
            }
        }
    }

    pub(crate) use loom::sync::atomic::fence;
}

#[cfg(loom)]
pub use model::{Byte, Word};
#[cfg(loom)]
pub(crate) use model::{Byte as AtomicByte, fence};
#[cfg(all(miri, not(loom)))]
pub(crate) use real::AtomicByte;
#[cfg(not(loom))]
pub(crate) use real::fence;
#[cfg(not(loom))]
pub use real::{Byte, Word};
