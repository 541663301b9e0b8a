//! The port over it.

use std::sync::Arc;
use std::time::Duration;

use assay_app::ports::{BlobStore, Clock, Delivery, Message, PortError, QueueName, Receipt, WorkQueue};
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_sqs::types::QueueAttributeName;

use super::name::{Addresses, Physical};
use super::polls::Polls;
use super::settle::Visibility;
use crate::aws::StackNames;
use crate::aws::error::failed;

/// What is taken for the age of the oldest message of a queue that has some: SQS tells it to CloudWatch alone. It only
/// decides when a job that nobody claimed is sent again, and too late is better than more work for a queue that is behind.
const AGE_OF_A_BACKLOG: Duration = Duration::from_secs(30 * 60);

/// How a [`SqsWorkQueue`] is set up.
#[derive(Debug, Clone, Default)]
pub struct SqsOptions {
    /// The step queues of the stack, one of each word: those that `AllSteps` listens to, and whose dead letters are read.
    pub steps: Vec<QueueName>,
    /// What the address of each queue begins with, to the slash before its name; none: the first address is asked for.
    pub addresses: Option<String>,
}

/// Messages on the queues of a stack.
///
/// How often a message may be received before it is a dead letter, and how long whoever received it may keep silent, are
/// attributes of the queues. A receiver that goes away while it waits may take messages along for that time.
pub struct SqsWorkQueue {
    pub(super) wire: Arc<Wire>,
    dispatcher: Polls,
    every_step: Polls,
    pub(super) steps: Vec<QueueName>,
}

/// What it takes to talk to the queues.
pub(super) struct Wire {
    pub(super) client: aws_sdk_sqs::Client,
    pub(super) addresses: Addresses,
    pub(super) blobs: Arc<dyn BlobStore>,
    pub(super) clock: Arc<dyn Clock>,
}

impl SqsWorkQueue {
    /// The queues of this stack. `blobs` keeps messages that are too long; nothing is asked before the first call.
    #[must_use]
    pub fn new(
        config: &SdkConfig,
        names: StackNames,
        options: SqsOptions,
        blobs: Arc<dyn BlobStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let client = aws_sdk_sqs::Client::new(config);
        let addresses = Addresses::new(client.clone(), names, options.addresses);
        let without_pool = |queue: &&QueueName| matches!(queue, QueueName::Steps { pool: None, .. });
        let every_step = options.steps.iter().filter(without_pool).cloned().map(Physical::Live).collect();
        Self {
            wire: Arc::new(Wire { client, addresses, blobs, clock }),
            dispatcher: Polls::new(vec![Physical::Live(QueueName::Dispatcher), Physical::Timers]),
            every_step: Polls::new(every_step),
            steps: options.steps,
        }
    }

    /// The address of a queue, which holds the account: the first thing to ask of a stack that may not be there.
    ///
    /// # Errors
    /// When there is no such queue, or it cannot be asked.
    pub async fn address(&self, queue: &QueueName) -> Result<String, PortError> {
        self.wire.addresses.of(&Physical::Live(queue.clone())).await
    }
}

#[async_trait]
impl WorkQueue for SqsWorkQueue {
    async fn send(&self, queue: &QueueName, message: Message, delay: Duration) -> Result<(), PortError> {
        self.wire.send(queue, &message, delay).await
    }

    async fn send_all(&self, queue: &QueueName, messages: Vec<Message>) -> Result<(), PortError> {
        self.wire.send_all(queue, &messages).await
    }

    async fn receive(&self, queue: &QueueName, limit: usize, wait: Duration) -> Result<Vec<Delivery>, PortError> {
        match queue {
            QueueName::Dispatcher => self.receive_by(&self.dispatcher, limit, wait).await,
            QueueName::AllSteps => self.receive_by(&self.every_step, limit, wait).await,
            // One source leaves nothing behind that a later call could take up.
            QueueName::Steps { .. } => {
                self.receive_by(&Polls::new(vec![Physical::Live(queue.clone())]), limit, wait).await
            }
        }
    }

    async fn acknowledge(&self, receipts: &[Receipt]) -> Result<(), PortError> {
        self.wire.delete(receipts).await
    }

    async fn give_back(&self, receipts: &[Receipt], delay: Duration) -> Result<(), PortError> {
        self.wire.set_visibility(receipts, Visibility::In(delay)).await
    }

    async fn hold(&self, receipts: &[Receipt], longer: Duration) -> Result<(), PortError> {
        self.wire.set_visibility(receipts, Visibility::In(longer)).await
    }

    async fn undelivered(&self, limit: usize) -> Result<Vec<Delivery>, PortError> {
        Ok(self.dead_letters(limit).await)
    }

    fn outlives_process(&self) -> bool {
        true
    }

    async fn oldest(&self, queue: &QueueName) -> Result<Duration, PortError> {
        let physical = Physical::Live(queue.clone());
        let address = self.wire.addresses.of(&physical).await?;
        let name = QueueAttributeName::ApproximateNumberOfMessages;
        let request = self.wire.client.get_queue_attributes().queue_url(address).attribute_names(name.clone());
        let answer = request.send().await.map_err(|error| failed(format!("count the messages of {queue:?}"), error))?;
        let waiting = answer.attributes.unwrap_or_default().remove(&name).unwrap_or_default();
        Ok(if waiting == "0" { Duration::ZERO } else { AGE_OF_A_BACKLOG })
    }
}
