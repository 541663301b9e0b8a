//! Removing old executions with everything that belongs to them.

use jiff::Timestamp;

use super::{ExecutionError, Executions};

/// Executions removed at once.
const BATCH: usize = 100;

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Executions, sub-flows included.
    pub executions: usize,
}

impl Executions {
    /// Removes executions that ended before this instant and are not among the newest `keep`, blobs first: what is
    /// interrupted is found again.
    ///
    /// # Errors
    /// When a store does not answer; what was removed stays removed.
    pub async fn prune(&self, ended_before: Timestamp, keep: usize) -> Result<Pruned, ExecutionError> {
        let mut pruned = Pruned::default();
        loop {
            let batch = self.platform.store.prunable(ended_before, keep, BATCH).await?;
            if batch.is_empty() {
                return Ok(pruned);
            }
            for (organization, id) in &batch {
                self.platform.blobs.remove_below(&format!("{organization}/{id}/")).await?;
            }
            let ids: Vec<_> = batch.into_iter().map(|(_, id)| id).collect();
            pruned.executions += ids.len();
            self.platform.store.remove(&ids).await?;
        }
    }
}
