//! The right to write a ring, handed from one party to the next. Nothing here waits, not even for a lock.
//!
//! * **baton**: what one holder did to the value happens before what the next one does.

use super::sync::{AtomicPtr, GIVE_BACK, TAKE};
use std::ptr;

/// A place where a value lies that at most one party holds at a time.
///
/// Taking and giving back are one atomic exchange each, so neither a drain nor the thread of the host can be
/// held up by the other, wherever it happens to be preempted.
#[derive(Debug)]
pub(crate) struct Baton<T> {
    lying: AtomicPtr<T>,
}

// SAFETY: the value is only ever reached through the exchange of the pointer, which gives it to one thread at
// a time; so moving it between threads (`T: Send`) is all that sharing a `Baton` does.
unsafe impl<T: Send> Sync for Baton<T> {}
// SAFETY: a `Baton` owns its value like a `Box` does.
unsafe impl<T: Send> Send for Baton<T> {}

impl<T> Baton<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            lying: AtomicPtr::new(Box::into_raw(Box::new(value))),
        }
    }

    /// The value, if nobody holds it.
    pub(crate) fn take(&self) -> Option<Box<T>> {
        // ORDER baton: acquire, pairs with the release in `give_back`.
        let value = self.lying.swap(ptr::null_mut(), TAKE);
        // SAFETY: a pointer that lies here came from `Box::into_raw`, and the exchange gave it to nobody else.
        (!value.is_null()).then(|| unsafe { Box::from_raw(value) })
    }

    /// Lays the value that `take` gave down again. Allocates nothing.
    pub(crate) fn give_back(&self, value: Box<T>) {
        // ORDER baton: release, pairs with the acquire in `take`.
        let former = self.lying.swap(Box::into_raw(value), GIVE_BACK);
        debug_assert!(former.is_null(), "there is only one value, and it was held");
    }
}

impl<T> Drop for Baton<T> {
    fn drop(&mut self) {
        drop(self.take());
    }
}
