//! Faults that a test asks for by the environment variable `VAS_FAULT`. Without the feature `fault-injection`
//! nothing of it is compiled.
//!
//! | `VAS_FAULT` | what happens |
//! | --- | --- |
//! | `drain:panic` | a drain panics when a frame is complete |
//! | `drain:refuse` | a drain does not publish the frame |
//! | `drain:no-scratch` | a drain stops reading for good when it cannot publish: the control, which shows what the scratch memory is for |
//! | `kill:frame-begun`, `kill:frame-filled`, `kill:frame-published` | the process dies by SIGKILL there |
//! | `kill:geometry-paused`, `kill:geometry-changed` | the same, on a change of geometry |
//!
//! With `@n` behind it the fault waits for the `n`th time that its point is reached, and lasts.

/// Whether the test asks for this fault, here and now.
#[cfg(feature = "fault-injection")]
pub(crate) fn is_due(fault: &str) -> bool {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static ASKED: OnceLock<(String, u64)> = OnceLock::new();
    static REACHED: AtomicU64 = AtomicU64::new(0);

    let (name, nth) = ASKED.get_or_init(|| {
        let asked = std::env::var("VAS_FAULT").unwrap_or_default();
        match asked.split_once('@') {
            Some((name, nth)) => (name.to_owned(), nth.parse().unwrap_or(1)),
            None => (asked, 1),
        }
    });
    // ORDER tally: relaxed, it only counts.
    name == fault && REACHED.fetch_add(1, Ordering::Relaxed) + 1 >= *nth
}

#[cfg(not(feature = "fault-injection"))]
pub(crate) const fn is_due(_fault: &str) -> bool {
    false
}

/// Dies like a process that is killed, if the test asks for it.
pub(crate) fn kill_point(fault: &'static str) {
    if is_due(fault) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

/// Never returns if the test asks for a drain without a way out.
pub(crate) fn stop_point(fault: &'static str) {
    while is_due(fault) {
        std::thread::park();
    }
}
