//! Named points at which a test build dies as it would by `kill -9`. Without the feature `fault-injection`
//! nothing of this is compiled.

/// Dies here if the environment variable `VAS_FAULT` has `<name>=kill@<n>` and this is the `n`th time or a later
/// one; `@1` may be left out. There may be several, separated by commas; those of the drain are in the same variable.
macro_rules! fail_point {
    ($name:literal) => {
        #[cfg(feature = "fault-injection")]
        {
            static REACHED: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
            $crate::fail_point::reach($name, &REACHED);
        }
    };
}

pub(crate) use fail_point;

#[cfg(feature = "fault-injection")]
pub(crate) fn reach(name: &str, reached: &std::sync::atomic::AtomicU64) {
    let times = 1 + reached.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let asked = std::env::var("VAS_FAULT").unwrap_or_default();
    let is_asked = asked
        .split(',')
        .filter_map(|fault| fault.split_once('='))
        .any(|(point, action)| {
            let (action, at) = action.split_once('@').unwrap_or((action, "1"));
            point == name && action == "kill" && at.parse().is_ok_and(|first: u64| times >= first)
        });
    if is_asked {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}
