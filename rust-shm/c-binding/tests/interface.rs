//! The header and the exported symbols are what is committed, and programs in C and C++ that include the one and link
//! the other read a live camera.

mod stage;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use stage::{Folder, HERE, WARNINGS, compile, compiler, pkg_config, prefix, succeeded, with_live_camera};

/// Set to write the committed files anew instead of comparing with them.
const UPDATE: &str = "UPDATE_INTERFACE";

fn is_committed(path: &str, now: &str) {
    let path = Path::new(HERE).join(path);
    if std::env::var_os(UPDATE).is_some() {
        fs::write(&path, now).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        committed,
        now,
        "{} is not current: set {UPDATE}=1 once",
        path.display()
    );
}

#[test]
fn r2_the_header_is_what_the_sources_say() {
    let config = cbindgen::Config::from_file(Path::new(HERE).join("cbindgen.toml")).unwrap();
    let mut header = Vec::new();
    let mut builder = cbindgen::Builder::new().with_config(config);
    for file in ["status", "types", "camera"] {
        builder = builder.with_src(Path::new(HERE).join(format!("src/{file}.rs")));
    }
    builder.generate().unwrap().write(&mut header);
    is_committed("include/vas_frames.h", &String::from_utf8(header).unwrap());
}

#[test]
fn r2_the_shared_library_exports_what_is_listed() {
    let library = prefix().join("lib/libvas_frames.so");
    let mut nm = Command::new("nm");
    let listed = succeeded(nm.args(["-D", "--defined-only", "--format=posix"]).arg(&library));
    let mut symbols: Vec<_> = listed.lines().filter_map(|line| line.split(' ').next()).collect();
    symbols.sort_unstable();
    is_committed("symbols.txt", &(symbols.join("\n") + "\n"));
    let header = fs::read_to_string(Path::new(HERE).join("include/vas_frames.h")).unwrap();
    for symbol in symbols {
        assert!(header.contains(&format!("{symbol}(")), "{symbol} is not declared");
    }
    let dynamic = succeeded(Command::new("readelf").arg("-d").arg(&library));
    assert!(dynamic.contains("[libvas_frames.so.1]"), "{dynamic}");
    assert!(dynamic.contains("NODELETE"), "{dynamic}");
}

#[test]
fn r2_the_header_compiles_alone_as_c99_and_as_cpp17() {
    let folder = Folder::new(Path::new(env!("CARGO_TARGET_TMPDIR")));
    for source in ["alone.c", "alone.cpp"] {
        let path: PathBuf = folder.0.join(source);
        fs::write(&path, "#include <vas_frames.h>\n").unwrap();
        let (compiler, standard) = compiler(source);
        let mut command = Command::new(compiler);
        command.args([standard, "-c", "-o", "/dev/null"]).args(WARNINGS);
        succeeded(command.args(pkg_config(&["--cflags"])).arg(path));
    }
}

#[test]
fn r2_g11_the_examples_read_a_live_camera_under_the_address_sanitizer() {
    let examples = Path::new(HERE).join("examples");
    for is_static in [false, true] {
        for (source, word) in [("follow.c", "luma"), ("brightness.cpp", "brightness")] {
            let program = compile(&examples.join(source), is_static);
            let said = with_live_camera(|path| succeeded(Command::new(&program).arg(path).arg("20")));
            assert_eq!(said.lines().count(), 20, "{said}");
            for line in said.lines() {
                let id: u64 = line.split(' ').next().unwrap().parse().unwrap();
                let (_, value) = line.split_once(&format!("{word} ")).unwrap();
                assert_eq!(value.parse::<u64>().unwrap(), id % 256, "{line}");
            }
        }
    }
    let program = compile(&examples.join("follow.c"), false);
    let output = Command::new(program).args(["/nowhere", "1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.starts_with("SOURCE_NOT_FOUND: there is no export at /nowhere"),
        "{said}"
    );
}
