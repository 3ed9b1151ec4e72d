//! The check that makes a camera id fit to be a file name.

use std::fmt;

/// A camera id: 1 to 64 characters of `A-Z a-z 0-9 . _ -`, the first not a dot.
///
/// A value of this type has passed the check, so it can be used as a file name as it is: no separator, no
/// `..`, no NUL, and never the name of one of the hidden files in the base folder, which begin with a dot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CameraId(String);

impl CameraId {
    /// The longest camera id, in bytes.
    pub const MAX_LEN: usize = 64;

    /// Checks an id.
    ///
    /// # Errors
    /// [`CameraIdError`] if it is anything but what the type promises.
    pub fn new(id: &str) -> Result<Self, CameraIdError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if id.is_empty() || id.len() > Self::MAX_LEN || id.starts_with('.') || !id.bytes().all(is_plain) {
            return Err(CameraIdError {
                id: id.chars().take(Self::MAX_LEN).collect(),
            });
        }
        Ok(Self(id.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CameraId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A text that is not a camera id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{id:?} is not a camera id: use 1 to 64 characters of A-Z a-z 0-9 . _ -, the first not a dot")]
pub struct CameraIdError {
    /// The text, cut off after 64 characters.
    id: String,
}

impl CameraIdError {
    /// `BAD_CAMERA_ID`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "BAD_CAMERA_ID"
    }
}
