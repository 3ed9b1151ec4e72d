//! One peer at work, in one of two parts: `vas-peers PEER publish FOLDER` and `vas-peers PEER read FOLDER REPORT [--check]
//! [--hold-ms N]`. What is said to it and what it answers stands in the README of the package; the peers are in `peers/`.

mod adapter;
mod peers;
mod picture;
mod publish;
mod read;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match *words.as_slice() {
        [peer, "publish", folder] => {
            peers::publisher(peer, Path::new(folder)).and_then(|publisher| publish::run(publisher))
        }
        [peer, "read", folder, report, ref options @ ..] => {
            let options = read::Options {
                is_checked: options.contains(&"--check"),
                hold: hold(options),
            };
            peers::reader(peer, Path::new(folder))
                .and_then(|reader| read::run(reader, Path::new(report), options))
        }
        _ => Err(
            "usage: vas-peers PEER publish FOLDER | PEER read FOLDER REPORT [--check] [--hold-ms N]".into(),
        ),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// How long a reader is busy with each frame.
fn hold(options: &[&str]) -> Duration {
    let place = options.iter().position(|option| *option == "--hold-ms");
    let ms = place.and_then(|place| options.get(place + 1)?.parse().ok());
    Duration::from_millis(ms.unwrap_or(0))
}
