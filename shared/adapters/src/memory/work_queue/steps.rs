//! The queues of step types: first come, first served.

use std::collections::{BTreeMap, VecDeque};

use assay_app::ports::QueueName;
use tokio::time::Instant;

use super::mischief::Mischief;
use super::state::{Delayed, Item, take_due};

#[derive(Default)]
struct StepQueue {
    delayed: Delayed,
    ready: VecDeque<Item>,
}

/// One queue for each step type and pool.
#[derive(Default)]
pub(super) struct StepQueues {
    queues: BTreeMap<QueueName, StepQueue>,
}

/// Whether a receiver on `asked` gets what lies on `queue`.
fn serves(asked: &QueueName, queue: &QueueName) -> bool {
    match asked {
        QueueName::AllSteps => matches!(queue, QueueName::Steps { pool: None, .. }),
        asked => asked == queue,
    }
}

impl StepQueues {
    fn served<'a>(&'a self, asked: &'a QueueName) -> impl Iterator<Item = &'a StepQueue> {
        self.queues.iter().filter(|(name, _)| serves(asked, name)).map(|(_, queue)| queue)
    }

    pub(super) fn put(&mut self, name: &QueueName, item: Item) {
        let queue = self.queues.entry(name.clone()).or_default();
        queue.delayed.insert((item.due, item.number), item);
    }

    pub(super) fn take(
        &mut self,
        asked: &QueueName,
        limit: usize,
        now: Instant,
        mut mischief: Option<&mut Mischief>,
    ) -> Vec<(QueueName, Item)> {
        for queue in self.queues.values_mut() {
            queue.ready.extend(take_due(&mut queue.delayed, now));
            if let Some(mischief) = &mut mischief {
                mischief.first(&mut queue.ready);
            }
        }
        let mut taken = Vec::new();
        while taken.len() < limit {
            let served = self.queues.iter_mut().filter(|(name, queue)| serves(asked, name) && !queue.ready.is_empty());
            let oldest = served.min_by_key(|(_, queue)| queue.ready.front().map(|item| (item.due, item.number)));
            let Some((name, item)) = oldest.and_then(|(name, queue)| Some((name, queue.ready.pop_front()?))) else {
                break;
            };
            taken.push((name.clone(), item));
        }
        taken
    }

    pub(super) fn next_due(&self, asked: &QueueName) -> Option<Instant> {
        self.served(asked).filter_map(|queue| queue.delayed.first_key_value()).map(|((due, _), _)| *due).min()
    }

    pub(super) fn oldest(&self, asked: &QueueName) -> Option<Instant> {
        let now = Instant::now();
        let waiting = |queue: &StepQueue| {
            let delayed = queue.delayed.first_key_value().map(|((due, _), _)| *due).filter(|due| *due <= now);
            queue.ready.front().map(|item| item.due).into_iter().chain(delayed).min()
        };
        self.served(asked).filter_map(waiting).min()
    }
}
