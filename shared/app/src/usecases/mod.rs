//! What can be done with executions: start, rerun, finish, cancel, signal, resume, look, follow, list, report, prune.

mod control;
mod error;
mod eval;
mod executions;
mod finish;
mod follow;
mod prune;
mod report;
mod rerun;
mod show;
mod start;

pub use error::{ExecutionError, StartError};
pub use eval::{Evaluated, NoValue};
pub use executions::Executions;
pub use follow::Follow;
pub use prune::Pruned;
pub use rerun::{ChildRerun, RerunOf, RerunPlan};
pub use start::{StartExecution, Started};
