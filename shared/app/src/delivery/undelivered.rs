//! Messages that were delivered too often: whoever took them died of them, or never got through.

use std::time::Duration;

use assay_engine::execution::Event;
use assay_engine::job::{ErrorClass, Job, JobError, JobPhase, JobResult, Outcome};

use super::settle::{Settle, Settled, settle};
use super::watchdog::Watchdog;
use crate::ports::{Claim, ClaimKey, Delivery, Message, Owner, PortError, PortErrorClass};

/// Messages dealt with in one round.
const LIMIT: usize = 100;
/// How long a message that cannot be dealt with is left alone.
const LATER: Duration = Duration::from_secs(60);
/// How long the watchdog needs to say what became of a job.
const LEASE: Duration = Duration::from_secs(30);

impl Watchdog {
    /// Gives every message that was set apart an end: a job's step is errored, what happened to an execution is told to
    /// it once more. Answers how many.
    pub(super) async fn bury(&self) -> Result<usize, PortError> {
        let messages = self.platform.queue.undelivered(LIMIT).await?;
        let count = messages.len();
        for delivery in messages {
            let receipt = delivery.receipt.clone();
            let settle_as = match self.bury_one(delivery).await {
                Ok(()) => Settle::Acknowledge,
                Err(error) => {
                    tracing::warn!(%error, "failed to deal with a message that was set apart");
                    Settle::GiveBack(LATER)
                }
            };
            settle(&*self.platform.queue, &[Settled { receipt, settle: settle_as }]).await;
        }
        Ok(count)
    }

    async fn bury_one(&self, delivery: Delivery) -> Result<(), PortError> {
        match delivery.message {
            Message::Job(job) => {
                tracing::error!(
                    alarm = "job_undelivered", execution = %job.execution, step = %job.fence.place(),
                    "a job was delivered too often"
                );
                self.give_up(*job, delivery.id).await
            }
            message => {
                // While the store was away nobody could deal with it; it is not lost.
                tracing::error!(alarm = "event_undelivered", ?message, "a message was delivered too often: once more");
                self.send(message).await
            }
        }
    }

    /// Claims the job without acting, so that no late delivery acts either, and tells why it is over.
    async fn give_up(&self, job: Job, delivery: String) -> Result<(), PortError> {
        let store = &self.platform.store;
        let key = ClaimKey { execution: job.execution.clone(), fence: job.fence.clone() };
        let owner = Owner { process: "watchdog".to_owned(), delivery };
        let event = match store.claim(&key, &owner, LEASE).await {
            Ok(Claim::Acquired | Claim::Stopped) => {
                let event = self.undelivered(&job).await?;
                if !store.complete(&key, &owner, &event).await? {
                    return Ok(());
                }
                event
            }
            Ok(Claim::Done(Some(report))) => *report,
            Ok(Claim::Done(None) | Claim::Held) => return Ok(()),
            Ok(Claim::Lost) => {
                let reason = "the worker that held the attempt is gone".to_owned();
                Event::WorkerLost { fence: key.fence.clone(), reason }
            }
            // Nobody can claim it: then nobody has acted.
            Err(error) if error.class == PortErrorClass::Permanent => self.undelivered(&job).await?,
            Err(error) => return Err(error),
        };
        self.send(Message::Event { execution: key.execution, event: Box::new(event) }).await
    }

    async fn undelivered(&self, job: &Job) -> Result<Event, PortError> {
        let error = JobError {
            class: ErrorClass::Error,
            code: "step.undelivered".to_owned(),
            message: "its job was delivered again and again, and no step function lived to claim it".to_owned(),
        };
        let fence = job.fence.clone();
        if fence.phase == JobPhase::Undo {
            return Ok(Event::StepUndone { fence, error: Some(error) });
        }
        let now = self.platform.now().await?;
        let result = JobResult { error: Some(error), ..JobResult::of(Outcome::Errored, now, now) };
        Ok(Event::StepFinished { fence, result: Box::new(result) })
    }
}
