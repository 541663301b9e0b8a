//! Executions as the engine's own types: nothing is written out, a load is a clone.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assay_app::ports::{
    AdmissionState, Claim, ClaimKey, Clock, Due, ExecutionFilter, ExecutionStore, Loaded, NewExecution, Owner, Page,
    PortError, Renewal, Save, Saved,
};
use assay_engine::bundle::Bundle;
use assay_engine::execution::{Event, PartId};
use assay_engine::id::{ExecutionId, FlowVersionId, OrganizationId};
use assay_engine::job::Job;
use assay_engine::record::{Record, What};
use async_trait::async_trait;
use jiff::Timestamp;

use super::execution::Execution;
use super::lock;
use super::record_feed::Log;
use crate::claim::{StoredClaim, View};
use crate::lifetime::later;
use crate::list_cursor;

const SHARDS: usize = 32;

/// Locks are taken in this order, and never two of a kind: a shard, then the log.
type Shard = Mutex<HashMap<ExecutionId, Execution>>;

/// Executions in memory. It is its own [`assay_app::ports::RecordFeed`] too.
pub struct MemoryExecutionStore {
    clock: Arc<dyn Clock>,
    hasher: RandomState,
    shards: [Shard; SHARDS],
    flow_versions: Mutex<HashMap<FlowVersionId, Arc<Bundle>>>,
    admission: Mutex<HashMap<OrganizationId, (AdmissionState, u64)>>,
    pub(super) log: Mutex<Log>,
}

impl MemoryExecutionStore {
    /// An empty store on this clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| Mutex::default()),
            flow_versions: Mutex::default(),
            admission: Mutex::default(),
            log: Mutex::default(),
        }
    }

    /// The name for [`Owner::process`]: there is only one process, and it lives as long as the store.
    #[must_use]
    pub fn process(&self) -> &str {
        "here"
    }

    fn shard(&self, id: &ExecutionId) -> &Shard {
        &self.shards[self.hasher.hash_one(id) as usize % SHARDS]
    }

    /// Does something with one execution.
    fn with<T>(&self, id: &ExecutionId, act: impl FnOnce(&mut Execution) -> T) -> Option<T> {
        lock(self.shard(id)).get_mut(id).map(act)
    }

    /// Looks at every execution, or at these.
    fn each(&self, of: Option<&[ExecutionId]>, mut look: impl FnMut(&Execution)) {
        match of {
            Some(ids) => ids.iter().for_each(|id| self.with(id, |execution| look(execution)).unwrap_or_default()),
            None => self.shards.iter().for_each(|shard| lock(shard).values().for_each(&mut look)),
        }
    }

    /// Does something with a claim, at this instant.
    fn with_claim<T>(&self, key: &ClaimKey, act: impl FnOnce(&mut StoredClaim, &View<'_>) -> T) -> Option<T> {
        let view = View { now: self.clock.now(), lives: &|_| true };
        self.with(&key.execution, |execution| execution.claims.get_mut(&key.fence).map(|claim| act(claim, &view)))?
    }

    /// The sub-flows of an execution, all levels, if all have ended.
    fn family(
        &self,
        top: &ExecutionId,
        children: &HashMap<ExecutionId, Vec<(ExecutionId, bool)>>,
    ) -> Option<Vec<ExecutionId>> {
        let mut family = vec![top.clone()];
        let mut next = 0;
        while next < family.len() {
            for (child, ended) in children.get(&family[next]).into_iter().flatten() {
                if !ended {
                    return None;
                }
                family.push(child.clone());
            }
            next += 1;
        }
        Some(family)
    }
}

#[async_trait]
impl ExecutionStore for MemoryExecutionStore {
    async fn now(&self) -> Result<Timestamp, PortError> {
        Ok(self.clock.now())
    }

    async fn put_flow_version(&self, id: &FlowVersionId, bundle: &Bundle) -> Result<(), PortError> {
        lock(&self.flow_versions).entry(id.clone()).or_insert_with(|| Arc::new(bundle.clone()));
        Ok(())
    }

    async fn flow_version(&self, id: &FlowVersionId) -> Result<Option<Arc<Bundle>>, PortError> {
        Ok(lock(&self.flow_versions).get(id).cloned())
    }

    async fn create(&self, new: NewExecution) -> Result<bool, PortError> {
        let mut shard = lock(self.shard(&new.head.id));
        if shard.contains_key(&new.head.id) {
            return Ok(false);
        }
        let execution = Execution::new(new)?;
        lock(&self.log).extend(&execution.records);
        shard.insert(execution.head.id.clone(), execution);
        Ok(true)
    }

    async fn load(&self, id: &ExecutionId, parts: &[PartId]) -> Result<Option<Loaded>, PortError> {
        Ok(self.with(id, |execution| execution.load(parts)))
    }

    async fn load_whole(&self, id: &ExecutionId) -> Result<Option<Loaded>, PortError> {
        Ok(self.with(id, |execution| execution.load_whole()))
    }

    async fn save(&self, save: Save) -> Result<Saved, PortError> {
        let mut shard = lock(self.shard(&save.head.id));
        let Some(execution) = shard.get_mut(&save.head.id) else { return Ok(Saved::Conflict) };
        if execution.version != save.expected {
            return Ok(Saved::Conflict);
        }
        let told = execution.records.len();
        let version = execution.save(save)?;
        lock(&self.log).extend(&execution.records[told..]);
        Ok(Saved::Version(version))
    }

    async fn records(&self, id: &ExecutionId, after: u64, limit: usize) -> Result<Vec<Record>, PortError> {
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        let records = |execution: &mut Execution| {
            execution.records.iter().skip(after).take(limit).map(|record| Record::clone(record)).collect()
        };
        Ok(self.with(id, records).unwrap_or_default())
    }

    async fn list(&self, filter: &ExecutionFilter) -> Result<Page, PortError> {
        let after = filter.after.as_deref().map(list_cursor::read).transpose()?;
        let mut found = Vec::new();
        self.each(None, |execution| {
            let place = (execution.head.created_at, &execution.head.id);
            let behind = after.as_ref().is_none_or(|(at, id)| place < (*at, id));
            if behind && execution.matches(filter) {
                found.push(execution.summary());
            }
        });
        found.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        Ok(list_cursor::page(found, filter.limit))
    }

    async fn prunable(
        &self,
        ended_before: Timestamp,
        keep: usize,
        limit: usize,
    ) -> Result<Vec<(OrganizationId, ExecutionId)>, PortError> {
        let mut tops = Vec::new();
        let mut children: HashMap<ExecutionId, Vec<(ExecutionId, bool)>> = HashMap::new();
        self.each(None, |execution| {
            let head = &execution.head;
            match (&head.parent, crate::lifetime::ended_at(head)) {
                (Some(parent), ended) => {
                    children.entry(parent.execution.clone()).or_default().push((head.id.clone(), ended.is_some()));
                }
                (None, Some(ended)) => tops.push((ended, head.id.clone(), head.organization.clone())),
                (None, None) => {}
            }
        });
        tops.sort_by(|a, b| b.cmp(a));
        let old = tops.iter().skip(keep).rev().filter(|(ended, ..)| *ended < ended_before);
        let families = old.filter_map(|(_, id, organization)| Some((organization, self.family(id, &children)?)));
        let pairs = families
            .take(limit)
            .flat_map(|(organization, family)| family.into_iter().map(move |id| (organization.clone(), id)));
        Ok(pairs.collect())
    }

    async fn remove(&self, ids: &[ExecutionId]) -> Result<(), PortError> {
        for id in ids {
            lock(self.shard(id)).remove(id);
        }
        lock(&self.log).forget(ids);
        Ok(())
    }

    async fn due(&self, now: Timestamp, of: Option<&[ExecutionId]>, limit: usize) -> Result<Vec<Due>, PortError> {
        let mut found = Vec::new();
        self.each(of, |execution| {
            if let Some(at) = execution.due.filter(|at| *at <= now) {
                found.push(Due { execution: execution.head.id.clone(), at });
            }
        });
        found.sort_by(|a, b| (a.at, &a.execution).cmp(&(b.at, &b.execution)));
        found.truncate(limit);
        Ok(found)
    }

    async fn set_aside(
        &self,
        id: &ExecutionId,
        closing: What,
        now: Timestamp,
    ) -> Result<Option<OrganizationId>, PortError> {
        let set_aside = |execution: &mut Execution| {
            (!execution.ended()).then(|| {
                let record = execution.set_aside(closing, now);
                lock(&self.log).extend(&[record]);
                execution.head.organization.clone()
            })
        };
        Ok(self.with(id, set_aside).flatten())
    }

    async fn claim(&self, key: &ClaimKey, owner: &Owner, lease: Duration) -> Result<Claim, PortError> {
        let view = View { now: self.clock.now(), lives: &|_| true };
        let until = later(view.now, lease);
        let claim = |execution: &mut Execution| execution.claim(&key.fence, owner, until, &view);
        Ok(self.with(&key.execution, claim).unwrap_or(Claim::Held))
    }

    async fn renew(&self, key: &ClaimKey, owner: &Owner, lease: Duration) -> Result<Renewal, PortError> {
        let renewal = self.with_claim(key, |claim, view| claim.renew(owner, later(view.now, lease), view));
        Ok(renewal.unwrap_or(Renewal::NotYours))
    }

    async fn complete(&self, key: &ClaimKey, owner: &Owner, report: &Event) -> Result<bool, PortError> {
        Ok(self.with_claim(key, |claim, view| claim.complete(owner, report, view)).unwrap_or(false))
    }

    async fn stop_claim(&self, key: &ClaimKey) -> Result<(), PortError> {
        self.with(&key.execution, |execution| execution.stop(&key.fence));
        Ok(())
    }

    async fn proceed_claim(&self, key: &ClaimKey, job: &Job) -> Result<(), PortError> {
        self.with_claim(key, |claim, _| claim.proceed(job));
        Ok(())
    }

    async fn expired_claims(
        &self,
        now: Timestamp,
        of: Option<&[ExecutionId]>,
        limit: usize,
    ) -> Result<Vec<(ClaimKey, Option<Event>)>, PortError> {
        let view = View { now, lives: &|_| true };
        let mut found = Vec::new();
        self.each(of, |execution| {
            for (fence, claim) in execution.expired(&view) {
                let key = ClaimKey { execution: execution.head.id.clone(), fence: fence.clone() };
                found.push((claim.lease_until, key, claim.report.as_deref().cloned()));
            }
        });
        found.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        Ok(found.into_iter().take(limit).map(|(_, key, report)| (key, report)).collect())
    }

    async fn settle_claims(&self, keys: &[ClaimKey]) -> Result<(), PortError> {
        for key in keys {
            self.with(&key.execution, |execution| execution.settle(&key.fence));
        }
        Ok(())
    }

    async fn admission(&self, organization: &OrganizationId) -> Result<(AdmissionState, u64), PortError> {
        Ok(lock(&self.admission).get(organization).cloned().unwrap_or_default())
    }

    async fn save_admission(
        &self,
        organization: &OrganizationId,
        state: &AdmissionState,
        expected: u64,
    ) -> Result<bool, PortError> {
        let mut admission = lock(&self.admission);
        let (kept, version) = admission.entry(organization.clone()).or_default();
        let fits = *version == expected;
        if fits {
            *kept = state.clone();
            *version += 1;
        }
        Ok(fits)
    }
}
