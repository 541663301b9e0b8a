//! Carries out a job: what the host makes of the step types.

use std::sync::Arc;

use assay_engine::job::{Job, JobError, JobResult};
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value as Json;
use tokio_util::sync::CancellationToken;

/// Carries out jobs of the step types it was built with.
#[async_trait]
pub trait JobRunner: Send + Sync {
    /// Carries out one turn. Never fails: what goes wrong is in the answer; a panic inside is answered as errored.
    async fn carry_out(&self, job: Arc<Job>, stop: JobStop) -> Carried;
}

/// How the attempt is told to stop.
#[derive(Debug, Clone, Default)]
pub struct JobStop {
    /// Cancelled when the attempt must stop.
    pub token: CancellationToken,
    /// When this place must have its answer, where it does not let a turn go on for ever: what is not done by then goes
    /// on in another turn, or is given up.
    pub turn_ends: Option<Timestamp>,
}

/// What one turn came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Carried {
    /// `run` has ended.
    Finished(Box<JobResult>),
    /// `prepare` has ended well.
    Prepared {
        /// Handed to `run`.
        state: Json,
        /// Handed to `undo`.
        undo: Option<Json>,
    },
    /// The attempt goes on later.
    Continued {
        /// Handed to the next turn.
        checkpoint: Json,
        /// The pause, in milliseconds.
        after_ms: u64,
        /// When the attempt is out of time.
        deadline: Timestamp,
    },
    /// `undo` has ended.
    Undone(Option<JobError>),
}
