//! The publishing part: answers each line of its standard input by a line.

use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::adapter::{Failure, Publisher};
use crate::picture::Pictures;

/// Frames to publish.
#[derive(Deserialize)]
struct Request {
    frames: u64,
    /// 0: as fast as possible.
    interval_us: u64,
}

#[derive(Serialize)]
struct Answer {
    /// How long each call took.
    publish_us: Vec<f64>,
    /// Calls that failed, and what the first of them said.
    errors: u64,
    first_error: Option<String>,
}

pub fn run(mut publisher: Box<dyn Publisher>) -> Result<(), Failure> {
    let mut pictures = Pictures::new();
    let mut id = 0;
    println!("{{\"ready\":true}}");
    for line in std::io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        let mut answer = Answer {
            publish_us: Vec::new(),
            errors: 0,
            first_error: None,
        };
        let start = Instant::now();
        for frame in 0..request.frames {
            let due = start + Duration::from_micros(request.interval_us * frame);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            id += 1;
            let picture = pictures.stamped(id);
            let called = Instant::now();
            let outcome = publisher.publish(&picture);
            answer
                .publish_us
                .push(called.elapsed().as_nanos() as f64 / 1000.0);
            if let Err(error) = outcome {
                answer.errors += 1;
                answer.first_error.get_or_insert_with(|| error.to_string());
            }
        }
        println!("{}", serde_json::to_string(&answer)?);
        std::io::stdout().flush()?;
    }
    Ok(())
}
