//! What Python gets to know about a frame.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use vas_frame_protocol::{ChromaSiting, ColourRange, Colours, FrameRecord, Header};

/// The arguments of the Python class, all but the picture.
pub(crate) fn record_tuple<'py>(
    py: Python<'py>,
    record: &FrameRecord,
    missed: u64,
    header: &Header,
) -> PyResult<Bound<'py, PyTuple>> {
    let (geometry, stamp, identity) = (record.geometry, &record.stamp, header.identity());
    (
        record.frame_id,
        missed,
        stamp.timestamp_ns,
        stamp.wall_clock_ns,
        stamp.source_timestamp_ns,
        stamp.checksum,
        geometry.width(),
        geometry.height(),
        geometry.stride(),
        PyBytes::new(py, &identity.epoch),
        identity.generation,
        colours_tuple(py, header.colours())?,
    )
        .into_pyobject(py)
}

/// The arguments of the Python class.
pub(crate) fn colours_tuple(py: Python<'_>, colours: Colours) -> PyResult<Bound<'_, PyTuple>> {
    let range = colours.range.map(|range| match range {
        ColourRange::Limited => "limited",
        ColourRange::Full => "full",
    });
    let chroma_siting = colours.chroma_siting.map(|siting| match siting {
        ChromaSiting::Left => "left",
        ChromaSiting::Center => "center",
        ChromaSiting::TopLeft => "top-left",
        ChromaSiting::Top => "top",
        ChromaSiting::BottomLeft => "bottom-left",
        ChromaSiting::Bottom => "bottom",
    });
    (
        colours.matrix,
        colours.primaries,
        colours.transfer,
        range,
        chroma_siting,
    )
        .into_pyobject(py)
}
