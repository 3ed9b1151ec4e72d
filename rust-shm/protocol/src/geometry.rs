//! The shape of one NV12 picture, checked when it is made.

use thiserror::Error;

use crate::layout::{MAX_SIDE, MAX_STRIDE};

/// Width, height and stride of an NV12 picture. A value of this type is always valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Geometry {
    width: u32,
    height: u32,
    stride: u32,
}

impl Geometry {
    /// A picture without padding: the stride is the width.
    ///
    /// # Errors
    /// [`GeometryError`] for a width or height that is not even and in range.
    pub const fn nv12(width: u32, height: u32) -> Result<Self, GeometryError> {
        if width == 0 || width > MAX_SIDE || width % 2 != 0 {
            return Err(GeometryError::Width(width));
        }
        if height == 0 || height > MAX_SIDE || height % 2 != 0 {
            return Err(GeometryError::Height(height));
        }
        Ok(Self {
            width,
            height,
            stride: width,
        })
    }

    /// The same picture with rows of `stride` bytes.
    ///
    /// # Errors
    /// [`GeometryError`] for a stride below the width or out of range.
    pub const fn with_stride(self, stride: u32) -> Result<Self, GeometryError> {
        if stride < self.width || stride > MAX_STRIDE {
            return Err(GeometryError::Stride {
                stride,
                width: self.width,
            });
        }
        Ok(Self { stride, ..self })
    }

    /// Pixels per row.
    #[must_use]
    pub const fn width(self) -> u32 {
        self.width
    }

    /// Rows of the Y plane.
    #[must_use]
    pub const fn height(self) -> u32 {
        self.height
    }

    /// Bytes per row of either plane.
    #[must_use]
    pub const fn stride(self) -> u32 {
        self.stride
    }

    /// Bytes of the picture: both planes.
    #[must_use]
    pub const fn frame_bytes(self) -> usize {
        self.stride as usize * (self.height as usize / 2) * 3
    }
}

/// A geometry that no ring can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GeometryError {
    /// The width is zero, odd or too large.
    #[error("width {0} must be even and from 2 to {MAX_SIDE}")]
    Width(u32),
    /// The height is zero, odd or too large.
    #[error("height {0} must be even and from 2 to {MAX_SIDE}")]
    Height(u32),
    /// The stride is smaller than the width, or too large.
    #[error("stride {stride} must be from the width, {width}, to {MAX_STRIDE}")]
    Stride {
        /// The stride asked for.
        stride: u32,
        /// The width of the picture.
        width: u32,
    },
}

impl GeometryError {
    /// The stable code of the error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "BAD_GEOMETRY"
    }
}
