//! The store as one process sees it: the real memory adapter behind throttling, lost answers and sudden death.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use assay_adapters::memory::MemoryExecutionStore;
use assay_app::ports::{
    AdmissionState, Claim, ClaimKey, Due, ExecutionFilter, ExecutionStore, Loaded, NewExecution, Owner, Page,
    PortError, Renewal, Save, Saved,
};
use assay_engine::bundle::Bundle;
use assay_engine::execution::{Event, Part, PartId, Unsent};
use assay_engine::id::{ExecutionId, FlowVersionId, OrganizationId};
use assay_engine::job::{Fence, Job};
use assay_engine::record::{Record, What};
use async_trait::async_trait;
use futures_util::FutureExt as _;
use jiff::Timestamp;

use super::bugs::Bug;
use super::hits::{Fault, Hits};
use super::world::{ProcessId, World};

/// What a stored head may weigh, as JSON.
const HEAD_BYTES: usize = 16 * 1024;
/// What any stored part may weigh, as JSON.
const PART_BYTES: usize = 300 * 1024;

/// What all processes share.
pub(super) struct Shared {
    /// The real store.
    pub inner: MemoryExecutionStore,
    /// Where chance comes from.
    pub world: Arc<World>,
    /// What was hit.
    pub hits: Arc<Hits>,
    /// The bug that is planted, if any.
    pub bug: Option<Bug>,
    /// Violations that only the store sees.
    pub violations: Mutex<Vec<String>>,
    /// `maxParallel` by execution and step.
    pub limits: Mutex<BTreeMap<(ExecutionId, u32), u32>>,
    /// What the ports were told, to hold against what follows.
    pub(super) told: Mutex<Told>,
}

/// What the ports were told.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Stops, with when, and how many claims there had been.
    pub(super) stops: BTreeMap<ClaimKey, (Timestamp, u64)>,
    /// The number of each claim that was given out.
    pub(super) claims: BTreeMap<ClaimKey, u64>,
    /// How many claims were given out.
    pub(super) claimed: u64,
    /// Results that were kept.
    pub(super) kept: BTreeSet<ClaimKey>,
    /// Jobs that were saved by a process that died before it sent them.
    pub(super) owed: BTreeMap<ClaimKey, Timestamp>,
}

impl Shared {
    /// What the ports were told.
    pub(super) fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that an invariant does not hold.
    pub(super) fn violated(&self, what: String) {
        self.violations.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }
}

/// The store of one process.
pub(super) struct SimStore {
    /// What all processes share.
    pub shared: Arc<Shared>,
    /// Whose it is.
    pub process: ProcessId,
}

impl SimStore {
    /// Dies here and now, sometimes.
    async fn may_die(&self, thousandths: u64, how: Fault) {
        if self.shared.world.fault(thousandths) {
            self.shared.hits.fault(how);
            self.die().await;
        }
    }

    async fn die(&self) {
        self.shared.world.crash(self.process);
        std::future::pending::<()>().await;
    }

    fn throttled(&self, thousandths: u64, fault: Fault) -> Result<(), PortError> {
        if self.shared.world.fault(thousandths) {
            self.shared.hits.fault(fault);
            return Err(PortError::retry("throttled"));
        }
        Ok(())
    }

    fn check(&self, save: &Save) {
        let head = &save.head;
        let bytes = serde_json::to_vec(head).map_or(0, |text| text.len());
        if bytes > HEAD_BYTES {
            self.shared.violated(format!("{}: a head of {bytes} bytes", head.id));
        }
        if head.in_flight > head.width.max(1) {
            self.shared.violated(format!("{}: {} places of {} in use", head.id, head.in_flight, head.width));
        }
        if head.width > super::check::QUOTA.width {
            self.shared.violated(format!("{}: a width of {}", head.id, head.width));
        }
        if save.due.is_none() && !head.status.ended() {
            self.shared.violated(format!("{}: unfinished and never due", head.id));
        }
        for (id, part) in &save.parts {
            let bytes = serde_json::to_vec(part).map_or(0, |text| text.len());
            if bytes > PART_BYTES {
                self.shared.violated(format!("{}: part {id} of {bytes} bytes", head.id));
            }
            self.check_parallel(save, *id, part);
        }
    }

    fn check_parallel(&self, save: &Save, id: PartId, part: &Part) {
        let (PartId::Step(step), Part::Step(state)) = (id, part) else { return };
        let limits = self.shared.limits.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = limits.get(&(save.head.id.clone(), step)).copied();
        let active = state.foreach.as_ref().map_or(0, |expansion| expansion.active);
        if limit.is_some_and(|limit| active > limit) {
            drop(limits);
            self.shared.violated(format!("{}: step {step} has {active} instances under way", save.head.id));
        }
    }
}

#[async_trait]
impl ExecutionStore for SimStore {
    async fn now(&self) -> Result<Timestamp, PortError> {
        self.shared.inner.now().await
    }

    async fn put_flow_version(&self, id: &FlowVersionId, bundle: &Bundle) -> Result<(), PortError> {
        self.shared.inner.put_flow_version(id, bundle).await
    }

    async fn flow_version(&self, id: &FlowVersionId) -> Result<Option<Arc<Bundle>>, PortError> {
        self.shared.inner.flow_version(id).await
    }

    async fn create(&self, new: NewExecution) -> Result<bool, PortError> {
        self.throttled(10, Fault::SaveThrottled)?;
        let created = self.shared.inner.create(new).await;
        self.throttled(5, Fault::SavedButNotAnswered)?;
        self.may_die(3, Fault::DiedBetweenSaveAndSend).await;
        created
    }

    async fn load(&self, id: &ExecutionId, parts: &[PartId]) -> Result<Option<Loaded>, PortError> {
        self.may_die(1, Fault::DiedAnywhere).await;
        self.throttled(3, Fault::SaveThrottled)?;
        self.shared.inner.load(id, parts).await
    }

    async fn load_whole(&self, id: &ExecutionId) -> Result<Option<Loaded>, PortError> {
        self.shared.inner.load_whole(id).await
    }

    async fn save(&self, mut save: Save) -> Result<Saved, PortError> {
        self.may_die(2, Fault::DiedAnywhere).await;
        self.throttled(10, Fault::SaveThrottled)?;
        self.check(&save);
        let owed: Vec<_> = save.head.unsent.iter().filter_map(dispatched).collect();
        if let Some(bug) = self.shared.bug {
            bug.at_save(&mut save, &self.shared);
        }
        let execution = save.head.id.clone();
        let saved = self.shared.inner.save(save).await;
        self.throttled(8, Fault::SavedButNotAnswered)?;
        if self.shared.world.fault(6) {
            self.shared.hits.fault(Fault::DiedBetweenSaveAndSend);
            if matches!(saved, Ok(Saved::Version(_))) {
                let now = self.shared.world.now();
                let key = |fence| ClaimKey { execution: execution.clone(), fence };
                self.shared.told().owed.extend(owed.into_iter().map(|fence| (key(fence), now)));
            }
            self.die().await;
        }
        saved
    }

    async fn records(&self, id: &ExecutionId, after: u64, limit: usize) -> Result<Vec<Record>, PortError> {
        self.shared.inner.records(id, after, limit).await
    }

    async fn list(&self, filter: &ExecutionFilter) -> Result<Page, PortError> {
        self.shared.inner.list(filter).await
    }

    async fn prunable(
        &self,
        ended_before: Timestamp,
        keep: usize,
        limit: usize,
    ) -> Result<Vec<(OrganizationId, ExecutionId)>, PortError> {
        self.shared.inner.prunable(ended_before, keep, limit).await
    }

    async fn remove(&self, ids: &[ExecutionId]) -> Result<(), PortError> {
        self.shared.inner.remove(ids).await
    }

    async fn due(&self, now: Timestamp, of: Option<&[ExecutionId]>, limit: usize) -> Result<Vec<Due>, PortError> {
        self.shared.inner.due(now, of, limit).await
    }

    async fn set_aside(
        &self,
        id: &ExecutionId,
        closing: What,
        now: Timestamp,
    ) -> Result<Option<OrganizationId>, PortError> {
        self.shared.violated(format!("{id}: set aside: {closing:?}"));
        self.shared.inner.set_aside(id, closing, now).await
    }

    async fn claim(&self, key: &ClaimKey, owner: &Owner, lease: Duration) -> Result<Claim, PortError> {
        self.throttled(8, Fault::ClaimThrottled)?;
        let claim = self.shared.inner.claim(key, owner, lease).await?;
        self.throttled(4, Fault::ClaimedButNotAnswered)?;
        self.may_die(4, Fault::DiedBeforeAct).await;
        let claim = match self.shared.bug {
            Some(bug) => bug.at_claim(claim),
            None => claim,
        };
        if claim == Claim::Acquired {
            let mut told = self.shared.told();
            told.claimed += 1;
            let number = told.claimed;
            told.claims.insert(key.clone(), number);
        }
        Ok(claim)
    }

    async fn renew(&self, key: &ClaimKey, owner: &Owner, lease: Duration) -> Result<Renewal, PortError> {
        self.throttled(10, Fault::ClaimThrottled)?;
        let renewal = self.shared.inner.renew(key, owner, lease).await?;
        Ok(match self.shared.bug {
            Some(bug) => bug.at_renew(renewal),
            None => renewal,
        })
    }

    async fn complete(&self, key: &ClaimKey, owner: &Owner, report: &Event) -> Result<bool, PortError> {
        self.may_die(6, Fault::DiedAfterAct).await;
        self.throttled(5, Fault::ClaimThrottled)?;
        let report = match self.shared.bug {
            Some(bug) => bug.at_complete(report.clone()),
            None => Some(report.clone()),
        };
        let kept = match &report {
            Some(report) => self.shared.inner.complete(key, owner, report).await?,
            None => true,
        };
        if kept {
            self.shared.told().kept.insert(key.clone());
        }
        self.may_die(4, Fault::DiedBetweenSaveAndSend).await;
        Ok(kept)
    }

    async fn stop_claim(&self, key: &ClaimKey) -> Result<(), PortError> {
        {
            let mut told = self.shared.told();
            let claimed = told.claimed;
            told.stops.entry(key.clone()).or_insert((self.shared.world.now(), claimed));
        }
        match self.shared.bug {
            Some(Bug::StopsAreLost) => Ok(()),
            _ => self.shared.inner.stop_claim(key).await,
        }
    }

    async fn proceed_claim(&self, key: &ClaimKey, job: &Job) -> Result<(), PortError> {
        self.shared.inner.proceed_claim(key, job).await
    }

    async fn expired_claims(
        &self,
        now: Timestamp,
        of: Option<&[ExecutionId]>,
        limit: usize,
    ) -> Result<Vec<(ClaimKey, Option<Event>)>, PortError> {
        let found = self.shared.inner.expired_claims(now, of, limit).await?;
        Ok(match self.shared.bug {
            Some(bug) => bug.at_expired(found),
            None => found,
        })
    }

    async fn settle_claims(&self, keys: &[ClaimKey]) -> Result<(), PortError> {
        self.shared.inner.settle_claims(keys).await
    }

    async fn admission(&self, organization: &OrganizationId) -> Result<(AdmissionState, u64), PortError> {
        self.shared.inner.admission(organization).await
    }

    async fn save_admission(
        &self,
        organization: &OrganizationId,
        state: &AdmissionState,
        expected: u64,
    ) -> Result<bool, PortError> {
        self.may_die(2, Fault::DiedAnywhere).await;
        let saved = self.shared.inner.save_admission(organization, state, expected).await;
        self.throttled(4, Fault::SavedButNotAnswered)?;
        saved
    }
}

fn dispatched(unsent: &Unsent) -> Option<Fence> {
    match unsent {
        Unsent::Dispatch { fence } => Some(fence.clone()),
        _ => None,
    }
}

/// The memory adapter never waits.
pub(super) fn now_or_never<T>(future: impl Future<Output = T>) -> T {
    match future.now_or_never() {
        Some(done) => done,
        None => unreachable!("the memory store does not wait"),
    }
}
