//! What lies on the queues, and what was received and not settled.

use std::collections::BTreeMap;
use std::time::Duration;

use assay_app::ports::{Delivery, Message, PortError, QueueName, Receipt};
use tokio::time::Instant;

use super::dispatcher::DispatcherQueue;
use super::mischief::Mischief;
use super::steps::StepQueues;

/// The longest delay that is told apart from any other.
const LONGEST: Duration = Duration::from_secs(400 * 24 * 3600);

/// A message on a queue.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// The order of sending.
    pub(super) number: u64,
    pub(super) message: Message,
    /// How often it was received.
    pub(super) attempt: u32,
    /// Not before.
    pub(super) due: Instant,
    /// Made on purpose; no copy is copied, so that everything drains.
    pub(super) copy: bool,
}

/// Messages that are not due yet, soonest first.
pub(super) type Delayed = BTreeMap<(Instant, u64), Item>;

/// Takes those off that are due.
pub(super) fn take_due(delayed: &mut Delayed, now: Instant) -> impl Iterator<Item = Item> {
    std::iter::from_fn(move || {
        let first = delayed.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    })
}

struct Unsettled {
    queue: QueueName,
    item: Item,
    /// When it is given to somebody else.
    until: Instant,
}

/// Everything under the queue's lock.
pub(super) struct State {
    dispatcher: DispatcherQueue,
    steps: StepQueues,
    /// By delivery; as each is kept for the same time, the first is over first.
    unsettled: BTreeMap<u64, Unsettled>,
    keep_for: Duration,
    last_number: u64,
    last_delivery: u64,
    mischief: Option<Mischief>,
}

impl State {
    pub(super) fn new(keep_for: Duration, mischief: Option<Mischief>) -> Self {
        Self {
            dispatcher: DispatcherQueue::default(),
            steps: StepQueues::default(),
            unsettled: BTreeMap::new(),
            keep_for,
            last_number: 0,
            last_delivery: 0,
            mischief,
        }
    }

    pub(super) fn send(&mut self, queue: &QueueName, message: Message, delay: Duration) -> Result<(), PortError> {
        if *queue == QueueName::AllSteps {
            return Err(PortError::bug("send to the queues of every step type at once: a message goes to one"));
        }
        let mut item = Item { number: 0, message, attempt: 0, due: after(Instant::now(), delay), copy: false };
        if let Some(mischief) = &mut self.mischief {
            let copy = mischief.copy_of_sent(&item);
            item.due += mischief.lateness();
            copy.into_iter().for_each(|copy| self.put(queue, copy));
        }
        self.put(queue, item);
        Ok(())
    }

    fn put(&mut self, queue: &QueueName, mut item: Item) {
        self.last_number += 1;
        item.number = self.last_number;
        self.put_back(queue, item);
    }

    /// Puts it where its number says.
    fn put_back(&mut self, queue: &QueueName, item: Item) {
        match queue {
            QueueName::Dispatcher => self.dispatcher.put(item),
            _ => self.steps.put(queue, item),
        }
    }

    /// Takes what is due, and says when to look again if that is nothing.
    pub(super) fn take(&mut self, queue: &QueueName, limit: usize) -> (Vec<Delivery>, Option<Instant>) {
        let now = Instant::now();
        self.take_from_the_silent(now);
        let limit = self.mischief.as_mut().map_or(limit, |mischief| mischief.fewer(limit));
        let taken = match queue {
            QueueName::Dispatcher => {
                let items = self.dispatcher.take(limit, now, self.mischief.as_mut());
                items.into_iter().map(|item| (QueueName::Dispatcher, item)).collect()
            }
            _ => self.steps.take(queue, limit, now, self.mischief.as_mut()),
        };
        let deliveries: Vec<_> = taken.into_iter().map(|(queue, item)| self.deliver(queue, item, now)).collect();
        let delayed = match queue {
            QueueName::Dispatcher => self.dispatcher.next_due(),
            _ => self.steps.next_due(queue),
        };
        let silent = self.unsettled.first_key_value().map(|(_, first)| first.until);
        (deliveries, delayed.into_iter().chain(silent).min())
    }

    fn deliver(&mut self, queue: QueueName, mut item: Item, now: Instant) -> Delivery {
        self.last_delivery += 1;
        item.attempt += 1;
        let handle = self.last_delivery.to_string();
        let delivery = Delivery {
            receipt: Receipt { queue: queue.clone(), handle: handle.clone() },
            id: handle,
            message: item.message.clone(),
            attempt: item.attempt,
        };
        self.unsettled.insert(self.last_delivery, Unsettled { queue, item, until: after(now, self.keep_for) });
        delivery
    }

    /// Whoever has not settled for this long is taken for gone.
    fn take_from_the_silent(&mut self, now: Instant) {
        while let Some(first) = self.unsettled.first_entry().filter(|first| first.get().until <= now) {
            let Unsettled { queue, item, .. } = first.remove();
            self.settled(&queue, &item);
            self.put_back(&queue, item);
        }
    }

    fn settle(&mut self, receipt: &Receipt) -> Option<Item> {
        let known = self.unsettled.remove(&receipt.handle.parse().ok()?)?;
        self.settled(&known.queue, &known.item);
        Some(known.item)
    }

    fn settled(&mut self, queue: &QueueName, item: &Item) {
        if *queue == QueueName::Dispatcher {
            self.dispatcher.settled(item);
        }
    }

    pub(super) fn acknowledge(&mut self, receipts: &[Receipt]) {
        for receipt in receipts {
            let Some(item) = self.settle(receipt) else { continue };
            let again = self.mischief.as_mut().and_then(|mischief| mischief.copy_of_acknowledged(&item));
            again.into_iter().for_each(|again| self.put(&receipt.queue, again));
        }
    }

    pub(super) fn give_back(&mut self, receipts: &[Receipt], delay: Duration) {
        let due = after(Instant::now(), delay);
        for receipt in receipts {
            if let Some(item) = self.settle(receipt) {
                self.put_back(&receipt.queue, Item { due, ..item });
            }
        }
    }

    /// How long the oldest that is due has waited.
    pub(super) fn oldest(&self, queue: &QueueName) -> Duration {
        let now = Instant::now();
        let oldest = match queue {
            QueueName::Dispatcher => self.dispatcher.oldest(),
            _ => self.steps.oldest(queue),
        };
        oldest.map_or(Duration::ZERO, |due| now.saturating_duration_since(due))
    }
}

pub(super) fn after(now: Instant, delay: Duration) -> Instant {
    now + delay.min(LONGEST)
}
