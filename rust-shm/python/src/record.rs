//! What Python gets to know about a frame.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use vas_frame_protocol::{FrameRecord, RingIdentity};

/// The arguments of the Python class, all but the picture.
pub(crate) fn record_tuple<'py>(
    py: Python<'py>,
    record: &FrameRecord,
    missed: u64,
    identity: &RingIdentity,
) -> PyResult<Bound<'py, PyTuple>> {
    let (geometry, stamp) = (record.geometry, &record.stamp);
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
    )
        .into_pyobject(py)
}
