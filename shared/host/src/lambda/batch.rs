//! The messages of one invocation: read one by one, so that a bad one harms no other, and answered one by one.

use std::collections::BTreeMap;
use std::time::Duration;

use assay_app::delivery::{Settle, Settled};
use assay_app::ports::{Delivery, Receipt, WorkQueue};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};

use super::answer::answer;
use super::source::{Pushed, Source, Took};

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Nobody has dealt with it yet.
    Open,
    Done,
    /// It comes again after this pause; none: after its time is over.
    Failed(Option<Duration>),
}

#[derive(Debug)]
struct Record {
    id: String,
    /// The group whose order must be kept.
    group: Option<String>,
    /// None: it cannot be put off.
    receipt: Option<Receipt>,
    standing: Standing,
}

/// The messages of one invocation.
#[derive(Debug)]
pub(super) struct Batch {
    records: Vec<Record>,
}

impl Batch {
    /// Reads an event. Answers with the messages to deal with: what cannot be read is set aside, timers that have come
    /// are passed on. On an ordered queue none that stands behind an unreadable one of its group is among them.
    pub(super) async fn read(event: SqsEvent, source: &impl Source) -> (Self, Vec<Delivery>) {
        let mut batch = Self { records: Vec::with_capacity(event.records.len()) };
        let mut deliveries = Vec::with_capacity(event.records.len());
        for message in event.records {
            deliveries.extend(batch.take_in(message, source).await);
        }
        (batch, deliveries)
    }

    async fn take_in(&mut self, message: SqsMessage, source: &impl Source) -> Option<Delivery> {
        let attribute = |name: &str| message.attributes.get(name);
        // Only what is first in, first out has numbers; elsewhere a group is who it is for.
        let group = attribute("SequenceNumber").and(attribute("MessageGroupId")).cloned();
        let attempt = attribute("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1);
        let pushed = Pushed {
            id: message.message_id.unwrap_or_default(),
            handle: message.receipt_handle.unwrap_or_default(),
            body: message.body.unwrap_or_default(),
            arn: message.event_source_arn.unwrap_or_default(),
            attempt,
        };
        let blocked = group.as_ref().is_some_and(|group| self.failed(group));
        let took = if blocked { Took::GivenBack(None) } else { source.take(&pushed).await };
        let (receipt, standing, delivery) = match took {
            Took::Delivery(delivery) => (Some(delivery.receipt.clone()), Standing::Open, Some(*delivery)),
            Took::Done => (None, Standing::Done, None),
            Took::GivenBack(receipt) => {
                let pause = receipt.is_some().then(|| pause(attempt));
                (receipt, Standing::Failed(pause), None)
            }
        };
        self.records.push(Record { id: pushed.id, group, receipt, standing });
        delivery
    }

    fn failed(&self, group: &str) -> bool {
        let same = |record: &&Record| record.group.as_deref() == Some(group);
        self.records.iter().filter(same).any(|record| matches!(record.standing, Standing::Failed(_)))
    }

    /// One of its messages was dealt with.
    pub(super) fn settle(&mut self, settled: &Settled) {
        let standing = match settled.settle {
            Settle::Acknowledge => Standing::Done,
            Settle::GiveBack(pause) => Standing::Failed(Some(pause)),
        };
        for record in self.records.iter_mut().filter(|record| record.receipt.as_ref() == Some(&settled.receipt)) {
            record.standing = standing;
        }
    }

    /// What was not dealt with failed; on an ordered queue, what stands behind a failed one of its group failed with it.
    /// Those that have a pause are put off by it.
    pub(super) async fn close(&mut self, queue: &dyn WorkQueue) {
        let mut failed = BTreeMap::<String, Option<Duration>>::new();
        for record in &mut self.records {
            if record.standing == Standing::Open {
                record.standing = Standing::Failed(None);
            }
            let Some(group) = &record.group else { continue };
            if let Some(pause) = failed.get(group) {
                record.standing = Standing::Failed(*pause);
            } else if let Standing::Failed(pause) = record.standing {
                failed.insert(group.clone(), pause);
            }
        }
        let mut pauses = BTreeMap::<Duration, Vec<Receipt>>::new();
        for record in &self.records {
            if let (Standing::Failed(Some(pause)), Some(receipt)) = (record.standing, &record.receipt) {
                pauses.entry(pause).or_default().push(receipt.clone());
            }
        }
        for (pause, receipts) in pauses {
            if let Err(error) = queue.give_back(&receipts, pause).await {
                // They come again all the same, only later.
                tracing::warn!(%error, "failed to give messages back");
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn failures(&self) -> usize {
        self.records.iter().filter(|record| record.standing != Standing::Done).count()
    }

    /// What the invocation answers.
    pub(super) fn answer(&self) -> SqsBatchResponse {
        let failed = self.records.iter().filter(|record| record.standing != Standing::Done);
        answer(failed.map(|record| record.id.clone()))
    }
}

/// What cannot be had just now is tried again soon.
fn pause(attempt: u32) -> Duration {
    Duration::from_secs(1 << attempt.min(5))
}

#[cfg(test)]
mod tests {
    use assay_adapters::memory::MemoryWorkQueue;
    use assay_app::ports::{Message, QueueName};
    use assay_engine::id::ExecutionId;
    use async_trait::async_trait;

    use super::*;

    /// Reads `look`; sets `bad` aside; cannot have `later` now.
    struct Words;

    #[async_trait]
    impl Source for Words {
        async fn take(&self, pushed: &Pushed) -> Took {
            let receipt = Receipt { queue: QueueName::Dispatcher, handle: pushed.handle.clone() };
            match pushed.body.as_str() {
                "look" => Took::Delivery(Box::new(Delivery {
                    receipt,
                    id: pushed.id.clone(),
                    message: Message::Look { execution: ExecutionId::derived(&["a"]) },
                    attempt: pushed.attempt,
                })),
                "later" => Took::GivenBack(Some(receipt)),
                _ => Took::Done,
            }
        }
    }

    /// An event as SQS sends it: `(id, body, group)`.
    fn event(messages: &[(&str, &str, Option<&str>)]) -> SqsEvent {
        let records: Vec<_> = messages
            .iter()
            .map(|(id, body, group)| {
                let mut attributes =
                    serde_json::json!({"ApproximateReceiveCount": "1", "SentTimestamp": "1790000000000"});
                if let Some(group) = group {
                    attributes["MessageGroupId"] = (*group).into();
                    attributes["SequenceNumber"] = "18870266100000000000".into();
                }
                serde_json::json!({
                    "messageId": id, "receiptHandle": format!("handle of {id}"), "body": body,
                    "attributes": attributes, "messageAttributes": {}, "eventSource": "aws:sqs",
                    "eventSourceARN": "arn:aws:sqs:eu-west-1:1:assay-dev-dispatcher.fifo", "awsRegion": "eu-west-1",
                })
            })
            .collect();
        serde_json::from_value(serde_json::json!({"Records": records})).expect("an event")
    }

    /// What is answered when these deliveries are dealt with and the others not.
    async fn answered(messages: &[(&str, &str, Option<&str>)], done: &[&str]) -> Vec<String> {
        let (mut batch, deliveries) = Batch::read(event(messages), &Words).await;
        for delivery in deliveries {
            let settle = if done.contains(&delivery.id.as_str()) {
                Settle::Acknowledge
            } else {
                Settle::GiveBack(Duration::ZERO)
            };
            batch.settle(&Settled { receipt: delivery.receipt, settle });
        }
        batch.close(&MemoryWorkQueue::plain()).await;
        batch.answer().batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
    }

    #[tokio::test]
    async fn what_was_dealt_with_and_what_was_set_aside_is_not_named() {
        let messages = [("1", "look", None), ("2", "bad", None), ("3", "look", None), ("4", "later", None)];
        assert_eq!(answered(&messages, &["1"]).await, ["3", "4"]);
        assert_eq!(answered(&messages, &["1", "3"]).await, ["4"]);
    }

    #[tokio::test]
    async fn on_an_ordered_queue_a_failure_takes_the_later_ones_of_its_group_along_and_no_others() {
        let messages = [
            ("1", "look", Some("a")),
            ("2", "later", Some("a")),
            ("3", "look", Some("b")),
            ("4", "look", Some("a")),
            ("5", "bad", Some("b")),
            ("6", "look", Some("b")),
        ];
        assert_eq!(answered(&messages, &["1", "3", "4", "6"]).await, ["2", "4"]);
        assert_eq!(answered(&messages, &["1", "6"]).await, ["2", "3", "4", "5", "6"]);
    }

    #[tokio::test]
    async fn what_nobody_got_to_fails() {
        let (mut batch, deliveries) = Batch::read(event(&[("1", "look", None), ("2", "bad", None)]), &Words).await;
        assert_eq!(deliveries.len(), 1);
        batch.close(&MemoryWorkQueue::plain()).await;
        assert_eq!((batch.len(), batch.failures()), (2, 1));
    }
}
