//! The shape of a view.

use std::collections::{BTreeMap, HashMap};

use assay_engine::id::{ExecutionId, FlowVersionId};
use assay_engine::job::{AssertionResult, JobError, JobPhase, JobResult};
use assay_engine::record::Rerun;
use assay_engine::status::{ExecutionStatus, Phase, SkipReason, StepStatus};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// An execution, as its records tell it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionView {
    /// The execution.
    pub id: ExecutionId,
    /// The flow's name.
    pub flow: String,
    /// The version that runs; none before the first record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<FlowVersionId>,
    /// The file that runs, within the version.
    pub main: String,
    /// From 1; a rerun counts on.
    pub attempt: u32,
    /// The execution whose `flow` step this is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<ExecutionId>,
    /// The earlier execution that it repeats or goes on from; of a retry the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun: Option<Rerun>,
    /// Where whoever started it found the flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Labels of the flow and of the command.
    pub labels: BTreeMap<String, String>,
    /// The inputs, as far as everybody may see them.
    pub inputs: BTreeMap<String, Json>,
    /// Where it stands; the verdict once it has ended.
    pub status: ExecutionStatus,
    /// What it is doing, while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// Of the phase `kept`: when `finally` begins unless somebody asks for it before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_until: Option<Timestamp>,
    /// The rerun that its `finally` was left to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_to: Option<ExecutionId>,
    /// Jobs it may have in flight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// When it was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queued_at: Option<Timestamp>,
    /// When it was admitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it had its verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// From admission to the verdict, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// A stop that was asked for; the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<StopView>,
    /// Of a cancel or a timeout: the worst main step, beside the verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worst: Option<StepStatus>,
    /// The worst of the clean-up, when it did not make the verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cleanup: Option<StepStatus>,
    /// Why, when no step says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Steps by status once it has ended.
    pub counts: BTreeMap<String, u32>,
    /// Main steps in the order of the text, then those of `finally`.
    pub steps: Vec<StepView>,
    /// What a person should know.
    pub warnings: Vec<WarningView>,
    /// The executions of its `flow` steps, where they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<ExecutionView>,
    /// The number of the last record in it.
    pub last_seq: u64,
    /// Where each step stands in `steps`.
    #[serde(skip)]
    pub(super) index: StepIndex,
}

impl ExecutionView {
    /// A view that has not seen a record yet.
    #[must_use]
    pub fn new(id: ExecutionId) -> Self {
        Self {
            id,
            flow: String::new(),
            version: None,
            main: String::new(),
            attempt: 1,
            parent: None,
            rerun: None,
            file: None,
            labels: BTreeMap::new(),
            inputs: BTreeMap::new(),
            status: ExecutionStatus::Queued,
            phase: None,
            kept_until: None,
            left_to: None,
            width: None,
            queued_at: None,
            started_at: None,
            ended_at: None,
            duration_ms: None,
            stop: None,
            worst: None,
            cleanup: None,
            reason: None,
            counts: BTreeMap::new(),
            steps: Vec::new(),
            warnings: Vec::new(),
            children: Vec::new(),
            last_seq: 0,
            index: StepIndex::default(),
        }
    }

    /// The step with this id.
    #[must_use]
    pub fn step(&self, id: &str) -> Option<&StepView> {
        self.steps.get(self.index.find(id, &self.steps)?)
    }

    /// The executions of its `flow` steps, in the order of the steps.
    #[must_use]
    pub fn child_ids(&self) -> Vec<ExecutionId> {
        let places = self
            .steps
            .iter()
            .flat_map(|step| step.instances.iter().map(|instance| &instance.place).chain(std::iter::once(&step.place)));
        places.filter_map(|place| place.child.clone()).collect()
    }

    /// The child with this id, at any depth.
    #[must_use]
    pub fn child(&self, id: &ExecutionId) -> Option<&Self> {
        self.children.iter().find_map(|child| if child.id == *id { Some(child) } else { child.child(id) })
    }
}

/// Finds a step by its id without going through all of them; it says nothing that `steps` does not say.
#[derive(Debug, Clone, Default)]
pub(super) struct StepIndex(HashMap<String, usize>);

impl PartialEq for StepIndex {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl StepIndex {
    /// Where the step stands. A view that was read from JSON has no index yet.
    pub(super) fn find(&self, id: &str, steps: &[StepView]) -> Option<usize> {
        match self.0.get(id) {
            Some(at) if steps.get(*at).is_some_and(|step| step.id == id) => Some(*at),
            _ => steps.iter().position(|step| step.id == id),
        }
    }

    /// The step stands here now.
    pub(super) fn put(&mut self, id: &str, at: usize) {
        self.0.insert(id.to_owned(), at);
    }
}

/// A step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepView {
    /// Its id.
    pub id: String,
    /// It belongs to the clean-up.
    pub finally: bool,
    /// What became of it.
    #[serde(flatten)]
    pub place: PlaceView,
    /// How many instances it has, of a `foreach` step that has begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expanded: Option<u32>,
    /// Those that something has happened to, by index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<InstanceView>,
}

impl StepView {
    pub(super) fn new(id: &str, finally: bool) -> Self {
        Self { id: id.to_owned(), finally, place: PlaceView::default(), expanded: None, instances: Vec::new() }
    }
}

/// An instance of a `foreach` step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceView {
    /// Its index.
    pub index: u32,
    /// What became of it.
    #[serde(flatten)]
    pub place: PlaceView,
}

/// What became of a step or an instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlaceView {
    /// Where it stands.
    pub status: StepStatus,
    /// Why it was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<SkipReason>,
    /// The job under way, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doing: Option<JobPhase>,
    /// Its attempts, each kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<AttemptView>,
    /// Why, where no attempt says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<JobError>,
    /// Assertions that the engine evaluated itself (`wait`, `flow`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assertions: Vec<AssertionResult>,
    /// When its first attempt was handed out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it had its status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// From its first attempt, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// The child execution of a `flow` step; of several attempts the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub child: Option<ExecutionId>,
    /// It was carried over from this execution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carried: Option<ExecutionId>,
    /// What its undo came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undone: Option<UndoneView>,
}

impl Default for PlaceView {
    fn default() -> Self {
        Self {
            status: StepStatus::Pending,
            skipped: None,
            doing: None,
            attempts: Vec::new(),
            error: None,
            assertions: Vec::new(),
            started_at: None,
            ended_at: None,
            duration_ms: None,
            child: None,
            carried: None,
            undone: None,
        }
    }
}

/// An attempt that has ended or was handed out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptView {
    /// From 1.
    pub number: u32,
    /// When it was handed out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispatched_at: Option<Timestamp>,
    /// When it was known to be claimed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// What it came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Box<JobResult>>,
    /// When the next one begins, if one follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
}

/// A stop that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopView {
    /// Who asked, or which limit.
    pub by: String,
    /// It does not wait for `finally`.
    pub forced: bool,
}

/// What an undo came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoneView {
    /// Whether it was taken back.
    pub ok: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<JobError>,
}

/// Something a person should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarningView {
    /// The step it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// What.
    pub message: String,
}
