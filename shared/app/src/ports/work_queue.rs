//! Messages: at least once, in any order, perhaps late.

use std::time::Duration;

use assay_engine::execution::Event;
use assay_engine::id::{ExecutionId, OrganizationId};
use assay_engine::job::Job;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::PortError;

/// The dispatcher's queue, and one queue for each step type and pool.
#[async_trait]
pub trait WorkQueue: Send + Sync {
    /// Sends, to be received no earlier than after the delay.
    async fn send(&self, queue: &QueueName, message: Message, delay: Duration) -> Result<(), PortError>;
    /// Sends several at once, without a delay. Every one is tried, also when one before it failed.
    async fn send_all(&self, queue: &QueueName, messages: Vec<Message>) -> Result<(), PortError> {
        let mut failed = None;
        for message in messages {
            failed = self.send(queue, message, Duration::ZERO).await.err().or(failed);
        }
        failed.map_or(Ok(()), Err)
    }
    /// Waits until there is something, or until `wait` is over, and takes at most `limit` messages. On the dispatcher's
    /// queue no two deliveries that are not settled yet are of one execution, except within one answer.
    async fn receive(&self, queue: &QueueName, limit: usize, wait: Duration) -> Result<Vec<Delivery>, PortError>;
    /// Takes these off the queue: they were dealt with.
    async fn acknowledge(&self, receipts: &[Receipt]) -> Result<(), PortError>;
    /// Gives these back, to be received again after the delay.
    async fn give_back(&self, receipts: &[Receipt], delay: Duration) -> Result<(), PortError>;
    /// Takes at most `limit` messages that were delivered too often and set apart. They are settled as others are: one
    /// that is acknowledged is gone for good. A queue that sets nothing apart has none.
    async fn undelivered(&self, _limit: usize) -> Result<Vec<Delivery>, PortError> {
        Ok(Vec::new())
    }
    /// Whether the queue outlives its process. One that does not is empty after a start.
    fn outlives_process(&self) -> bool;
    /// Keeps these from others for so much longer, from now: they are still being dealt with. Where nobody else would get
    /// them anyway this does nothing.
    async fn hold(&self, _receipts: &[Receipt], _longer: Duration) -> Result<(), PortError> {
        Ok(())
    }
    /// How long its oldest message has waited; zero: nobody knows, or there is none.
    async fn oldest(&self, _queue: &QueueName) -> Result<Duration, PortError> {
        Ok(Duration::ZERO)
    }
}

/// Which queue.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum QueueName {
    /// Events for executions; group = the execution.
    Dispatcher,
    /// Jobs of a step type; group = the organization.
    Steps {
        /// The step type's name.
        step_type: String,
        /// The pool it is for.
        pool: Option<String>,
    },
    /// Jobs of every step type without a pool: what one process that runs everything listens to.
    AllSteps,
}

/// What is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Message {
    /// Something happened to an execution.
    Event {
        /// Which execution.
        execution: ExecutionId,
        /// What.
        event: Box<Event>,
    },
    /// Look at the execution: perform what is unsent, fire what is due.
    Look {
        /// Which execution.
        execution: ExecutionId,
    },
    /// Admit what may run.
    Admit {
        /// Of which organization.
        organization: OrganizationId,
    },
    /// An attempt to carry out.
    Job(Box<Job>),
}

/// A message that was received.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// To settle it.
    pub receipt: Receipt,
    /// Unique for each delivery, also of the same message.
    pub id: String,
    /// The message.
    pub message: Message,
    /// How often it was received, this time included.
    pub attempt: u32,
}

/// To settle a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Receipt {
    /// The queue.
    pub queue: QueueName,
    /// The adapter's own handle.
    pub handle: String,
}
