//! The conformance data that can be asked of the bytes of a ring. A file that is not run here fails the test.
#![cfg(not(any(loom, miri)))]

mod conformance_data;
mod identity;
mod slow_reader;

use std::fs;

use conformance_data::{Run, number, patches, rows, run_every_file};
use identity::FIRST;
use serde_json::{Value, json};
use vas_frame_protocol::{
    ChromaSiting, ColourRange, Colours, Geometry, HeapRing, Miss, Reader, RingShape, State, layout,
};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/golden");

const FILES: [(&str, Run); 7] = [
    ("walks", walks),
    ("outcomes", outcomes),
    ("layouts", layouts),
    ("colours", colours),
    ("geometries", geometries),
    ("constants", constants),
    ("slow-readers", slow_readers),
];

#[test]
fn p2_18_every_file_of_the_conformance_data_for_rings_holds() {
    run_every_file("ring", &FILES);
}

/// The bytes of the golden ring of a row, and those with which its patches replace some of them.
fn bytes_of(row: &Value) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let golden =
        |extension| fs::read(format!("{GOLDEN}/{}.{extension}", row["ring"].as_str().unwrap())).unwrap();
    let (meta, data) = (golden("meta"), golden("data"));
    let mut patched = meta.clone();
    for (offset, bytes) in patches(row) {
        patched[offset..offset + bytes.len()].copy_from_slice(&bytes);
    }
    (meta, patched, data)
}

/// How a read ended, as the data has it.
fn outcome(reader: &Reader<&HeapRing>, read: &Value) -> Value {
    let mut into = vec![0; reader.frame_bytes()];
    let seen = read["seen"].as_u64().unwrap_or(0);
    let result = match read["call"].as_str().unwrap() {
        "newest" => reader
            .copy_newest(seen, &mut into)
            .map(|taken| (taken.record.frame_id, taken.missed)),
        "next" => reader
            .copy_next(seen, &mut into)
            .map(|taken| (taken.record.frame_id, taken.missed)),
        call => {
            assert_eq!(call, "at");
            reader
                .copy(number(&read["id"]), &mut into)
                .map(|record| (record.frame_id, 0))
        }
    };
    let told = match result {
        Ok((id, missed)) => return json!({ "outcome": "frame", "frame_id": id, "missed": missed }),
        Err(Miss::NothingNewer) => match reader.state() {
            Some(State::Live) => "nothing-newer",
            Some(State::Ended) => "ended",
            Some(State::Replaced) => "replaced",
            None => "damaged",
        },
        Err(Miss::Overwritten) => "overwritten",
        Err(miss) => {
            assert_eq!(miss, Miss::Damaged);
            "damaged"
        }
    };
    json!({ "outcome": told })
}

fn assert_reads(reader: &Reader<&HeapRing>, row: &Value) {
    for read in row["reads"].as_array().unwrap() {
        let told = outcome(reader, read);
        for (field, value) in told.as_object().unwrap() {
            assert_eq!(value, &read[field], "{}: {read}", row["name"]);
        }
    }
}

fn walks(file: &Value) {
    for row in rows(file) {
        let (_, patched, data) = bytes_of(row);
        let ring = HeapRing::from_bytes(&patched, &data);
        assert_reads(&Reader::attach(&ring).unwrap(), row);
    }
}

fn outcomes(file: &Value) {
    for row in rows(file) {
        let (meta, patched, data) = bytes_of(row);
        let ring = HeapRing::from_bytes(&meta, &data);
        let reader = Reader::attach(&ring).unwrap();
        ring.overwrite_meta(&patched);
        assert_reads(&reader, row);
    }
}

fn layouts(file: &Value) {
    for row in rows(file) {
        let (_, patched, data) = bytes_of(row);
        let ring = HeapRing::from_bytes(&patched, &data);
        let code = Reader::attach(&ring).err().map(|error| error.code());
        let refused = (row["is_readable"] == false).then_some("INCOMPATIBLE_LAYOUT");
        assert_eq!(code, refused, "{}", row["name"]);
    }
}

fn as_json(colours: Colours) -> Value {
    json!({
        "matrix": colours.matrix,
        "primaries": colours.primaries,
        "transfer": colours.transfer,
        "range": colours.range.map(ColourRange::name),
        "chroma_siting": colours.chroma_siting.map(ChromaSiting::name),
    })
}

fn without_bytes(row: &Value) -> Value {
    let mut row = row.clone();
    row.as_object_mut().unwrap().remove("bytes");
    row
}

fn stored(row: &Value) -> Vec<u8> {
    row["bytes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|byte| number(byte) as u8)
        .collect()
}

fn colours(file: &Value) {
    for row in rows(file) {
        let mut meta = fs::read(format!("{GOLDEN}/wrapped.meta")).unwrap();
        meta[248..253].copy_from_slice(&stored(row));
        let ring = HeapRing::from_bytes(&meta, &fs::read(format!("{GOLDEN}/wrapped.data")).unwrap());
        let said = Reader::attach(&ring).unwrap().header().colours();
        assert_eq!(as_json(said), without_bytes(row));
    }
    for row in file["written"].as_array().unwrap() {
        let code = |field| row[field].as_u64().map(|code| code as u8);
        let named = |field, names: &[&str]| {
            let place = names.iter().position(|name| row[field] == *name);
            assert_eq!(place.is_none(), row[field].is_null());
            place
        };
        let ranges = [ColourRange::Limited, ColourRange::Full];
        let sitings = [
            ChromaSiting::Left,
            ChromaSiting::Center,
            ChromaSiting::TopLeft,
            ChromaSiting::Top,
            ChromaSiting::BottomLeft,
            ChromaSiting::Bottom,
        ];
        let told = Colours {
            matrix: code("matrix"),
            primaries: code("primaries"),
            transfer: code("transfer"),
            range: named("range", &ranges.map(ColourRange::name)).map(|place| ranges[place]),
            chroma_siting: named("chroma_siting", &sitings.map(ChromaSiting::name))
                .map(|place| sitings[place]),
        };
        let shape = RingShape::new(Geometry::nv12(2, 2).unwrap(), 3)
            .unwrap()
            .with_colours(told);
        let ring = HeapRing::new(shape, &FIRST).unwrap();
        assert_eq!(ring.meta_to_vec()[248..253], stored(row), "{row}");
    }
}

fn geometries(file: &Value) {
    for row in rows(file) {
        let [width, height, stride] = ["width", "height", "stride"].map(|field| number(&row[field]) as u32);
        let bytes = Geometry::nv12(width, height)
            .and_then(|geometry| geometry.with_stride(stride))
            .map(|geometry| geometry.frame_bytes() as u64);
        if let Err(error) = &bytes {
            assert_eq!(error.code(), "BAD_GEOMETRY");
        }
        assert_eq!(bytes.ok(), row["picture_bytes"].as_u64(), "{row}");
    }
}

fn constants(file: &Value) {
    let mut expected = file.clone();
    expected.as_object_mut().unwrap().remove("about");
    let here = json!({
        "layout_version": layout::VERSION,
        "record_size": layout::RECORD_SIZE,
        "header_size": layout::header::SIZE,
        "smallest_slot_count": layout::MIN_SLOTS,
        "largest_slot_count": layout::MAX_SLOTS,
        "largest_side": layout::MAX_SIDE,
        "largest_stride": layout::MAX_STRIDE,
        "slot_records_offset": layout::SLOT_RECORDS,
        "slot_record_stride": layout::RECORD_STRIDE,
        "page": layout::PAGE,
        "heartbeat_period_ns": layout::HEARTBEAT_PERIOD_NS,
        "old_after_ns": layout::OLD_AFTER_NS,
    });
    assert_eq!(here, expected);
}

fn slow_readers(file: &Value) {
    let run = number(&file["run_intervals"]) * slow_reader::INTERVAL;
    let looks_in_one_call = number(&file["looks_in_one_call"]);
    for slot_count in file["slot_counts"].as_array().unwrap() {
        let slot_count = number(slot_count) as u32;
        let longest = u64::from(slot_count - 2) * slow_reader::INTERVAL;
        for call in file["calls"].as_array().unwrap() {
            let call = call.as_str().unwrap();
            for look in (1..)
                .map(|i| i * number(&file["look_steps"]))
                .take_while(|&look| look <= longest)
            {
                let told = slow_reader::read(slot_count, look, run, call);
                let there_is_time_for = run as f64 / look.max(slow_reader::INTERVAL) as f64;
                let what = format!("{slot_count} slots, {call}, looks of {look}: {told:?}");
                assert!(
                    told.delivered as f64 >= there_is_time_for * file["share"].as_f64().unwrap(),
                    "{what}"
                );
                assert!(told.looks_in_one_call <= looks_in_one_call, "{what}");
            }
            let too_long = u64::from(slot_count + 1) * slow_reader::INTERVAL;
            let told = slow_reader::read(slot_count, too_long, run, call);
            assert_eq!(
                (told.delivered, told.looks_in_one_call),
                (0, looks_in_one_call),
                "{slot_count} {call}"
            );
        }
    }
}
