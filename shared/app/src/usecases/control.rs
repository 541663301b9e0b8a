//! Cancel, signal, resume.

use std::time::Duration;

use assay_engine::execution::{Event, Head};
use assay_engine::id::ExecutionId;
use serde_json::Value as Json;

use super::{ExecutionError, Executions};
use crate::ports::{Message, QueueName};

impl Executions {
    /// Asks the execution to end. Forced: without its `finally`.
    ///
    /// # Errors
    /// When there is none, or it has ended.
    pub async fn cancel(&self, id: &ExecutionId, by: &str, forced: bool) -> Result<(), ExecutionError> {
        self.tell(id, Event::CancelRequested { by: by.to_owned(), forced }).await
    }

    /// Sends a signal to its `wait` steps. The same signal id counts once.
    ///
    /// # Errors
    /// When there is none, or it has ended.
    pub async fn signal(
        &self,
        id: &ExecutionId,
        signal_id: &str,
        name: &str,
        payload: Json,
        by: &str,
    ) -> Result<(), ExecutionError> {
        let event =
            Event::SignalReceived { id: signal_id.to_owned(), name: name.to_owned(), payload, by: by.to_owned() };
        self.tell(id, event).await
    }

    /// Takes an unfinished execution over and sends everything that is outstanding of it.
    ///
    /// # Errors
    /// When there is none, or it has ended.
    pub async fn resume(&self, id: &ExecutionId) -> Result<(), ExecutionError> {
        let head = self.unfinished(id).await?;
        // Its plan must still be there: else the user is told instead of the execution being set aside.
        self.platform.plans.get(&*self.platform.store, &head.flow_version, &head.main).await?;
        Ok(self.dispatcher.resume(id).await?)
    }

    /// Ends an execution whose flow cannot be had any more as errored; what was not cleaned up is listed. One whose flow
    /// is there is resumed.
    ///
    /// # Errors
    /// When the store or the queue does not answer.
    pub async fn give_up(&self, id: &ExecutionId) -> Result<(), ExecutionError> {
        Ok(self.dispatcher.resume(id).await?)
    }

    pub(super) async fn tell(&self, id: &ExecutionId, event: Event) -> Result<(), ExecutionError> {
        self.unfinished(id).await?;
        if !self.platform.queue.outlives_process() && !self.platform.charge.has(id) {
            // Another process moves it, whose queue is out of reach: the store is what both share.
            return Ok(self.dispatcher.leave(id, event).await?);
        }
        let message = Message::Event { execution: id.clone(), event: Box::new(event) };
        Ok(self.platform.queue.send(&QueueName::Dispatcher, message, Duration::ZERO).await?)
    }

    pub(super) async fn unfinished(&self, id: &ExecutionId) -> Result<Head, ExecutionError> {
        let loaded = self.platform.store.load(id, &[]).await?;
        let head = loaded.ok_or_else(|| ExecutionError::Unknown(id.clone()))?.head;
        if head.status.ended() {
            return Err(ExecutionError::Ended { id: id.clone(), status: head.status });
        }
        Ok(head)
    }
}
