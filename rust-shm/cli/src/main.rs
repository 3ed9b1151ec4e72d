//! `vas-frames`: what an operator asks of a live system of exported video frames.

use std::process::ExitCode;

fn main() -> ExitCode {
    vas_frames_cli::run(std::env::args_os()).into()
}
