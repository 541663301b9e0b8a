//! Settles what was received: ten at once, each for itself.

use std::time::Duration;

use assay_app::ports::{PortError, Receipt};
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
};

use super::name::{Physical, read_receipt};
use super::queue::Wire;
use super::send::whole_seconds;
use crate::aws::error::{AwsError, failed};

/// Receipts of one request.
const BATCH: usize = 10;
/// The longest that SQS hides a message.
const LONGEST: i32 = 43_200;

/// When a message is to be seen again.
#[derive(Debug, Clone, Copy)]
pub(super) enum Visibility {
    /// After this.
    In(Duration),
    /// As late as SQS knows.
    Latest,
}

impl Visibility {
    fn seconds(self) -> i32 {
        match self {
            Self::In(duration) => whole_seconds(duration).min(LONGEST),
            Self::Latest => LONGEST,
        }
    }
}

/// The handles of each queue.
fn by_queue(receipts: &[Receipt]) -> Vec<(Physical, Vec<&str>)> {
    let mut groups: Vec<(Physical, Vec<&str>)> = Vec::new();
    for (physical, handle) in receipts.iter().map(read_receipt) {
        match groups.iter_mut().find(|(known, _)| *known == physical) {
            Some((_, handles)) => handles.push(handle),
            None => groups.push((physical, vec![handle])),
        }
    }
    groups
}

/// What was refused because of its receipt is somebody else's by now, or was settled: that is no error. What failed over
/// there is.
fn outcome(what: &str, refused: &[BatchResultErrorEntry]) -> Result<(), PortError> {
    for entry in refused.iter().filter(|entry| entry.sender_fault) {
        tracing::debug!(code = entry.code, "{what}: a receipt is not good any more");
    }
    let Some(entry) = refused.iter().find(|entry| !entry.sender_fault) else { return Ok(()) };
    let (code, message) = (entry.code.clone(), entry.message.clone().unwrap_or_default());
    Err(PortError::retry(what).because(AwsError::Failed { code, message }))
}

impl Wire {
    /// Takes them off their queues. Every one is tried, also when one before it failed.
    pub(super) async fn delete(&self, receipts: &[Receipt]) -> Result<(), PortError> {
        let mut last = Ok(());
        for (physical, handles) in by_queue(receipts) {
            for batch in handles.chunks(BATCH) {
                if let Err(error) = self.delete_batch(&physical, batch).await {
                    last = Err(error);
                }
            }
        }
        last
    }

    async fn delete_batch(&self, physical: &Physical, handles: &[&str]) -> Result<(), PortError> {
        let mut request = self.client.delete_message_batch().queue_url(self.addresses.of(physical).await?);
        for (index, handle) in handles.iter().enumerate() {
            let entry = DeleteMessageBatchRequestEntry::builder().id(index.to_string()).receipt_handle(*handle).build();
            request = request.entries(entry.map_err(|error| PortError::bug("write a batch").because(error))?);
        }
        let what = format!("acknowledge messages of {physical:?}");
        let answer = request.send().await.map_err(|error| failed(&what, error))?;
        outcome(&what, &answer.failed)
    }

    /// Says when they are seen again.
    pub(super) async fn set_visibility(&self, receipts: &[Receipt], when: Visibility) -> Result<(), PortError> {
        let mut last = Ok(());
        for (physical, handles) in by_queue(receipts) {
            for batch in handles.chunks(BATCH) {
                if let Err(error) = self.set_visibility_batch(&physical, batch, when).await {
                    last = Err(error);
                }
            }
        }
        last
    }

    async fn set_visibility_batch(
        &self,
        physical: &Physical,
        handles: &[&str],
        when: Visibility,
    ) -> Result<(), PortError> {
        let mut request = self.client.change_message_visibility_batch().queue_url(self.addresses.of(physical).await?);
        for (index, handle) in handles.iter().enumerate() {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(*handle)
                .visibility_timeout(when.seconds())
                .build();
            request = request.entries(entry.map_err(|error| PortError::bug("write a batch").because(error))?);
        }
        let what = format!("give messages of {physical:?} back");
        let answer = request.send().await.map_err(|error| failed(&what, error))?;
        outcome(&what, &answer.failed)
    }
}
