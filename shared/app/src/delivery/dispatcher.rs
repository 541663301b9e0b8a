//! Takes messages for executions and moves them: the loop, and what is settled with the queue.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use assay_engine::admission::Request;
use assay_engine::execution::{Event, Head};
use assay_engine::id::{ExecutionId, OrganizationId};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio_util::sync::CancellationToken;

use super::admission::Admissions;
use super::pause::{failed_delivery_pause, pause_after};
use super::session::Sessions;
use super::settle::{Settle, Settled, settle};
use crate::platform::Platform;
use crate::ports::{Delivery, Message, PortError, QueueName, Receipt};

/// How a dispatcher works.
#[derive(Debug, Clone)]
pub struct DispatcherOptions {
    /// Executions moved at once.
    pub parallel: usize,
    /// Messages taken at once.
    pub batch: usize,
    /// How long one look into an empty queue waits.
    pub poll: Duration,
    /// Executions whose state is kept at hand between two batches.
    pub sessions: usize,
}

impl Default for DispatcherOptions {
    fn default() -> Self {
        Self { parallel: 64, batch: 256, poll: Duration::from_secs(10), sessions: 512 }
    }
}

/// Moves executions.
pub struct Dispatcher {
    pub(super) platform: Arc<Platform>,
    pub(super) sessions: Sessions,
    pub(super) admissions: Admissions,
    options: DispatcherOptions,
}

/// What the messages of one group ask for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// What happened, in order.
    pub(super) events: Vec<Event>,
    /// To look at what is due or unsent.
    pub(super) look: bool,
}

/// A message to send after less than a second: whoever applied the transition waits for it.
#[derive(Debug)]
#[must_use]
pub struct ShortWait {
    pub(super) pause: Duration,
    pub(super) message: Message,
}

/// What came of one group of messages.
struct Dealt {
    settled: Vec<Settled>,
    waits: Vec<ShortWait>,
}

/// What a group of messages is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Execution(ExecutionId),
    Organization(OrganizationId),
    Nothing,
}

impl Dispatcher {
    /// A dispatcher on this platform.
    #[must_use]
    pub fn new(platform: Arc<Platform>, options: DispatcherOptions) -> Self {
        let sessions = Sessions::new(options.sessions);
        let admissions = Admissions::new(platform.clone());
        Self { platform, sessions, admissions, options }
    }

    /// Works until the shutdown, then finishes what it has begun.
    pub async fn run(&self, shutdown: CancellationToken) {
        let mut working = FuturesUnordered::new();
        let mut waiting = FuturesUnordered::new();
        let mut receiving = None;
        loop {
            if receiving.is_none() && working.len() < self.options.parallel && !shutdown.is_cancelled() {
                receiving = Some(Box::pin(self.receive()));
            }
            tokio::select! {
                biased;
                () = shutdown.cancelled(), if receiving.is_some() => receiving = None,
                Some(waits) = working.next(), if !working.is_empty() => {
                    for wait in waits {
                        waiting.push(self.wait(wait));
                    }
                }
                Some(()) = waiting.next(), if !waiting.is_empty() => {}
                deliveries = async { match receiving.as_mut() { Some(it) => it.await, None => Vec::new() } },
                    if receiving.is_some() =>
                {
                    receiving = None;
                    for (subject, group) in grouped(deliveries) {
                        working.push(self.deal_with_and_settle(subject, group));
                    }
                }
                else => return,
            }
        }
    }

    /// Deals with messages, settles them with the queue, and waits for timers of less than a second.
    pub async fn handle(&self, deliveries: Vec<Delivery>) {
        let groups = grouped(deliveries).into_iter().map(|(subject, group)| self.deal_with_and_settle(subject, group));
        let waits = join_all(groups).await;
        join_all(waits.into_iter().flatten().map(|wait| self.wait(wait))).await;
    }

    /// Deals with the messages of one invocation, waits for timers of less than a second, and says what is to become of
    /// each message: what settles them is the function's answer. The messages of one execution share their fate, so
    /// that their order is kept.
    pub async fn take(&self, deliveries: Vec<Delivery>) -> Vec<Settled> {
        let groups = grouped(deliveries).into_iter().map(|(subject, group)| self.deal_with(subject, group));
        let (mut settled, mut waits) = (Vec::new(), Vec::new());
        for dealt in join_all(groups).await {
            settled.extend(dealt.settled);
            waits.extend(dealt.waits);
        }
        join_all(waits.into_iter().map(|wait| self.wait(wait))).await;
        settled
    }

    async fn receive(&self) -> Vec<Delivery> {
        match self.platform.queue.receive(&QueueName::Dispatcher, self.options.batch, self.options.poll).await {
            Ok(deliveries) => deliveries,
            Err(error) => {
                tracing::warn!(%error, "failed to receive events");
                self.platform.clock.sleep(failed_delivery_pause(1)).await;
                Vec::new()
            }
        }
    }

    pub(super) async fn wait(&self, wait: ShortWait) {
        self.platform.clock.sleep(wait.pause).await;
        if let Err(error) = self.platform.queue.send(&QueueName::Dispatcher, wait.message, Duration::ZERO).await {
            // The timer stands in the state: whoever looks at the execution when it is due fires it.
            tracing::warn!(%error, "failed to send a timer");
        }
    }

    async fn deal_with_and_settle(&self, subject: Subject, group: Vec<Delivery>) -> Vec<ShortWait> {
        let dealt = self.deal_with(subject, group).await;
        settle(&*self.platform.queue, &dealt.settled).await;
        dealt.waits
    }

    /// Deals with what was received for one execution, or for the admission of one organization. Never panics: one
    /// execution's fault is no other's.
    async fn deal_with(&self, subject: Subject, group: Vec<Delivery>) -> Dealt {
        let attempt = group.iter().map(|delivery| delivery.attempt).max().unwrap_or(1);
        let receipts: Vec<Receipt> = group.iter().map(|delivery| delivery.receipt.clone()).collect();
        let move_on = async {
            match &subject {
                Subject::Execution(id) => self.advance(id, &asked(group)).await,
                Subject::Organization(organization) => self.admissions.round(organization).await.map(|()| Vec::new()),
                Subject::Nothing => Ok(Vec::new()),
            }
        };
        let moved = AssertUnwindSafe(move_on).catch_unwind().await;
        let moved = moved.unwrap_or_else(|_| Err(PortError::bug("deal with messages: the dispatcher broke off")));
        let (settle, waits) = match moved {
            Ok(waits) => (Settle::Acknowledge, waits),
            Err(error) => {
                tracing::warn!(%error, source = ?error.source, ?subject, attempt, "a batch is tried again");
                (Settle::GiveBack(pause_after(&error, attempt)), Vec::new())
            }
        };
        Dealt { settled: receipts.into_iter().map(|receipt| Settled { receipt, settle }).collect(), waits }
    }

    /// Asks for a place for an execution that was just created.
    pub(crate) async fn ask_admission(&self, head: &Head, request: Request) -> Result<(), PortError> {
        self.admissions.request(head, request).await
    }

    /// Applies an event here and now, without the queue; what follows from it is done by whoever moves the execution:
    /// how one process cancels what another one runs on the same store.
    pub async fn leave(&self, execution: &ExecutionId, event: Event) -> Result<(), PortError> {
        self.leave_saved(execution, event).await
    }
}

fn grouped(deliveries: Vec<Delivery>) -> BTreeMap<Subject, Vec<Delivery>> {
    let mut groups: BTreeMap<Subject, Vec<Delivery>> = BTreeMap::new();
    for delivery in deliveries {
        let subject = match &delivery.message {
            Message::Event { execution, .. } | Message::Look { execution } => Subject::Execution(execution.clone()),
            Message::Admit { organization } => Subject::Organization(organization.clone()),
            Message::Job(job) => {
                tracing::error!(step = %job.fence.place(), "a job on the dispatcher's queue: dropped");
                Subject::Nothing
            }
        };
        groups.entry(subject).or_default().push(delivery);
    }
    groups
}

fn asked(group: Vec<Delivery>) -> Asked {
    let mut asked = Asked::default();
    for delivery in group {
        match delivery.message {
            Message::Event { event, .. } => asked.events.push(*event),
            Message::Look { .. } => asked.look = true,
            Message::Admit { .. } | Message::Job(_) => {}
        }
    }
    asked
}
