//! Performs what a saved transition asks for. Everything here may be done twice without harm.

use std::collections::BTreeMap;
use std::time::Duration;

use assay_engine::execution::{Effect, Event, Token};
use assay_engine::job::{Job, JobPhase};
use jiff::Timestamp;

use super::dispatcher::{Dispatcher, ShortWait};
use super::due::NEAR;
use super::session::Session;
use crate::ports::{ClaimKey, Message, PortError, QueueName};

/// Below this, whoever applied the transition waits for the timer.
const SHORT: Duration = Duration::from_secs(1);

impl Dispatcher {
    /// Performs effects: jobs first, those of a queue at once, then the rest in their order. Every one is tried, also when
    /// one before it failed.
    pub(super) async fn perform(&self, session: &Session, effects: Vec<Effect>) -> Result<Vec<ShortWait>, PortError> {
        let (jobs, rest) = jobs_of(effects);
        let mut waits = Vec::new();
        let mut failed = None;
        for (queue, messages) in jobs {
            failed = self.platform.queue.send_all(&queue, messages).await.err().or(failed);
        }
        for effect in rest {
            match self.perform_one(session, effect).await {
                Ok(wait) => waits.extend(wait),
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(waits), Err)
    }

    async fn perform_one(&self, session: &Session, effect: Effect) -> Result<Option<ShortWait>, PortError> {
        let head = session.head();
        let queue = &self.platform.queue;
        match effect {
            Effect::Dispatch { job } => queue.send(&queue_of(&job), Message::Job(job), Duration::ZERO).await?,
            Effect::ArmTimer { token, at } => return self.arm(session, token, at).await,
            Effect::StartChild { child } => self.start_child(session, *child).await?,
            Effect::Stop { fence } => {
                self.platform.store.stop_claim(&ClaimKey { execution: head.id.clone(), fence }).await?;
            }
            Effect::StopChild { child, forced } => {
                let by = format!("its parent {}", head.id);
                let event = Box::new(Event::CancelRequested { by, forced });
                let message = Message::Event { execution: child, event };
                queue.send(&QueueName::Dispatcher, message, Duration::ZERO).await?;
            }
            Effect::Proceed { job } => {
                // The collector claimed the job that prepared it.
                let mut fence = job.fence.clone();
                fence.phase = JobPhase::Prepare;
                let key = ClaimKey { execution: head.id.clone(), fence };
                self.platform.store.proceed_claim(&key, &job).await?;
            }
            Effect::Finish { status } => self.finish(session, status).await?,
        }
        Ok(None)
    }

    /// Under 1 s: waited for here, or in a queue of this process. Up to 15 minutes: one delayed message. Longer: the
    /// due time of the execution, which was saved with it.
    async fn arm(&self, session: &Session, token: Token, at: Timestamp) -> Result<Option<ShortWait>, PortError> {
        let pause = self.until(at).await?;
        if pause > NEAR {
            return Ok(None);
        }
        let message = Self::firing(&session.head().id, token);
        if pause < SHORT && self.platform.queue.outlives_process() {
            return Ok(Some(ShortWait { pause, message }));
        }
        self.platform.queue.send(&QueueName::Dispatcher, message, pause).await?;
        Ok(None)
    }
}

fn queue_of(job: &Job) -> QueueName {
    QueueName::Steps { step_type: job.step_type.clone(), pool: job.runs_on.clone() }
}

/// The jobs by the queue that they go to, and what is no job.
fn jobs_of(effects: Vec<Effect>) -> (BTreeMap<QueueName, Vec<Message>>, Vec<Effect>) {
    let (mut jobs, mut rest): (BTreeMap<_, Vec<_>>, _) = (BTreeMap::new(), Vec::new());
    for effect in effects {
        match effect {
            Effect::Dispatch { job } => jobs.entry(queue_of(&job)).or_default().push(Message::Job(job)),
            other => rest.push(other),
        }
    }
    (jobs, rest)
}
