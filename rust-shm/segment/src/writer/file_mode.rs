//! Who may read an export.

use rustix::fs::Mode;

/// Permissions of the two files: their owner reads and writes, group and others read or do not. The folder has
/// the same, with permission to search where there is permission to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileMode(Mode);

impl FileMode {
    /// Checks a mode: one of 0600, 0640, 0604 and 0644.
    ///
    /// # Errors
    /// [`FileModeError`] for any other: nobody but the owner may write, and nothing in there can be executed.
    pub fn new(mode: u32) -> Result<Self, FileModeError> {
        match mode {
            0o600 | 0o640 | 0o604 | 0o644 => Ok(Self(Mode::from_raw_mode(mode))),
            mode => Err(FileModeError { mode }),
        }
    }

    pub(crate) fn of_file(self) -> Mode {
        self.0
    }

    pub(crate) fn of_dir(self) -> Mode {
        let mut mode = self.0 | Mode::XUSR;
        mode.set(Mode::XGRP, mode.contains(Mode::RGRP));
        mode.set(Mode::XOTH, mode.contains(Mode::ROTH));
        mode
    }
}

impl Default for FileMode {
    /// 0644: everybody may read.
    fn default() -> Self {
        Self(Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::ROTH)
    }
}

/// A mode that the files of an export cannot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "file mode {mode:04o} is not one of 0600, 0640, 0604 and 0644: the owner writes, others read at most"
)]
pub struct FileModeError {
    mode: u32,
}

impl FileModeError {
    /// `BAD_OPTION`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "BAD_OPTION"
    }
}
