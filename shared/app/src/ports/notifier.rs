//! Live events to whoever watches.

use std::sync::Arc;

use assay_engine::id::ExecutionId;
use assay_engine::record::Record;
use async_trait::async_trait;

use super::PortError;

/// Tells watchers at once; may lose what it tells: who must not miss a record reads the store after a gap.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Tells that these records were saved, in order.
    async fn publish(&self, records: &[Arc<Record>]) -> Result<(), PortError>;
    /// What is told of this execution from now on; none: of every execution.
    async fn subscribe(&self, execution: Option<&ExecutionId>) -> Result<Box<dyn Subscription>, PortError>;
}

/// A watcher's end.
#[async_trait]
pub trait Subscription: Send {
    /// The next records, or none when nothing more will come; may be dropped while it waits. A watcher that was too slow sees a gap in the numbers.
    async fn next(&mut self) -> Option<Vec<Arc<Record>>>;
}
