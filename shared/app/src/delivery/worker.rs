//! Carries out jobs: claim, act, keep, report.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use assay_engine::execution::Event;
use assay_engine::job::{ErrorClass, Job, JobError, JobPhase, JobResult, Outcome};
use futures_util::FutureExt as _;
use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, Stream, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::pause::{failed_delivery_pause, pause_after};
use super::settle::{Settle, Settled, settle};
use crate::ports::{
    Carried, Claim, ClaimKey, Clock, Delivery, ExecutionStore, JobRunner, JobStop, Message, Owner, PortError,
    PortErrorClass, QueueName, Receipt, Renewal, WorkQueue,
};

/// Deliveries of one job whose claiming failed, before it is given up.
const MAX_DELIVERIES: u32 = 8;
/// How long a runner that lost its lease may take to wind down before it is dropped.
const WIND_DOWN: Duration = Duration::from_secs(5);
/// With less time than this left, a job is not begun.
const SHORTEST_TURN: SignedDuration = SignedDuration::from_secs(5);

/// How a worker works.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// The queue it listens to.
    pub queue: QueueName,
    /// Jobs carried out at once.
    pub parallel: usize,
    /// How long a claim holds without a renewal.
    pub lease: Duration,
    /// How often it is renewed, and so how soon a stop arrives; at most 5 s.
    pub renew_every: Duration,
    /// An attempt that is over sooner is not announced as started: its result says when it began.
    pub announce_after: Duration,
    /// How long one look into an empty queue waits.
    pub poll: Duration,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            queue: QueueName::AllSteps,
            parallel: 32,
            lease: Duration::from_secs(30),
            renew_every: Duration::from_secs(3),
            announce_after: Duration::from_millis(10),
            poll: Duration::from_secs(10),
        }
    }
}

/// Carries out the jobs of a queue.
pub struct Worker {
    store: Arc<dyn ExecutionStore>,
    queue: Arc<dyn WorkQueue>,
    runner: Arc<dyn JobRunner>,
    clock: Arc<dyn Clock>,
    /// See [`Owner::process`].
    process: String,
    options: WorkerOptions,
}

/// What acting came to.
enum Acted {
    /// The runner has answered.
    Answered(Event),
    /// The claim is somebody else's by now: what was done is not ours to tell.
    NotOurs,
}

impl Worker {
    /// A worker of this process.
    pub fn new(
        store: Arc<dyn ExecutionStore>,
        queue: Arc<dyn WorkQueue>,
        runner: Arc<dyn JobRunner>,
        clock: Arc<dyn Clock>,
        process: impl Into<String>,
        options: WorkerOptions,
    ) -> Self {
        Self { store, queue, runner, clock, process: process.into(), options }
    }

    /// Works until the shutdown, then finishes what it has begun.
    pub async fn run(&self, shutdown: CancellationToken) {
        let mut working = FuturesUnordered::new();
        let mut receiving = None;
        loop {
            let free = self.options.parallel.saturating_sub(working.len());
            if receiving.is_none() && free > 0 && !shutdown.is_cancelled() {
                receiving = Some(Box::pin(self.receive(free)));
            }
            tokio::select! {
                biased;
                () = shutdown.cancelled(), if receiving.is_some() => receiving = None,
                Some(()) = working.next(), if !working.is_empty() => {}
                deliveries = async { match receiving.as_mut() { Some(it) => it.await, None => Vec::new() } },
                    if receiving.is_some() =>
                {
                    receiving = None;
                    for delivery in deliveries {
                        working.push(self.deal_with_and_settle(delivery));
                    }
                }
                else => return,
            }
        }
    }

    async fn receive(&self, limit: usize) -> Vec<Delivery> {
        match self.queue.receive(&self.options.queue, limit, self.options.poll).await {
            Ok(deliveries) => deliveries,
            Err(error) => {
                tracing::warn!(%error, queue = ?self.options.queue, "failed to receive jobs");
                self.clock.sleep(failed_delivery_pause(1)).await;
                Vec::new()
            }
        }
    }

    /// Deals with one message and takes it off the queue, or gives it back.
    pub async fn deal_with_and_settle(&self, delivery: Delivery) {
        let receipt = delivery.receipt.clone();
        let settled = Settled { receipt, settle: self.deal_with(delivery).await };
        settle(&*self.queue, &[settled]).await;
    }

    /// Deals with the messages of one invocation, several at once, and says what is to become of each as soon as it is
    /// known. `turn_ends`: see [`JobStop::turn_ends`]. Messages that were not begun by then are given back.
    pub fn take(&self, deliveries: Vec<Delivery>, turn_ends: Timestamp) -> impl Stream<Item = Settled> {
        let parallel = self.options.parallel.max(1);
        let dealing = deliveries.into_iter().map(move |delivery| async move {
            let receipt = delivery.receipt.clone();
            let left = turn_ends.duration_since(self.clock.now());
            if left < SHORTEST_TURN {
                return Settled { receipt, settle: Settle::GiveBack(Duration::ZERO) };
            }
            Settled { receipt, settle: self.deal_with_until(delivery, Some(turn_ends)).await }
        });
        futures_util::stream::iter(dealing).buffer_unordered(parallel)
    }

    /// Deals with one message; says what is to become of it. Never panics, whatever the runner does.
    pub async fn deal_with(&self, delivery: Delivery) -> Settle {
        self.deal_with_until(delivery, None).await
    }

    async fn deal_with_until(&self, delivery: Delivery, turn_ends: Option<Timestamp>) -> Settle {
        let Message::Job(job) = delivery.message else {
            tracing::error!(receipt = ?Receipt::clone(&delivery.receipt), "no job on a step queue: dropped");
            return Settle::Acknowledge;
        };
        let key = ClaimKey { execution: job.execution.clone(), fence: job.fence.clone() };
        let owner = Owner { process: self.process.clone(), delivery: delivery.id };
        let carried = AssertUnwindSafe(self.claim_and_act(&key, &owner, job, turn_ends)).catch_unwind().await;
        match carried.unwrap_or_else(|_| Err(PortError::bug("carry out a job: the worker broke off"))) {
            Ok(()) => Settle::Acknowledge,
            Err(error) if delivery.attempt >= MAX_DELIVERIES || error.class == PortErrorClass::Permanent => {
                tracing::error!(%error, execution = %key.execution, step = %key.fence.place(), "a job was given up");
                let reason = format!("the job could not be delivered: {error}");
                self.settle_report(&key, Event::WorkerLost { fence: key.fence.clone(), reason }, delivery.attempt).await
            }
            Err(error) => {
                tracing::warn!(%error, execution = %key.execution, step = %key.fence.place(), "a job is tried again");
                Settle::GiveBack(pause_after(&error, delivery.attempt))
            }
        }
    }

    async fn settle_report(&self, key: &ClaimKey, event: Event, attempt: u32) -> Settle {
        match self.report(key, event).await {
            Ok(()) => Settle::Acknowledge,
            Err(error) => Settle::GiveBack(pause_after(&error, attempt)),
        }
    }

    async fn claim_and_act(
        &self,
        key: &ClaimKey,
        owner: &Owner,
        job: Box<Job>,
        turn_ends: Option<Timestamp>,
    ) -> Result<(), PortError> {
        let event = match self.store.claim(key, owner, self.options.lease).await? {
            Claim::Acquired => match self.act(key, owner, Arc::from(job), turn_ends).await {
                Acted::Answered(event) => event,
                Acted::NotOurs => return Ok(()),
            },
            Claim::Stopped => stopped(&job, self.clock.now()),
            Claim::Done(Some(report)) => return self.report(key, *report).await,
            Claim::Done(None) | Claim::Held => return Ok(()),
            Claim::Lost => {
                let reason = "the worker that held the attempt is gone".to_owned();
                return self.report(key, Event::WorkerLost { fence: key.fence.clone(), reason }).await;
            }
        };
        if self.store.complete(key, owner, &event).await? {
            self.report(key, event).await?;
        }
        Ok(())
    }

    async fn report(&self, key: &ClaimKey, event: Event) -> Result<(), PortError> {
        let message = Message::Event { execution: key.execution.clone(), event: Box::new(event) };
        self.queue.send(&QueueName::Dispatcher, message, Duration::ZERO).await
    }

    /// Lets the runner act while the lease is kept.
    async fn act(&self, key: &ClaimKey, owner: &Owner, job: Arc<Job>, turn_ends: Option<Timestamp>) -> Acted {
        let stop = JobStop { token: CancellationToken::new(), turn_ends };
        let token = stop.token.clone();
        let began = self.clock.now();
        let phase = job.fence.phase;
        let acting = AssertUnwindSafe(self.runner.carry_out(job, stop)).catch_unwind();
        let keeping = std::pin::pin!(self.keep_the_lease(key, owner, &token));
        let carried = match select(acting, keeping).await {
            Either::Left((carried, _)) => carried,
            Either::Right(((), acting)) => {
                token.cancel();
                // It gets the chance to close what it has open; nothing of it is reported.
                let _ = select(acting, self.clock.sleep(WIND_DOWN)).await;
                return Acted::NotOurs;
            }
        };
        Acted::Answered(match carried {
            Ok(carried) => told(key, carried),
            Err(_) => panicked(key, phase, began, self.clock.now()),
        })
    }

    /// Announces the start, then renews; comes back only when the claim is lost.
    async fn keep_the_lease(&self, key: &ClaimKey, owner: &Owner, stop: &CancellationToken) {
        let mut renewed = self.clock.now();
        self.clock.sleep(self.options.announce_after).await;
        let started = Event::StepStarted { fence: key.fence.clone() };
        if let Err(error) = self.report(key, started).await {
            // The result says it too.
            tracing::debug!(%error, "failed to announce a start");
        }
        loop {
            self.clock.sleep(self.options.renew_every).await;
            let asked = self.clock.now();
            match self.store.renew(key, owner, self.options.lease).await {
                Ok(Renewal::Go) => renewed = asked,
                Ok(Renewal::Stop) => {
                    renewed = asked;
                    stop.cancel();
                }
                Ok(Renewal::Proceed(_)) => {
                    renewed = asked;
                    tracing::error!(step = %key.fence.place(), "only a collector can proceed: ignored");
                }
                Ok(Renewal::NotYours) => return,
                Err(error) => {
                    tracing::warn!(%error, execution = %key.execution, "failed to renew a lease");
                    // Without an answer the lease may be somebody else's; then going on could act twice.
                    if asked.duration_since(renewed).unsigned_abs() > self.options.lease {
                        return;
                    }
                }
            }
        }
    }
}

fn told(key: &ClaimKey, carried: Carried) -> Event {
    let fence = key.fence.clone();
    match carried {
        Carried::Finished(result) => Event::StepFinished { fence, result },
        Carried::Prepared { state, undo } => Event::StepPrepared { fence, state, undo },
        Carried::Continued { checkpoint, after_ms, deadline } => {
            Event::StepContinued { fence, checkpoint, after_ms, deadline }
        }
        Carried::Undone(error) => Event::StepUndone { fence, error },
    }
}

fn panicked(key: &ClaimKey, phase: JobPhase, began: Timestamp, now: Timestamp) -> Event {
    let error = JobError {
        class: ErrorClass::Error,
        code: "step.panicked".to_owned(),
        message: "the step function broke off: this is a fault in Assay; it may have acted".to_owned(),
    };
    match phase {
        JobPhase::Undo => Event::StepUndone { fence: key.fence.clone(), error: Some(error) },
        JobPhase::Prepare | JobPhase::Run => ended(key, Outcome::Errored, Some(error), began, now),
    }
}

/// The answer of an attempt that was stopped before it acted.
fn stopped(job: &Job, now: Timestamp) -> Event {
    let key = ClaimKey { execution: job.execution.clone(), fence: job.fence.clone() };
    if job.fence.phase != JobPhase::Undo {
        return ended(&key, Outcome::Cancelled, None, now, now);
    }
    let error = JobError {
        class: ErrorClass::Error,
        code: "step.stopped".to_owned(),
        message: "stopped before it was taken back".to_owned(),
    };
    Event::StepUndone { fence: key.fence, error: Some(error) }
}

fn ended(key: &ClaimKey, outcome: Outcome, error: Option<JobError>, began: Timestamp, now: Timestamp) -> Event {
    let result = JobResult { error, ..JobResult::of(outcome, began, now) };
    Event::StepFinished { fence: key.fence.clone(), result: Box::new(result) }
}
