//! Ports that fail on purpose, around those in memory.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assay_app::ports::{
    AdmissionState, Claim, ClaimKey, Delivery, Due, ExecutionFilter, ExecutionStore, Loaded, Message, NewExecution,
    Owner, Page, PortError, QueueName, Receipt, Renewal, Save, Saved, WorkQueue,
};
use assay_engine::bundle::Bundle;
use assay_engine::execution::{Event, PartId};
use assay_engine::id::{ExecutionId, FlowVersionId, OrganizationId};
use assay_engine::job::Job;
use assay_engine::record::{Record, What};
use async_trait::async_trait;
use jiff::Timestamp;

/// What happens to a message that is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Arrives,
    /// Sent, and gone.
    Lost,
    /// The sender is told that it could not be sent.
    Refused,
}

type Judge = Box<dyn FnMut(&Message) -> Fate + Send>;

/// A queue whose sends somebody judges; it may say that it outlives its process.
pub(crate) struct JudgedQueue {
    inner: Arc<dyn WorkQueue>,
    judge: Mutex<Judge>,
    pub(crate) outlives: bool,
    /// Delays that were asked for, with the message.
    pub(crate) delays: Mutex<Vec<(Message, Duration)>>,
}

impl JudgedQueue {
    pub(crate) fn new(inner: Arc<dyn WorkQueue>, outlives: bool) -> Arc<Self> {
        let judge: Judge = Box::new(|_| Fate::Arrives);
        Arc::new(Self { inner, judge: Mutex::new(judge), outlives, delays: Mutex::default() })
    }

    pub(crate) fn judge(&self, judge: impl FnMut(&Message) -> Fate + Send + 'static) {
        *self.judge.lock().unwrap() = Box::new(judge);
    }
}

#[async_trait]
impl WorkQueue for JudgedQueue {
    async fn send(&self, queue: &QueueName, message: Message, delay: Duration) -> Result<(), PortError> {
        let fate = self.judge.lock().unwrap()(&message);
        match fate {
            Fate::Arrives => {
                self.delays.lock().unwrap().push((message.clone(), delay));
                self.inner.send(queue, message, delay).await
            }
            Fate::Lost => Ok(()),
            Fate::Refused => Err(PortError::retry("send: the queue is away")),
        }
    }
    async fn receive(&self, queue: &QueueName, limit: usize, wait: Duration) -> Result<Vec<Delivery>, PortError> {
        self.inner.receive(queue, limit, wait).await
    }
    async fn acknowledge(&self, receipts: &[Receipt]) -> Result<(), PortError> {
        self.inner.acknowledge(receipts).await
    }
    async fn give_back(&self, receipts: &[Receipt], delay: Duration) -> Result<(), PortError> {
        self.inner.give_back(receipts, delay).await
    }
    fn outlives_process(&self) -> bool {
        self.outlives
    }
}

/// A store that counts, and that answers some saves with an error though it made them.
pub(crate) struct CountedStore {
    inner: Arc<dyn ExecutionStore>,
    pub(crate) saves: AtomicUsize,
    pub(crate) loads: AtomicUsize,
    /// So many of the next saves are made and answered with an error.
    pub(crate) made_but_denied: AtomicUsize,
    /// So many of the next saves are refused: the disk is full.
    pub(crate) refused: AtomicUsize,
    /// The head of this execution cannot be read.
    pub(crate) unreadable: Mutex<Option<ExecutionId>>,
    /// Claims of these steps are always refused.
    pub(crate) no_claims: Mutex<Vec<String>>,
    /// So much is the store's clock ahead, in seconds.
    pub(crate) ahead: AtomicUsize,
    pub(crate) dues: Mutex<BTreeMap<ExecutionId, Option<Timestamp>>>,
}

impl CountedStore {
    pub(crate) fn new(inner: Arc<dyn ExecutionStore>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            saves: AtomicUsize::new(0),
            loads: AtomicUsize::new(0),
            made_but_denied: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            unreadable: Mutex::default(),
            no_claims: Mutex::default(),
            ahead: AtomicUsize::new(0),
            dues: Mutex::default(),
        })
    }
}

#[async_trait]
impl ExecutionStore for CountedStore {
    async fn now(&self) -> Result<Timestamp, PortError> {
        let ahead = self.ahead.load(Ordering::SeqCst) as i64;
        Ok(self.inner.now().await? + jiff::SignedDuration::from_secs(ahead))
    }
    async fn put_flow_version(&self, id: &FlowVersionId, bundle: &Bundle) -> Result<(), PortError> {
        self.inner.put_flow_version(id, bundle).await
    }
    async fn flow_version(&self, id: &FlowVersionId) -> Result<Option<Arc<Bundle>>, PortError> {
        self.inner.flow_version(id).await
    }
    async fn create(&self, new: NewExecution) -> Result<bool, PortError> {
        self.inner.create(new).await
    }
    async fn load(&self, id: &ExecutionId, parts: &[PartId]) -> Result<Option<Loaded>, PortError> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        if self.unreadable.lock().unwrap().as_ref() == Some(id) {
            return Err(PortError::bug("read the head: it is of a newer format"));
        }
        self.inner.load(id, parts).await
    }
    async fn load_whole(&self, id: &ExecutionId) -> Result<Option<Loaded>, PortError> {
        self.inner.load_whole(id).await
    }
    async fn save(&self, save: Save) -> Result<Saved, PortError> {
        self.saves.fetch_add(1, Ordering::SeqCst);
        let refused = self.refused.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if refused.is_ok() {
            return Err(PortError::retry("save: the disk is full"));
        }
        self.dues.lock().unwrap().insert(save.head.id.clone(), save.due);
        let saved = self.inner.save(save).await?;
        let denied = self.made_but_denied.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if denied.is_ok() {
            return Err(PortError::retry("save: no answer"));
        }
        Ok(saved)
    }
    async fn records(&self, id: &ExecutionId, after: u64, limit: usize) -> Result<Vec<Record>, PortError> {
        self.inner.records(id, after, limit).await
    }
    async fn list(&self, filter: &ExecutionFilter) -> Result<Page, PortError> {
        self.inner.list(filter).await
    }
    async fn prunable(
        &self,
        ended_before: Timestamp,
        keep: usize,
        limit: usize,
    ) -> Result<Vec<(OrganizationId, ExecutionId)>, PortError> {
        self.inner.prunable(ended_before, keep, limit).await
    }
    async fn remove(&self, ids: &[ExecutionId]) -> Result<(), PortError> {
        self.inner.remove(ids).await
    }
    async fn due(&self, now: Timestamp, of: Option<&[ExecutionId]>, limit: usize) -> Result<Vec<Due>, PortError> {
        self.inner.due(now, of, limit).await
    }
    async fn set_aside(
        &self,
        id: &ExecutionId,
        closing: What,
        now: Timestamp,
    ) -> Result<Option<OrganizationId>, PortError> {
        self.inner.set_aside(id, closing, now).await
    }
    async fn claim(&self, key: &ClaimKey, owner: &Owner, lease: Duration) -> Result<Claim, PortError> {
        if self.no_claims.lock().unwrap().contains(&key.fence.step) {
            return Err(PortError::retry("claim: the store is busy"));
        }
        self.inner.claim(key, owner, lease).await
    }
    async fn renew(&self, key: &ClaimKey, owner: &Owner, lease: Duration) -> Result<Renewal, PortError> {
        self.inner.renew(key, owner, lease).await
    }
    async fn complete(&self, key: &ClaimKey, owner: &Owner, report: &Event) -> Result<bool, PortError> {
        self.inner.complete(key, owner, report).await
    }
    async fn stop_claim(&self, key: &ClaimKey) -> Result<(), PortError> {
        self.inner.stop_claim(key).await
    }
    async fn proceed_claim(&self, key: &ClaimKey, job: &Job) -> Result<(), PortError> {
        self.inner.proceed_claim(key, job).await
    }
    async fn expired_claims(
        &self,
        now: Timestamp,
        of: Option<&[ExecutionId]>,
        limit: usize,
    ) -> Result<Vec<(ClaimKey, Option<Event>)>, PortError> {
        self.inner.expired_claims(now, of, limit).await
    }
    async fn settle_claims(&self, keys: &[ClaimKey]) -> Result<(), PortError> {
        self.inner.settle_claims(keys).await
    }
    async fn admission(&self, organization: &OrganizationId) -> Result<(AdmissionState, u64), PortError> {
        self.inner.admission(organization).await
    }
    async fn save_admission(
        &self,
        organization: &OrganizationId,
        state: &AdmissionState,
        expected: u64,
    ) -> Result<bool, PortError> {
        self.inner.save_admission(organization, state, expected).await
    }
}
