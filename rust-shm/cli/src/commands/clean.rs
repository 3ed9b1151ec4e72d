//! `vas-frames clean`: the only command that removes anything, and only with `--really`.

use std::path::Path;

use serde::Serialize;
use vas_frame_segment::writer::sweep;

use crate::failure::{Exit, Failure};
use crate::output::{Output, human_bytes};
use crate::survey::{Leftover, survey};

#[derive(Serialize)]
struct Cleaned<'a> {
    leftovers: &'a [Leftover],
    /// Cameras whose leftovers were removed; `null` without `--really`.
    cameras_cleaned: Option<usize>,
}

pub(crate) fn clean(base: &Path, really: bool, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let leftovers = survey(base)?.leftovers;
    // The writer's own clean-up: it takes each camera's lock first, so that nothing alive is touched.
    let cameras_cleaned = if really { Some(sweep(base)?) } else { None };
    let remaining = if really {
        survey(base)?.leftovers.len()
    } else {
        leftovers.len()
    };
    if output.is_json {
        output.json(&Cleaned {
            leftovers: &leftovers,
            cameras_cleaned,
        })?;
    } else {
        for leftover in &leftovers {
            let path = base.join(&leftover.name);
            output.line(&format!(
                "{} {} ({})",
                leftover.kind,
                path.display(),
                human_bytes(leftover.bytes)
            ))?;
        }
        output.line(&match cameras_cleaned {
            None if leftovers.is_empty() => "nothing was left behind".to_owned(),
            None => "nothing was removed: add --really to remove this".to_owned(),
            Some(cameras) if remaining == 0 => format!("removed what {cameras} cameras had left behind"),
            Some(_) => format!("{remaining} could not be removed: a living writer or another user has them"),
        })?;
    }
    Ok(if remaining == 0 { Exit::Yes } else { Exit::No })
}
