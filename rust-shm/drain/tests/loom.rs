//! Every interleaving of the hand-over of a ring's writer and of its end, in the memory model. The files under test
//! are compiled here once more, against loom's atomics.

#![allow(clippy::duplicate_mod, reason = "each time with other orderings")]

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use std::panic::catch_unwind;

#[path = "../src"]
mod shipped {
    mod sync {
        pub(crate) use loom::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
        pub(crate) const TAKE: Ordering = Ordering::Acquire;
        pub(crate) const GIVE_BACK: Ordering = Ordering::Release;
    }
    #[path = "baton.rs"]
    pub(crate) mod baton;
    #[path = "gate.rs"]
    pub(crate) mod gate;
}

#[path = "../src"]
mod take_weakened {
    mod sync {
        pub(crate) use loom::sync::atomic::{AtomicPtr, Ordering};
        pub(crate) const TAKE: Ordering = Ordering::Relaxed;
        pub(crate) const GIVE_BACK: Ordering = Ordering::Release;
    }
    #[path = "baton.rs"]
    pub(crate) mod baton;
}

#[path = "../src"]
mod give_back_weakened {
    mod sync {
        pub(crate) use loom::sync::atomic::{AtomicPtr, Ordering};
        pub(crate) const TAKE: Ordering = Ordering::Acquire;
        pub(crate) const GIVE_BACK: Ordering = Ordering::Relaxed;
    }
    #[path = "baton.rs"]
    pub(crate) mod baton;
}

/// Three parties take the value, change it and give it back; loom sees every access that is not ordered.
macro_rules! hand_over {
    ($baton:path) => {
        loom::model(|| {
            use $baton as baton;
            let value = Arc::new(baton::Baton::new(UnsafeCell::new(0)));
            let party = |value: Arc<baton::Baton<UnsafeCell<u32>>>| {
                let Some(held) = value.take() else {
                    return 0;
                };
                // SAFETY: exclusive as long as the value is held, which is what is tested.
                held.with_mut(|count| unsafe { *count += 1 });
                value.give_back(held);
                1
            };
            let others = [0, 1].map(|_| {
                let value = Arc::clone(&value);
                thread::spawn(move || party(value))
            });
            let mut turns = party(Arc::clone(&value));
            for other in others {
                turns += other.join().unwrap();
            }
            let held = value.take().unwrap();
            // SAFETY: as above.
            assert_eq!(held.with(|count| unsafe { *count }), turns);
            assert!(turns >= 1);
            assert!(value.take().is_none(), "held already");
            value.give_back(held);
        })
    };
}

#[test]
fn baton_one_party_holds_the_writer_at_a_time_and_sees_what_the_former_did() {
    hand_over!(shipped::baton);
}

#[test]
fn baton_a_taker_that_does_not_acquire_is_found_out() {
    assert!(catch_unwind(|| hand_over!(take_weakened::baton)).is_err());
}

#[test]
fn baton_a_giver_that_does_not_release_is_found_out() {
    assert!(catch_unwind(|| hand_over!(give_back_weakened::baton)).is_err());
}

#[test]
fn gate_no_id_is_given_twice_or_left_out_when_a_ring_ends_while_two_drains_hand_it_over() {
    use shipped::baton::Baton;
    use shipped::gate::Gate;

    loom::model(|| {
        // What stands for the writer: the ids that it has published.
        let ring = Arc::new((Baton::new(Vec::new()), Gate::new(4)));
        let drain = |ring: Arc<(Baton<Vec<u64>>, Gate)>| {
            let (writer, gate) = &*ring;
            let Some(mut held) = writer.take() else {
                return;
            };
            let id = held.last().map_or(5, |newest| newest + 1);
            if gate.grant(id) {
                held.push(id);
            }
            writer.give_back(held);
        };
        let drains = [0, 1].map(|_| {
            let ring = Arc::clone(&ring);
            thread::spawn(move || drain(ring))
        });
        let last = ring.1.shut();
        for drain in drains {
            drain.join().unwrap();
        }
        let published = ring.0.take().unwrap();
        assert_eq!(*published, (5..=last).collect::<Vec<_>>());
        assert!(!ring.1.grant(last + 1));
        ring.1.reopen();
        assert!(ring.1.grant(last + 1));
        ring.0.give_back(published);
    });
}
