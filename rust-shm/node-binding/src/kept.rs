//! What JavaScript of one thread holds on to natively. The engine says when it lets go of an object or a buffer, unless
//! the thread was terminated while that was made: whatever is left here goes when the thread ends.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use vas_frame_segment::{FrameSource, Mapping};

/// The files of a source, until it is closed, and its memory, until the engine has let go of each buffer over it.
enum Kept {
    Source(Arc<FrameSource>),
    Memory { _mapping: Arc<Mapping> },
}

#[derive(Default)]
struct Table {
    last_key: u64,
    entries: HashMap<u64, Kept>,
}

thread_local! {
    static TABLE: RefCell<Table> = RefCell::default();
}

/// Names something that is kept in this thread. A key that is lost costs nothing beyond the end of its thread.
#[derive(Clone, Copy)]
pub(crate) struct Key(u64);

pub(crate) fn keep_source(source: FrameSource) -> Key {
    keep(Kept::Source(Arc::new(source)))
}

pub(crate) fn keep_memory(mapping: Arc<Mapping>) -> Key {
    keep(Kept::Memory { _mapping: mapping })
}

fn keep(kept: Kept) -> Key {
    TABLE.with_borrow_mut(|table| {
        table.last_key += 1;
        table.entries.insert(table.last_key, kept);
        Key(table.last_key)
    })
}

/// Lets go; `false` if that was done before. Nothing happens once the thread has ended.
pub(crate) fn let_go(key: Key) -> bool {
    // Dropped after the borrow: unmapping takes a while.
    let kept = TABLE.try_with(|table| table.borrow_mut().entries.remove(&key.0));
    matches!(kept, Ok(Some(_)))
}

/// The source with this key, for a thread that waits for it; `None` when it was let go.
pub(crate) fn shared_source(key: Key) -> Option<Arc<FrameSource>> {
    TABLE.with_borrow(|table| match table.entries.get(&key.0) {
        Some(Kept::Source(source)) => Some(Arc::clone(source)),
        Some(Kept::Memory { .. }) | None => None,
    })
}

/// Asks the source with this key; `None` when it was let go.
pub(crate) fn with_source<T>(key: Key, ask: impl FnOnce(&FrameSource) -> T) -> Option<T> {
    TABLE.with_borrow(|table| match table.entries.get(&key.0) {
        Some(Kept::Source(source)) => Some(ask(source)),
        Some(Kept::Memory { .. }) | None => None,
    })
}
