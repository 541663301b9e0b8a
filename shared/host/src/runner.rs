//! Carries out jobs with the step types that are built in.

use std::sync::Arc;
use std::time::Duration;

use assay_app::ports::{BlobStore, Carried, ExecutionStore, JobRunner, JobStop, SecretBox, SecretSource};
use assay_egress::Egress;
use assay_engine::expr::Programs;
use assay_engine::job::Job;
use assay_steps::carry::{CarriedOut, Surroundings, Turns, carry_out};
use assay_steps::registry::Runners;
use async_trait::async_trait;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::clock::SystemClock;
use crate::notes::Notes;
use crate::step::{ExecutionSecrets, TurnArtifacts, VersionFiles};

/// The guard of a process on a person's own machine: everything may be reached that the machine reaches.
#[must_use]
pub fn open_egress() -> Egress {
    Egress::open()
}

/// Gives each job what it needs and lets its step type act.
pub struct StepJobRunner {
    /// The step types of this process.
    pub runners: Runners,
    /// The guard that every connection goes through.
    pub egress: Egress,
    /// Where flow versions lie.
    pub store: Arc<dyn ExecutionStore>,
    /// Where artifacts go.
    pub blobs: Arc<dyn BlobStore>,
    /// Seals what becomes secret.
    pub secret_box: Arc<dyn SecretBox>,
    /// Where the values of secrets come from.
    pub secret_source: Arc<dyn SecretSource>,
    /// Compiled expressions, one collection for the process.
    pub programs: Arc<Programs>,
    /// Where attempts say how they go.
    pub notes: Arc<Notes>,
}

#[async_trait]
impl JobRunner for StepJobRunner {
    async fn carry_out(&self, job: Arc<Job>, stop: JobStop) -> Carried {
        let surroundings = Surroundings {
            turns: turns(stop.turn_ends),
            egress: Arc::new(self.egress.owned_by(job.organization.as_str())),
            secrets: Arc::new(ExecutionSecrets {
                store: self.store.clone(),
                source: self.secret_source.clone(),
                secret_box: self.secret_box.clone(),
                job: job.clone(),
            }),
            files: Arc::new(VersionFiles { store: self.store.clone(), job: job.clone() }),
            artifacts: Arc::new(TurnArtifacts { blobs: self.blobs.clone(), job: job.clone() }),
            clock: Arc::new(SystemClock),
            programs: self.programs.clone(),
            progress: self.notes.speaker(&job.execution, &job.fence),
            stop: stop.token,
        };
        match carry_out(Job::clone(&job), &self.runners, &surroundings).await {
            CarriedOut::Finished(result) => Carried::Finished(result),
            CarriedOut::Prepared { state, undo } => Carried::Prepared { state, undo },
            CarriedOut::Continue { checkpoint, after, deadline } => {
                let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
                Carried::Continued { checkpoint, after_ms, deadline }
            }
            CarriedOut::Undone(undone) => Carried::Undone(undone.err()),
        }
    }
}

/// What is left of the place, by the clock that waits.
fn turns(ends: Option<Timestamp>) -> Turns {
    let Some(ends) = ends else { return Turns::Held };
    let left = Duration::try_from(ends.duration_since(Timestamp::now())).unwrap_or(Duration::ZERO);
    Turns::Handed { ends: Instant::now() + left }
}
