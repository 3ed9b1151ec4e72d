//! Waiting for a frame, in the kernel: one source or many, always with a time limit. Nobody can notice it.
//!
//! The word that is waited on changes with every frame and at the end of a ring, and the writer wakes one reader then
//! (PROTOCOL.md, "Waiting for a frame"). A woken reader wakes the next before it does anything else, so the writer's
//! part costs the same however many wait. Where nobody rings, the time stamps of the last frames say when to look.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::io::Errno;
use rustix::thread::futex::Wait;
use vas_frame_protocol::layout::OLD_AFTER_NS;
use vas_frame_protocol::{State, Ticket};

use super::frame_source::FrameSource;
use super::health::Health;
use super::rhythm::{LONGEST_STEP_NS, Rhythm};
use crate::bell::{self, Alarm, MOST_WORDS};
use crate::clock::monotonic_ns;

/// How a wait for one source ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Waited {
    /// There is a newer frame: the id of the newest.
    Newer(u64),
    /// No frame will come here any more: [`Health::Ended`], [`Health::Replaced`], [`Health::Dead`] or
    /// [`Health::Damaged`]. Open again.
    Over(Health),
    /// The time limit was reached.
    TimedOut,
    /// A signal was handled in this thread, by a handler without `SA_RESTART`.
    Interrupted,
}

/// A source to wait for, and the last of its frames that was seen.
#[derive(Clone, Copy, Debug)]
pub struct Awaited<'a> {
    /// The source.
    pub source: &'a FrameSource,
    /// Frames up to this one are no news.
    pub after: u64,
}

/// How a wait for many sources ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WaitedAny {
    /// The source of this index has a newer frame, or will have none any more: [`Waited::Newer`] or [`Waited::Over`].
    /// Only the first such source is named: look at those after it as well, or one that always has news hides them.
    Ready(usize, Waited),
    /// The time limit was reached.
    TimedOut,
    /// A signal was handled in this thread, by a handler without `SA_RESTART`.
    Interrupted,
    /// The alarm was raised.
    Raised,
}

impl FrameSource {
    /// Waits until there is a frame newer than `after`, or none will come here any more, but no longer than `timeout`.
    /// With a timeout of zero it only looks.
    ///
    /// Blocks the calling thread, in the kernel: two system calls per frame where the writer rings. Where it does not,
    /// or cannot be heard, it looks at short intervals about the time at which the next frame is due. A stopped or
    /// killed reader delays this one by two intervals between frames at most. Allocates nothing.
    ///
    /// Returns at once when a signal handler without `SA_RESTART` has run in this thread, so that a caller with signals
    /// of its own (Ctrl-C in Python) can see to them. A process that was stopped and continued waits on.
    #[must_use]
    pub fn wait_newer(&self, after: u64, timeout: Duration) -> Waited {
        match wait_any(&[Awaited { source: self, after }], None, timeout) {
            WaitedAny::Ready(_, waited) => waited,
            WaitedAny::TimedOut | WaitedAny::Raised => Waited::TimedOut,
            WaitedAny::Interrupted => Waited::Interrupted,
        }
    }

    /// What there is to tell, if anything, and the ticket to wait with otherwise.
    fn news(&self, after: u64, now_ns: u64) -> Result<Waited, Ticket> {
        let reader = self.reader();
        let ticket = reader.ticket();
        let state = reader.state();
        if let Some(newest) = reader.newest_after(after) {
            return Ok(Waited::Newer(newest));
        }
        match state {
            Some(State::Live) => {}
            Some(State::Ended) => return Ok(Waited::Over(Health::Ended)),
            Some(State::Replaced) => return Ok(Waited::Over(Health::Replaced)),
            None => return Ok(Waited::Over(Health::Damaged)),
        }
        let is_silent = now_ns.saturating_sub(reader.heartbeat_ns()) > OLD_AFTER_NS;
        if is_silent && !self.writer_holds_lock() {
            return Ok(Waited::Over(Health::Dead));
        }
        Err(ticket)
    }

    /// When to look again if nobody wakes this thread before.
    fn next_look_ns(&self, now_ns: u64) -> u64 {
        let rhythm = Rhythm::of(self.reader());
        // ORDER heard: relaxed, a hint of how long to sleep.
        if self.hears_bell.load(Ordering::Relaxed) {
            rhythm.patience_ns(now_ns)
        } else {
            rhythm.next_look_ns(now_ns)
        }
    }

    /// Learns from a wait whether the writer rings, and passes a wake on. Whether the word has changed.
    fn after_wait(&self, ticket: Ticket, waited: Result<(), Errno>) -> bool {
        let now = self.reader().ticket();
        if now == ticket {
            return false;
        }
        match waited {
            Ok(()) => {
                if let Some(bell) = self.bell() {
                    bell.pass_on(now);
                }
                // ORDER heard: relaxed, as above.
                self.hears_bell.store(true, Ordering::Relaxed);
            }
            // It changed, and nobody rang.
            Err(Errno::TIMEDOUT) => {
                // ORDER heard: relaxed, as above.
                self.hears_bell.store(false, Ordering::Relaxed);
            }
            Err(_) => {}
        }
        true
    }
}

/// Waits until one of the sources has news, the alarm is raised, or `timeout` is over.
///
/// As [`FrameSource::wait_newer`], for all sources in one system call (Linux 5.16). An older kernel, and the sources
/// after the first 127, are served by looking when a frame is due. Costs a look at every source per call.
#[must_use]
pub fn wait_any(awaited: &[Awaited<'_>], alarm: Option<&Alarm>, timeout: Duration) -> WaitedAny {
    let start_ns = monotonic_ns();
    let deadline_ns =
        u64::try_from(timeout.as_nanos()).map_or(u64::MAX, |timeout| start_ns.saturating_add(timeout));
    let mut now_ns = start_ns;
    loop {
        let mut tickets = [None; MOST_WORDS];
        let mut until_ns = deadline_ns;
        for (index, Awaited { source, after }) in awaited.iter().enumerate() {
            match source.news(*after, now_ns) {
                Ok(waited) => return WaitedAny::Ready(index, waited),
                Err(ticket) => {
                    if let Some(place) = tickets.get_mut(index) {
                        *place = Some(ticket);
                    }
                }
            }
            until_ns = until_ns.min(source.next_look_ns(now_ns));
        }
        if alarm.is_some_and(Alarm::take) {
            return WaitedAny::Raised;
        }
        if now_ns >= deadline_ns {
            return WaitedAny::TimedOut;
        }
        let waited = wait(awaited, &tickets, alarm, until_ns);
        let tickets = tickets.iter().flatten();
        let mut has_changed = false;
        for (Awaited { source, .. }, ticket) in awaited.iter().zip(tickets) {
            has_changed |= source.after_wait(*ticket, waited);
        }
        match waited {
            Err(Errno::INTR) => return WaitedAny::Interrupted,
            // There is nothing to wait on, or the kernel sees another value than this process, whose page was copied
            // by a store into a private mapping.
            Err(Errno::FAULT | Errno::INVAL | Errno::AGAIN) if !has_changed => {
                let until_ns = until_ns.min(now_ns.saturating_add(LONGEST_STEP_NS));
                if sleep(alarm, until_ns) == Err(Errno::INTR) {
                    return WaitedAny::Interrupted;
                }
            }
            _ => {}
        }
        now_ns = monotonic_ns();
    }
}

/// One system call that waits for all that can be waited for.
fn wait(
    awaited: &[Awaited<'_>],
    tickets: &[Option<Ticket>; MOST_WORDS],
    alarm: Option<&Alarm>,
    until_ns: u64,
) -> Result<(), Errno> {
    if let ([Awaited { source, .. }], [Some(ticket), ..], None) = (awaited, tickets, alarm) {
        return match source.bell() {
            Some(bell) => bell.wait(*ticket, until_ns),
            None => Err(Errno::FAULT),
        };
    }
    let mut words = [const { Wait::new() }; MOST_WORDS];
    let mut count = 0;
    if let Some(alarm) = alarm {
        words[0] = alarm.awaited();
        count = 1;
    }
    for (Awaited { source, .. }, ticket) in awaited.iter().zip(tickets.iter().flatten()) {
        if let (Some(word), Some(bell)) = (words.get_mut(count), source.bell()) {
            *word = bell.awaited(*ticket);
            count += 1;
        }
    }
    if count == 0 {
        return Err(Errno::FAULT);
    }
    match bell::wait_for_any(&words[..count], until_ns) {
        // Looking by time needs no call that an old kernel does not have.
        Err(Errno::NOSYS | Errno::PERM) => Err(Errno::FAULT),
        waited => waited,
    }
}

fn sleep(alarm: Option<&Alarm>, until_ns: u64) -> Result<(), Errno> {
    let nobody = Alarm::new();
    alarm.unwrap_or(&nobody).wait(until_ns)
}
