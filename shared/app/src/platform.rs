//! Where we keep state: the ports that use cases and delivery share, and what a process knows of itself.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assay_engine::admission::Quota;
use assay_engine::id::ExecutionId;
use jiff::{SignedDuration, Timestamp};

use crate::plans::Plans;
use crate::ports::{BlobStore, Clock, ExecutionStore, Notifier, PortError, WorkQueue};

/// How long the distance between the store's clock and ours is taken as known.
const KNOWN_FOR: SignedDuration = SignedDuration::from_secs(15);

/// Distances below this are not told from the time that the question takes.
const NOISE: SignedDuration = SignedDuration::from_millis(20);

/// The ports that a platform is made of.
pub struct Ports {
    /// Executions.
    pub store: Arc<dyn ExecutionStore>,
    /// Messages.
    pub queue: Arc<dyn WorkQueue>,
    /// Live records.
    pub notifier: Arc<dyn Notifier>,
    /// Artifacts and large outputs.
    pub blobs: Arc<dyn BlobStore>,
    /// This process's clock.
    pub clock: Arc<dyn Clock>,
}

/// The ports, the plans, and what an organization may use.
pub struct Platform {
    /// Executions.
    pub store: Arc<dyn ExecutionStore>,
    /// Messages.
    pub queue: Arc<dyn WorkQueue>,
    /// Live records.
    pub notifier: Arc<dyn Notifier>,
    /// Artifacts and large outputs.
    pub blobs: Arc<dyn BlobStore>,
    /// This process's clock.
    pub clock: Arc<dyn Clock>,
    /// Compiled flows.
    pub plans: Arc<Plans>,
    /// Which executions this process moves.
    pub charge: Charge,
    /// What each organization may use.
    pub quota: Quota,
    offset: Mutex<Option<Offset>>,
}

#[derive(Debug, Clone, Copy)]
struct Offset {
    measured: Timestamp,
    store_ahead: SignedDuration,
}

impl Platform {
    /// A platform of these ports.
    #[must_use]
    pub fn new(ports: Ports, plans: Arc<Plans>, charge: Charge, quota: Quota) -> Self {
        let Ports { store, queue, notifier, blobs, clock } = ports;
        Self { store, queue, notifier, blobs, clock, plans, charge, quota, offset: Mutex::new(None) }
    }

    /// Now by the store's clock, which is asked every 15 s and reckoned from ours in between.
    pub async fn now(&self) -> Result<Timestamp, PortError> {
        let ahead = self.store_ahead().await?;
        let ours = self.clock.now();
        Ok(ours.checked_add(ahead).unwrap_or(ours))
    }

    /// How far the store's clock is ahead of ours; a node more than 2 s off is not ready.
    pub async fn store_ahead(&self) -> Result<SignedDuration, PortError> {
        let ours = self.clock.now();
        let known = *self.offset();
        if let Some(offset) = known
            && ours.duration_since(offset.measured).abs() < KNOWN_FOR
        {
            return Ok(offset.store_ahead);
        }
        let theirs = self.store.now().await?;
        let after = self.clock.now();
        // The answer was given about halfway between the question and its arrival.
        let middle = ours.checked_add(after.duration_since(ours) / 2).unwrap_or(after);
        let measured = theirs.duration_since(middle);
        // Less than an answer takes is no distance: a store that reads our clock is not ahead of it.
        let store_ahead = if measured.abs() < NOISE { SignedDuration::ZERO } else { measured };
        *self.offset() = Some(Offset { measured: after, store_ahead });
        Ok(store_ahead)
    }

    fn offset(&self) -> MutexGuard<'_, Option<Offset>> {
        self.offset.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which executions a process moves.
#[derive(Debug)]
pub struct Charge(Option<Mutex<BTreeSet<ExecutionId>>>);

impl Charge {
    /// All of the store: a server.
    #[must_use]
    pub fn everything() -> Self {
        Self(None)
    }

    /// Those that it starts or resumes itself, and their sub-flows: a command. Those of another process on the same
    /// store may need values that only that one was given.
    #[must_use]
    pub fn own() -> Self {
        Self(Some(Mutex::default()))
    }

    /// Takes an execution over.
    pub fn take(&self, execution: &ExecutionId) {
        if let Some(own) = &self.0 {
            own.lock().unwrap_or_else(PoisonError::into_inner).insert(execution.clone());
        }
    }

    /// Lets go of an execution that has ended.
    pub fn release(&self, execution: &ExecutionId) {
        if let Some(own) = &self.0 {
            own.lock().unwrap_or_else(PoisonError::into_inner).remove(execution);
        }
    }

    /// Whether this process moves the execution.
    #[must_use]
    pub fn has(&self, execution: &ExecutionId) -> bool {
        match &self.0 {
            Some(own) => own.lock().unwrap_or_else(PoisonError::into_inner).contains(execution),
            None => true,
        }
    }

    /// The executions to ask the store for; none: all.
    #[must_use]
    pub fn executions(&self) -> Option<Vec<ExecutionId>> {
        let own = self.0.as_ref()?;
        Some(own.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect())
    }
}
