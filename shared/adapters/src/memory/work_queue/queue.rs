//! The port over that state: waiting, and waking who waits.

use std::sync::Mutex;
use std::time::Duration;

use assay_app::ports::{Delivery, Message, PortError, QueueName, Receipt, WorkQueue};
use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::mischief::Mischief;
use super::state::{State, after};
use crate::memory::lock;

/// A delivery that nobody settles is somebody else's after this long: a receiver can be lost within a process too.
const KEPT: Duration = Duration::from_secs(10 * 60);
const KEPT_NASTILY: Duration = Duration::from_secs(60);

/// Messages within one process, on tokio's clock. Nothing runs beside it: who receives waits for what is due.
pub struct MemoryWorkQueue {
    state: Mutex<State>,
    dispatcher: Notify,
    steps: Notify,
}

impl MemoryWorkQueue {
    /// For use: in order, no earlier and no later than it was asked for, once.
    #[must_use]
    pub fn plain() -> Self {
        Self::of(State::new(KEPT, None))
    }

    /// For tests: messages come twice, late, out of order, and again after they were acknowledged; the same seed and
    /// the same calls give the same mischief. Only what the port promises is kept.
    #[must_use]
    pub fn nasty(seed: u64) -> Self {
        Self::of(State::new(KEPT_NASTILY, Some(Mischief::new(seed))))
    }

    fn of(state: State) -> Self {
        Self { state: Mutex::new(state), dispatcher: Notify::new(), steps: Notify::new() }
    }

    fn changed(&self, queue: &QueueName) -> &Notify {
        if *queue == QueueName::Dispatcher { &self.dispatcher } else { &self.steps }
    }

    fn wake(&self, receipts: &[Receipt]) {
        receipts.chunk_by(|a, b| a.queue == b.queue).for_each(|chunk| self.changed(&chunk[0].queue).notify_waiters());
    }
}

#[async_trait]
impl WorkQueue for MemoryWorkQueue {
    async fn send(&self, queue: &QueueName, message: Message, delay: Duration) -> Result<(), PortError> {
        lock(&self.state).send(queue, message, delay)?;
        self.changed(queue).notify_waiters();
        Ok(())
    }

    async fn receive(&self, queue: &QueueName, limit: usize, wait: Duration) -> Result<Vec<Delivery>, PortError> {
        let over = after(Instant::now(), wait);
        let limit = limit.max(1);
        loop {
            let mut changed = std::pin::pin!(self.changed(queue).notified());
            changed.as_mut().enable();
            let (deliveries, next) = lock(&self.state).take(queue, limit);
            if !deliveries.is_empty() || Instant::now() >= over {
                return Ok(deliveries);
            }
            tokio::select! {
                () = changed => {}
                () = sleep_until(next.map_or(over, |next| next.min(over))) => {}
            }
        }
    }

    async fn acknowledge(&self, receipts: &[Receipt]) -> Result<(), PortError> {
        lock(&self.state).acknowledge(receipts);
        self.wake(receipts);
        Ok(())
    }

    async fn give_back(&self, receipts: &[Receipt], delay: Duration) -> Result<(), PortError> {
        lock(&self.state).give_back(receipts, delay);
        self.wake(receipts);
        Ok(())
    }

    fn outlives_process(&self) -> bool {
        false
    }

    async fn oldest(&self, queue: &QueueName) -> Result<Duration, PortError> {
        Ok(lock(&self.state).oldest(queue))
    }
}
