//! Messages that nobody could deal with: what cannot be read, and what was delivered too often.

use std::time::Duration;

use assay_app::ports::{Delivery, PortError, QueueName};
use aws_sdk_sqs::types::MessageAttributeValue;
use futures_util::future::join_all;

use super::name::{Physical, receipt_of};
use super::polls::Raw;
use super::queue::{SqsWorkQueue, Wire};
use super::settle::Visibility;
use crate::aws::error::failed;

/// The attribute of a message that was set aside, for people.
const REASON: &str = "assay-reason";
const LONGEST_REASON: usize = 1_000;
/// Long enough that every server of a queue is asked.
const WAIT: Duration = Duration::from_secs(1);

/// Why there is no delivery of a message.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It will never be read: set it aside.
    #[error("a message cannot be read: {0}")]
    Malformed(String),
    /// Not now: let it come again.
    #[error("a message cannot be had now")]
    Unavailable(#[source] PortError),
}

impl Wire {
    pub(super) async fn set_aside(&self, physical: &Physical, body: &str, reason: &str) -> Result<(), PortError> {
        tracing::error!(alarm = "message_set_aside", ?physical, reason, "a message cannot be read");
        let dead = physical.clone().dead();
        let reason: String = reason.chars().filter(|c| !c.is_control()).take(LONGEST_REASON).collect();
        let attribute = MessageAttributeValue::builder().data_type("String").string_value(reason).build();
        let attribute = attribute.map_err(|error| PortError::bug("write an attribute").because(error))?;
        let request = self.client.send_message().queue_url(self.addresses.of(&dead).await?);
        let mut request = request.message_body(body).message_attributes(REASON, attribute);
        if dead.is_fifo() {
            request = request.message_group_id("unreadable").message_deduplication_id(super::send::unique()?);
        }
        request.send().await.map_err(|error| failed(format!("set a message of {physical:?} aside"), error)).map(drop)
    }

    /// What lies among the dead letters of one queue.
    async fn dead_letters(&self, dead: Physical, limit: usize) -> Vec<Delivery> {
        let Physical::Dead(of) = &dead else { return Vec::new() };
        let queue = match &**of {
            Physical::Live(queue) => queue.clone(),
            _ => QueueName::Dispatcher,
        };
        let found = match self.ask(&dead, limit, WAIT).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, source = ?error.source, ?dead, "failed to read dead letters");
                return Vec::new();
            }
        };
        let mut deliveries = Vec::new();
        for raw in found {
            match self.delivery(&dead, &queue, &raw).await {
                Ok(delivery) => deliveries.push(delivery),
                Err(why) => self.leave(&dead, &queue, &raw, &why).await,
            }
        }
        deliveries
    }

    /// It stays where it is, for people; others come before it for half a day.
    async fn leave(&self, dead: &Physical, queue: &QueueName, raw: &Raw, why: &Unreadable) {
        if let Unreadable::Malformed(reason) = why {
            tracing::error!(alarm = "message_unreadable", ?dead, id = raw.id, reason, "a dead letter cannot be read");
            let receipt = [receipt_of(queue, dead, &raw.handle)];
            if let Err(error) = self.set_visibility(&receipt, Visibility::Latest).await {
                tracing::debug!(%error, "failed to leave a dead letter alone");
            }
        }
    }
}

impl SqsWorkQueue {
    /// Sends what cannot be read to the dead-letter queue of its queue, with the reason as an attribute. Afterwards the
    /// message itself is to be taken off its queue.
    ///
    /// # Errors
    /// When it cannot be sent: then the message must come again.
    pub async fn set_aside(&self, queue: &QueueName, body: &str, reason: &str) -> Result<(), PortError> {
        self.wire.set_aside(&Physical::Live(queue.clone()), body, reason).await
    }

    /// The same for a message of the queue of timers.
    ///
    /// # Errors
    /// When it cannot be sent: then the message must come again.
    pub async fn set_aside_timer(&self, body: &str, reason: &str) -> Result<(), PortError> {
        self.wire.set_aside(&Physical::Timers, body, reason).await
    }

    /// At most `limit` messages of every dead-letter queue together.
    pub(super) async fn dead_letters(&self, limit: usize) -> Vec<Delivery> {
        let steps = self.steps.iter().cloned().map(Physical::Live);
        let live = [Physical::Live(QueueName::Dispatcher), Physical::Timers].into_iter().chain(steps);
        let queues: Vec<Physical> = live.map(Physical::dead).collect();
        let each = limit.div_ceil(queues.len()).clamp(1, 10);
        let found = join_all(queues.into_iter().map(|dead| self.wire.dead_letters(dead, each))).await;
        found.into_iter().flatten().collect()
    }
}
