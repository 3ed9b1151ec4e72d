//! Survives rings whose files are made shorter: looking at memory that is gone is a SIGBUS, which would end the
//! process. The handler puts zeros where the ring was, as libwayland does for the memory of its clients.
//!
//! Nobody who may only read the files can make them shorter; root and the writer's own user can. Zeros are safe: no
//! sequence of a complete frame is 0, so step R5 refuses whatever was read before, and no state is 0.

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Once, OnceLock};

/// Rings of one page of the table.
const PAGE_RINGS: usize = 256;

/// A piece of the table. It grows by such pieces, which are never freed: the handler may look at any of them at any
/// time.
struct Page {
    rings: [Ring; PAGE_RINGS],
    next: AtomicPtr<Page>,
}

static FIRST: Page = Page::new();

impl Page {
    const fn new() -> Self {
        Self {
            rings: [const { Ring::new() }; PAGE_RINGS],
            next: AtomicPtr::new(ptr::null_mut()),
        }
    }

    fn next(&self) -> Option<&'static Self> {
        // ORDER guard: acquire, the page is complete. Pairs with `grow`.
        let next = self.next.load(Ordering::Acquire);
        // SAFETY: a page that was linked here stays for as long as the process runs.
        unsafe { next.as_ref() }
    }

    /// The page after this one, which is the last; one that another thread links meanwhile is as good.
    fn grow(&self) -> &'static Self {
        let page = Box::into_raw(Box::new(Self::new()));
        // ORDER guard: release, the page is complete; acquire, so is the other one. Pairs with `next`.
        let linked = self
            .next
            .compare_exchange(ptr::null_mut(), page, Ordering::Release, Ordering::Acquire);
        let next = match linked {
            Ok(_) => page,
            Err(other) => {
                // SAFETY: it came from a box, and nobody else has seen it.
                drop(unsafe { Box::from_raw(page) });
                other
            }
        };
        // SAFETY: it is linked, so it stays for as long as the process runs.
        unsafe { &*next }
    }
}

/// Every ring of the table, in loads only.
fn rings() -> impl Iterator<Item = &'static Ring> {
    std::iter::successors(Some(&FIRST), |page| page.next()).flat_map(|page| &page.rings)
}

/// The two ranges of a mapped ring, for the handler. A range whose `start` is 0 is not there.
struct Ring {
    is_taken: AtomicBool,
    is_lost: AtomicBool,
    ranges: [Range; 2],
}

struct Range {
    start: AtomicUsize,
    len: AtomicUsize,
}

impl Ring {
    const fn new() -> Self {
        Self {
            is_taken: AtomicBool::new(false),
            is_lost: AtomicBool::new(false),
            ranges: [const { Range::none() }; 2],
        }
    }
}

impl Range {
    const fn none() -> Self {
        Self {
            start: AtomicUsize::new(0),
            len: AtomicUsize::new(0),
        }
    }

    fn get(&self) -> Option<(usize, usize)> {
        // ORDER guard: acquire, the length belongs to this start. Pairs with `set`.
        let start = self.start.load(Ordering::Acquire);
        // ORDER guard: relaxed, ordered by the load above.
        (start != 0).then(|| (start, self.len.load(Ordering::Relaxed)))
    }

    fn set(&self, start: usize, len: usize) {
        // ORDER guard: relaxed, published by the store below.
        self.len.store(len, Ordering::Relaxed);
        // ORDER guard: release, the length is there before the start.
        self.start.store(start, Ordering::Release);
    }
}

/// A mapped ring that is guarded until this value is dropped, which must be before it is unmapped.
pub(crate) struct Guard(&'static Ring);

impl std::fmt::Debug for Guard {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Guard")
            .field("is_lost", &self.is_lost())
            .finish()
    }
}

impl Guard {
    /// Guards two mapped ranges, however many there are already.
    ///
    /// # Safety
    ///
    /// Both are mappings of the caller's own, whole pages, and stay mapped as long as the guard. Nothing but
    /// racing loads and stores of a ring's bytes looks at them, which may find zeros at any time.
    pub(crate) unsafe fn new(ranges: [(*mut u8, usize); 2]) -> Self {
        install();
        let ring = take_ring();
        // ORDER guard: relaxed, only a fault in the ranges sets it, and they are not there yet.
        ring.is_lost.store(false, Ordering::Relaxed);
        for (range, (start, len)) in ring.ranges.iter().zip(ranges) {
            range.set(start.addr(), len);
        }
        Self(ring)
    }

    /// Whether a file turned out to be shorter than its mapping. What is stored into the ring since is seen by
    /// nobody.
    pub(crate) fn is_lost(&self) -> bool {
        // ORDER guard: relaxed, it concerns no other memory, and this thread sees what its own signals did.
        self.0.is_lost.load(Ordering::Relaxed)
    }
}

/// A place of the table that nobody has.
fn take_ring() -> &'static Ring {
    let mut page = &FIRST;
    loop {
        let free = page.rings.iter().find(|ring| {
            // ORDER guard: relaxed, only to pass over those that are taken without writing to them.
            // ORDER guard: acquire, after the former owner has cleared the ranges. Pairs with `drop`.
            !ring.is_taken.load(Ordering::Relaxed) && !ring.is_taken.swap(true, Ordering::Acquire)
        });
        match free {
            Some(ring) => return ring,
            None => page = page.next().unwrap_or_else(|| page.grow()),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        for range in &self.0.ranges {
            range.set(0, 0);
        }
        // ORDER guard: release, the ranges are cleared before the next owner sets them.
        self.0.is_taken.store(false, Ordering::Release);
    }
}

/// What handled SIGBUS before; there before our handler can be called.
static FORMER: OnceLock<libc::sigaction> = OnceLock::new();

/// Installs the handler with the first ring; a process that maps none keeps its signals as they are.
fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // SAFETY: all zeros is a `sigaction`: no flags, an empty mask, the default action.
        let mut former: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
        let mut ours = former;
        ours.sa_sigaction = (on_sigbus as *const ()).expose_provenance();
        // On the alternate stack if the thread has one; others may depend on it.
        ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // SAFETY: the pointer is valid for writing.
        unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), &raw mut former) };
        _ = FORMER.set(former);
        // SAFETY: the handler only does what is allowed in one, and stays in memory: the addon is linked with
        // `nodelete`.
        unsafe { libc::sigaction(libc::SIGBUS, &raw const ours, ptr::null_mut()) };
    });
}

/// Loads of atomics, `mmap(2)` and `sigaction(2)`: nothing that is not allowed in a handler.
extern "C" fn on_sigbus(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes the information of a signal whose handler has SA_SIGINFO.
    let info_ref = unsafe { &*info };
    // SAFETY: SIGBUS has an address.
    let address = unsafe { info_ref.si_addr() }.addr();
    // A SIGBUS that was sent has no fault to be repaired.
    let was_sent = info_ref.si_code <= 0;
    if !was_sent && replace_ring_at(address) {
        return;
    }
    let Some(former) = FORMER.get() else { return };
    // The process goes on, and this handler must stay in its place.
    if was_sent && former.sa_sigaction == libc::SIG_IGN {
        return;
    }
    if former.sa_sigaction == libc::SIG_DFL || former.sa_sigaction == libc::SIG_IGN {
        // Not ours: the fault comes again and has the action that it would have had without us.
        // SAFETY: it is the action that the kernel gave us.
        unsafe { libc::sigaction(signal, former, ptr::null_mut()) };
        if was_sent {
            // SAFETY: raises the signal, which is sent again, in this thread.
            unsafe { libc::raise(signal) };
        }
    } else if former.sa_flags & libc::SA_SIGINFO != 0 {
        type Handler = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);
        // SAFETY: SA_SIGINFO says that it is such a function.
        let handler = unsafe { std::mem::transmute::<usize, Handler>(former.sa_sigaction) };
        handler(signal, info, context);
    } else {
        // SAFETY: without SA_SIGINFO it is such a function.
        let handler = unsafe { std::mem::transmute::<usize, extern "C" fn(c_int)>(former.sa_sigaction) };
        handler(signal);
    }
}

/// Puts zeros over both ranges of the ring that has the address: half a ring would be taken for a good one.
fn replace_ring_at(address: usize) -> bool {
    let has_address = |range: &Range| {
        range
            .get()
            .is_some_and(|(start, len)| (start..start + len).contains(&address))
    };
    let Some(ring) = rings().find(|ring| ring.ranges.iter().any(has_address)) else {
        return false;
    };
    // ORDER guard: relaxed, see `is_lost`.
    ring.is_lost.store(true, Ordering::Relaxed);
    // SAFETY: the address of this thread's own errno.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: as above.
    let errno_before = unsafe { *errno };
    let is_replaced = ring.ranges.iter().filter_map(Range::get).all(|(start, len)| {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED | libc::MAP_NORESERVE;
        let at = ptr::with_exposed_provenance_mut(start);
        // SAFETY: whoever made the guard owns the range, and allows for zeros in it.
        unsafe { libc::mmap(at, len, protection, flags, -1, 0) != libc::MAP_FAILED }
    });
    // SAFETY: as above.
    unsafe { *errno = errno_before };
    is_replaced
}
