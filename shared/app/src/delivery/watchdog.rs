//! Finds what got lost: executions that are due, claims whose worker is gone, results that nobody was told.

use std::sync::Arc;
use std::time::Duration;

use assay_engine::execution::Event;
use tokio_util::sync::CancellationToken;

use crate::platform::Platform;
use crate::ports::{Message, PortError, QueueName};

/// Rows of one kind that one round deals with.
const LIMIT: usize = 1_000;

/// Looks after the executions in this process's charge.
pub struct Watchdog {
    pub(super) platform: Arc<Platform>,
    every: Duration,
}

/// What a round found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// Executions that were due.
    pub due: usize,
    /// Claims whose worker is gone.
    pub lost: usize,
    /// Results that were reported again.
    pub reported: usize,
    /// Messages that had been delivered too often.
    pub undelivered: usize,
}

impl Watchdog {
    /// A watchdog that makes a round this often: 5 s on nodes, a minute where each round is an invocation.
    #[must_use]
    pub fn new(platform: Arc<Platform>, every: Duration) -> Self {
        Self { platform, every }
    }

    /// Makes rounds until the shutdown.
    pub async fn run(&self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.platform.clock.sleep(self.every) => {}
            }
            if let Err(error) = self.round().await {
                tracing::warn!(%error, "failed to make a round of the watchdog");
            }
        }
    }

    /// One round.
    ///
    /// # Errors
    /// When the store or the queue does not answer; the next round finds the same again.
    pub async fn round(&self) -> Result<Round, PortError> {
        let of = self.platform.charge.executions();
        if of.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Round::default());
        }
        let now = self.platform.now().await?;
        let mut round = Round::default();
        for (key, report) in self.platform.store.expired_claims(now, of.as_deref(), LIMIT).await? {
            let event = match report {
                Some(report) => {
                    round.reported += 1;
                    report
                }
                None => {
                    round.lost += 1;
                    let reason = "the lease of its worker is over".to_owned();
                    Event::WorkerLost { fence: key.fence, reason }
                }
            };
            self.send(Message::Event { execution: key.execution, event: Box::new(event) }).await?;
        }
        for due in self.platform.store.due(now, of.as_deref(), LIMIT).await? {
            round.due += 1;
            self.send(Message::Look { execution: due.execution }).await?;
        }
        round.undelivered = self.bury().await?;
        Ok(round)
    }

    pub(super) async fn send(&self, message: Message) -> Result<(), PortError> {
        self.platform.queue.send(&QueueName::Dispatcher, message, Duration::ZERO).await
    }
}
