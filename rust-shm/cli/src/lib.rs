//! What an operator asks of a live system of exported video frames: the tool `vas-frames`, for whoever starts it.
//!
//! Every command is a reader: it maps rings read-only and lists folders. The one exception is `clean --really`, which
//! removes what crashes have left behind.

#![warn(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]
#![warn(clippy::cast_possible_truncation, clippy::cast_sign_loss)]

mod args;
mod camera;
mod commands;
mod failure;
mod host_process;
mod limits;
mod output;
mod processes;
mod survey;

use std::ffi::OsString;
use std::io::{Write, stderr, stdout};

use clap::Parser;

use crate::args::{Arguments, Command};
use crate::failure::{Exit, Failure};
use crate::output::Output;

/// The exit code of a command line, whose first word is the name of the program. What it says goes to standard output
/// and standard error.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nobody reads it if that fails: help is an error here, too.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage as u8
            } else {
                Exit::Yes as u8
            };
        }
    };
    let mut stdout = stdout().lock();
    let mut output = Output::new(&mut stdout, arguments.json);
    let ended = execute(&arguments, &mut output);
    // Inside another program, such as Python, nobody else would write what is still in the buffer.
    let exit = match ended.and_then(|exit| Ok(stdout.flush().map(|()| exit)?)) {
        Ok(exit) => exit,
        Err(failure) if failure.is_closed_output() => Exit::Yes,
        Err(failure) => {
            // There is nobody left to tell if standard error is closed, too.
            let _ = writeln!(stderr(), "vas-frames: {failure} ({})", failure.code());
            failure.exit()
        }
    };
    exit as u8
}

fn execute(arguments: &Arguments, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let base = &arguments.base_dir;
    match &arguments.command {
        Command::List { watch } => commands::list(base, *watch, output),
        Command::Inspect(named) => commands::inspect(base, &named.camera, output),
        Command::Follow { camera, seconds } => commands::follow(base, &camera.camera, *seconds, output),
        Command::Snapshot {
            camera,
            output: file,
            matrix,
            range,
            timeout,
        } => commands::snapshot(base, &camera.camera, file, (*matrix, *range), *timeout),
        Command::Record {
            camera,
            frames,
            output: file,
            format,
            timeout,
        } => commands::record(base, &camera.camera, *frames, (file, *format), *timeout, output),
        Command::Verify { camera, seconds } => commands::verify(base, &camera.camera, *seconds, output),
        Command::Readers { camera } => commands::readers(base, camera.as_deref(), output),
        Command::Health { camera, idle_is_well } => {
            commands::health(base, &camera.camera, *idle_is_well, output)
        }
        Command::Metrics { output: file } => commands::metrics(base, file.as_deref(), output),
        Command::Clean { really } => commands::clean(base, *really, output),
        Command::Plan(plan) => commands::plan(base, plan, output),
        Command::Completion { shell } => commands::completion(*shell, output),
        Command::Man => commands::man(output),
    }
}
