//! A camera as a program in C has it: the functions of the interface, and what they return.

use std::ffi::{CStr, CString, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{null, null_mut};

use vas_frames::*;

/// An open camera, closed when it goes out of scope.
pub(crate) struct Camera(pub(crate) *mut VasCamera);

impl Camera {
    pub(crate) fn open(path: &Path) -> Self {
        Self::try_open(path).unwrap_or_else(|status| panic!("{status:?}: {}", last_message()))
    }

    pub(crate) fn try_open(path: &Path) -> Result<Self, VasStatus> {
        let path = CString::new(path.as_os_str().as_bytes()).unwrap();
        let mut camera = null_mut();
        // SAFETY: a text, and a place for a pointer.
        let status = unsafe { vas_frames_open_path(path.as_ptr(), null(), &raw mut camera) };
        match status {
            VasStatus::Ok => Ok(Self(camera)),
            status => Err(status),
        }
    }

    pub(crate) fn copy_next(&self, timeout_ns: u64, into: &mut [u8]) -> (VasStatus, VasFrame) {
        let mut frame = VasFrame::default();
        // SAFETY: an open camera of this thread, and room for as many bytes as is said.
        let status = unsafe {
            vas_frames_copy_next(self.0, timeout_ns, into.as_mut_ptr(), into.len(), &raw mut frame)
        };
        (status, frame)
    }

    pub(crate) fn copy_newest(&self, timeout_ns: u64, into: &mut [u8]) -> (VasStatus, VasFrame) {
        let mut frame = VasFrame::default();
        // SAFETY: as above.
        let status = unsafe {
            vas_frames_copy_newest(self.0, timeout_ns, into.as_mut_ptr(), into.len(), &raw mut frame)
        };
        (status, frame)
    }

    pub(crate) fn copy_at(&self, id: u64, into: &mut [u8]) -> (VasStatus, VasFrame) {
        let mut frame = VasFrame::default();
        // SAFETY: as above.
        let status = unsafe { vas_frames_copy_at(self.0, id, into.as_mut_ptr(), into.len(), &raw mut frame) };
        (status, frame)
    }

    pub(crate) fn look(&self, timeout_ns: u64, mut look: impl FnMut(&VasPicture)) -> VasStatus {
        let mut look: &mut dyn FnMut(&VasPicture) = &mut look;
        let context = (&raw mut look).cast();
        // SAFETY: an open camera of this thread, and the context that `call` expects.
        unsafe { vas_frames_look_newest(self.0, timeout_ns, Some(call), context, null_mut()) }
    }

    pub(crate) fn look_at(&self, id: u64, mut look: impl FnMut(&VasPicture)) -> VasStatus {
        let mut look: &mut dyn FnMut(&VasPicture) = &mut look;
        let context = (&raw mut look).cast();
        // SAFETY: as above.
        unsafe { vas_frames_look_at(self.0, id, Some(call), context, null_mut()) }
    }

    pub(crate) fn health(&self) -> VasHealthReport {
        let mut report = VasHealthReport {
            health: 0,
            has_frame: 0,
            heartbeat_age_ns: 0,
            frame_age_ns: 0,
        };
        // SAFETY: an open camera of this thread, and a place for a report.
        let status = unsafe { vas_frames_health(self.0, &raw mut report) };
        assert_eq!(status, VasStatus::Ok);
        report
    }

    pub(crate) fn geometry(&self) -> VasGeometry {
        let mut geometry = VasGeometry::default();
        // SAFETY: an open camera of this thread, and a place for a geometry.
        let status = unsafe { vas_frames_geometry(self.0, &raw mut geometry) };
        assert_eq!(status, VasStatus::Ok);
        geometry
    }

    /// Matrix, primaries, transfer, range and chroma siting.
    pub(crate) fn colours(&self) -> [u8; 5] {
        let said = self.geometry().colours;
        [
            said.matrix,
            said.primaries,
            said.transfer,
            said.range,
            said.chroma_siting,
        ]
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        // SAFETY: open, and not used after this.
        unsafe { vas_frames_close(self.0) };
    }
}

unsafe extern "C" fn call(context: *mut c_void, picture: *const VasPicture) {
    // SAFETY: the context that `Camera::look` gives.
    let look = unsafe { &mut *context.cast::<&mut dyn FnMut(&VasPicture)>() };
    // SAFETY: a picture, for the time of this call.
    look(unsafe { &*picture });
}

pub(crate) fn last_message() -> String {
    let mut text = [0; 512];
    // SAFETY: room for as many bytes as is said.
    let needed = unsafe { vas_frames_last_message(text.as_mut_ptr(), text.len()) };
    assert!(needed <= text.len());
    // SAFETY: the text ends with a NUL.
    unsafe { CStr::from_ptr(text.as_ptr()) }
        .to_str()
        .unwrap()
        .to_owned()
}
