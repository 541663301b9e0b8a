//! What a job is carried out with, and what comes back.

use std::sync::Arc;
use std::time::Duration;

use assay_egress::Egress;
use assay_engine::expr::Programs;
use assay_engine::job::{JobError, JobResult};
use jiff::Timestamp;
use serde_json::Value as Json;
use tokio_util::sync::CancellationToken;

use super::turns::Turns;
use crate::contract::{Artifacts, Clock, Files, Progress, Secrets};

/// What one job is carried out with. The ports serve the job's organization and execution.
#[derive(Clone)]
pub struct Surroundings {
    /// The guard that every connection goes through.
    pub egress: Arc<Egress>,
    /// Opens and seals.
    pub secrets: Arc<dyn Secrets>,
    /// Files beside the flow.
    pub files: Arc<dyn Files>,
    /// Where artifacts and large evidence go.
    pub artifacts: Arc<dyn Artifacts>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Compiled expressions; one for the whole process.
    pub programs: Arc<Programs>,
    /// Who wants to know how it goes: is given masked lines, at most five in a second.
    pub progress: Arc<dyn Progress>,
    /// Cancelled when the attempt must stop.
    pub stop: CancellationToken,
    /// How long a turn may go on here.
    pub turns: Turns,
}

/// What came of a job.
#[derive(Debug, Clone, PartialEq)]
pub enum CarriedOut {
    /// The attempt has ended. Also a prepare that went wrong.
    Finished(Box<JobResult>),
    /// `prepare` is done; both go into the next jobs of the step as they are, sealed where a secret occurs.
    Prepared {
        /// For `run`: the next job's `prepared`.
        state: Json,
        /// For an undo; none: nothing to take back.
        undo: Option<Json>,
    },
    /// The attempt goes on with another job.
    Continue {
        /// The next job's `checkpoint`.
        checkpoint: Json,
        /// The pause before it; never beyond `deadline`.
        after: Duration,
        /// The next job's `deadline`.
        deadline: Timestamp,
    },
    /// What an undo came to.
    Undone(Result<(), JobError>),
}
