//! `vas-frames readers`.

use std::collections::BTreeMap;
use std::path::Path;

use vas_frame_segment::CameraId;

use crate::failure::{Exit, Failure};
use crate::output::{Output, human_bytes};
use crate::processes::mappings;

pub(crate) fn readers(base: &Path, camera: Option<&str>, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let wanted = camera.map(CameraId::new).transpose()?;
    let mut found = mappings(base)?;
    found
        .processes
        .retain(|one| wanted.as_ref().is_none_or(|camera| one.camera == camera.as_str()));
    if output.is_json {
        output.json(&found)?;
        return Ok(Exit::Yes);
    }
    if found.processes.is_empty() {
        output.line("no process that can be seen maps a ring")?;
    } else {
        let rows = found.processes.iter().map(|one| {
            vec![
                one.camera.clone(),
                one.pid.to_string(),
                one.command.clone(),
                one.role.to_owned(),
                if one.is_gone { "gone" } else { "current" }.to_owned(),
                human_bytes(one.bytes),
            ]
        });
        output.table(
            &["CAMERA", "PID", "COMMAND", "ROLE", "RING", "MAPPED"],
            rows.collect(),
        )?;
    }
    // Several processes may keep the same ring; without its inode the largest of them is the least it can be.
    let mut pinned: BTreeMap<&str, u64> = BTreeMap::new();
    for one in found.processes.iter().filter(|one| one.is_gone) {
        let most = pinned.entry(&one.camera).or_default();
        *most = (*most).max(one.bytes);
    }
    for (camera, bytes) in pinned {
        output.line(&format!(
            "{camera}: at least {} of shared memory is kept by readers of rings that are gone; restart them",
            human_bytes(bytes)
        ))?;
    }
    if found.processes_not_seen > 0 {
        output.line(&format!(
            "{} processes of other users could not be looked into; root sees them",
            found.processes_not_seen
        ))?;
    }
    Ok(Exit::Yes)
}
