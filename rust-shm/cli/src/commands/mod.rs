//! One file for each command: what it asks, what it shows, and which exit code it ends with.

mod clean;
mod follow;
mod health;
mod inspect;
mod list;
mod metrics;
mod plan;
mod readers;
mod record;
mod scripts;
mod snapshot;
mod verify;

pub(crate) use clean::clean;
pub(crate) use follow::follow;
pub(crate) use health::health;
pub(crate) use inspect::inspect;
pub(crate) use list::list;
pub(crate) use metrics::metrics;
pub(crate) use plan::plan;
pub(crate) use readers::readers;
pub(crate) use record::record;
pub(crate) use scripts::{completion, man};
pub(crate) use snapshot::snapshot;
pub(crate) use verify::verify;
