//! Sends: one by one or ten at once, with a delay, a group, and what is too long by way of the blob store.

use std::time::Duration;

use aes_gcm::aead::OsRng;
use aes_gcm::aead::rand_core::RngCore as _;
use assay_app::ports::{Message, PortError, QueueName};
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use futures_util::future::join_all;

use super::name::Physical;
use super::queue::Wire;
use super::wire::{self, LIMIT, LONG, Timer};
use crate::aws::error::{AwsError, failed};

/// The longest delay that SQS takes.
pub(super) const LONGEST: Duration = Duration::from_secs(900);
/// Messages of one request.
const BATCH: usize = 10;
/// What lies in the blob store of messages; a rule of the bucket removes it when no queue can hold its message any more.
const STORED: &str = "messages";

/// A message as it goes to SQS.
pub(super) struct Outgoing {
    pub(super) body: String,
    pub(super) group: String,
    pub(super) delay: Duration,
}

impl Outgoing {
    /// Whole seconds, never less than was asked for.
    fn seconds(&self) -> i32 {
        whole_seconds(self.delay.min(LONGEST))
    }
}

pub(super) fn whole_seconds(duration: Duration) -> i32 {
    let up = u64::from(duration.subsec_nanos() > 0);
    i32::try_from(duration.as_secs().saturating_add(up)).unwrap_or(i32::MAX)
}

/// 128 bits that nobody else draws.
pub(super) fn unique() -> Result<String, PortError> {
    let mut bytes = [0; 16];
    let drawn = OsRng.try_fill_bytes(&mut bytes);
    drawn.map_err(|error| PortError::retry(format!("draw randomness: {error}")))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

impl Wire {
    pub(super) async fn send(&self, queue: &QueueName, message: &Message, delay: Duration) -> Result<(), PortError> {
        let (physical, outgoing) = self.prepare(queue, message, delay).await?;
        self.send_one(&physical, outgoing).await
    }

    /// Every one is tried, also when one before it failed.
    pub(super) async fn send_all(&self, queue: &QueueName, messages: &[Message]) -> Result<(), PortError> {
        let mut batches: Vec<Vec<Outgoing>> = Vec::new();
        let mut size = 0;
        let mut failed = None;
        let physical = Physical::Live(queue.clone());
        for message in messages {
            let outgoing = match self.prepare(queue, message, Duration::ZERO).await {
                Ok((_, outgoing)) => outgoing,
                Err(error) => {
                    failed = Some(error);
                    continue;
                }
            };
            match batches.last_mut() {
                Some(batch) if batch.len() < BATCH && size + outgoing.body.len() <= LIMIT => {
                    size += outgoing.body.len();
                    batch.push(outgoing);
                }
                _ => {
                    size = outgoing.body.len();
                    batches.push(vec![outgoing]);
                }
            }
        }
        let sent = join_all(batches.into_iter().map(|batch| self.send_batch(&physical, batch))).await;
        sent.into_iter().find_map(Result::err).or(failed).map_or(Ok(()), Err)
    }

    /// The queue it goes to, and what goes there. A FIFO queue takes no delays, no queue one of more than 15 minutes: those
    /// go by way of the queue of timers.
    async fn prepare(
        &self,
        queue: &QueueName,
        message: &Message,
        delay: Duration,
    ) -> Result<(Physical, Outgoing), PortError> {
        if *queue == QueueName::AllSteps {
            return Err(PortError::bug("send to the queues of every step type at once: a message goes to one"));
        }
        let group = wire::group(queue, message);
        let direct = delay.is_zero() || (*queue != QueueName::Dispatcher && delay <= LONGEST);
        let (physical, timer) = if direct {
            (Physical::Live(queue.clone()), None)
        } else {
            let now = self.clock.now();
            let due = now.checked_add(delay).map_err(|error| PortError::bug("delay a message").because(error))?;
            (Physical::Timers, Some(Timer::new(due, queue, group.clone())))
        };
        let mut body = wire::write(message, timer.clone())?;
        if body.len() > LONG {
            body = wire::write_stored(&self.store(message).await?, timer)?;
        }
        Ok((physical, Outgoing { body, group, delay }))
    }

    async fn store(&self, message: &Message) -> Result<String, PortError> {
        let bytes = serde_json::to_vec(message).map_err(|error| PortError::bug("write a message").because(error))?;
        let key = format!("{STORED}/{}/{}", wire::subject(message), unique()?);
        self.blobs.put(&key, "application/json", bytes.into()).await?;
        Ok(key)
    }

    pub(super) async fn send_one(&self, physical: &Physical, outgoing: Outgoing) -> Result<(), PortError> {
        let address = self.addresses.of(physical).await?;
        let mut request = self.client.send_message().queue_url(address).message_group_id(&outgoing.group);
        if physical.is_fifo() {
            request = request.message_deduplication_id(unique()?);
        } else if !outgoing.delay.is_zero() {
            request = request.delay_seconds(outgoing.seconds());
        }
        let sent = request.message_body(outgoing.body).send().await;
        sent.map_err(|error| failed(format!("send a message to {physical:?}"), error)).map(drop)
    }

    async fn send_batch(&self, physical: &Physical, batch: Vec<Outgoing>) -> Result<(), PortError> {
        let address = self.addresses.of(physical).await?;
        let mut request = self.client.send_message_batch().queue_url(address);
        for (index, outgoing) in batch.into_iter().enumerate() {
            let mut entry = SendMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .message_body(outgoing.body)
                .message_group_id(outgoing.group);
            if physical.is_fifo() {
                entry = entry.message_deduplication_id(unique()?);
            }
            let entry = entry.build().map_err(|error| PortError::bug("write a batch").because(error))?;
            request = request.entries(entry);
        }
        let what = || format!("send messages to {physical:?}");
        let answer = request.send().await.map_err(|error| failed(what(), error))?;
        match answer.failed.first() {
            None => Ok(()),
            Some(entry) => {
                let (code, message) = (entry.code.clone(), entry.message.clone().unwrap_or_default());
                let error = if entry.sender_fault { PortError::permanent(what()) } else { PortError::retry(what()) };
                Err(error.because(if entry.sender_fault {
                    AwsError::Refused { code, message }
                } else {
                    AwsError::Failed { code, message }
                }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_never_shortened() {
        for (millis, seconds) in [(0, 0), (1, 1), (1000, 1), (1001, 2), (899_999, 900)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), seconds);
        }
        assert_eq!(whole_seconds(Duration::MAX), i32::MAX);
    }
}
