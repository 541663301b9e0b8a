//! A queue that loses, doubles, delays and reorders.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use assay_app::ports::{ClaimKey, Delivery, Message, PortError, QueueName, Receipt, WorkQueue};
use assay_engine::job::Job;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::hits::{Fault, Hits};
use super::store::Shared;
use super::world::World;

/// How long a delivery that nobody settles stays invisible.
const VISIBILITY: SignedDuration = SignedDuration::from_mins(12);

/// The queue of all processes.
pub(super) struct SimQueue {
    world: Arc<World>,
    hits: Arc<Hits>,
    late: bool,
    state: Mutex<State>,
    shared: OnceLock<Arc<Shared>>,
}

#[derive(Default)]
struct State {
    messages: BTreeMap<u64, Waiting>,
    next: u64,
    deliveries: u64,
}

struct Waiting {
    queue: QueueName,
    message: Message,
    visible: Timestamp,
    attempt: u32,
    handle: Option<String>,
}

impl SimQueue {
    /// An empty queue; `late`: many messages come a second time, long after the first.
    pub(super) fn new(world: Arc<World>, hits: Arc<Hits>, late: bool) -> Arc<Self> {
        Arc::new(Self { world, hits, late, state: Mutex::default(), shared: OnceLock::new() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it is known which jobs were saved and not sent.
    pub(super) fn owed_to(&self, shared: Arc<Shared>) {
        let _ = self.shared.set(shared);
    }

    /// A job that a dead process had saved and not sent must be sent by somebody else, soon.
    fn pay(&self, job: &Job) {
        let Some(shared) = self.shared.get() else { return };
        let key = ClaimKey { execution: job.execution.clone(), fence: job.fence.clone() };
        let Some(since) = shared.told().owed.remove(&key) else { return };
        let late = self.world.now().duration_since(since);
        if late > SignedDuration::from_mins(6) {
            shared.violated(format!("{}: {} was sent {late:#} after it was saved", job.execution, job.fence.place()));
        }
    }

    /// How many messages there are.
    pub(super) fn len(&self) -> usize {
        self.state().messages.len()
    }

    /// When the next message can be received.
    pub(super) fn next_visible(&self) -> Option<Timestamp> {
        let now = self.world.now();
        self.state().messages.values().map(|waiting| waiting.visible).filter(|visible| *visible > now).min()
    }

    /// Takes what is visible, in a drawn order: one delivery, or for the dispatcher sometimes several of one execution.
    pub(super) fn draw(&self, queue: &QueueName) -> Vec<Delivery> {
        let now = self.world.now();
        let mut state = self.state();
        let visible: Vec<u64> = state
            .messages
            .iter()
            .filter(|(_, waiting)| waiting.visible <= now && listens(queue, &waiting.queue))
            .map(|(id, _)| *id)
            .collect();
        if visible.is_empty() {
            return Vec::new();
        }
        let first = visible[self.world.below(visible.len() as u64) as usize];
        let mut chosen = vec![first];
        let about = execution_of(&state.messages[&first].message);
        if about.is_some() && self.world.chance(500) {
            let more = visible.iter().filter(|id| **id != first);
            chosen.extend(more.filter(|id| execution_of(&state.messages[id].message) == about).take(5));
        }
        let mut deliveries = Vec::new();
        for id in chosen {
            state.deliveries += 1;
            let name = format!("d{}", state.deliveries);
            let Some(waiting) = state.messages.get_mut(&id) else { continue };
            waiting.visible = now + VISIBILITY;
            waiting.attempt += 1;
            waiting.handle = Some(name.clone());
            if waiting.attempt > 1 {
                self.hits.fault(Fault::Redelivered);
            }
            let receipt = Receipt { queue: queue.clone(), handle: format!("{id}/{name}") };
            let (message, attempt) = (waiting.message.clone(), waiting.attempt);
            deliveries.push(Delivery { receipt, id: name, message, attempt });
        }
        deliveries
    }

    fn put(&self, queue: QueueName, message: Message, visible: Timestamp) {
        let mut state = self.state();
        state.next += 1;
        let id = state.next;
        state.messages.insert(id, Waiting { queue, message, visible, attempt: 0, handle: None });
    }
}

fn listens(listener: &QueueName, queue: &QueueName) -> bool {
    listener == queue || *listener == QueueName::AllSteps && matches!(queue, QueueName::Steps { .. })
}

fn execution_of(message: &Message) -> Option<String> {
    match message {
        Message::Event { execution, .. } | Message::Look { execution } => Some(execution.to_string()),
        Message::Admit { .. } | Message::Job(_) => None,
    }
}

fn id_of(receipt: &Receipt) -> Option<(u64, &str)> {
    let (id, name) = receipt.handle.split_once('/')?;
    Some((id.parse().ok()?, name))
}

#[async_trait]
impl WorkQueue for SimQueue {
    async fn send(&self, queue: &QueueName, message: Message, delay: Duration) -> Result<(), PortError> {
        if let Message::Job(job) = &message {
            self.pay(job);
        }
        if self.world.fault(5) {
            self.hits.fault(Fault::SendRefused);
            return Err(PortError::retry("send: throttled"));
        }
        if self.world.fault(8) {
            self.hits.fault(Fault::Lost);
            return Ok(());
        }
        let length = SignedDuration::try_from(delay).unwrap_or(SignedDuration::ZERO);
        let mut visible = self.world.now() + length;
        if self.world.fault(60) {
            self.hits.fault(Fault::Delayed);
            visible += SignedDuration::from_millis(self.world.below(90_000) as i64);
        }
        let (doubled, within_ms) = if self.late { (300, 600_000) } else { (40, 60_000) };
        if self.world.fault(doubled) {
            self.hits.fault(Fault::Doubled);
            let later = visible + SignedDuration::from_millis(self.world.below(within_ms) as i64);
            self.put(queue.clone(), message.clone(), later);
        }
        self.put(queue.clone(), message, visible);
        Ok(())
    }

    async fn receive(&self, queue: &QueueName, _limit: usize, _wait: Duration) -> Result<Vec<Delivery>, PortError> {
        Ok(self.draw(queue))
    }

    async fn acknowledge(&self, receipts: &[Receipt]) -> Result<(), PortError> {
        if self.world.fault(5) {
            self.hits.fault(Fault::AcknowledgeLost);
            return Err(PortError::retry("acknowledge: no answer"));
        }
        let mut state = self.state();
        for (id, _) in receipts.iter().filter_map(id_of) {
            state.messages.remove(&id);
        }
        Ok(())
    }

    async fn give_back(&self, receipts: &[Receipt], delay: Duration) -> Result<(), PortError> {
        let at = self.world.now() + SignedDuration::try_from(delay).unwrap_or(SignedDuration::ZERO);
        let mut state = self.state();
        for (id, name) in receipts.iter().filter_map(id_of) {
            if let Some(waiting) = state.messages.get_mut(&id).filter(|one| one.handle.as_deref() == Some(name)) {
                waiting.visible = at;
            }
        }
        Ok(())
    }

    fn outlives_process(&self) -> bool {
        true
    }
}
