//! The files of the conformance data, as the Rust tests of every crate read them.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

/// The folder of the files.
pub const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../protocol/conformance");

/// What runs a file.
pub type Run = fn(&Value);

/// What stands in [`FOLDER`]: each of the two folders is run by the crate that it is about.
const ALL: [&str; 3] = ["README.md", "camera", "ring"];

/// Runs every file of a folder of the conformance data. It fails on a file that nothing runs, on a name without a
/// file, and on a folder that no crate runs.
pub fn run_every_file(kind: &str, runs: &[(&str, Run)]) {
    let all: BTreeSet<_> = fs::read_dir(FOLDER)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(all, ALL.map(String::from).into());
    let mut files: BTreeMap<String, Value> = fs::read_dir(format!("{FOLDER}/{kind}"))
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, serde_json::from_slice(&fs::read(path).unwrap()).unwrap())
        })
        .collect();
    for (name, run) in runs {
        run(&files.remove(*name).unwrap());
    }
    assert_eq!(
        files.into_keys().collect::<Vec<_>>(),
        [""; 0],
        "nobody runs these"
    );
}

/// The rows of a file, of which there are some.
pub fn rows(file: &Value) -> &Vec<Value> {
    let rows = file["rows"].as_array().unwrap();
    assert!(!rows.is_empty());
    rows
}

pub fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

/// What the patches of a row put where in `frame.meta`.
pub fn patches(row: &Value) -> impl Iterator<Item = (usize, Vec<u8>)> {
    row["patches"].as_array().unwrap().iter().map(|patch| {
        let digits = patch[1].as_str().unwrap().as_bytes().chunks(2);
        let bytes = digits
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        (number(&patch[0]) as usize, bytes)
    })
}
