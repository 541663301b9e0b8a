//! What each command does.

mod completions;
mod control;
mod demo;
mod dispatch;
mod doctor;
mod eval;
mod explain;
mod finish;
mod list;
mod report;
mod rerun;
mod resources;
mod resume;
mod run;
mod schema;
mod show;
mod shown_url;
mod steps;
mod store;
mod validate;

pub(crate) use dispatch::dispatch;
pub(crate) use report::files as report_files;
pub(crate) use run::{run_round, tell};
