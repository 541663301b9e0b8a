//! What can be done with executions: start, cancel, signal, resume, look, follow, list, prune.

mod control;
mod error;
mod follow;
mod prune;
mod show;
mod start;

use std::sync::Arc;

pub use error::{ExecutionError, StartError};
pub use follow::Follow;
pub use prune::Pruned;
pub use start::{RerunOf, StartExecution, Started};

use crate::delivery::Dispatcher;
use crate::platform::Platform;

/// The use cases of executions. Who may use them is judged before.
pub struct Executions {
    platform: Arc<Platform>,
    dispatcher: Arc<Dispatcher>,
}

impl Executions {
    /// On this platform; the dispatcher of the same process admits and resumes.
    #[must_use]
    pub fn new(platform: Arc<Platform>, dispatcher: Arc<Dispatcher>) -> Self {
        Self { platform, dispatcher }
    }
}
