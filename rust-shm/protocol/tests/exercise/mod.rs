//! Everything that can be asked of a ring, asked of one whose bytes may say anything. Shared by the tests and
//! the fuzz targets.

use vas_frame_protocol::{
    FrameRecord, FrameStamp, HeapRing, RacyBytes, Reader, RingMemory, Writer, sequence,
};

/// Attaches to the ring and asks everything. Returns whether there was anything to attach to.
///
/// Whatever stands in `meta`: no panic, no byte outside of `data`, an end to every walk.
pub fn exercise(meta: &[u8], data: &[u8]) -> bool {
    let ring = HeapRing::from_bytes(meta, data);
    let Ok(reader) = Reader::attach(&ring) else {
        return false;
    };
    read_everything(&reader);

    // The writer reads what the writer before it has left.
    // SAFETY: the ring was made above and this is its only writer.
    if let Ok(mut writer) = unsafe { Writer::new(&ring) } {
        _ = writer.begin();
        writer.note_incomplete();
        let picture = vec![1; reader.frame_bytes()];
        for _ in 0..2 {
            let id = writer.push(&picture, &FrameStamp::default()).ok();
            assert_eq!(id, Some(writer.newest_id()).filter(|&id| id != 0));
        }
        assert!(writer.push(&[], &FrameStamp::default()).is_err());
    }
    read_everything(&reader);
    true
}

fn read_everything(reader: &Reader<&HeapRing>) {
    _ = (
        reader.state(),
        reader.heartbeat_ns(),
        reader.counters(),
        reader.current(),
    );
    let first = reader.header().identity().first_frame_id;
    let newest = reader.newest_id();
    let mut picture = vec![0; reader.frame_bytes()];

    let near = |id: u64| (0..10).map(move |i| id.wrapping_sub(5).wrapping_add(i));
    let interesting = [0, first, newest, sequence::MAX_FRAME_ID, u64::MAX];
    for id in interesting.into_iter().flat_map(near) {
        if let Ok(record) = reader.copy(id, &mut picture) {
            assert_eq!(record.frame_id, id);
            _ = record.verify(&picture);
        }
        _ = reader.look(id, |record, picture| look(reader, record, picture));
        let taken = [
            reader.copy_newest(id, &mut picture),
            reader.copy_next(id, &mut picture),
            reader.look_newest(id, |record, picture| look(reader, record, picture)),
            reader.look_next(id, |record, picture| look(reader, record, picture)),
        ];
        for taken in taken.iter().flatten() {
            assert!(taken.record.frame_id > id);
            let seen = if id == 0 { first.max(1) - 1 } else { id };
            assert_eq!(taken.missed, taken.record.frame_id - seen - 1);
        }
    }

    let mut after = 0;
    let mut steps = 0;
    while let Ok(taken) = reader.copy_next(after, &mut picture) {
        after = taken.record.frame_id;
        steps += 1;
        assert!(
            steps <= reader.header().shape().slot_count(),
            "a ring that nobody writes has an end"
        );
    }
}

/// Looks at both ends of a picture, and asserts that they are inside of data.
fn look(reader: &Reader<&HeapRing>, record: &FrameRecord, picture: RacyBytes<'_>) {
    let ring = *reader.memory();
    let data = ring.data() as usize;
    let start = picture.as_ptr() as usize;
    assert_eq!(picture.len(), record.geometry.frame_bytes());
    assert!(start >= data && start + picture.len() <= data + ring.data_len());
    let mut byte = [0];
    for offset in [0, picture.len() - 1] {
        assert_eq!(
            picture.slice(offset, 1).map(|end| end.copy_to(&mut byte)),
            Some(1)
        );
    }
    assert!(picture.slice(picture.len(), 1).is_none());
    assert!(picture.slice(usize::MAX, 2).is_none());
}
