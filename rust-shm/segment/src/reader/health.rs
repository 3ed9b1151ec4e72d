//! How the writer of a ring is: the table of PROTOCOL.md, "Is the writer alive?".

use vas_frame_protocol::State;

/// A heartbeat or a frame that is older than this is old.
pub(crate) const OLD_NS: u64 = 2_000_000_000;

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

/// The table. The lock is asked for only where the answer depends on it.
pub(crate) fn judge(
    state: Option<State>,
    heartbeat_age_ns: u64,
    frame_age_ns: Option<u64>,
    holds_lock: impl FnOnce() -> bool,
) -> Health {
    match state {
        Some(State::Ended) => Health::Ended,
        Some(State::Replaced) => Health::Replaced,
        None => Health::Damaged,
        Some(State::Live) if heartbeat_age_ns > OLD_NS => {
            if holds_lock() {
                Health::Hung
            } else {
                Health::Dead
            }
        }
        Some(State::Live) if frame_age_ns.is_none_or(|age| age > OLD_NS) => Health::Idle,
        Some(State::Live) => Health::Live,
    }
}

#[cfg(test)]
mod tests {
    use super::{Health, OLD_NS, judge};
    use vas_frame_protocol::State;

    #[test]
    fn p2_6_every_row_of_the_protocols_table_has_its_health() {
        let (live, young, old) = (Some(State::Live), OLD_NS, OLD_NS + 1);
        let rows = [
            (Some(State::Ended), old, None, false, Health::Ended),
            (Some(State::Replaced), young, Some(young), true, Health::Replaced),
            (live, young, Some(young), true, Health::Live),
            (live, young, Some(young), false, Health::Live),
            (live, young, Some(old), true, Health::Idle),
            (live, young, None, false, Health::Idle),
            (live, old, Some(young), true, Health::Hung),
            (live, old, None, true, Health::Hung),
            (live, old, Some(young), false, Health::Dead),
            (None, young, Some(young), true, Health::Damaged),
        ];
        for (state, heartbeat, frame, holds_lock, health) in rows {
            let judged = judge(state, heartbeat, frame, || holds_lock);
            assert_eq!(
                judged, health,
                "state {state:?}, heartbeat {heartbeat}, frame {frame:?}"
            );
        }
    }

    #[test]
    fn asks_for_the_lock_only_where_the_heartbeat_is_old() {
        for state in [State::Live, State::Ended, State::Replaced] {
            judge(Some(state), OLD_NS, Some(0), || {
                unreachable!("the answer does not depend on it")
            });
        }
    }
}
