//! The command line: its words, its help and its examples.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Looks at a live system of exported video frames. Nothing here writes to a frame or holds the video up.
#[derive(Debug, Parser)]
#[command(name = "vas-frames", version, about, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Arguments {
    /// Folder that holds the folders of all cameras
    #[arg(
        long,
        global = true,
        env = "VAS_FRAMES_BASE_DIR",
        default_value = "/dev/shm/vas",
        value_name = "FOLDER"
    )]
    pub(crate) base_dir: PathBuf,

    /// Print JSON instead of tables; its shape is documented and only grows
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  what was asked for is so
  1  it is not: a camera is not live, a check found something, leftovers are there
  2  the command line is wrong
  3  there is no export of that camera
  4  the operating system refused; the message says what
  5  there is something that this version cannot read";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists the cameras, and what crashes have left behind
    #[command(after_help = "Examples:\n  vas-frames list\n  vas-frames list --watch 2\n  \
        vas-frames list --json | jq '.cameras[] | select(.health != \"live\")'")]
    List {
        /// Prints the list again every so many seconds
        #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "1")]
        watch: Option<f64>,
    },
    /// Shows every field of a ring's header and records, and what is wrong with them
    #[command(after_help = "Example:\n  vas-frames inspect entrance")]
    Inspect(Camera),
    /// Follows a camera: rate, jitter, missed frames and age, each second and in all
    #[command(after_help = "Example:\n  vas-frames follow entrance --seconds 10")]
    Follow {
        #[command(flatten)]
        camera: Camera,
        /// How long; without it until the camera is closed
        #[arg(long, value_name = "SECONDS")]
        seconds: Option<f64>,
    },
    /// Saves the newest frame as a PNG in its right colours
    #[command(
        after_help = "Examples:\n  vas-frames snapshot entrance --output entrance.png\n  \
        vas-frames snapshot entrance --output entrance.png --matrix bt709 --range limited"
    )]
    Snapshot {
        #[command(flatten)]
        camera: Camera,
        /// File to write; - for standard output
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
        /// What the camera's colours mean, if it does not say or says it wrong
        #[arg(long, value_enum)]
        matrix: Option<Matrix>,
        /// Which values black and white have, likewise
        #[arg(long, value_enum)]
        range: Option<Range>,
        /// Longest wait for a frame
        #[arg(long, default_value_t = 5.0, value_name = "SECONDS")]
        timeout: f64,
    },
    /// Saves frames as y4m or as raw NV12, without padding between rows
    #[command(
        after_help = "Examples:\n  vas-frames record entrance --frames 250 --output entrance.y4m\n  \
        vas-frames record entrance --format nv12 --output - | ffplay -f rawvideo -pixel_format nv12 -video_size 1920x1080 -"
    )]
    Record {
        #[command(flatten)]
        camera: Camera,
        /// How many frames
        #[arg(long, default_value_t = 25, value_name = "N")]
        frames: u64,
        /// File to write; - for standard output
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
        /// What the file holds
        #[arg(long, value_enum, default_value_t = RecordFormat::Y4m)]
        format: RecordFormat,
        /// Longest wait for the next frame
        #[arg(long, default_value_t = 5.0, value_name = "SECONDS")]
        timeout: f64,
    },
    /// Checks frames as they come: checksums (in verify mode), continuity, records
    #[command(after_help = "Example:\n  vas-frames verify entrance --seconds 60")]
    Verify {
        #[command(flatten)]
        camera: Camera,
        /// How long
        #[arg(long, default_value_t = 5.0, value_name = "SECONDS")]
        seconds: f64,
    },
    /// Shows which processes map rings, also rings that are gone, whose memory they keep
    #[command(after_help = "Examples:\n  vas-frames readers\n  vas-frames readers entrance")]
    Readers {
        /// Only this camera
        camera: Option<String>,
    },
    /// Says in one word how a camera's writer is; the exit code is 0 if it is live
    #[command(
        after_help = "Words: live, idle, hung, dead, ended, replaced, damaged, absent, incompatible.\n\n\
        Example, in a container:\n  HEALTHCHECK CMD [\"vas-frames\", \"health\", \"entrance\"]"
    )]
    Health {
        #[command(flatten)]
        camera: Camera,
        /// A camera that sends no frames at the moment is well, too
        #[arg(long)]
        idle_is_well: bool,
    },
    /// Prints OpenMetrics text, or puts it into a file that a textfile collector reads
    #[command(after_help = "Examples:\n  vas-frames metrics\n  \
        vas-frames metrics --output /var/lib/node_exporter/textfile/vas.prom")]
    Metrics {
        /// File to replace, in one step
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Shows what crashes have left behind; removes it only with --really
    #[command(after_help = "Examples:\n  vas-frames clean\n  vas-frames clean --really")]
    Clean {
        /// Removes it
        #[arg(long)]
        really: bool,
    },
    /// Works out what cameras need, and which limit of this machine comes first
    #[command(after_help = "Example:\n  vas-frames plan --cameras 64 --size 1920x1080 --fps 25")]
    Plan(Plan),
    /// Prints a completion script for a shell
    #[command(after_help = "Example:\n  vas-frames completion bash > /etc/bash_completion.d/vas-frames")]
    Completion {
        /// The shell
        shell: Shell,
    },
    /// Prints the manual page
    #[command(after_help = "Example:\n  vas-frames man | man -l -")]
    Man,
}

#[derive(Args, Debug)]
pub(crate) struct Camera {
    /// Id of the camera
    pub(crate) camera: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum RecordFormat {
    /// YUV4MPEG2, which players and FFmpeg read
    Y4m,
    /// Raw NV12, frame after frame
    Nv12,
}

/// A matrix as people name it, and its code in H.273.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Matrix {
    /// HD
    Bt709 = 1,
    /// SD
    Bt601 = 6,
    /// UHD
    Bt2020 = 9,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Range {
    /// Luma from 16 to 235, which is what cameras send
    Limited,
    /// Luma from 0 to 255
    Full,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Plan {
    /// How many cameras
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub(crate) cameras: u64,
    /// Size of their frames
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "1920x1080", value_parser = size)]
    pub(crate) size: (u32, u32),
    /// Frames per second of each
    #[arg(long, value_name = "N", default_value_t = 25.0)]
    pub(crate) fps: f64,
    /// Frames that shared memory holds for each
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub(crate) slots: u32,
    /// Readers of each camera that copy every frame
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) readers: u64,
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let parts = text
        .split_once('x')
        .map(|(width, height)| (width.parse(), height.parse()));
    match parts {
        Some((Ok(width), Ok(height))) => Ok((width, height)),
        _ => Err("a size is written as 1920x1080".to_owned()),
    }
}
