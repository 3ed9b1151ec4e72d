//! What takes milliseconds and need not be waited for: reserving the memory of a large ring, and giving it back. Done
//! by a thread that is there only while there is something to do.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;

use crate::mapping::WritableMapping;

/// Rings with more memory than this get it, and give it back, later; a caller can wait for a smaller one.
const LARGE: u64 = 512 << 10;

struct Queue {
    /// Whatever holds memory that is to be given back.
    to_drop: VecDeque<Box<dyn Send>>,
    to_reserve: VecDeque<Weak<WritableMapping>>,
    /// Rings whose memory was promised. Those that have it, or are gone, are taken out now and then.
    promised: Vec<Weak<WritableMapping>>,
    has_thread: bool,
}

static QUEUE: Mutex<Queue> = Mutex::new(Queue {
    to_drop: VecDeque::new(),
    to_reserve: VecDeque::new(),
    promised: Vec::new(),
    has_thread: false,
});

/// Held while one of the tasks is done.
static AT_WORK: Mutex<()> = Mutex::new(());

enum Task {
    Drop(Box<dyn Send>),
    Reserve(Weak<WritableMapping>),
}

impl Queue {
    /// The next task. What is given back first may be what the next one gets.
    fn next(&mut self) -> Option<Task> {
        let to_drop = self.to_drop.pop_front().map(Task::Drop);
        to_drop.or_else(|| self.to_reserve.pop_front().map(Task::Reserve))
    }
}

pub(crate) fn is_large(bytes: u64) -> bool {
    bytes > LARGE
}

/// Reserves the memory of a ring as far as it is not, soon; asked again, tries again what was refused. Does nothing for
/// a ring that has its memory.
pub fn reserve_later(memory: &Arc<WritableMapping>) {
    if memory.unreserved() == 0 {
        return;
    }
    let mut queue = lock(&QUEUE);
    let ring = Arc::downgrade(memory);
    if !queue.promised.iter().any(|known| known.ptr_eq(&ring)) {
        queue.promised.push(Weak::clone(&ring));
    }
    queue.to_reserve.push_back(ring);
    start(queue);
}

/// Drops something that holds mapped memory of so many bytes: soon if they are many, and in this call otherwise.
pub fn drop_later(bytes: usize, holder: impl Send + 'static) {
    if !is_large(bytes as u64) {
        return;
    }
    let mut queue = lock(&QUEUE);
    queue.to_drop.push_back(Box::new(holder));
    start(queue);
}

/// Bytes that rings of this process were promised and do not have yet. They count as taken from the file system's free
/// memory.
pub(crate) fn promised_bytes() -> u64 {
    let mut queue = lock(&QUEUE);
    let unreserved = |ring: &Weak<WritableMapping>| ring.upgrade().map_or(0, |ring| ring.unreserved() as u64);
    queue.promised.retain(|ring| unreserved(ring) > 0);
    queue.promised.iter().map(unreserved).sum()
}

/// Does now what was to be done later, and waits for what is being done. Asked for before memory is refused that is
/// promised to others, or just being given back.
pub(crate) fn settle() {
    let _at_work = lock(&AT_WORK);
    while let Some(task) = next() {
        run(task);
    }
}

fn next() -> Option<Task> {
    lock(&QUEUE).next()
}

fn run(task: Task) {
    // A defect in here must not be the end of the thread: others rely on it.
    _ = catch_unwind(AssertUnwindSafe(|| match task {
        Task::Drop(holder) => drop(holder),
        Task::Reserve(ring) => {
            // The ring tells what was refused, and the thread that looks after it asks again.
            _ = ring.upgrade().map(|ring| ring.reserve());
        }
    }));
}

/// Sees to it that there is a thread; without one the caller does the work.
fn start(mut queue: MutexGuard<'_, Queue>) {
    if queue.has_thread {
        return;
    }
    queue.has_thread = true;
    drop(queue);
    let thread = thread::Builder::new()
        .name("vas-memory".into())
        .stack_size(256 << 10);
    if thread.spawn(work).is_err() {
        lock(&QUEUE).has_thread = false;
        settle();
    }
}

fn work() {
    loop {
        let _at_work = lock(&AT_WORK);
        let task = {
            let mut queue = lock(&QUEUE);
            let task = queue.next();
            queue.has_thread = task.is_some();
            task
        };
        match task {
            Some(task) => run(task),
            None => return,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
