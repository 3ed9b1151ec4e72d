//! How the writer of a ring is: the table of PROTOCOL.md, "Is the writer alive?".

use vas_frame_protocol::State;
use vas_frame_protocol::layout::OLD_AFTER_NS;

/// How the writer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Health {
    /// Frames come.
    Live,
    /// The writer's process is well, and no frame came for 2 s, or none at all.
    Idle,
    /// The writer's process is there and has not run for 2 s: it is stopped, or the machine is overloaded.
    Hung,
    /// The writer's process is gone.
    Dead,
    /// The camera was closed. Open again when it is back.
    Ended,
    /// There is a newer ring at the path. Open again.
    Replaced,
    /// A file was made shorter, which the writer never does. There will be no more frames here.
    Damaged,
}

/// How the writer is, and the ages that say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthReport {
    /// How the writer is.
    pub health: Health,
    /// Since the writer's process last showed life. 0 if its clock is ahead, as in a time namespace.
    pub heartbeat_age_ns: u64,
    /// Since the newest frame was complete; `None` before the first.
    pub frame_age_ns: Option<u64>,
}

impl Health {
    /// The table, for whoever has the ages. The lock is asked for only where the answer depends on it. `state` is
    /// `None` for a number that no writer writes.
    #[must_use]
    pub fn judge(
        state: Option<State>,
        heartbeat_age_ns: u64,
        frame_age_ns: Option<u64>,
        holds_lock: impl FnOnce() -> bool,
    ) -> Self {
        match state {
            Some(State::Ended) => Self::Ended,
            Some(State::Replaced) => Self::Replaced,
            None => Self::Damaged,
            Some(State::Live) if heartbeat_age_ns > OLD_AFTER_NS => {
                if holds_lock() {
                    Self::Hung
                } else {
                    Self::Dead
                }
            }
            Some(State::Live) if frame_age_ns.is_none_or(|age| age > OLD_AFTER_NS) => Self::Idle,
            Some(State::Live) => Self::Live,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Health, OLD_AFTER_NS};
    use vas_frame_protocol::State;

    #[test]
    fn asks_for_the_lock_only_where_the_heartbeat_is_old() {
        for state in [State::Live, State::Ended, State::Replaced] {
            _ = Health::judge(Some(state), OLD_AFTER_NS, Some(0), || {
                unreachable!("the answer does not depend on it")
            });
        }
    }
}
