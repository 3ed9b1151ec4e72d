//! How a call ended, as a number, as a stable code and as a sentence.

use std::any::Any;
use std::cell::Cell;
use std::ffi::{CStr, c_char};
use std::fmt::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use vas_frame_segment::OpenError;

/// How a call ended. 0 is success; below 100 are ordinary outcomes, from 100 on errors.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VasStatus {
    /// It is done.
    Ok = 0,
    /// No new frame came in time.
    TimedOut = 1,
    /// A signal ended the wait; call again to go on waiting.
    Interrupted = 2,
    /// The frame was overwritten: it is gone, or what the callback saw was not one whole frame.
    Overwritten = 3,
    /// The frame is not there yet, or there is none newer.
    NothingNewer = 4,
    /// An argument is NULL or out of its range.
    BadOption = 100,
    /// Not 1 to 64 characters of A-Z a-z 0-9 . _ -, or it begins with a dot.
    BadCameraId = 101,
    /// There is no export at the path.
    SourceNotFound = 102,
    /// The files are no frame ring, or one of another layout.
    IncompatibleLayout = 103,
    /// The operating system refused.
    PermissionDenied = 104,
    /// The destination is smaller than the picture.
    DestinationTooSmall = 105,
    /// The record of a frame contradicts its ring: the memory is damaged.
    Damaged = 106,
    /// Another error of the operating system.
    Io = 107,
    /// A defect in this library.
    Internal = 108,
    /// The export belongs to a user whose frames are not accepted.
    WrongOwner = 109,
    /// This process, or the system, has too many open files.
    NoDescriptors = 110,
    /// The file system has no room for what was asked.
    NoSpace = 111,
}

impl VasStatus {
    const ALL: [Self; 17] = [
        Self::Ok,
        Self::TimedOut,
        Self::Interrupted,
        Self::Overwritten,
        Self::NothingNewer,
        Self::BadOption,
        Self::BadCameraId,
        Self::SourceNotFound,
        Self::IncompatibleLayout,
        Self::PermissionDenied,
        Self::DestinationTooSmall,
        Self::Damaged,
        Self::Io,
        Self::Internal,
        Self::WrongOwner,
        Self::NoDescriptors,
        Self::NoSpace,
    ];

    const fn code(self) -> &'static CStr {
        match self {
            Self::Ok => c"OK",
            Self::TimedOut => c"TIMED_OUT",
            Self::Interrupted => c"INTERRUPTED",
            Self::Overwritten => c"OVERWRITTEN",
            Self::NothingNewer => c"NOTHING_NEWER",
            Self::BadOption => c"BAD_OPTION",
            Self::BadCameraId => c"BAD_CAMERA_ID",
            Self::SourceNotFound => c"SOURCE_NOT_FOUND",
            Self::IncompatibleLayout => c"INCOMPATIBLE_LAYOUT",
            Self::PermissionDenied => c"PERMISSION_DENIED",
            Self::DestinationTooSmall => c"DESTINATION_TOO_SMALL",
            Self::Damaged => c"DAMAGED",
            Self::Io => c"IO",
            Self::Internal => c"INTERNAL",
            Self::WrongOwner => c"WRONG_OWNER",
            Self::NoDescriptors => c"NO_DESCRIPTORS",
            Self::NoSpace => c"NO_SPACE",
        }
    }

    fn of_code(code: &str) -> Self {
        let is_it = |status: &Self| status.code().to_bytes() == code.as_bytes();
        Self::ALL.into_iter().find(is_it).unwrap_or(Self::Io)
    }
}

/// The bytes of a message, with the NUL that ends it.
const MESSAGE: usize = 512;

/// A text of limited length; what is too long is cut off.
struct Message {
    bytes: [u8; MESSAGE],
    len: usize,
}

impl Write for Message {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MESSAGE - 1 - self.len;
        let mut taken = text.len().min(room);
        while !text.is_char_boundary(taken) {
            taken -= 1;
        }
        self.bytes[self.len..self.len + taken].copy_from_slice(&text.as_bytes()[..taken]);
        self.len += taken;
        Ok(())
    }
}

thread_local! {
    static LAST: Cell<[u8; MESSAGE]> = const { Cell::new([0; MESSAGE]) };
}

/// Puts down what `vas_frames_last_message` will say.
pub(crate) fn say(what: &dyn fmt::Display) {
    let mut message = Message {
        bytes: [0; MESSAGE],
        len: 0,
    };
    _ = write!(message, "{what}");
    LAST.set(message.bytes);
}

/// Puts down why a camera cannot be opened.
pub(crate) fn refused(error: &OpenError) -> VasStatus {
    say(error);
    VasStatus::of_code(error.code())
}

/// Puts down an argument that cannot be used.
pub(crate) fn bad_option(what: &'static str) -> VasStatus {
    say(&what);
    VasStatus::BadOption
}

/// Runs the body of a function of the interface, which has put down why it fails; a panic becomes
/// [`VasStatus::Internal`].
pub(crate) fn entry(body: impl FnOnce() -> Result<(), VasStatus>) -> VasStatus {
    let ended = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        say(&panic_message(panic.as_ref()));
        Err(VasStatus::Internal)
    });
    ended.err().unwrap_or(VasStatus::Ok)
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a defect in this library")
}

/// The stable code of a status as a text, such as "SOURCE_NOT_FOUND". The same in all languages; never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vas_frames_status_code(status: i32) -> *const c_char {
    let known = VasStatus::ALL.into_iter().find(|known| *known as i32 == status);
    known.map_or(c"UNKNOWN", VasStatus::code).as_ptr()
}

/// Copies the sentence that explains the last error of this thread into `into`, which has room for `len` bytes, and
/// ends it with a NUL. Returns the bytes that the whole sentence needs, with the NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vas_frames_last_message(into: *mut c_char, len: usize) -> usize {
    let message = LAST.get();
    let needed = message.iter().position(|&byte| byte == 0).unwrap_or(MESSAGE - 1) + 1;
    if into.is_null() || len == 0 {
        return needed;
    }
    let taken = needed.min(len) - 1;
    // SAFETY: there is room for `len` bytes, as the caller promises, and `taken` is less.
    unsafe { std::ptr::copy_nonoverlapping(message.as_ptr(), into.cast(), taken) };
    // SAFETY: as above.
    let end = unsafe { into.add(taken) };
    // SAFETY: as above.
    unsafe { end.write(0) };
    needed
}
