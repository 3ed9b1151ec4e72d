//! NV12 to RGB, by the numbers of ITU-T H.273 and nothing else.
//!
//! Each chroma sample is used for its four luma samples, as OpenCV does and FFmpeg with the scaler flags
//! `neighbor+full_chroma_int+accurate_rnd`, from which the results differ by one level at most.

#![warn(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]
#![warn(clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use std::ptr;

/// Bits behind the point.
const FRACTION: u32 = 16;

/// What luma and chroma contribute to red, green and blue.
#[derive(Clone, Copy, Debug)]
pub struct Conversion {
    black: i32,
    luma: i32,
    red_of_cr: i32,
    green_of_cb: i32,
    green_of_cr: i32,
    blue_of_cb: i32,
}

impl Conversion {
    /// The conversion for a code of `MatrixCoefficients`; `None` for one that is not known here.
    #[must_use]
    pub fn new(matrix: u8, is_full_range: bool) -> Option<Self> {
        let (red, blue) = match matrix {
            1 => (0.2126, 0.0722),
            4 => (0.30, 0.11),
            5 | 6 => (0.299, 0.114),
            7 => (0.212, 0.087),
            9 => (0.2627, 0.0593),
            _ => return None,
        };
        let green = 1.0 - red - blue;
        let (black, luma, chroma) = if is_full_range {
            (0, 1.0, 1.0)
        } else {
            (16, 255.0 / 219.0, 255.0 / 224.0)
        };
        #[allow(clippy::cast_possible_truncation, reason = "all are below 3")]
        let fixed = |value: f64| (value * f64::from(1 << FRACTION)).round() as i32;
        Some(Self {
            black,
            luma: fixed(luma),
            red_of_cr: fixed(chroma * 2.0 * (1.0 - red)),
            green_of_cb: fixed(-chroma * 2.0 * blue * (1.0 - blue) / green),
            green_of_cr: fixed(-chroma * 2.0 * red * (1.0 - red) / green),
            blue_of_cb: fixed(chroma * 2.0 * (1.0 - blue)),
        })
    }

    /// Two rows of luma and their row of chroma to two rows of RGB.
    fn rows(&self, luma: [&[u8]; 2], chroma: &[u8], rgb: [&mut [u8]; 2]) {
        for (luma, rgb) in luma.into_iter().zip(rgb) {
            let pairs = luma
                .chunks_exact(2)
                .zip(chroma.chunks_exact(2))
                .zip(rgb.chunks_exact_mut(6));
            for ((luma, chroma), rgb) in pairs {
                let (cb, cr) = (i32::from(chroma[0]) - 128, i32::from(chroma[1]) - 128);
                let red = self.red_of_cr * cr;
                let green = self.green_of_cb * cb + self.green_of_cr * cr;
                let blue = self.blue_of_cb * cb;
                for (&luma, rgb) in luma.iter().zip(rgb.chunks_exact_mut(3)) {
                    let luma = (i32::from(luma) - self.black) * self.luma + (1 << (FRACTION - 1));
                    rgb[0] = level(luma + red);
                    rgb[1] = level(luma + green);
                    rgb[2] = level(luma + blue);
                }
            }
        }
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to what fits"
)]
fn level(fixed: i32) -> u8 {
    (fixed >> FRACTION).clamp(0, 255) as u8
}

/// Converts a picture whose bytes may change meanwhile: each row is copied before it is used.
///
/// # Safety
///
/// `picture` leads to `stride * height * 3 / 2` readable bytes; width and height are even, and `rgb` has
/// `width * height * 3` bytes.
pub unsafe fn convert(
    conversion: Conversion,
    picture: *const u8,
    (width, height, stride): (usize, usize, usize),
    rgb: &mut [u8],
) {
    let mut rows = vec![0_u8; width * 3];
    let (first, rest) = rows.split_at_mut(width);
    let (second, chroma) = rest.split_at_mut(width);
    for (pair, rgb) in rgb.chunks_exact_mut(width * 6).take(height / 2).enumerate() {
        for (row, into) in [
            (2 * pair, &mut *first),
            (2 * pair + 1, &mut *second),
            (height + pair, &mut *chroma),
        ] {
            // SAFETY: a row of the picture, by its geometry.
            let from = unsafe { picture.add(row * stride) };
            // SAFETY: a row has `width` bytes in either plane, and the scratch memory is this function's own.
            unsafe { ptr::copy_nonoverlapping(from, into.as_mut_ptr(), width) };
        }
        let (upper, lower) = rgb.split_at_mut(width * 3);
        conversion.rows([first, second], chroma, [upper, lower]);
    }
}
