//! Named points at which a test build fails on purpose. Without the feature `fault-injection` they are `false`.
//!
//! The environment variable `VAS_FAULT` has `<point>=<action>@<n>`: the action is taken when the point is reached
//! for the `n`th time, and from then on; `@1` may be left out. There may be several, separated by commas; those
//! of `vas-frame-segment` are in the same variable.
//!
//! | point | reached |
//! | --- | --- |
//! | `frame-begun` | a slot was opened |
//! | `frame-filled` | all of a frame is in its slot |
//! | `frame-published` | readers can see the frame |
//! | `discarding` | a drain is about to read what it cannot publish |
//! | `geometry-paused` | nothing is published any more, the new ring is not there yet |
//! | `geometry-changed` | the new ring is there |
//!
//! | action | |
//! | --- | --- |
//! | `kill` | the process dies as by `kill -9` |
//! | `panic` | the thread panics |
//! | `refuse` | a drain takes the way that it takes when it cannot publish (`frame-filled`) |
//! | `stop` | the thread does nothing any more; at `discarding`: a drain without the way out, for comparison |

/// Whether to refuse; any other action is taken inside.
#[cfg(feature = "fault-injection")]
macro_rules! fail_point {
    ($point:literal) => {{
        static REACHED: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        $crate::fail_point::reach($point, &REACHED)
    }};
}

#[cfg(not(feature = "fault-injection"))]
macro_rules! fail_point {
    ($point:literal) => {
        false
    };
}

pub(crate) use fail_point;

#[cfg(feature = "fault-injection")]
pub(crate) fn reach(point: &str, reached: &std::sync::atomic::AtomicU64) -> bool {
    use rustix::process::{Signal, getpid, kill_process};
    use std::sync::LazyLock;
    use std::sync::atomic::Ordering;

    static ASKED: LazyLock<String> = LazyLock::new(|| std::env::var("VAS_FAULT").unwrap_or_default());

    // ORDER tally: relaxed, it only counts.
    let times = 1 + reached.fetch_add(1, Ordering::Relaxed);
    let action = ASKED.split(',').find_map(|fault| {
        let (at, action) = fault.split_once('=')?;
        let (action, first) = action.split_once('@').unwrap_or((action, "1"));
        (at == point && first.parse().is_ok_and(|first: u64| times >= first)).then_some(action)
    });
    match action {
        Some("kill") => drop(kill_process(getpid(), Signal::KILL)),
        // Without the message on the standard error stream that a panic of its own would write.
        Some("panic") => std::panic::resume_unwind(Box::new("asked for by VAS_FAULT")),
        Some("stop") => loop {
            std::thread::park();
        },
        _ => {}
    }
    action == Some("refuse")
}
