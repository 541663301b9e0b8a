//! The feed of a store in memory: pointers to the records in the order in which they were saved.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use assay_app::ports::{FeedBatch, FeedCursor, PortError, RecordFeed};
use assay_engine::id::ExecutionId;
use assay_engine::record::Record;
use async_trait::async_trait;

use super::{MemoryExecutionStore, lock};

/// Everything that was saved, numbered from 1, and where its readers stand.
#[derive(Default)]
pub(super) struct Log {
    last: u64,
    entries: VecDeque<(u64, Arc<Record>)>,
    positions: HashMap<String, FeedCursor>,
}

impl Log {
    pub(super) fn extend(&mut self, records: &[Arc<Record>]) {
        for record in records {
            self.last += 1;
            self.entries.push_back((self.last, Arc::clone(record)));
        }
    }

    pub(super) fn forget(&mut self, ids: &[ExecutionId]) {
        let gone: HashSet<&ExecutionId> = ids.iter().collect();
        self.entries.retain(|(_, record)| !gone.contains(&record.execution));
    }
}

#[async_trait]
impl RecordFeed for MemoryExecutionStore {
    async fn read(&self, after: &FeedCursor, limit: usize) -> Result<FeedBatch, PortError> {
        let number = crate::feed_cursor::read(after)?;
        let log = lock(&self.log);
        let from = log.entries.partition_point(|(entry, _)| *entry <= number);
        let batch: Vec<_> = log.entries.range(from..).take(limit).collect();
        let next = batch.last().map_or_else(|| after.clone(), |(entry, _)| crate::feed_cursor::write(*entry));
        Ok(FeedBatch { records: batch.into_iter().map(|(_, record)| Record::clone(record)).collect(), next })
    }

    async fn position(&self, reader: &str) -> Result<FeedCursor, PortError> {
        Ok(lock(&self.log).positions.get(reader).cloned().unwrap_or_default())
    }

    async fn advance(&self, reader: &str, to: &FeedCursor) -> Result<(), PortError> {
        crate::feed_cursor::read(to)?;
        lock(&self.log).positions.insert(reader.to_owned(), to.clone());
        Ok(())
    }
}
