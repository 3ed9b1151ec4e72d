//! News of sources for somebody who cannot block, such as an event loop: one thread of the process waits for all
//! sources of all watches, in one system call, and tells each watch once until it asks again.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::frame_source::FrameSource;
use super::wait::{Awaited, Waited, WaitedAny, wait_any};
use crate::bell::Alarm;
use crate::clock::monotonic_ns;

/// How often a path is looked at for a ring that is not there yet, and how often the same end of a ring is told of.
const LOOK_AT_PATHS: Duration = Duration::from_millis(100);
/// How long the thread stays when nothing is awaited.
const STAY: Duration = Duration::from_secs(2);
const LONG: Duration = Duration::from_secs(3600);
/// Stack of the thread.
const STACK_BYTES: usize = 256 << 10;

/// What a watch waits for.
#[derive(Debug)]
pub struct Watched {
    what: What,
    /// Before this time of [`monotonic_ns`] only a frame is news. What is over stays over, and what cannot be opened
    /// stays where it is, so neither is told of again and again.
    quiet_until_ns: AtomicU64,
}

#[derive(Debug)]
enum What {
    /// A frame newer than the last one that was told of, or the end of the ring.
    Ring {
        source: Arc<FrameSource>,
        told: AtomicU64,
    },
    /// Another ring at the path than the former one.
    Path {
        path: PathBuf,
        former: Option<Arc<FrameSource>>,
    },
}

/// What there is to tell.
#[derive(Clone, Copy)]
enum News {
    Frame(u64),
    Change,
}

/// Waits for news.
const WAITING: u8 = 0;
/// The watch was told and has not asked again.
const TOLD: u8 = 1;
/// There was more news meanwhile, of which the watch need not be told: it is waited for no more until it asks again.
const LEFT_ALONE: u8 = 2;

struct Wait {
    tell: Box<dyn Fn() + Send + Sync>,
    watched: Vec<Watched>,
    phase: AtomicU8,
}

/// What the thread and all watches of a process share. Never freed: a thread may be using it.
struct Shared {
    process: u32,
    alarm: Alarm,
    registry: Mutex<Registry>,
}

#[derive(Default)]
struct Registry {
    waits: Vec<Arc<Wait>>,
    is_running: bool,
}

static SHARED: AtomicPtr<Shared> = AtomicPtr::new(ptr::null_mut());

impl Shared {
    /// What this process shares. The child of a fork gets its own: it has no thread, and perhaps a lock that nobody
    /// will release.
    fn of_this_process() -> &'static Self {
        // ORDER watch: acquire, what is pointed at is seen whole.
        let mut found = SHARED.load(Ordering::Acquire);
        loop {
            // SAFETY: null, or made below and never freed.
            match unsafe { found.as_ref() } {
                Some(shared) if shared.process == process::id() => return shared,
                _ => {}
            }
            let made = Box::into_raw(Box::new(Self {
                process: process::id(),
                alarm: Alarm::new(),
                registry: Mutex::default(),
            }));
            // ORDER watch: release, as above.
            match SHARED.compare_exchange(found, made, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => found = made,
                Err(other) => {
                    // SAFETY: made above, and seen by nobody else.
                    drop(unsafe { Box::from_raw(made) });
                    found = other;
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until it is dropped, and calls a function when there is news: once, until it is asked to go on.
pub struct Watch(Arc<Wait>);

impl fmt::Debug for Watch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Watch").field(&self.0.watched).finish()
    }
}

impl Watch {
    /// Waits for all that is `watched`. `tell` is called in the thread that waits, perhaps at once, and must not block.
    ///
    /// # Errors
    /// The first watch starts a thread, which may be refused.
    pub fn start(watched: Vec<Watched>, tell: Box<dyn Fn() + Send + Sync>) -> io::Result<Self> {
        let wait = Arc::new(Wait {
            tell,
            watched,
            phase: AtomicU8::new(WAITING),
        });
        let shared = Shared::of_this_process();
        let mut registry = shared.lock();
        if !registry.is_running {
            thread::Builder::new()
                .name("vas-wait".into())
                .stack_size(STACK_BYTES)
                .spawn(move || run(shared))?;
            registry.is_running = true;
        }
        registry.waits.push(Arc::clone(&wait));
        drop(registry);
        shared.alarm.raise();
        Ok(Self(wait))
    }

    /// Goes on waiting for the same, after it was told. Some loads as a rule.
    pub fn again(&self) {
        // ORDER waiter: acquire and release, with the thread's exchange.
        if self.0.phase.swap(WAITING, Ordering::AcqRel) == LEFT_ALONE {
            Shared::of_this_process().alarm.raise();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let shared = Shared::of_this_process();
        shared.lock().waits.retain(|other| !Arc::ptr_eq(other, &self.0));
        shared.alarm.raise();
    }
}

impl Wait {
    /// Tells, unless the watch has been told and has not asked again.
    fn tell_news(&self) {
        let news = self.watched.iter().map(Watched::news);
        let mut has_news = false;
        let news: Vec<_> = news.inspect(|news| has_news |= news.is_some()).collect();
        if !has_news {
            return;
        }
        let exchange = |from, to| {
            // ORDER waiter: acquire and release, with the exchange of `again`.
            self.phase
                .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
                .is_ok()
        };
        if exchange(WAITING, TOLD) {
            for (watched, news) in self.watched.iter().zip(news) {
                match (&watched.what, news) {
                    (What::Ring { told, .. }, Some(News::Frame(newest))) => {
                        // ORDER waiter: relaxed, only this thread looks at it.
                        told.store(newest, Ordering::Relaxed);
                    }
                    (_, Some(_)) => {
                        // ORDER waiter: relaxed, as above.
                        watched.quiet_until_ns.store(later_ns(), Ordering::Relaxed);
                    }
                    (_, None) => {}
                }
            }
            (self.tell)();
        } else {
            // Asked again meanwhile: the next round tells.
            exchange(TOLD, LEFT_ALONE);
        }
    }

    fn is_left_alone(&self) -> bool {
        // ORDER waiter: acquire, with the exchange of `again`.
        self.phase.load(Ordering::Acquire) == LEFT_ALONE
    }
}

impl Watched {
    /// A frame of `source` newer than `after`, or the end of its ring.
    #[must_use]
    pub fn ring(source: Arc<FrameSource>, after: u64) -> Self {
        let told = AtomicU64::new(after);
        Self::new(What::Ring { source, told }, 0)
    }

    /// Another ring in the camera's folder than `former`.
    #[must_use]
    pub fn path(path: PathBuf, former: Option<Arc<FrameSource>>) -> Self {
        Self::new(What::Path { path, former }, later_ns())
    }

    fn new(what: What, quiet_until_ns: u64) -> Self {
        let quiet_until_ns = AtomicU64::new(quiet_until_ns);
        Self { what, quiet_until_ns }
    }

    fn is_quiet(&self) -> bool {
        // ORDER waiter: relaxed, only the thread that waits changes it.
        self.quiet_until_ns.load(Ordering::Relaxed) > monotonic_ns()
    }

    /// What the kernel can wait for.
    fn awaited(&self) -> Option<Awaited<'_>> {
        match &self.what {
            What::Ring { source, told } if !self.is_quiet() => {
                // ORDER waiter: relaxed, only this thread changes it.
                let after = told.load(Ordering::Relaxed);
                Some(Awaited { source, after })
            }
            What::Ring { .. } | What::Path { .. } => None,
        }
    }

    fn news(&self) -> Option<News> {
        match &self.what {
            What::Path { path, former } => {
                let is_there = || path.join("frame.meta").symlink_metadata().is_ok();
                let is_other = || former.as_ref().is_none_or(|former| !former.is_current());
                (!self.is_quiet() && is_there() && is_other()).then_some(News::Change)
            }
            What::Ring { source, told } => {
                // ORDER waiter: relaxed, only this thread changes it.
                match source.wait_newer(told.load(Ordering::Relaxed), Duration::ZERO) {
                    Waited::Newer(newest) => Some(News::Frame(newest)),
                    Waited::Over(_) => (!self.is_quiet()).then_some(News::Change),
                    Waited::TimedOut | Waited::Interrupted => None,
                }
            }
        }
    }
}

/// When something that does not change is told of again.
fn later_ns() -> u64 {
    const NS: u64 = LOOK_AT_PATHS.as_secs() * 1_000_000_000 + LOOK_AT_PATHS.subsec_nanos() as u64;
    monotonic_ns() + NS
}

fn run(shared: &Shared) {
    loop {
        match catch_unwind(AssertUnwindSafe(|| round(shared))) {
            Ok(true) => return,
            Ok(false) => {}
            // A defect. The watches are served all the same, at this pace.
            Err(_) => thread::sleep(LOOK_AT_PATHS),
        }
    }
}

/// Waits once, and tells whom it concerns. `true`: nothing is awaited, and the thread is to end.
fn round(shared: &Shared) -> bool {
    let waits = shared.lock().waits.clone();
    if waits.is_empty() {
        _ = wait_any(&[], Some(&shared.alarm), STAY);
        let mut registry = shared.lock();
        registry.is_running = !registry.waits.is_empty();
        return !registry.is_running;
    }
    let asked: Vec<_> = waits.iter().filter(|wait| !wait.is_left_alone()).collect();
    let watched = || asked.iter().flat_map(|wait| &wait.watched);
    let awaited: Vec<_> = watched().filter_map(Watched::awaited).collect();
    let limit = if watched().count() > awaited.len() {
        LOOK_AT_PATHS
    } else {
        LONG
    };
    if wait_any(&awaited, Some(&shared.alarm), limit) != WaitedAny::Interrupted {
        asked.iter().for_each(|wait| wait.tell_news());
    }
    false
}
