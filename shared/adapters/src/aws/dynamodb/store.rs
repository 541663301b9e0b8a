//! The store: what its calls share, and the port.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
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
use aws_sdk_dynamodb::Client;
use jiff::Timestamp;

use super::claims::KnownClaims;
use super::flow_versions::FlowVersions;
use super::roots::Roots;
use super::table::Table;

/// Executions in DynamoDB.
///
/// The service has no clock that it would tell: leases and `now` use the given one, the process's. Machines of AWS agree
/// on the time within milliseconds.
pub struct DynamoExecutionStore {
    pub(super) table: Table,
    pub(super) claims: Table,
    pub(super) clock: Arc<dyn Clock>,
    /// Unique among all processes that write these tables.
    process: String,
    saves: AtomicU64,
    pub(super) roots: Roots,
    pub(super) known_claims: KnownClaims,
    pub(super) flow_versions: FlowVersions,
    /// Organizations that this process has noted.
    pub(super) noted: Mutex<HashSet<OrganizationId>>,
}

impl DynamoExecutionStore {
    /// The store in these tables, which are there. `process` is unique among all processes that write them, at all times:
    /// what a process writes is named after it.
    #[must_use]
    pub fn new(client: Client, table: &str, claims: &str, clock: Arc<dyn Clock>, process: &str) -> Self {
        let named = |name: &str| Table { client: client.clone(), name: name.to_owned() };
        Self {
            table: named(table),
            claims: named(claims),
            clock,
            process: process.to_owned(),
            saves: AtomicU64::new(0),
            roots: Roots::default(),
            known_claims: KnownClaims::default(),
            flow_versions: FlowVersions::default(),
            noted: Mutex::default(),
        }
    }

    /// The name for [`Owner::process`]. Nothing knows whether a process lives: its leases end by time.
    #[must_use]
    pub fn process(&self) -> &str {
        &self.process
    }

    /// A name that no other write has.
    pub(super) fn next_name(&self) -> String {
        format!("{}-{}", self.process, self.saves.fetch_add(1, Ordering::Relaxed))
    }

    /// Whether this process has noted an organization.
    pub(super) fn is_noted(&self, organization: &OrganizationId) -> bool {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).contains(organization)
    }
}

#[async_trait]
impl ExecutionStore for DynamoExecutionStore {
    async fn now(&self) -> Result<Timestamp, PortError> {
        Ok(self.clock.now())
    }

    async fn put_flow_version(&self, id: &FlowVersionId, bundle: &Bundle) -> Result<(), PortError> {
        self.keep_flow_version(id, bundle).await
    }

    async fn flow_version(&self, id: &FlowVersionId) -> Result<Option<Arc<Bundle>>, PortError> {
        self.kept_flow_version(id).await
    }

    async fn create(&self, new: NewExecution) -> Result<bool, PortError> {
        Box::pin(self.create_execution(new)).await
    }

    async fn load(&self, id: &ExecutionId, parts: &[PartId]) -> Result<Option<Loaded>, PortError> {
        self.load_parts(id, parts).await
    }

    async fn load_whole(&self, id: &ExecutionId) -> Result<Option<Loaded>, PortError> {
        self.load_every_part(id).await
    }

    async fn save(&self, save: Save) -> Result<Saved, PortError> {
        Box::pin(self.save_execution(save)).await
    }

    async fn records(&self, id: &ExecutionId, after: u64, limit: usize) -> Result<Vec<Record>, PortError> {
        self.read_records(id, after, limit).await
    }

    async fn list(&self, filter: &ExecutionFilter) -> Result<Page, PortError> {
        self.list_executions(filter).await
    }

    async fn prunable(
        &self,
        ended_before: Timestamp,
        keep: usize,
        limit: usize,
    ) -> Result<Vec<(OrganizationId, ExecutionId)>, PortError> {
        self.old_executions(ended_before, keep, limit).await
    }

    async fn remove(&self, ids: &[ExecutionId]) -> Result<(), PortError> {
        self.remove_executions(ids).await
    }

    async fn due(&self, now: Timestamp, of: Option<&[ExecutionId]>, limit: usize) -> Result<Vec<Due>, PortError> {
        self.what_is_due(now, of, limit).await
    }

    async fn set_aside(
        &self,
        id: &ExecutionId,
        closing: What,
        now: Timestamp,
    ) -> Result<Option<OrganizationId>, PortError> {
        self.end_unreadable(id, closing, now).await
    }

    async fn claim(&self, key: &ClaimKey, owner: &Owner, lease: Duration) -> Result<Claim, PortError> {
        self.claim_attempt(key, owner, lease).await
    }

    async fn renew(&self, key: &ClaimKey, owner: &Owner, lease: Duration) -> Result<Renewal, PortError> {
        self.renew_claim(key, owner, lease).await
    }

    async fn complete(&self, key: &ClaimKey, owner: &Owner, report: &Event) -> Result<bool, PortError> {
        self.complete_claim(key, owner, report).await
    }

    async fn stop_claim(&self, key: &ClaimKey) -> Result<(), PortError> {
        self.leave_stop(key).await
    }

    async fn proceed_claim(&self, key: &ClaimKey, job: &Job) -> Result<(), PortError> {
        self.leave_job(key, job).await
    }

    async fn expired_claims(
        &self,
        now: Timestamp,
        of: Option<&[ExecutionId]>,
        limit: usize,
    ) -> Result<Vec<(ClaimKey, Option<Event>)>, PortError> {
        self.lost_claims(now, of, limit).await
    }

    async fn settle_claims(&self, keys: &[ClaimKey]) -> Result<(), PortError> {
        self.settle_all(keys).await
    }

    async fn admission(&self, organization: &OrganizationId) -> Result<(AdmissionState, u64), PortError> {
        self.admission_state(organization).await
    }

    async fn save_admission(
        &self,
        organization: &OrganizationId,
        state: &AdmissionState,
        expected: u64,
    ) -> Result<bool, PortError> {
        self.save_admission_state(organization, state, expected).await
    }
}
