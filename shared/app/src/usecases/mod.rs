//! What can be done with executions: start, cancel, signal, resume, look, follow, list, prune.

mod control;
mod error;
mod executions;
mod follow;
mod prune;
mod show;
mod start;

pub use error::{ExecutionError, StartError};
pub use executions::Executions;
pub use follow::Follow;
pub use prune::Pruned;
pub use start::{RerunOf, StartExecution, Started};
