//! Memory for what is read from a pipe and thrown away: one piece for all drains of the process. Nobody ever looks at
//! what is in it, so that several may read into it at once; and it is there before the first pipe is handed out, so
//! that throwing away needs nothing that could be missing.

use std::cell::UnsafeCell;
use std::sync::Once;

/// As much as a pipe holds, so that emptying one takes a single system call.
pub(crate) const SCRATCH_BYTES: usize = 256 << 10;

const PAGE: usize = 4096;

#[repr(align(4096))]
struct Scratch(UnsafeCell<[u8; SCRATCH_BYTES]>);

// SAFETY: it is written by the kernel and by `scratch`, and read by nobody.
unsafe impl Sync for Scratch {}

static SCRATCH: Scratch = Scratch(UnsafeCell::new([0; SCRATCH_BYTES]));

/// Where to read `SCRATCH_BYTES` bytes to. The first call sees to it that every page is there.
pub(crate) fn scratch() -> *mut u8 {
    static TOUCHED: Once = Once::new();
    let start = SCRATCH.0.get().cast::<u8>();
    TOUCHED.call_once(|| {
        for offset in (0..SCRATCH_BYTES).step_by(PAGE) {
            // SAFETY: the page lies inside the scratch memory.
            let page = unsafe { start.add(offset) };
            // SAFETY: as above, and nobody reads it.
            unsafe { page.write_volatile(0xff) };
        }
    });
    start
}
