//! Following an execution live, without gaps and without doubles.

use std::sync::Arc;
use std::time::Duration;

use assay_engine::id::ExecutionId;
use assay_engine::record::{Record, What};

use super::{ExecutionError, Executions};
use crate::platform::Platform;
use crate::ports::Subscription;

/// Records read at once.
const PAGE: usize = 500;
/// Without news the store is asked this often: what another process does may not reach our notifier.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// An execution's records from some number on, each once, in order, until the one that ends it.
pub struct Follow {
    platform: Arc<Platform>,
    id: ExecutionId,
    last: u64,
    live: Box<dyn Subscription>,
    /// What is told live may begin after what the store was asked for.
    read_first: bool,
    ended: bool,
    live_over: bool,
}

impl Executions {
    /// The records after this number, and those that will come.
    ///
    /// # Errors
    /// When there is no such execution.
    pub async fn follow(&self, id: &ExecutionId, after: u64) -> Result<Follow, ExecutionError> {
        // Subscribed before the store is read, so that nothing falls between.
        let live = self.platform.notifier.subscribe(Some(id)).await?;
        if self.platform.store.load(id, &[]).await?.is_none() {
            return Err(ExecutionError::Unknown(id.clone()));
        }
        Ok(Follow {
            platform: self.platform.clone(),
            id: id.clone(),
            last: after,
            live,
            read_first: true,
            ended: false,
            live_over: false,
        })
    }

    /// The records after this number that there are now, at most `limit`.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn events(&self, id: &ExecutionId, after: u64, limit: usize) -> Result<Vec<Record>, ExecutionError> {
        Ok(self.platform.store.records(id, after, limit).await?)
    }
}

impl Follow {
    /// The next records; none once the execution has ended and everything was told.
    ///
    /// # Errors
    /// When the store does not answer; asking again goes on where it stopped.
    pub async fn next(&mut self) -> Result<Option<Vec<Arc<Record>>>, ExecutionError> {
        loop {
            if self.ended {
                return Ok(None);
            }
            let records = if self.read_first { self.read().await? } else { self.hear().await };
            if !records.is_empty() {
                return Ok(Some(records));
            }
        }
    }

    /// What the store has.
    async fn read(&mut self) -> Result<Vec<Arc<Record>>, ExecutionError> {
        let records = self.platform.store.records(&self.id, self.last, PAGE).await?;
        self.read_first = records.len() == PAGE;
        let records: Vec<Arc<Record>> = records.into_iter().map(Arc::new).collect();
        self.note(&records);
        Ok(records)
    }

    /// What is told live, if it fits; else the store is read next.
    async fn hear(&mut self) -> Vec<Arc<Record>> {
        let told = tokio::select! {
            told = self.live.next(), if !self.live_over => told,
            () = self.platform.clock.sleep(ASK_EVERY) => {
                self.read_first = true;
                return Vec::new();
            }
        };
        let Some(mut records) = told else {
            self.live_over = true;
            self.read_first = true;
            return Vec::new();
        };
        records.retain(|record| record.seq > self.last);
        let fits = records.iter().zip(self.last + 1..).all(|(record, expected)| record.seq == expected);
        if !fits {
            self.read_first = true;
            return Vec::new();
        }
        self.note(&records);
        records
    }

    fn note(&mut self, records: &[Arc<Record>]) {
        if let Some(last) = records.last() {
            self.last = last.seq;
        }
        self.ended |= records.iter().any(|record| matches!(record.what, What::Finished { .. }));
    }
}
