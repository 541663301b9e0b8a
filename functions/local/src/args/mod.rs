//! The command line: what can be typed, and what its help says.

mod command_line;
mod inspect;
mod run;
mod state;

pub(crate) use command_line::{Command, CommandLine};
pub(crate) use inspect::{ExplainArgs, SchemaArgs, SchemaKind, StepsArgs, ValidateArgs};
pub(crate) use run::{DemoArgs, Durability, OutputArgs, ReportKind, ReportTarget, ResumeArgs, RunArgs};
pub(crate) use state::{CancelArgs, EventsArgs, ExecutionsArgs, PruneArgs, ShowArgs, SignalArgs, StoreArgs};
