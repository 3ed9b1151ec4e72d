//! `NativeWaiter`: wakes JavaScript when a source has news. One thread of the process waits for all sources of all
//! waiters, in one system call; no event loop runs a timer, and none is blocked.

use crate::error::{Result, error, guard, internal};
use crate::source::NativeSource;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status, sys};
use napi_derive::napi;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use vas_frame_segment::clock::monotonic_ns;
use vas_frame_segment::{Alarm, Awaited, FrameSource, Waited, WaitedAny, wait_any};

/// How often a path is looked at for a ring that is not there yet, and how often the same end of a ring is told of.
const LOOK_AT_PATHS: Duration = Duration::from_millis(100);
/// How long the thread stays when nothing is awaited.
const STAY: Duration = Duration::from_secs(2);
const LONG: Duration = Duration::from_secs(3600);

/// Calls a function of one event loop; does not keep it alive by itself.
type Wake = ThreadsafeFunction<(), (), (), Status, false, true>;

/// What one waiter waits for.
struct Target {
    what: What,
    /// Nothing but a frame is told of before this time of [`monotonic_ns`], and no end is waited for: what is over
    /// stays over, and what cannot be opened stays there.
    quiet_until_ns: AtomicU64,
}

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

/// What there is to tell of a target.
#[derive(Clone, Copy)]
enum News {
    Frame(u64),
    Change,
}

/// Waits for news.
const WAITING: u8 = 0;
/// JavaScript was told and has not asked again.
const TOLD: u8 = 1;
/// There was more news meanwhile, of which JavaScript need not be told: it is waited for no more until it asks again.
const LEFT_ALONE: u8 = 2;

struct Wait {
    wake: Arc<Wake>,
    targets: Vec<Target>,
    phase: AtomicU8,
}

struct Registry {
    waits: Vec<Arc<Wait>>,
    is_running: bool,
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry {
    waits: Vec::new(),
    is_running: false,
});
static ALARM: Alarm = Alarm::new();

fn lock() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for the sources that one loop of JavaScript reads, and calls its function when any of them has news: once,
/// until it is asked to wait again.
#[napi]
pub struct NativeWaiter {
    /// `None` after `close`.
    wake: Option<Arc<Wake>>,
    wait: Option<Arc<Wait>>,
    targets: Vec<Target>,
    holds_loop: bool,
}

#[napi]
impl NativeWaiter {
    /// `wake` is called in this event loop.
    #[napi(constructor)]
    pub fn new(wake: Function<'_, (), ()>) -> Result<Self> {
        guard(|| {
            let wake = wake.build_threadsafe_function().weak::<true>();
            Ok(Self {
                wake: Some(Arc::new(wake.build().map_err(internal)?)),
                wait: None,
                targets: Vec::new(),
                holds_loop: false,
            })
        })
    }

    /// Adds a source to those that the next `start` waits for: a frame newer than `after`, or the end of its ring.
    #[napi]
    pub fn add_ring(&mut self, source: &NativeSource, after: f64) -> Result<()> {
        guard(|| {
            if let Some(source) = source.shared() {
                let told = AtomicU64::new(frame_id(after));
                self.targets.push(Target::new(What::Ring { source, told }, 0));
            }
            Ok(())
        })
    }

    /// Adds a path to those that the next `start` waits for: a ring there that is not `former`.
    #[napi]
    pub fn add_path(&mut self, path: String, former: Option<&NativeSource>) -> Result<()> {
        guard(|| {
            let what = What::Path {
                path: path.into(),
                former: former.and_then(NativeSource::shared),
            };
            self.targets.push(Target::new(what, later_ns()));
            Ok(())
        })
    }

    /// Waits for what was added since the last `start`, and for nothing else. May call `wake` at once.
    #[napi]
    pub fn start(&mut self) -> Result<()> {
        guard(|| {
            let targets = std::mem::take(&mut self.targets);
            self.stop();
            let Some(wake) = self.wake.as_ref().map(Arc::clone) else {
                return Err(error("CLOSED", "the waiter was closed"));
            };
            let wait = Arc::new(Wait {
                wake,
                targets,
                phase: AtomicU8::new(WAITING),
            });
            let mut registry = lock();
            if !registry.is_running {
                thread::Builder::new()
                    .name("vas-wait".into())
                    .stack_size(256 << 10)
                    .spawn(run)
                    .map_err(|cause| error("IO", format!("no thread to wait for frames: {cause}")))?;
                registry.is_running = true;
            }
            registry.waits.push(Arc::clone(&wait));
            drop(registry);
            self.wait = Some(wait);
            ALARM.raise();
            Ok(())
        })
    }

    /// Goes on waiting for the same, after `wake` was called. Some loads as a rule.
    #[napi]
    pub fn again(&mut self) -> Result<()> {
        guard(|| {
            if let Some(wait) = &self.wait {
                // ORDER waiter: acquire and release, with the thread's exchange.
                if wait.phase.swap(WAITING, Ordering::AcqRel) == LEFT_ALONE {
                    ALARM.raise();
                }
            }
            Ok(())
        })
    }

    /// Whether the event loop stays alive for `wake`.
    #[napi]
    pub fn hold(&mut self, env: Env, holds_loop: bool) -> Result<()> {
        guard(|| {
            let Some(wake) = self.wake.as_ref().filter(|_| self.holds_loop != holds_loop) else {
                return Ok(());
            };
            let status = if holds_loop {
                // SAFETY: the function was made in this environment and is not released while `wake` lives.
                unsafe { sys::napi_ref_threadsafe_function(env.raw(), wake.raw()) }
            } else {
                // SAFETY: as above.
                unsafe { sys::napi_unref_threadsafe_function(env.raw(), wake.raw()) }
            };
            if status != sys::Status::napi_ok {
                return Err(error(
                    "INTERNAL",
                    format!("Node-API refused with status {status}"),
                ));
            }
            self.holds_loop = holds_loop;
            Ok(())
        })
    }

    /// Waits for nothing any more. A second call does nothing.
    #[napi]
    pub fn close(&mut self) -> Result<()> {
        guard(|| {
            self.stop();
            self.wake = None;
            Ok(())
        })
    }

    fn stop(&mut self) {
        let Some(wait) = self.wait.take() else { return };
        lock().waits.retain(|other| !Arc::ptr_eq(other, &wait));
        ALARM.raise();
    }
}

impl Drop for NativeWaiter {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Wait {
    /// Tells JavaScript, unless it has been told and has not asked again.
    fn tell_news(&self) {
        let news = self.targets.iter().map(Target::news);
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
            for (target, news) in self.targets.iter().zip(news) {
                match (&target.what, news) {
                    (What::Ring { told, .. }, Some(News::Frame(newest))) => {
                        // ORDER waiter: relaxed, only this thread looks at it.
                        told.store(newest, Ordering::Relaxed);
                    }
                    (_, Some(_)) => {
                        // ORDER waiter: relaxed, as above.
                        target.quiet_until_ns.store(later_ns(), Ordering::Relaxed);
                    }
                    (_, None) => {}
                }
            }
            self.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
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

impl Target {
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

fn run() {
    loop {
        match catch_unwind(AssertUnwindSafe(round)) {
            Ok(true) => return,
            Ok(false) => {}
            // A defect. The waiters are served all the same, at this pace.
            Err(_) => thread::sleep(LOOK_AT_PATHS),
        }
    }
}

/// Waits once, and tells whom it concerns. `true`: nothing is awaited, and the thread is not counted on any more.
fn round() -> bool {
    let waits = lock().waits.clone();
    if waits.is_empty() {
        _ = wait_any(&[], Some(&ALARM), STAY);
        let mut registry = lock();
        registry.is_running = !registry.waits.is_empty();
        return !registry.is_running;
    }
    let asked: Vec<_> = waits.iter().filter(|wait| !wait.is_left_alone()).collect();
    let targets = || asked.iter().flat_map(|wait| &wait.targets);
    let awaited: Vec<_> = targets().filter_map(Target::awaited).collect();
    let limit = if targets().count() > awaited.len() {
        LOOK_AT_PATHS
    } else {
        LONG
    };
    if wait_any(&awaited, Some(&ALARM), limit) != WaitedAny::Interrupted {
        asked.iter().for_each(|wait| wait.tell_news());
    }
    false
}

/// A frame id of JavaScript: a whole number from 0.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a conversion of a number to an integer saturates"
)]
fn frame_id(id: f64) -> u64 {
    id as u64
}
