//! Every saved record, for whoever follows.

use assay_engine::record::Record;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::PortError;

/// Every saved record of every execution: at least once, in order per execution.
#[async_trait]
pub trait RecordFeed: Send + Sync {
    /// What was saved after the cursor, at most `limit` records, and the cursor behind them.
    async fn read(&self, after: &FeedCursor, limit: usize) -> Result<FeedBatch, PortError>;
    /// Where the named reader stands; the beginning when it never was here.
    async fn position(&self, reader: &str) -> Result<FeedCursor, PortError>;
    /// The named reader has dealt with everything up to the cursor.
    async fn advance(&self, reader: &str, to: &FeedCursor) -> Result<(), PortError>;
}

/// A place in the feed; `FeedCursor::default()` is its beginning. Only the adapter reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedCursor(pub String);

/// Some records, and where to go on.
#[derive(Debug, Clone, Default)]
pub struct FeedBatch {
    /// In order per execution.
    pub records: Vec<Record>,
    /// Behind them.
    pub next: FeedCursor,
}
