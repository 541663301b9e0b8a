//! From what Lambda pushes to what is dealt with.

use assay_adapters::aws::sqs::{SqsWorkQueue, Unreadable};
use assay_app::ports::{Delivery, PortError, QueueName, Receipt};
use async_trait::async_trait;

/// A message as it was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pushed {
    pub(super) id: String,
    pub(super) handle: String,
    pub(super) body: String,
    /// The queue it comes from.
    pub(super) arn: String,
    /// How often it was received.
    pub(super) attempt: u32,
}

/// What becomes of a message before anybody deals with it.
#[derive(Debug)]
pub(super) enum Took {
    /// To deal with.
    Delivery(Box<Delivery>),
    /// Nothing is left to do.
    Done,
    /// It comes again: soon, when its receipt is known.
    GivenBack(Option<Receipt>),
}

/// Reads what is pushed.
#[async_trait]
pub(super) trait Source: Send + Sync {
    async fn take(&self, pushed: &Pushed) -> Took;
}

/// A queue of the stack, and for the dispatcher the queue of timers.
pub(super) struct StackQueue<'a> {
    pub(super) queue: &'a SqsWorkQueue,
    pub(super) name: &'a QueueName,
}

/// Messages of this queue wait for their time.
const TIMERS: &str = "-timers";

#[async_trait]
impl Source for StackQueue<'_> {
    async fn take(&self, pushed: &Pushed) -> Took {
        let timer = pushed.arn.ends_with(TIMERS);
        let taken = if timer {
            self.queue.forward(&pushed.body).await.map(|()| Took::Done)
        } else {
            let Pushed { id, handle, body, attempt, .. } = pushed;
            let delivery = self.queue.delivery_of(self.name, id, handle, body, *attempt).await;
            delivery.map(|delivery| Took::Delivery(Box::new(delivery)))
        };
        match taken {
            Ok(taken) => taken,
            Err(Unreadable::Malformed(reason)) => {
                let set_aside = if timer {
                    self.queue.set_aside_timer(&pushed.body, &reason).await
                } else {
                    self.queue.set_aside(self.name, &pushed.body, &reason).await
                };
                set_aside.map_or_else(|error| self.again(pushed, &error, timer), |()| Took::Done)
            }
            Err(Unreadable::Unavailable(error)) => self.again(pushed, &error, timer),
        }
    }
}

impl StackQueue<'_> {
    fn again(&self, pushed: &Pushed, error: &PortError, timer: bool) -> Took {
        tracing::warn!(%error, source = ?error.source, message = pushed.id, "a message is tried again");
        let receipt = Receipt { queue: self.name.clone(), handle: pushed.handle.clone() };
        Took::GivenBack((!timer).then_some(receipt))
    }
}
