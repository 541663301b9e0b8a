//! Where executions live.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use assay_engine::bundle::Bundle;
use assay_engine::execution::{Event, Head, Part, PartId};
use assay_engine::id::{ExecutionId, FlowVersionId, OrganizationId, ProjectId};
use assay_engine::job::{Fence, Job};
use assay_engine::record::{Record, What};
use assay_engine::status::ExecutionStatus;
use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::PortError;

/// Executions, their history, the claims of their attempts, their flow versions, and admission per organization.
#[async_trait]
pub trait ExecutionStore: Send + Sync {
    /// The store's clock, where it has one; else the process's.
    async fn now(&self) -> Result<Timestamp, PortError>;

    /// What has kept it from being written since the last write that went through; none: it can be written.
    fn failing(&self) -> Option<Failing> {
        None
    }

    /// Keeps a flow version. Keeping it again changes nothing.
    async fn put_flow_version(&self, id: &FlowVersionId, bundle: &Bundle) -> Result<(), PortError>;
    /// A flow version.
    async fn flow_version(&self, id: &FlowVersionId) -> Result<Option<Arc<Bundle>>, PortError>;

    /// Creates an execution with its first records. False: one with this id is there already, and nothing changed.
    async fn create(&self, new: NewExecution) -> Result<bool, PortError>;
    /// The head with its version, and those of the named parts that exist. None: no such execution.
    async fn load(&self, id: &ExecutionId, parts: &[PartId]) -> Result<Option<Loaded>, PortError>;
    /// The head, and every part that exists.
    async fn load_whole(&self, id: &ExecutionId) -> Result<Option<Loaded>, PortError>;
    /// Saves all of it or nothing, and only if the head still has the expected version.
    /// An error leaves open whether it was saved: load again.
    async fn save(&self, save: Save) -> Result<Saved, PortError>;

    /// Records after this number, in order, at most `limit`.
    async fn records(&self, id: &ExecutionId, after: u64, limit: usize) -> Result<Vec<Record>, PortError>;
    /// Executions, newest first.
    async fn list(&self, filter: &ExecutionFilter) -> Result<Page, PortError>;
    /// Ended top-level executions, oldest first, at most `limit`: those that ended before this instant and are not
    /// among the newest `keep`; each with its sub-flows behind it.
    async fn prunable(
        &self,
        ended_before: Timestamp,
        keep: usize,
        limit: usize,
    ) -> Result<Vec<(OrganizationId, ExecutionId)>, PortError>;
    /// Removes these executions with everything that belongs to them and to nobody else (blobs lie elsewhere).
    async fn remove(&self, ids: &[ExecutionId]) -> Result<(), PortError>;
    /// Executions whose due time has come, soonest first: timers, what is unsent, and what nobody has looked at for
    /// long. `of`: only these; none: all.
    async fn due(&self, now: Timestamp, of: Option<&[ExecutionId]>, limit: usize) -> Result<Vec<Due>, PortError>;
    /// Ends an execution whose head cannot be read: from now on it is listed as errored and never due, and its
    /// history closes with this. Answers whose it was; none: there is no such execution, or it has ended.
    async fn set_aside(
        &self,
        id: &ExecutionId,
        closing: What,
        now: Timestamp,
    ) -> Result<Option<OrganizationId>, PortError>;

    /// Claims an attempt's turn under a lease.
    async fn claim(&self, key: &ClaimKey, owner: &Owner, lease: Duration) -> Result<Claim, PortError>;
    /// Renews the lease, and says whether to go on.
    async fn renew(&self, key: &ClaimKey, owner: &Owner, lease: Duration) -> Result<Renewal, PortError>;
    /// Keeps the result in the claim if it is still owned; false: it is not, and nothing was kept.
    /// `report` is the event that tells the result.
    async fn complete(&self, key: &ClaimKey, owner: &Owner, report: &Event) -> Result<bool, PortError>;
    /// Asks whoever holds the claim, or will, to stop.
    async fn stop_claim(&self, key: &ClaimKey) -> Result<(), PortError>;
    /// Leaves the run job for the collector that holds the claim: each later renewal answers it, since an answer can
    /// be lost. Nobody holds it: nothing.
    async fn proceed_claim(&self, key: &ClaimKey, job: &Job) -> Result<(), PortError>;
    /// Claims that are not settled and whose lease is over, with their report where they have one: a result that the
    /// state has not seen, or a worker that is gone. `of`: only of these executions; none: of all.
    async fn expired_claims(
        &self,
        now: Timestamp,
        of: Option<&[ExecutionId]>,
        limit: usize,
    ) -> Result<Vec<(ClaimKey, Option<Event>)>, PortError>;
    /// The state has seen what came of these claims. They are never listed as expired again and may drop their report,
    /// but they stay claimed until their execution is removed: a job that is delivered late must not act again.
    async fn settle_claims(&self, keys: &[ClaimKey]) -> Result<(), PortError>;

    /// The admission state of an organization with its version (0: none yet).
    async fn admission(&self, organization: &OrganizationId) -> Result<(AdmissionState, u64), PortError>;
    /// Saves it if the version is still the expected one; false: it is not.
    async fn save_admission(
        &self,
        organization: &OrganizationId,
        state: &AdmissionState,
        expected: u64,
    ) -> Result<bool, PortError>;
}

/// The admission state: the JSON of `assay_engine::admission`.
pub type AdmissionState = Json;

/// Why a store cannot be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// It does not pass by itself: the disk is full, the folder may not be written.
    pub lasting: bool,
    /// For people: a lowercase fragment.
    pub why: String,
}

/// An execution to create.
#[derive(Debug, Clone)]
pub struct NewExecution {
    /// Its head, of version 1.
    pub head: Head,
    /// Its first parts.
    pub parts: BTreeMap<PartId, Part>,
    /// Its first records.
    pub records: Vec<Arc<Record>>,
    /// When somebody must look at it.
    pub due: Option<Timestamp>,
    /// For lists.
    pub labels: BTreeMap<String, String>,
}

/// What was loaded.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The head.
    pub head: Head,
    /// Its version, for the compare-and-set.
    pub version: u64,
    /// The parts that were asked for and exist.
    pub parts: BTreeMap<PartId, Part>,
    /// Parts that were asked for and do not exist.
    pub absent: BTreeSet<PartId>,
}

/// A transition, or several of one execution, to save at once.
#[derive(Debug, Clone)]
pub struct Save {
    /// The new head.
    pub head: Head,
    /// The version that was loaded.
    pub expected: u64,
    /// The parts that changed, whole.
    pub parts: BTreeMap<PartId, Part>,
    /// The new records, numbered on from the stored ones.
    pub records: Vec<Arc<Record>>,
    /// When somebody must look at it again; unfinished executions always have one, and ended ones as long as their
    /// end was not told. None: never.
    pub due: Option<Timestamp>,
    /// Claims that are settled by it: see [`ExecutionStore::settle_claims`].
    pub settled: Vec<ClaimKey>,
}

/// What came of a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// It has this version now.
    Version(u64),
    /// Somebody else was faster: load again.
    Conflict,
}

/// Which executions to list.
#[derive(Debug, Clone, Default)]
pub struct ExecutionFilter {
    /// Of this organization.
    pub organization: Option<OrganizationId>,
    /// Of this project.
    pub project: Option<ProjectId>,
    /// In one of these states; empty: any.
    pub status: Vec<ExecutionStatus>,
    /// Of the flow with this name.
    pub flow: Option<String>,
    /// Sub-flows too.
    pub children: bool,
    /// With these labels.
    pub labels: BTreeMap<String, String>,
    /// Go on after this cursor.
    pub after: Option<String>,
    /// At most this many; 0: 50.
    pub limit: usize,
}

/// A page of executions.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Newest first.
    pub executions: Vec<ExecutionSummary>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

/// An execution in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionSummary {
    /// Its id.
    pub id: ExecutionId,
    /// The flow's name.
    pub flow: String,
    /// Where it stands.
    pub status: ExecutionStatus,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it had its verdict.
    pub ended_at: Option<Timestamp>,
    /// Whose `flow` step it is.
    pub parent: Option<ExecutionId>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// An execution that somebody must look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Which.
    pub execution: ExecutionId,
    /// Since when.
    pub at: Timestamp,
}

/// What is claimed: one turn of one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClaimKey {
    /// The execution.
    pub execution: ExecutionId,
    /// The attempt's turn.
    pub fence: Fence,
}

/// Who holds a claim: one worker of one process.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// The process; a store on one machine knows by a lock whether it lives.
    pub process: String,
    /// The delivery that acts, unique.
    pub delivery: String,
}

/// What came of claiming.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// It is yours: act.
    Acquired,
    /// It is yours, and a stop was asked for before: answer it without acting.
    Stopped,
    /// It was done: report this again; none: the state has seen it.
    Done(Option<Box<Event>>),
    /// Somebody holds it, or its execution has ended or is gone: drop the message.
    Held,
    /// Somebody held it and is gone: report `WorkerLost`, never act.
    Lost,
}

/// What a renewal answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Renewal {
    /// Go on.
    Go,
    /// Stop.
    Stop,
    /// Go on with this run job; only for a collector.
    Proceed(Box<Job>),
    /// It is not yours any more: stop and report nothing.
    NotYours,
}
