//! `NativeExport`: the writing side.

use crate::error::{Result, error, guard};
use napi::bindgen_prelude::{BigInt, Either, Null, Uint8ArraySlice};
use napi_derive::napi;
use std::os::fd::AsRawFd;
use vas_frame_drain::{DrainState, Export, ExportOptions, Mismatch, NotInPlace, Outcome, StreamForm};
use vas_frame_protocol::{ChromaSiting, ColourRange, Colours, Geometry, RingShape};
use vas_frame_segment::CameraId;
use vas_frame_segment::writer::FileMode;

#[napi(object, object_to_js = false)]
pub struct NativeExportOptions {
    pub base_dir: String,
    pub camera_id: String,
    pub width: u32,
    pub height: u32,
    /// Bytes per row; the width if it is missing.
    pub stride_bytes: Option<u32>,
    pub slot_count: u32,
    /// 0600, 0640, 0604 or 0644.
    pub file_mode: u32,
    pub checksum: bool,
    /// Whether waiting readers are woken; they are if it is missing.
    pub rings_bell: Option<bool>,
    pub colours: NativeColours,
}

/// What the numbers of the pictures mean, in the codes of ITU-T H.273; what is missing is not said.
#[napi(object, object_to_js = false)]
pub struct NativeColours {
    pub matrix: Option<u8>,
    pub primaries: Option<u8>,
    pub transfer: Option<u8>,
    /// 0 or 1, as `VideoFullRangeFlag`.
    pub range: Option<u8>,
    /// 0 to 5, as `Chroma420SampleLocType`.
    pub chroma_siting: Option<u8>,
}

impl From<NativeColours> for Colours {
    fn from(colours: NativeColours) -> Self {
        const RANGES: [ColourRange; 2] = [ColourRange::Limited, ColourRange::Full];
        const SITINGS: [ChromaSiting; 6] = [
            ChromaSiting::Left,
            ChromaSiting::Center,
            ChromaSiting::TopLeft,
            ChromaSiting::Top,
            ChromaSiting::BottomLeft,
            ChromaSiting::Bottom,
        ];
        Self {
            matrix: colours.matrix,
            primaries: colours.primaries,
            transfer: colours.transfer,
            range: colours
                .range
                .and_then(|flag| RANGES.get(usize::from(flag)).copied()),
            chroma_siting: colours
                .chroma_siting
                .and_then(|location| SITINGS.get(usize::from(location)).copied()),
        }
    }
}

#[napi(object, object_from_js = false)]
pub struct NativeStatistics {
    pub frames_written: f64,
    pub frames_incomplete: f64,
    pub frames_rejected: f64,
    pub frames_discarded: f64,
    pub bytes_written: f64,
    #[napi(ts_type = "bigint | null")]
    pub last_frame_ns: Nullable<BigInt>,
    #[napi(ts_type = "'detached' | 'waiting' | 'publishing' | 'discarding'")]
    pub drain: &'static str,
    /// How the frames come through the attached pipe.
    #[napi(ts_type = "'unknown' | 'bare' | 'framed'")]
    pub stream: &'static str,
    /// Why a framed stream is not what the export is for.
    #[napi(ts_type = "'wrong-size' | 'wrong-format' | null")]
    pub stream_mismatch: Nullable<&'static str>,
    pub stream_damages: f64,
    pub pipe_size_bytes: f64,
    pub generation: f64,
    /// Whether the files were cut short by somebody.
    pub has_lost_memory: bool,
    /// Defects: panics in drain threads, of which each ended the publishing of one pipe.
    pub drain_panics: f64,
    /// How often the files were removed or replaced by somebody else, and put back.
    pub restored: f64,
    /// Why they are not where readers look for them.
    #[napi(ts_type = "NativeNotInPlace | null")]
    pub not_in_place: Nullable<NativeNotInPlace>,
}

#[napi(object, object_from_js = false)]
pub struct NativeNotInPlace {
    pub code: &'static str,
    pub message: String,
}

/// `None` is `null`, not a missing property.
type Nullable<T> = Either<T, Null>;

/// The export of one camera. One that is collected without `close` is closed then.
#[napi]
pub struct NativeExport {
    export: Export,
}

#[napi]
impl NativeExport {
    /// Reserves the memory of a camera and makes it visible to readers.
    #[napi(factory)]
    pub fn open(options: NativeExportOptions) -> Result<Self> {
        guard(|| {
            let shape = shape(
                options.width,
                options.height,
                options.stride_bytes,
                options.slot_count,
            )?
            .with_colours(options.colours.into());
            let export = Export::open(ExportOptions {
                base_dir: options.base_dir.into(),
                camera: CameraId::new(&options.camera_id).map_err(|cause| error(cause.code(), cause))?,
                shape,
                file_mode: FileMode::new(options.file_mode).map_err(|cause| error(cause.code(), cause))?,
                has_checksums: options.checksum,
                rings_bell: options.rings_bell.unwrap_or(true),
            });
            Ok(Self {
                export: export.map_err(|cause| error(cause.code(), cause))?,
            })
        })
    }

    /// Makes a pipe, starts to read it, and returns the descriptor to be written to. What is attached already
    /// goes on until `release_pipe`.
    #[napi]
    pub fn open_pipe(&mut self) -> Result<i32> {
        guard(|| {
            let write_end = self.export.offer().map_err(|cause| error(cause.code(), cause))?;
            Ok(write_end.as_raw_fd())
        })
    }

    /// A process has the descriptor now: it takes the place of the one before, and our copy is closed. A second
    /// call does nothing.
    #[napi]
    pub fn release_pipe(&mut self) -> Result<()> {
        guard(|| {
            self.export.accept();
            self.export.release();
            Ok(())
        })
    }

    /// Nobody has the descriptor: it is closed, and what was attached before goes on. A second call does nothing.
    #[napi]
    pub fn discard_pipe(&mut self) -> Result<()> {
        guard(|| {
            self.export.withdraw();
            Ok(())
        })
    }

    /// Publishes a frame that is in memory.
    #[napi(ts_return_type = "'published' | 'wrong-size' | 'draining' | 'closed'")]
    pub fn publish(
        &mut self,
        frame: Uint8ArraySlice<'_>,
        source_timestamp_ns: Option<BigInt>,
    ) -> Result<&'static str> {
        guard(|| {
            let source_timestamp_ns = source_timestamp_ns.as_ref().and_then(as_u64);
            Ok(match self.export.publish(&frame, source_timestamp_ns) {
                Outcome::Published(_) => "published",
                Outcome::WrongSize => "wrong-size",
                Outcome::Draining => "draining",
                Outcome::Closed => "closed",
            })
        })
    }

    /// Goes on with frames of another geometry, or of other colours, in new memory. Colours that are missing stay.
    #[napi]
    pub fn change_geometry(
        &mut self,
        width: u32,
        height: u32,
        stride_bytes: Option<u32>,
        colours: Option<NativeColours>,
    ) -> Result<()> {
        guard(|| {
            let former = self.export.shape();
            let colours = colours.map_or(former.colours(), Colours::from);
            let shape = shape(width, height, stride_bytes, former.slot_count())?.with_colours(colours);
            self.export
                .reshape(shape)
                .map_err(|cause| error(cause.code(), cause))
        })
    }

    /// Totals since `open`, and how the export is now.
    #[napi]
    pub fn statistics(&self) -> Result<NativeStatistics> {
        guard(|| {
            let now = self.export.statistics();
            Ok(NativeStatistics {
                frames_written: number(now.frames_written),
                frames_incomplete: number(now.frames_incomplete),
                frames_rejected: number(now.frames_rejected),
                frames_discarded: number(now.frames_discarded),
                bytes_written: number(now.bytes_written),
                last_frame_ns: match now.last_frame_ns {
                    Some(ns) => Nullable::A(BigInt::from(ns)),
                    None => Nullable::B(Null),
                },
                drain: match now.drain {
                    DrainState::Detached => "detached",
                    DrainState::Waiting => "waiting",
                    DrainState::Publishing => "publishing",
                    DrainState::Discarding => "discarding",
                },
                stream: match now.stream.form {
                    StreamForm::Unknown => "unknown",
                    StreamForm::Bare => "bare",
                    StreamForm::Framed => "framed",
                },
                stream_mismatch: match now.stream.mismatch {
                    Some(Mismatch::WrongSize) => Nullable::A("wrong-size"),
                    Some(Mismatch::WrongFormat) => Nullable::A("wrong-format"),
                    None => Nullable::B(Null),
                },
                stream_damages: number(now.stream_damages),
                pipe_size_bytes: number(now.pipe_bytes as u64),
                generation: number(now.generation),
                has_lost_memory: self.export.has_lost_memory(),
                drain_panics: number(now.drain_panics),
                restored: number(now.restored),
                not_in_place: match now.not_in_place {
                    Some(NotInPlace { code, message }) => Nullable::A(NativeNotInPlace { code, message }),
                    None => Nullable::B(Null),
                },
            })
        })
    }

    /// The camera's folder.
    #[napi(getter)]
    pub fn path(&self) -> Result<String> {
        guard(|| Ok(self.export.path().to_string_lossy().into_owned()))
    }

    /// Removes the export; an attached pipe is read to its end. A second call does nothing.
    #[napi]
    pub fn close(&mut self) -> Result<()> {
        guard(|| {
            self.export.close();
            Ok(())
        })
    }

    /// `close` for a process that ends: readers learn that the writer is gone, not that the camera was closed.
    #[napi]
    pub fn leave(&mut self) -> Result<()> {
        guard(|| {
            self.export.leave();
            Ok(())
        })
    }
}

/// `None` for what is negative or too large: a frame is worth more than its host's time stamp.
fn as_u64(number: &BigInt) -> Option<u64> {
    let (is_negative, value, is_lossless) = number.get_u64();
    (is_lossless && !is_negative).then_some(value)
}

fn shape(width: u32, height: u32, stride: Option<u32>, slot_count: u32) -> Result<RingShape> {
    let geometry = Geometry::nv12(width, height).and_then(|geometry| match stride {
        Some(stride) => geometry.with_stride(stride),
        None => Ok(geometry),
    });
    let geometry = geometry.map_err(|cause| error(cause.code(), cause))?;
    RingShape::new(geometry, slot_count).map_err(|cause| error("BAD_OPTION", cause))
}

/// Exact up to 2^53: as bytes of 1080p25 that is more than three years.
#[allow(clippy::cast_precision_loss, reason = "see above")]
fn number(count: u64) -> f64 {
    count as f64
}
