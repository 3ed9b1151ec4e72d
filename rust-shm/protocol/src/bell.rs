//! The word that readers wait on: the low half of the current record's sequence, which every frame changes, and the
//! end of a ring too. Nothing here waits or wakes: those are system calls.

use crate::layout::{header, record, word};
use crate::memory::{RingMemory, WritableMemory};
use crate::order::{Order, Side, full_fence};
use crate::reader::Reader;

/// Offset of the word from the start of meta. The word is a `u32`, which is what the kernel can wait on.
pub const BELL: usize = header::CURRENT_RECORD + record::SEQUENCE;

/// What stood in the word when a reader began to look.
///
/// A reader takes its ticket first, then looks, then waits as long as the word is the ticket. Whatever the writer does
/// after the ticket was taken changes the word, so there is nothing that a reader could sleep through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(u32);

impl Ticket {
    /// The value to wait with.
    #[must_use]
    pub const fn value(self) -> u32 {
        self.0
    }

    /// The bit that says what a reader waits for. Never 0.
    ///
    /// A woken reader passes the wake on to those that wait with another ticket than the value it sees, so it never
    /// wakes one that has seen as much as itself. Tickets that are 32 apart have the same bit; by then a reader has
    /// slept through sixteen frames, and its time limit has ended.
    #[must_use]
    pub const fn bit(self) -> u32 {
        1 << (self.0 % 32)
    }

    /// The bits of all readers that a reader with this ticket passes a wake on to.
    #[must_use]
    pub const fn others(self) -> u32 {
        !self.bit()
    }
}

impl<M: RingMemory> Reader<M> {
    /// Takes a ticket. Look after this call and not before it: then a wait with the ticket misses nothing.
    #[doc(hidden)]
    pub fn ticket(&self) -> Ticket {
        #[allow(
            clippy::cast_possible_truncation,
            reason = "the low half is the word to wait on"
        )]
        let ticket = Ticket(self.memory().meta()[word(BELL)].load() as u32);
        // ORDER bell: the word before the state, and before everything else that is looked at.
        full_fence(Order::Bell, Side::Reader);
        ticket
    }
}

/// Changes the word after [`set_state`](crate::set_state), so that a reader that did not see the state yet does not
/// wait. From any thread, also while the writer publishes its last frame; a second call changes nothing.
///
/// The sequence becomes that of a frame that is begun and never completed, and tells of the same newest frame as
/// before.
pub fn change_bell<M: WritableMemory>(memory: &M) {
    if let Some(word) = memory.meta().get(word(BELL)) {
        // ORDER bell: the state before the word.
        full_fence(Order::Bell, Side::Writer);
        word.set_bits(1);
    }
}
