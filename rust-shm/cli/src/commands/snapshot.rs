//! `vas-frames snapshot`.

use std::fs::File;
use std::io::{BufWriter, Write, stdout};
use std::path::Path;
use std::time::{Duration, Instant};

use vas_frame_picture::{Conversion, convert};
use vas_frame_protocol::{ColourRange, Colours, Miss};

use crate::args::{Matrix, Range};
use crate::camera::{open, wait_a_little, word};
use crate::failure::{Exit, Failure};

pub(crate) fn snapshot(
    base: &Path,
    camera: &str,
    file: &Path,
    (matrix, range): (Option<Matrix>, Option<Range>),
    timeout: f64,
) -> Result<Exit, Failure> {
    let source = open(base, camera)?;
    let reader = source.reader();
    let conversion = conversion(reader.header().colours(), matrix, range)?;
    let deadline = Instant::now() + Duration::try_from_secs_f64(timeout).unwrap_or(Duration::ZERO);
    let mut picture = vec![0; reader.frame_bytes()];
    loop {
        match reader.copy_newest(0, &mut picture) {
            Ok(_) => break,
            Err(Miss::Overwritten) => {}
            Err(_) if Instant::now() < deadline => wait_a_little(&source, 0),
            Err(_) => {
                let message = format!("no frame came; the camera is {}", word(source.health()));
                return Err(Failure::Said(message, "TIMEOUT", Exit::No));
            }
        }
    }
    let geometry = reader.header().geometry();
    let (width, height) = (geometry.width() as usize, geometry.height() as usize);
    let mut rgb = vec![0; width * height * 3];
    let shape = (width, height, geometry.stride() as usize);
    // SAFETY: `picture` has the bytes of a frame of this geometry, `rgb` three for each pixel.
    unsafe { convert(conversion, picture.as_ptr(), shape, &mut rgb) };

    let to: Box<dyn Write> = if file == Path::new("-") {
        Box::new(stdout())
    } else {
        Box::new(File::create(file).map_err(Failure::io("create", file))?)
    };
    let mut encoder = png::Encoder::new(BufWriter::new(to), geometry.width(), geometry.height());
    encoder.set_color(png::ColorType::Rgb);
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(&rgb)?;
        writer.finish()
    });
    written.map_err(|error| Failure::io("write", file)(error.into()))?;
    Ok(Exit::Yes)
}

/// The conversion by what the camera says of its colours, or by what the command line says instead. Never a guess.
fn conversion(said: Colours, matrix: Option<Matrix>, range: Option<Range>) -> Result<Conversion, Failure> {
    let matrix = matrix.map(|matrix| matrix as u8).or(said.matrix);
    let is_full = range
        .map(|range| matches!(range, Range::Full))
        .or(said.range.map(|range| range == ColourRange::Full));
    let known = matrix
        .zip(is_full)
        .and_then(|(matrix, is_full)| Conversion::new(matrix, is_full));
    known.ok_or_else(|| {
        let message = "the camera does not say what its colours mean: add --matrix and --range";
        Failure::Said(message.to_owned(), "UNKNOWN_COLOURS", Exit::No)
    })
}
