//! Errors and panics on their way to JavaScript: every one becomes an `Error` with a stable `code`.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};

/// The `code` of a JavaScript error.
pub struct Code(&'static str);

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        self.0
    }
}

pub(crate) type Error = napi::Error<Code>;
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// An error with the given code. The text is what the person in front of the host reads.
pub(crate) fn error(code: &'static str, text: impl ToString) -> Error {
    Error::new(Code(code), text.to_string())
}

/// An error of Node-API itself; it does not happen unless Node is shutting down or out of memory.
pub(crate) fn internal(error: napi::Error) -> Error {
    self::error("INTERNAL", error)
}

thread_local! {
    /// Where the last panic of this thread came from.
    static LAST_PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps panics off the standard error stream, which may be a pipe that nobody reads: a drain must not block
/// on it. What is said here reaches the host as an error, or as `drainPanics` in the statistics.
pub(crate) fn keep_panics_silent() {
    panic::set_hook(Box::new(|info| {
        let _ = LAST_PANIC.try_with(|last| last.replace(info.to_string()));
    }));
}

/// Runs what JavaScript asked for. A panic becomes an error with the code `INTERNAL`.
pub(crate) fn guard<T>(call: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| Err(error("INTERNAL", describe(&*panic))))
}

fn describe(panic: &(dyn Any + Send)) -> String {
    let place = LAST_PANIC.try_with(RefCell::take).unwrap_or_default();
    match panic.downcast_ref::<&str>() {
        Some(text) if place.is_empty() => (*text).to_owned(),
        _ => place,
    }
}
