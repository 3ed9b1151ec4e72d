//! A ring of arbitrary bytes: the first two say where meta ends and data begins.
#![no_main]

#[path = "../../protocol/tests/exercise/mod.rs"]
mod exercise;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((meta_len, bytes)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let meta_len = usize::from(u16::from_le_bytes(*meta_len)).min(bytes.len());
    let (meta, data) = bytes.split_at(meta_len);
    exercise::exercise(meta, data);
});
