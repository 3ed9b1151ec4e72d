//! `vas-frames follow`.

use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;
use vas_frame_protocol::Miss;
use vas_frame_segment::clock::monotonic_ns;
use vas_frame_segment::{FrameSource, Health};

use crate::camera::{ms, open, wait_a_little, word};
use crate::failure::{Exit, Failure};
use crate::output::Output;

const LINE: Duration = Duration::from_secs(1);

/// What was seen in one second, or in all.
#[derive(Clone, Debug, Default, Serialize)]
struct Seen {
    seconds: f64,
    frames: u64,
    /// Frames that were gone before they could be looked at.
    missed: u64,
    /// Looks that the writer overtook.
    overtaken: u64,
    /// Milliseconds between frames: mean, and the largest.
    interval_mean_ms: Option<f64>,
    interval_max_ms: Option<f64>,
    /// Milliseconds from "complete" until seen here: mean, and the largest.
    age_mean_ms: Option<f64>,
    age_max_ms: Option<f64>,
    #[serde(skip)]
    intervals: Vec<f64>,
    #[serde(skip)]
    ages: Vec<f64>,
}

#[derive(Serialize)]
struct Summary {
    total: Seen,
    /// Why it ended: a word for a health, or `time` when the time was over.
    ended_by: &'static str,
}

impl Seen {
    fn finished(mut self, since: Instant) -> Self {
        self.seconds = since.elapsed().as_secs_f64();
        (self.interval_mean_ms, self.interval_max_ms) = mean_and_max(&self.intervals);
        (self.age_mean_ms, self.age_max_ms) = mean_and_max(&self.ages);
        self
    }

    #[allow(clippy::cast_precision_loss, reason = "a rate is shown with one digit")]
    fn row(&self) -> Vec<String> {
        let shown = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
        vec![
            format!("{:.1}", self.seconds),
            self.frames.to_string(),
            format!("{:.1}", self.frames as f64 / self.seconds.max(1e-9)),
            self.missed.to_string(),
            self.overtaken.to_string(),
            shown(self.interval_mean_ms),
            shown(self.interval_max_ms),
            shown(self.age_mean_ms),
            shown(self.age_max_ms),
        ]
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts of a few seconds")]
fn mean_and_max(values: &[f64]) -> (Option<f64>, Option<f64>) {
    let max = values.iter().copied().reduce(f64::max);
    let mean = max.map(|_| values.iter().sum::<f64>() / values.len() as f64);
    (mean, max)
}

pub(crate) fn follow(
    base: &Path,
    camera: &str,
    seconds: Option<f64>,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let mut source = open(base, camera)?;
    let began = Instant::now();
    let deadline = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let (mut total, mut second) = (Seen::default(), Seen::default());
    let mut second_began = began;
    let mut last = source.reader().newest_id();
    let mut last_stamp = None;
    let headings = [
        "SECONDS",
        "FRAMES",
        "FPS",
        "MISSED",
        "OVERTAKEN",
        "INTERVAL",
        "MAX",
        "AGE",
        "MAX",
    ];
    let ended_by = loop {
        if deadline.is_some_and(|deadline| began.elapsed() >= deadline) {
            break "time";
        }
        if second_began.elapsed() >= LINE {
            let done = std::mem::take(&mut second).finished(second_began);
            second_began = Instant::now();
            if output.is_json {
                output.json(&done)?;
            } else {
                output.table(&headings, vec![done.row()])?;
            }
        }
        // The health is asked first: then a frame that an ended ring has nothing newer than is its last.
        let health = source.health();
        match source.reader().look_next(last, |_, _| ()) {
            Ok(taken) => {
                let stamp = taken.record.stamp.timestamp_ns;
                for seen in [&mut total, &mut second] {
                    seen.frames += 1;
                    seen.missed += taken.missed;
                    seen.ages.push(ms(monotonic_ns().saturating_sub(stamp)));
                    seen.intervals
                        .extend(last_stamp.map(|last| ms(stamp.saturating_sub(last))));
                }
                last = taken.record.frame_id;
                last_stamp = Some(stamp);
            }
            Err(Miss::Overwritten) => {
                total.overtaken += 1;
                second.overtaken += 1;
            }
            Err(_) => match health {
                Health::Live | Health::Idle | Health::Hung => wait_a_little(&source, last),
                Health::Dead | Health::Replaced => match newer(&source) {
                    Some((newer, is_same_epoch)) => {
                        last = if is_same_epoch { last } else { 0 };
                        source = newer;
                    }
                    // A host that comes back puts a new ring there; until then there is nothing to see.
                    None if deadline.is_some() => wait_a_little(&source, last),
                    None => break word(health),
                },
                Health::Ended | Health::Damaged => break word(health),
            },
        }
    };
    let summary = Summary {
        total: total.finished(began),
        ended_by,
    };
    if output.is_json {
        output.json(&summary)?;
    } else {
        output.line(&format!("in all, until {ended_by}:"))?;
        output.table(&headings, vec![summary.total.row()])?;
    }
    Ok(if summary.total.frames > 0 {
        Exit::Yes
    } else {
        Exit::No
    })
}

/// The ring that is at the path now, if it is another one, and whether frame ids go on in it.
fn newer(source: &FrameSource) -> Option<(FrameSource, bool)> {
    let newer = source.reopen().ok()?;
    let (former, now) = (
        source.reader().header().identity(),
        newer.reader().header().identity(),
    );
    let is_same_epoch = former.epoch == now.epoch;
    (!is_same_epoch || former.generation != now.generation).then_some((newer, is_same_epoch))
}
