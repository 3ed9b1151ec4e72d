//! Every named ordering of PROTOCOL.md, explored by loom in the writer and reader that are shipped.
//!
//!     RUSTFLAGS="--cfg loom" cargo test -p vas-frame-protocol --test loom --release
//!
//! Each ordering has a model in which nothing goes wrong, and twins that are the same model with one end of the
//! ordering taken away, in which loom must find what the ordering is there to prevent.
//!
//! A model watches the words and bytes that it is about: there a load may see any value that the memory model
//! allows. From the others a load sees the latest store, of which loom knows nothing, so a model concludes
//! nothing from what changes there.
#![cfg(loom)]

mod identity;
mod model_ring;

use std::sync::Arc;

use loom::thread;
use model_ring::{
    ModelRing, PICTURE, SLOTS, assert_breaks, assert_holds, in_current, in_slot, publish, slot_words, writer,
};
use vas_frame_protocol::layout::{header, record};
use vas_frame_protocol::order::{Order, Side};
use vas_frame_protocol::{Miss, Reader, State, set_state};

/// The models are small enough to be explored to the end.
pub(crate) const PREEMPTIONS: Option<usize> = None;

/// Copies frame `id`. A frame that is accepted must be that frame and no other, as far as it is watched.
fn copy_whole(reader: &Reader<Arc<ModelRing>>, id: u64) -> Result<(), Miss> {
    let mut picture = [0; PICTURE];
    let record = reader.copy(id, &mut picture)?;
    let seen = [
        u64::from(picture[0]),
        u64::from(picture[PICTURE - 1]),
        record.stamp.timestamp_ns,
    ];
    assert_eq!(seen, [id; 3], "torn frame");
    Ok(())
}

/// A reader of frame 1 while frame 4 is written over it, and what it is told.
fn overwrite() -> Result<(), Miss> {
    let ring = ModelRing::new(&slot_words(1), &[1]);
    let mut writer = writer(&ring);
    (1..=SLOTS).for_each(|_| _ = publish(&mut writer));
    let reader = Reader::attach(ring).unwrap();
    let writing = thread::spawn(move || _ = publish(&mut writer));
    let told = copy_whole(&reader, 1);
    writing.join().unwrap();
    told
}

fn overwriting() {
    _ = overwrite();
}

#[test]
fn p2_4_open() {
    assert_holds(&[], overwriting);
    assert_holds(&[], || assert_ne!(overwrite(), Err(Miss::Damaged)));
}

#[test]
fn p2_4_without_open_in_the_writer_a_torn_frame_is_accepted() {
    assert_breaks(&[(Order::Open, Side::Writer)], overwriting, "torn frame");
}

#[test]
fn p2_4_without_open_in_the_reader_a_torn_frame_is_accepted() {
    assert_breaks(&[(Order::Open, Side::Reader)], overwriting, "torn frame");
}

/// A reader that asks for frame 4, not knowing whether it is there, while it is written over frame 1, and what
/// it is told.
fn arrive() -> Result<(), Miss> {
    let ring = ModelRing::new(&slot_words(4), &[4]);
    let mut writer = writer(&ring);
    (1..=SLOTS).for_each(|_| _ = publish(&mut writer));
    let reader = Reader::attach(ring).unwrap();
    let writing = thread::spawn(move || _ = publish(&mut writer));
    let told = copy_whole(&reader, 4);
    writing.join().unwrap();
    told
}

fn arriving() {
    _ = arrive();
}

#[test]
fn p2_4_publish() {
    assert_holds(&[], arriving);
    assert_holds(&[], || assert_ne!(arrive(), Err(Miss::Damaged)));
}

#[test]
fn p2_4_without_publish_in_the_writer_a_torn_frame_is_accepted() {
    assert_breaks(&[(Order::Publish, Side::Writer)], arriving, "torn frame");
}

#[test]
fn p2_4_without_publish_in_the_reader_a_torn_frame_is_accepted() {
    assert_breaks(&[(Order::Publish, Side::Reader)], arriving, "torn frame");
}

/// A reader that goes where the current record sends it. Three slots and two frames: nothing is overwritten, so
/// the frame must be there.
fn following() {
    let ring = ModelRing::new(
        &[
            in_current(record::SEQUENCE),
            in_slot(1, record::SEQUENCE),
            in_slot(2, record::SEQUENCE),
        ],
        &[],
    );
    let mut writer = writer(&ring);
    let reader = Reader::attach(ring).unwrap();
    let writing = thread::spawn(move || (0..2).for_each(|_| _ = publish(&mut writer)));
    let newest = reader.newest_id();
    if newest != 0 {
        assert_eq!(copy_whole(&reader, newest), Ok(()), "needless miss");
    }
    writing.join().unwrap();
}

#[test]
fn p2_4_newest() {
    assert_holds(&[], following);
}

#[test]
fn p2_4_without_newest_in_the_reader_there_are_needless_misses_and_no_torn_frames() {
    assert_breaks(&[(Order::Newest, Side::Reader)], following, "needless miss");
    assert_holds(&[(Order::Newest, Side::Reader)], overwriting);
    assert_holds(&[(Order::Newest, Side::Reader)], arriving);
}

/// W6 stands between W4 and W8, and the W2 of the next frame between W4 and the next W5. Both are release
/// fences, so the order of `newest` holds even where its own stores are relaxed.
#[test]
fn p2_4_in_the_writer_newest_is_carried_by_the_fences_too() {
    assert_holds(&[(Order::Newest, Side::Writer)], following);
    assert_breaks(
        &[(Order::Newest, Side::Writer), (Order::CurrentOpen, Side::Writer)],
        following,
        "needless miss",
    );
}

/// A reader of the current record while frame 2 takes the place of frame 1 in it.
fn watching() {
    let ring = ModelRing::new(
        &[
            in_current(record::SEQUENCE),
            in_current(record::FRAME_ID),
            in_current(record::TIMESTAMP_NS),
            in_current(record::DATA_OFFSET),
        ],
        &[],
    );
    let mut writer = writer(&ring);
    publish(&mut writer);
    let reader = Reader::attach(ring).unwrap();
    let writing = thread::spawn(move || _ = publish(&mut writer));
    match reader.current() {
        Ok(record) => assert_eq!(record.stamp.timestamp_ns, record.frame_id, "torn record"),
        Err(miss) => assert_ne!(miss, Miss::Damaged, "torn record"),
    }
    writing.join().unwrap();
}

#[test]
fn p2_4_current_open_and_current_publish() {
    assert_holds(&[], watching);
}

#[test]
fn p2_4_without_current_open_in_the_writer_a_torn_record_is_accepted() {
    assert_breaks(&[(Order::CurrentOpen, Side::Writer)], watching, "torn record");
}

#[test]
fn p2_4_without_current_open_in_the_reader_a_torn_record_is_accepted() {
    assert_breaks(&[(Order::CurrentOpen, Side::Reader)], watching, "torn record");
}

#[test]
fn p2_4_without_current_publish_in_the_writer_a_torn_record_is_accepted() {
    assert_breaks(&[(Order::CurrentPublish, Side::Writer)], watching, "torn record");
}

#[test]
fn p2_4_without_current_publish_in_the_reader_a_torn_record_is_accepted() {
    assert_breaks(&[(Order::CurrentPublish, Side::Reader)], watching, "torn record");
}

/// A reader that asks whether the ring has ended, and then for the last frame.
fn ending() {
    let ring = ModelRing::new(&[header::STATE, in_current(record::SEQUENCE)], &[]);
    let mut writer = writer(&ring);
    let reader = Reader::attach(ring).unwrap();
    let writing = thread::spawn(move || {
        publish(&mut writer);
        set_state(writer.memory(), State::Ended);
    });
    if reader.state() == Some(State::Ended) {
        assert_eq!(reader.newest_id(), 1, "last frame lost");
    }
    writing.join().unwrap();
}

#[test]
fn p2_6_end() {
    assert_holds(&[], ending);
}

#[test]
fn p2_6_without_end_in_the_writer_the_last_frame_is_lost() {
    assert_breaks(&[(Order::End, Side::Writer)], ending, "last frame lost");
}

#[test]
fn p2_6_without_end_in_the_reader_the_last_frame_is_lost() {
    assert_breaks(&[(Order::End, Side::Reader)], ending, "last frame lost");
}

/// A frame that is begun over frame 1, given up half-way, and begun again.
fn abandoning() {
    let ring = ModelRing::new(&slot_words(1), &[1]);
    let mut writer = writer(&ring);
    (1..=SLOTS).for_each(|_| _ = publish(&mut writer));
    let reader = Reader::attach(ring).unwrap();
    let writing = thread::spawn(move || {
        writer.begin().write_at(0, &[0xEE; PICTURE / 2]).unwrap();
        publish(&mut writer);
    });
    _ = copy_whole(&reader, 1);
    _ = copy_whole(&reader, 4);
    writing.join().unwrap();
}

#[test]
fn p2_4_an_abandoned_frame_is_never_seen() {
    assert_holds(&[], abandoning);
    assert_breaks(&[(Order::Open, Side::Writer)], abandoning, "torn frame");
}

/// Two drains, each of which takes the ring over when it gets it, and a reader that sees either's frames.
fn handing_over() {
    let ring = ModelRing::new(
        &[&[in_current(record::SEQUENCE)], &slot_words(1)[..]].concat(),
        &[1],
    );
    let reader = Reader::attach(Arc::clone(&ring)).unwrap();
    let baton = Arc::new(loom::sync::Mutex::new(ring));
    let drains = [(); 2].map(|()| {
        let baton = Arc::clone(&baton);
        thread::spawn(move || publish(&mut writer(&baton.lock().unwrap())))
    });
    _ = copy_whole(&reader, 1);
    let mut ids = drains.map(|drain| drain.join().unwrap());
    ids.sort_unstable();
    assert_eq!(ids, [1, 2]);
    assert_eq!(reader.newest_id(), 2);
}

#[test]
fn p2_7_the_ids_go_on_when_the_writer_changes_hands() {
    assert_holds(&[], handing_over);
}
