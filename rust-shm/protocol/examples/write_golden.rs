//! Writes the golden files: `cargo run --example write_golden -- <folder>`.

#[path = "../tests/scenarios/mod.rs"]
mod scenarios;

use std::fs;
use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        return Err(std::io::Error::other("usage: write_golden <folder>"));
    };
    fs::create_dir_all(&folder)?;
    for mut scenario in scenarios::all() {
        let path = |extension| folder.join(format!("{}.{extension}", scenario.name));
        fs::write(path("meta"), scenario.ring.meta_to_vec())?;
        fs::write(
            path("json"),
            serde_json::to_string_pretty(&scenario.expected)? + "\n",
        )?;
        let data = path("data");
        fs::write(data, scenario.ring.data_to_vec())?;
    }
    Ok(())
}
