//! The command line: what can be typed, and what its help says.

mod command_line;
mod doctor;
mod inspect;
mod new;
mod report;
mod rerun;
mod resources;
mod run;
mod state;

pub(crate) use command_line::{Command, CommandLine};
pub(crate) use doctor::DoctorArgs;
pub(crate) use inspect::{ExplainArgs, SchemaArgs, SchemaKind, StepsArgs, ValidateArgs};
pub(crate) use new::NewArgs;
pub(crate) use report::{Destination, ReportArgs, ReportTarget};
pub(crate) use rerun::{EvalArgs, FinishArgs, RerunArgs};
pub(crate) use resources::{CheckArgs, ListArgs, ResourcesArgs, ResourcesCommand};
pub(crate) use run::{DemoArgs, Durability, EnvArgs, OutputArgs, ResumeArgs, RunArgs};
pub(crate) use state::{CancelArgs, EventsArgs, ExecutionsArgs, PruneArgs, ShowArgs, SignalArgs, StoreArgs};
