//! Pictures that are written with streaming (non-temporal) stores: by hand, and by a `memcpy` that is made to use
//! them for copies as small as these. They obey no order but that of W2 and W4.
//!
//! Without the fence there (`RUSTFLAGS="--cfg without_streaming_fence"`), both tests find torn frames on a processor
//! that lets streaming stores overtake others (seen on AMD EPYC, family 25).
#![cfg(not(any(loom, miri)))]

mod identity;

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use identity::FIRST;
use vas_frame_protocol::{FrameStamp, Geometry, HeapRing, Miss, RacyBytes, Reader, RingShape, Writer};

/// How many rings are written and read one after the other.
const RINGS: usize = 12;
/// How long the reader of a ring goes on at least; longer until it has been overtaken.
const RUN: Duration = Duration::from_millis(200);
/// How long it waits for that on a machine that is slow or busy.
const LIMIT: Duration = Duration::from_secs(30);
/// How often the reader looks at a frame before it asks for the newest one again.
const LOOKS: usize = 20;
/// The byte of the picture at which the reader looks: the first that `memcpy` streams, which begins with at most a
/// cache line of ordinary stores.
const FIRST_COPIED: usize = 64;
/// The variable that tells glibc from which size on a copy streams, with the smallest value it takes.
const TUNABLE: (&str, &str) = ("GLIBC_TUNABLES", "glibc.cpu.x86_non_temporal_threshold=0x4040");

type HeapWriter<'a> = Writer<&'a HeapRing>;

#[derive(Debug, Default)]
struct Seen {
    whole: u64,
    torn: u64,
    overtaken: u64,
}

/// A writer at full speed, and a reader that looks at the oldest frame again and again while it is overwritten. `first` is
/// the byte of the picture that is streamed first.
fn hunt(geometry: Geometry, first: usize, mut write: impl FnMut(&mut HeapWriter<'_>) + Send) -> Seen {
    // Where a ring lies decides how often its stores overtake each other, so several are tried.
    let rings: Vec<HeapRing> = (0..RINGS)
        .map(|_| HeapRing::new(RingShape::new(geometry, 3).unwrap(), &FIRST).unwrap())
        .collect();
    let mut seen = Seen::default();
    for ring in &rings {
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                // SAFETY: the ring was made above and this is its only writer.
                let mut writer = unsafe { Writer::new(ring) }.unwrap();
                while !is_over.load(Ordering::Relaxed) {
                    write(&mut writer);
                }
            });
            watch_the_oldest(&Reader::attach(ring).unwrap(), first, &mut seen);
            is_over.store(true, Ordering::Relaxed);
        });
    }
    seen
}

fn watch_the_oldest(reader: &Reader<&HeapRing>, first: usize, seen: &mut Seen) {
    let began = Instant::now();
    while began.elapsed() < RUN || (seen.overtaken == 0 || seen.whole == 0) && began.elapsed() < LIMIT {
        // The clock is asked seldom: what matters is to look at the moment at which a slot is opened.
        for _ in 0..1000 {
            watch(reader, reader.newest_id().saturating_sub(2), first, seen);
        }
    }
}

/// Looks at a frame until it is overwritten, a bounded number of times.
fn watch(reader: &Reader<&HeapRing>, id: u64, first: usize, seen: &mut Seen) {
    for _ in 0..LOOKS {
        match reader.look(id, |_, picture| is_of(picture, first, id)) {
            Ok((_, true)) => seen.whole += 1,
            Ok((_, false)) => seen.torn += 1,
            Err(Miss::Overwritten) => {
                seen.overtaken += 1;
                return;
            }
            Err(_) => return,
        }
    }
}

/// Whether the word at byte `at` of the picture is the frame's id.
fn is_of(picture: RacyBytes<'_>, at: usize, id: u64) -> bool {
    let mut word = [0; 8];
    picture.slice(at, 8).unwrap().copy_to(&mut word);
    word == id.to_le_bytes()
}

/// Writes frame after frame with streaming stores, straight into the open slot.
fn stream(writer: &mut HeapWriter<'_>) {
    let mut slot = writer.begin();
    let (id, len) = (slot.id(), slot.len());
    let picture = slot.as_mut_ptr();
    assert!(picture.addr() % PAIR == 0 && len % PAIR == 0);
    for pair in 0..len / PAIR {
        // SAFETY: the pair is inside the picture of `len` bytes.
        let at = unsafe { picture.add(pair * PAIR) };
        // SAFETY: the pair is inside the open slot, which is writable, and aligned as its beginning is.
        unsafe { stream_pair(at, id) };
    }
    slot.publish(&FrameStamp::default());
}

/// Bytes of two words, the most that one streaming store writes on both processors.
const PAIR: usize = 16;

/// Stores `value` in the two words at `at` with a streaming store.
///
/// # Safety
///
/// `at` is writable for 16 bytes and aligned to them.
unsafe fn stream_pair(at: *mut u8, value: u64) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{__m128i, _mm_set_epi64x, _mm_stream_si128};
        let value = i64::from_ne_bytes(value.to_ne_bytes());
        // SAFETY: every x86-64 processor has SSE2.
        let pair = unsafe { _mm_set_epi64x(value, value) };
        // SAFETY: promised by the caller.
        unsafe { _mm_stream_si128(at.cast::<__m128i>(), pair) };
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: promised by the caller.
    unsafe {
        std::arch::asm!("stnp {value}, {value}, [{at}]", at = in(reg) at, value = in(reg) value, options(nostack, preserves_flags));
    }
}

/// Copies frame after frame from memory: `memcpy` is what writes the picture.
fn push(writer: &mut HeapWriter<'_>, picture: &mut [u8]) {
    let id = writer.newest_id() + 1;
    picture[FIRST_COPIED..FIRST_COPIED + 8].copy_from_slice(&id.to_le_bytes());
    writer.push(picture, &FrameStamp::default()).unwrap();
}

#[track_caller]
fn assert_whole(seen: &Seen) {
    assert_eq!(seen.torn, 0, "{seen:?}");
    assert!(
        seen.whole > 0 && seen.overtaken > 0,
        "the reader never raced: {seen:?}"
    );
}

#[test]
fn p2_4_no_torn_frame_is_accepted_of_a_picture_that_is_streamed_into_its_slot() {
    assert_whole(&hunt(Geometry::nv12(16, 16).unwrap(), 0, stream));
}

#[test]
fn p2_4_no_torn_frame_is_accepted_of_a_picture_that_memcpy_streams() {
    let (name, value) = TUNABLE;
    if std::env::var(name).as_deref() == Ok(value) {
        let geometry = Geometry::nv12(112, 100).unwrap();
        let mut picture = vec![0; geometry.frame_bytes()];
        assert_whole(&hunt(geometry, FIRST_COPIED, |writer| push(writer, &mut picture)));
        return;
    }
    // glibc reads the variable when a process starts.
    let itself = std::env::current_exe().unwrap();
    let this_test = thread::current().name().unwrap().to_owned();
    let child = Command::new(itself)
        .args([this_test.as_str(), "--exact", "--nocapture"])
        .env(name, value)
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{output}");
}
