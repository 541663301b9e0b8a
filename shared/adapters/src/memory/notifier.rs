//! Live events within one process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use assay_app::ports::{Notifier, PortError, Subscription};
use assay_engine::id::ExecutionId;
use assay_engine::record::Record;
use async_trait::async_trait;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender, channel};

use super::lock;

/// What a watcher may be behind before it misses something.
const BEHIND: usize = 256;

type Batch = Arc<[Arc<Record>]>;

/// Live events within one process. Publishing never waits: a watcher that is too far behind misses the oldest.
pub struct MemoryNotifier {
    everything: Sender<Batch>,
    /// Only of executions that somebody watches.
    watched: Mutex<HashMap<ExecutionId, Sender<Batch>>>,
}

impl Default for MemoryNotifier {
    fn default() -> Self {
        Self { everything: channel(BEHIND).0, watched: Mutex::default() }
    }
}

impl MemoryNotifier {
    /// Tells who watches this execution, and forgets it when nobody does any more.
    fn tell(&self, records: &[Arc<Record>]) {
        let Some(first) = records.first() else { return };
        let mut watched = lock(&self.watched);
        let gone = watched.get(&first.execution).is_some_and(|sender| sender.send(records.into()).is_err());
        if gone {
            watched.remove(&first.execution);
        }
    }
}

#[async_trait]
impl Notifier for MemoryNotifier {
    async fn publish(&self, records: &[Arc<Record>]) -> Result<(), PortError> {
        if self.everything.receiver_count() > 0 && !records.is_empty() {
            // nobody listens any more: nobody needs to be told
            let _ = self.everything.send(records.into());
        }
        records.chunk_by(|a, b| a.execution == b.execution).for_each(|of_one| self.tell(of_one));
        Ok(())
    }

    async fn subscribe(&self, execution: Option<&ExecutionId>) -> Result<Box<dyn Subscription>, PortError> {
        let receiver = match execution {
            None => self.everything.subscribe(),
            Some(id) => {
                let mut watched = lock(&self.watched);
                watched.retain(|_, sender| sender.receiver_count() > 0);
                watched.entry(id.clone()).or_insert_with(|| channel(BEHIND).0).subscribe()
            }
        };
        Ok(Box::new(Watcher { receiver }))
    }
}

struct Watcher {
    receiver: Receiver<Batch>,
}

#[async_trait]
impl Subscription for Watcher {
    async fn next(&mut self) -> Option<Vec<Arc<Record>>> {
        loop {
            match self.receiver.recv().await {
                Ok(batch) => return Some(batch.to_vec()),
                // the numbers show the gap
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}
