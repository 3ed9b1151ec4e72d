//! Nobody sleeps through what a ring tells: every interleaving of the writer that is shipped, and of readers that take
//! their ticket, look and wait as PROTOCOL.md says, on a model of the kernel's futex.
//!
//!     RUSTFLAGS="--cfg loom" cargo test -p vas-frame-protocol --test loom_bell --release
//!
//! There are no time limits here: a reader that is not woken when it should be sleeps for ever, which loom finds. Each
//! rule has a twin in which it is broken, and in which loom must find the sleeper.
#![cfg(loom)]

mod identity;
mod model_ring;

use std::collections::VecDeque;
use std::sync::Arc;

use loom::sync::{Condvar, Mutex};
use loom::thread::{self, JoinHandle};
use model_ring::{ModelRing, assert_breaks, assert_holds, in_current, publish, writer};
use vas_frame_protocol::layout::{header, record};
use vas_frame_protocol::order::{Order, Side};
use vas_frame_protocol::{Reader, State, Ticket, Writer, change_bell, set_state};

/// How often a thread is interrupted in an execution that is explored; the twins break with fewer. The models with
/// three threads and a lock have more executions than can be explored to the end.
pub(crate) const PREEMPTIONS: Option<usize> = Some(3);

/// What loom says of threads of which each waits for another.
const SLEEPER: &str = "deadlock";

/// The kernel's queue of a futex: first come, first woken, by the bits that each waits with.
#[derive(Default)]
struct Futex {
    queue: Mutex<Queue>,
    woken: Condvar,
}

#[derive(Default)]
struct Queue {
    sleepers: VecDeque<(u64, u32)>,
    next: u64,
}

impl Futex {
    /// Compares and sleeps in one step, as the kernel does. Whether somebody woke this thread.
    fn wait(&self, now: impl FnOnce() -> u32, ticket: Ticket) -> bool {
        let mut queue = self.queue.lock().unwrap();
        if now() != ticket.value() {
            return false;
        }
        let me = queue.next;
        queue.next += 1;
        queue.sleepers.push_back((me, ticket.bit()));
        while queue.sleepers.iter().any(|&(sleeper, _)| sleeper == me) {
            queue = self.woken.wait(queue).unwrap();
        }
        true
    }

    fn wake(&self, bits: u32) {
        let mut queue = self.queue.lock().unwrap();
        if let Some(first) = queue
            .sleepers
            .iter()
            .position(|&(_, awaited)| awaited & bits != 0)
        {
            queue.sleepers.remove(first);
            self.woken.notify_all();
        }
    }
}

/// A ring and its futex.
#[derive(Clone)]
struct Stage {
    ring: Arc<ModelRing>,
    futex: Arc<Futex>,
}

impl Stage {
    fn new() -> Self {
        Self {
            ring: ModelRing::new(&[header::STATE, in_current(record::SEQUENCE)], &[]),
            futex: Arc::default(),
        }
    }

    fn ring_bell(&self) {
        self.futex.wake(u32::MAX);
    }

    fn publish(&self, writer: &mut Writer<Arc<ModelRing>>) {
        publish(writer);
        self.ring_bell();
    }

    fn end(&self) {
        set_state(&self.ring, State::Ended);
        change_bell(&self.ring);
        self.ring_bell();
    }

    /// A reader that waits until it has seen frame `last` or the end.
    fn reader(&self, last: u64, rules: Rules) -> JoinHandle<()> {
        let Self { ring, futex } = self.clone();
        thread::spawn(move || {
            let reader = Reader::attach(ring).unwrap();
            let is_done = || reader.state() == Some(State::Ended) || reader.newest_id() >= last;
            loop {
                let ticket = if rules.takes_ticket_first {
                    let ticket = reader.ticket();
                    if is_done() {
                        return;
                    }
                    ticket
                } else {
                    if is_done() {
                        return;
                    }
                    reader.ticket()
                };
                let was_woken = futex.wait(|| reader.ticket().value(), ticket);
                let now = reader.ticket();
                if was_woken && now != ticket && rules.passes_on {
                    futex.wake(now.others());
                }
            }
        })
    }
}

/// The rules that a reader follows.
#[derive(Clone, Copy)]
struct Rules {
    takes_ticket_first: bool,
    passes_on: bool,
}

const RULES: Rules = Rules {
    takes_ticket_first: true,
    passes_on: true,
};

fn join(readers: impl IntoIterator<Item = JoinHandle<()>>) {
    for reader in readers {
        reader.join().unwrap();
    }
}

/// A reader that waits for two frames, while they are published.
fn between_look_and_wait(rules: Rules) {
    let stage = Stage::new();
    let mut writer = writer(&stage.ring);
    let reader = stage.reader(2, rules);
    stage.publish(&mut writer);
    stage.publish(&mut writer);
    join([reader]);
}

#[test]
fn p2_17_no_reader_sleeps_through_a_frame() {
    assert_holds(&[], || between_look_and_wait(RULES));
}

#[test]
fn p2_17_a_reader_that_takes_its_ticket_after_the_look_sleeps_through_a_frame() {
    let broken = || {
        between_look_and_wait(Rules {
            takes_ticket_first: false,
            ..RULES
        });
    };
    assert_breaks(&[], broken, SLEEPER);
}

/// Two readers for each of which there is one frame, and one wake by the writer.
fn two_readers(rules: Rules) {
    let stage = Stage::new();
    let mut writer = writer(&stage.ring);
    let readers = [(); 2].map(|()| stage.reader(1, rules));
    stage.publish(&mut writer);
    join(readers);
}

#[test]
fn p2_17_a_woken_reader_wakes_the_next() {
    assert_holds(&[], || two_readers(RULES));
}

#[test]
fn p2_17_without_passing_on_the_second_reader_sleeps_on() {
    let broken = || {
        two_readers(Rules {
            passes_on: false,
            ..RULES
        });
    };
    assert_breaks(&[], broken, SLEEPER);
}

/// A reader of a ring that ends without another frame.
fn ending(end: fn(&Stage)) {
    let stage = Stage::new();
    let reader = stage.reader(1, RULES);
    end(&stage);
    join([reader]);
}

#[test]
fn p2_17_no_reader_sleeps_through_the_end_of_a_ring() {
    assert_holds(&[], || ending(Stage::end));
}

#[test]
fn p2_17_an_end_that_does_not_change_the_word_is_slept_through() {
    let without_change = |stage: &Stage| {
        set_state(&stage.ring, State::Ended);
        stage.ring_bell();
    };
    assert_breaks(&[], move || ending(without_change), SLEEPER);
}

/// A ring that one thread ends, or replaces, while another publishes its last frame.
fn ending_while_publishing() {
    let stage = Stage::new();
    let mut writer = writer(&stage.ring);
    let reader = stage.reader(2, RULES);
    let publishing = stage.clone();
    let publisher = thread::spawn(move || publishing.publish(&mut writer));
    stage.end();
    publisher.join().unwrap();
    join([reader]);
}

#[test]
fn p2_17_bell() {
    assert_holds(&[], ending_while_publishing);
}

#[test]
fn p2_17_without_bell_in_the_writer_the_end_is_slept_through() {
    assert_breaks(&[(Order::Bell, Side::Writer)], ending_while_publishing, SLEEPER);
}

#[test]
fn p2_17_without_bell_in_the_reader_the_end_is_slept_through() {
    assert_breaks(&[(Order::Bell, Side::Reader)], ending_while_publishing, SLEEPER);
}
