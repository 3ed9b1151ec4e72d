//! When the next frame is to be expected: from the time stamps of the last ones, which are in the ring.

use vas_frame_protocol::{Reader, RingMemory};

/// Frames whose intervals are looked at.
const FRAMES: usize = 8;
/// How often is looked for a frame that is due, at most and at least.
const SHORTEST_STEP_NS: u64 = 250_000;
pub(crate) const LONGEST_STEP_NS: u64 = 20_000_000;
/// The longest sleep where the writer rings. Only a writer that is killed wakes nobody.
const LONGEST_SLEEP_NS: u64 = 1_000_000_000;
const SHORTEST_SLEEP_NS: u64 = 10_000_000;

/// The rhythm of the frames of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rhythm {
    /// When the newest frame was complete, or the ring was made. CLOCK_MONOTONIC.
    pub(crate) last_ns: u64,
    /// Median of the last intervals; 0 if there are none.
    pub(crate) interval_ns: u64,
}

impl Rhythm {
    pub(crate) fn of<M: RingMemory>(reader: &Reader<M>) -> Self {
        let newest = reader.newest_id();
        let stamp = |id: u64| {
            let record = reader.look(id, |_, _| ()).ok()?.0;
            Some(record.stamp.timestamp_ns)
        };
        let mut intervals = [0; FRAMES];
        let mut count = 0;
        let mut later = stamp(newest);
        let last_ns = later.unwrap_or_else(|| reader.header().identity().created_ns);
        for id in (1..newest).rev().take(FRAMES) {
            let Some((this, next)) = stamp(id).zip(later) else {
                break;
            };
            intervals[count] = next.saturating_sub(this);
            later = Some(this);
            count += 1;
        }
        let intervals = &mut intervals[..count];
        intervals.sort_unstable();
        let interval_ns = intervals.get(count / 2).copied().unwrap_or(0);
        Self {
            last_ns,
            interval_ns: interval_ns.min(LONGEST_SLEEP_NS),
        }
    }

    /// When to look again, where nobody rings: shortly before the next frame is due, then at short intervals, and at
    /// longer and longer ones once it is late.
    pub(crate) fn next_look_ns(self, now_ns: u64) -> u64 {
        let step = (self.interval_ns / 64).clamp(SHORTEST_STEP_NS, LONGEST_STEP_NS);
        // So much earlier than they are due frames may come.
        let early = self.interval_ns / 8;
        let due_ns = self.last_ns.saturating_add(self.interval_ns);
        let first_look = due_ns.saturating_sub(early);
        if now_ns < first_look && self.last_ns <= now_ns {
            return first_look;
        }
        let late_ns = now_ns.saturating_sub(due_ns + early);
        now_ns.saturating_add((late_ns / 8).clamp(step, LONGEST_STEP_NS))
    }

    /// When to look again where the writer rings, if no wake comes: the reader that should have passed it on may have
    /// been killed, and the next frame repairs that.
    pub(crate) fn patience_ns(self, now_ns: u64) -> u64 {
        let late_ns = now_ns.saturating_sub(self.last_ns);
        let patience = (2 * self.interval_ns).max(late_ns / 2);
        now_ns.saturating_add(patience.clamp(SHORTEST_SLEEP_NS, LONGEST_SLEEP_NS))
    }
}

#[cfg(test)]
mod tests {
    use super::Rhythm;

    const MS: u64 = 1_000_000;
    const RHYTHM: Rhythm = Rhythm {
        last_ns: 1000 * MS,
        interval_ns: 40 * MS,
    };

    #[test]
    fn p2_17_looks_at_short_intervals_only_where_a_frame_is_due() {
        assert_eq!(
            RHYTHM.next_look_ns(1001 * MS),
            1035 * MS,
            "sleeps until shortly before"
        );
        assert_eq!(RHYTHM.next_look_ns(1040 * MS), 1040 * MS + 625_000, "looks often");
        assert_eq!(
            RHYTHM.next_look_ns(1085 * MS),
            1090 * MS,
            "looks less often when it is late"
        );
        assert_eq!(
            RHYTHM.next_look_ns(9000 * MS),
            9020 * MS,
            "and never less often than this"
        );
    }

    #[test]
    fn p2_17_a_clock_that_is_behind_the_writers_is_no_long_sleep() {
        assert!(RHYTHM.next_look_ns(500 * MS) <= 520 * MS);
        assert!(RHYTHM.patience_ns(500 * MS) <= 580 * MS);
    }

    #[test]
    fn p2_17_where_somebody_rings_a_sleep_grows_to_a_second() {
        assert_eq!(RHYTHM.patience_ns(1000 * MS), 1080 * MS);
        assert_eq!(RHYTHM.patience_ns(2000 * MS), 2500 * MS);
        assert_eq!(RHYTHM.patience_ns(60_000 * MS), 61_000 * MS);
    }

    #[test]
    fn p2_17_without_a_rhythm_it_looks_at_short_intervals_at_first() {
        let rhythm = Rhythm {
            interval_ns: 0,
            ..RHYTHM
        };
        assert_eq!(rhythm.next_look_ns(1000 * MS), 1000 * MS + 250_000);
        assert_eq!(rhythm.next_look_ns(9000 * MS), 9020 * MS);
    }
}
