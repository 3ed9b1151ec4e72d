//! `NativeWaiter`: wakes JavaScript when a source has news. One thread of the process waits for all sources of all
//! waiters; no event loop runs a timer, and none is blocked.

use crate::error::{Result, error, guard, internal};
use crate::source::NativeSource;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status, sys};
use napi_derive::napi;
use std::sync::Arc;
use vas_frame_segment::{Watch, Watched};

/// Calls a function of one event loop; does not keep it alive by itself.
type Wake = ThreadsafeFunction<(), (), (), Status, false, true>;

/// Waits for the sources that one loop of JavaScript reads, and calls its function when any of them has news: once,
/// until it is asked to wait again.
#[napi]
pub struct NativeWaiter {
    /// `None` after `close`.
    wake: Option<Arc<Wake>>,
    watch: Option<Watch>,
    watched: Vec<Watched>,
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
                watch: None,
                watched: Vec::new(),
                holds_loop: false,
            })
        })
    }

    /// Adds a source to those that the next `start` waits for: a frame newer than `after`, or the end of its ring.
    #[napi]
    pub fn add_ring(&mut self, source: &NativeSource, after: f64) -> Result<()> {
        guard(|| {
            if let Some(source) = source.shared() {
                self.watched.push(Watched::ring(source, frame_id(after)));
            }
            Ok(())
        })
    }

    /// Adds a path to those that the next `start` waits for: a ring there that is not `former`.
    #[napi]
    pub fn add_path(&mut self, path: String, former: Option<&NativeSource>) -> Result<()> {
        guard(|| {
            let former = former.and_then(NativeSource::shared);
            self.watched.push(Watched::path(path.into(), former));
            Ok(())
        })
    }

    /// Waits for what was added since the last `start`, and for nothing else. May call `wake` at once.
    #[napi]
    pub fn start(&mut self) -> Result<()> {
        guard(|| {
            let watched = std::mem::take(&mut self.watched);
            self.watch = None;
            let Some(wake) = self.wake.as_ref().map(Arc::clone) else {
                return Err(error("CLOSED", "the waiter was closed"));
            };
            let tell = Box::new(move || _ = wake.call((), ThreadsafeFunctionCallMode::NonBlocking));
            let watch = Watch::start(watched, tell)
                .map_err(|cause| error("IO", format!("no thread to wait for frames: {cause}")))?;
            self.watch = Some(watch);
            Ok(())
        })
    }

    /// Goes on waiting for the same, after `wake` was called. Some loads as a rule.
    #[napi]
    pub fn again(&mut self) -> Result<()> {
        guard(|| {
            if let Some(watch) = &self.watch {
                watch.again();
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
            self.watch = None;
            self.wake = None;
            Ok(())
        })
    }
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
