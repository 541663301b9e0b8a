//! Receives, and makes deliveries of what was received.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use assay_app::ports::{Delivery, Message, PortError, QueueName};
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::types::MessageSystemAttributeName;
use tokio::time::Instant;

use super::dead::Unreadable;
use super::name::{Physical, receipt_of};
use super::polls::{Polls, Raw};
use super::queue::{SqsWorkQueue, Wire};
use super::settle::Visibility;
use super::wire::{self, Content};
use crate::aws::error::failed;

/// The longest that SQS waits.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// How much longer than it was told to wait SQS may take to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// A message whose content cannot be had just now comes again after this.
const LATER: Duration = Duration::from_secs(10);

impl Wire {
    /// Asks one queue once.
    pub(super) async fn poll(
        self: Arc<Self>,
        physical: Physical,
        limit: usize,
        wait: Duration,
    ) -> (Physical, Result<Vec<Raw>, PortError>) {
        let answer = self.ask(&physical, limit, wait.min(LONGEST_WAIT)).await;
        (physical, answer)
    }

    pub(super) async fn ask(&self, physical: &Physical, limit: usize, wait: Duration) -> Result<Vec<Raw>, PortError> {
        let address = self.addresses.of(physical).await?;
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(wait + ANSWER)
            .operation_timeout(wait + ANSWER + ANSWER)
            .build();
        let request = self
            .client
            .receive_message()
            .queue_url(address)
            .max_number_of_messages(i32::try_from(limit.clamp(1, 10)).unwrap_or(10))
            .wait_time_seconds(i32::try_from(wait.as_secs()).unwrap_or(0))
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .customize()
            .config_override(aws_sdk_sqs::config::Config::builder().timeout_config(timeouts));
        let answer = request.send().await;
        let answer = answer.map_err(|error| failed(format!("receive messages of {physical:?}"), error))?;
        Ok(answer.messages.unwrap_or_default().into_iter().map(raw).collect())
    }

    /// The message of a body, or why there is none.
    pub(super) async fn content(&self, content: Content) -> Result<Message, Unreadable> {
        match content {
            Content::Here(message) => Ok(message),
            Content::Stored(key) => match self.blobs.get(&key).await.map_err(Unreadable::Unavailable)? {
                Some(blob) => wire::read_stored(&blob.bytes).map_err(Unreadable::Malformed),
                None => Err(Unreadable::Malformed(format!("what was stored of it, `{key}`, is gone"))),
            },
        }
    }

    pub(super) async fn delivery(
        &self,
        physical: &Physical,
        queue: &QueueName,
        raw: &Raw,
    ) -> Result<Delivery, Unreadable> {
        let read = wire::read(&raw.body).map_err(Unreadable::Malformed)?;
        let told = read.timer.as_ref().map(wire::Timer::queue);
        let message = self.content(read.content).await?;
        let queue = match (told, &message, queue) {
            (Some(queue), ..) => queue,
            // Step types of one word share a queue.
            (None, Message::Job(job), QueueName::Steps { .. } | QueueName::AllSteps) => {
                QueueName::Steps { step_type: job.step_type.clone(), pool: job.runs_on.clone() }
            }
            (None, _, queue) => queue.clone(),
        };
        let mut hash = DefaultHasher::new();
        raw.handle.hash(&mut hash);
        Ok(Delivery {
            receipt: receipt_of(&queue, physical, &raw.handle),
            id: format!("{}-{:016x}", raw.id, hash.finish()),
            message,
            attempt: raw.received,
        })
    }
}

fn raw(message: aws_sdk_sqs::types::Message) -> Raw {
    let counts = message.attributes.unwrap_or_default();
    let received = counts.get(&MessageSystemAttributeName::ApproximateReceiveCount);
    Raw {
        id: message.message_id.unwrap_or_default(),
        handle: message.receipt_handle.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        received: received.and_then(|count| count.parse().ok()).unwrap_or(1),
    }
}

impl SqsWorkQueue {
    /// Makes a delivery of a message that was pushed to a function: its id, receipt handle, body, and how often it was
    /// received. A message of the dispatcher's queue or of a step queue; those of the queue of timers are for
    /// [`SqsWorkQueue::forward`].
    ///
    /// # Errors
    /// When no message can be made of it: then it is for [`SqsWorkQueue::set_aside`], or not at hand now.
    pub async fn delivery_of(
        &self,
        queue: &QueueName,
        message_id: &str,
        receipt: &str,
        body: &str,
        receive_count: u32,
    ) -> Result<Delivery, Unreadable> {
        let raw = Raw {
            id: message_id.to_owned(),
            handle: receipt.to_owned(),
            body: body.to_owned(),
            received: receive_count.max(1),
        };
        self.wire.delivery(&Physical::Live(queue.clone()), queue, &raw).await
    }

    pub(super) async fn receive_by(
        &self,
        polls: &Polls,
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<Delivery>, PortError> {
        let now = Instant::now();
        let over = now.checked_add(wait).unwrap_or_else(|| now + Duration::from_secs(86_400));
        loop {
            let taken = polls.take(&self.wire, limit.max(1), over).await?;
            let nothing = taken.is_empty();
            let mut deliveries = Vec::with_capacity(taken.len());
            for (physical, raw) in taken {
                deliveries.extend(self.made_of(physical, raw).await);
            }
            if nothing || !deliveries.is_empty() || Instant::now() >= over {
                return Ok(deliveries);
            }
        }
    }

    /// The delivery, or none: a timer was forwarded, what cannot be read was set aside.
    async fn made_of(&self, physical: Physical, raw: Raw) -> Option<Delivery> {
        let (queue, made) = match &physical {
            Physical::Live(queue) => (queue.clone(), self.wire.delivery(&physical, queue, &raw).await.map(Some)),
            _ => (QueueName::Dispatcher, self.wire.forward(&raw.body).await.map(|()| None)),
        };
        let receipt = [receipt_of(&queue, &physical, &raw.handle)];
        let settled = match made {
            Ok(Some(delivery)) => return Some(delivery),
            Ok(None) => self.wire.delete(&receipt).await,
            Err(Unreadable::Malformed(reason)) => match self.wire.set_aside(&physical, &raw.body, &reason).await {
                Ok(()) => self.wire.delete(&receipt).await,
                Err(error) => Err(error),
            },
            Err(Unreadable::Unavailable(error)) => {
                tracing::warn!(%error, ?physical, "a message is tried again");
                self.wire.set_visibility(&receipt, Visibility::In(LATER)).await
            }
        };
        if let Err(error) = settled {
            // It comes again.
            tracing::warn!(%error, ?physical, "failed to settle a message");
        }
        None
    }
}
