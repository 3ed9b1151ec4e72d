//! A ring on loom's atomics, and what loom finds in a model that plays on it.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use crate::PREEMPTIONS;
use crate::identity::FIRST;
use vas_frame_protocol::layout::{RECORD_STRIDE, SLOT_RECORDS, header, record};
use vas_frame_protocol::order::{Order, Side, weaken};
use vas_frame_protocol::{
    Byte, FrameStamp, Geometry, RingMemory, RingShape, Word, WritableMemory, Writer, initialise,
};

/// Bytes of the smallest picture: 2x2.
pub(crate) const PICTURE: usize = 6;
pub(crate) const SLOTS: u64 = 3;
pub(crate) const SLOT_STRIDE: usize = 4096;

pub(crate) struct ModelRing {
    meta: Vec<Word>,
    data: Vec<Byte>,
}

// SAFETY: both ranges are vectors that are never changed in length; the bytes are atomics.
unsafe impl RingMemory for ModelRing {
    fn meta(&self) -> &[Word] {
        &self.meta
    }

    fn data(&self) -> *mut Byte {
        self.data.as_ptr().cast_mut()
    }

    fn data_len(&self) -> usize {
        self.data.len()
    }
}

// SAFETY: words and bytes are atomics, written through shared references.
unsafe impl WritableMemory for ModelRing {}

impl ModelRing {
    /// An empty ring in which loom watches the words at these offsets of meta and the first and last byte of
    /// the pictures of these slots.
    pub(crate) fn new(words: &[usize], pictures: &[u64]) -> Arc<Self> {
        let shape = RingShape::new(Geometry::nv12(2, 2).unwrap(), SLOTS as u32).unwrap();
        let bytes: Vec<usize> = pictures
            .iter()
            .flat_map(|&id| {
                let start = (id % SLOTS) as usize * SLOT_STRIDE;
                [start, start + PICTURE - 1]
            })
            .collect();
        let ring = Self {
            meta: (0..shape.meta_bytes() / 8)
                .map(|i| {
                    if words.contains(&(i * 8)) {
                        Word::watched(0)
                    } else {
                        Word::plain(0)
                    }
                })
                .collect(),
            data: (0..shape.data_bytes())
                .map(|i| {
                    if bytes.contains(&i) {
                        Byte::watched(0)
                    } else {
                        Byte::plain(0)
                    }
                })
                .collect(),
        };
        initialise(&ring, shape, &FIRST).unwrap();
        Arc::new(ring)
    }
}

/// Where a field of the record of the slot of frame `id` is.
pub(crate) fn in_slot(id: u64, field: usize) -> usize {
    SLOT_RECORDS + (id % SLOTS) as usize * RECORD_STRIDE + field
}

/// What a reader of the slot of frame `id` loads and the writer changes.
pub(crate) fn slot_words(id: u64) -> [usize; 3] {
    [record::SEQUENCE, record::FRAME_ID, record::TIMESTAMP_NS].map(|field| in_slot(id, field))
}

pub(crate) fn in_current(field: usize) -> usize {
    header::CURRENT_RECORD + field
}

pub(crate) fn writer(ring: &Arc<ModelRing>) -> Writer<Arc<ModelRing>> {
    // SAFETY: each model has one writer at a time.
    unsafe { Writer::new(Arc::clone(ring)) }.unwrap()
}

/// Publishes the next frame; its id is in every byte and in its stamp.
pub(crate) fn publish(writer: &mut Writer<Arc<ModelRing>>) -> u64 {
    let id = writer.newest_id() + 1;
    let stamp = FrameStamp {
        timestamp_ns: id,
        ..FrameStamp::default()
    };
    assert_eq!(writer.push(&[id as u8; PICTURE], &stamp), Ok(id));
    id
}

/// What loom finds in `model` with these ends taken away: the message of the first execution that fails.
pub(crate) fn explore(
    weakened: &[(Order, Side)],
    preemptions: Option<usize>,
    model: impl Fn() + Send + Sync + 'static,
) -> Result<(), String> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    weaken(weakened);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    let result = catch_unwind(AssertUnwindSafe(|| builder.check(model)));
    weaken(&[]);
    result.map_err(|panic| {
        panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|&s| s.into()))
            .unwrap()
    })
}

#[track_caller]
pub(crate) fn assert_holds(weakened: &[(Order, Side)], model: impl Fn() + Send + Sync + 'static) {
    assert_eq!(explore(weakened, PREEMPTIONS, model), Ok(()));
}

#[track_caller]
pub(crate) fn assert_breaks(weakened: &[(Order, Side)], model: impl Fn() + Send + Sync + 'static, how: &str) {
    let found = explore(weakened, PREEMPTIONS, model).expect_err("loom found nothing");
    assert!(found.contains(how), "loom found something else: {found}");
}
