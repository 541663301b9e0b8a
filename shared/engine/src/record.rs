//! Records: the numbered history of an execution, which everything that watches or reports reads.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::id::{ExecutionId, FlowVersionId};
use crate::job::{AssertionResult, JobError, JobPhase, JobResult};
use crate::status::{ExecutionStatus, Phase, SkipReason, StepStatus};

/// One entry of an execution's history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// Whose history.
    pub execution: ExecutionId,
    /// From 1, without gaps.
    pub seq: u64,
    /// When; never before the record before it.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// Where in the flow something happened.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// The step's id.
    pub step: String,
    /// The index of the instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<u32>,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.instance {
            Some(index) => write!(f, "{}[{index}]", self.step),
            None => f.write_str(&self.step),
        }
    }
}

/// Which execution a new one repeats or goes on from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rerun {
    /// The earlier execution; of a retry the first one.
    pub of: ExecutionId,
    /// In which way.
    pub how: RerunHow,
}

/// In which way an execution repeats an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RerunHow {
    /// Everything runs again, with a seed of its own.
    Whole,
    /// What had passed is carried over.
    FromFailed,
    /// Everything runs again because it had not passed: `--retry-failed`.
    Retry,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all_fields = "camelCase")]
pub enum What {
    /// The execution was accepted.
    #[serde(rename = "execution.queued")]
    Queued {
        /// The flow's name.
        flow: String,
        /// The version that runs.
        version: FlowVersionId,
        /// The file that runs, within the version.
        main: String,
        /// From 1; a rerun counts on.
        attempt: u32,
        /// The execution whose `flow` step this is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent: Option<ExecutionId>,
        /// The earlier execution that it repeats or goes on from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rerun: Option<Rerun>,
        /// Where whoever started it found the flow.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<String>,
        /// Labels of the flow and of the command.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        labels: BTreeMap<String, String>,
        /// The inputs, as they are.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        inputs: BTreeMap<String, Json>,
    },
    /// It was admitted.
    #[serde(rename = "execution.started")]
    Started {
        /// Jobs it may have in flight.
        width: u32,
        /// The ids of the steps, main ones first, in the order of the text.
        steps: Vec<String>,
        /// How many of them are main steps.
        main: u32,
    },
    /// It went into another phase.
    #[serde(rename = "execution.phase")]
    PhaseEntered {
        /// The phase.
        phase: Phase,
        /// Of `kept`: when `finally` begins unless somebody asks for it before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    /// `finally` is not held back any more.
    #[serde(rename = "execution.released")]
    Released {
        /// Who asked, or that the time was over.
        by: String,
        /// The rerun that `finally` is left to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rerun: Option<ExecutionId>,
    },
    /// A stop was asked for.
    #[serde(rename = "execution.stopRequested")]
    StopRequested {
        /// Who asked, or which limit.
        by: String,
        /// It does not wait for `finally`.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        forced: bool,
    },
    /// It has its verdict.
    #[serde(rename = "execution.finished")]
    Finished {
        /// The verdict.
        status: ExecutionStatus,
        /// Of a cancel or a timeout: the worst main step, beside the verdict.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        worst: Option<StepStatus>,
        /// The worst of the clean-up, when it is not what made the verdict.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cleanup: Option<StepStatus>,
        /// Why, when no step says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Steps by status, `foreach` steps counted once.
        counts: BTreeMap<String, u32>,
        /// From admission, in milliseconds.
        duration_ms: u64,
    },
    /// A `foreach` step knows its instances.
    #[serde(rename = "step.expanded")]
    Expanded {
        /// The step.
        #[serde(flatten)]
        place: Place,
        /// How many instances.
        instances: u32,
    },
    /// An attempt was handed out.
    #[serde(rename = "step.dispatched")]
    Dispatched {
        /// The step or instance.
        #[serde(flatten)]
        place: Place,
        /// Prepare, run or undo.
        phase: JobPhase,
        /// From 1.
        attempt: u32,
    },
    /// A worker has claimed the attempt, or a timer, a child or a wait has begun.
    #[serde(rename = "step.started")]
    StepStarted {
        /// The step or instance.
        #[serde(flatten)]
        place: Place,
        /// Prepare, run or undo.
        phase: JobPhase,
        /// From 1.
        attempt: u32,
        /// The child execution of a `flow` step.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        child: Option<ExecutionId>,
    },
    /// The step is armed, or what it prepared is saved.
    #[serde(rename = "step.prepared")]
    Prepared {
        /// The step.
        #[serde(flatten)]
        place: Place,
        /// There is something to take back.
        undo: bool,
    },
    /// A long attempt gave its place back for a while.
    #[serde(rename = "step.continued")]
    Continued {
        /// The step or instance.
        #[serde(flatten)]
        place: Place,
        /// The attempt.
        attempt: u32,
        /// The turn that follows.
        turn: u32,
    },
    /// An attempt ended, and another one follows.
    #[serde(rename = "step.attemptEnded")]
    AttemptEnded {
        /// The step or instance.
        #[serde(flatten)]
        place: Place,
        /// The attempt that ended.
        attempt: u32,
        /// What it came to.
        result: Box<JobResult>,
        /// When the next attempt begins.
        retry_at: Timestamp,
    },
    /// The step or instance has its status.
    #[serde(rename = "step.finished")]
    StepFinished {
        /// The step or instance.
        #[serde(flatten)]
        place: Place,
        /// Its status.
        status: StepStatus,
        /// Why it was skipped.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        skipped: Option<SkipReason>,
        /// How many attempts there were.
        #[serde(default)]
        attempts: u32,
        /// What the last attempt came to, where one ran.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<Box<JobResult>>,
        /// Why, where no attempt says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<JobError>,
        /// Assertions that the engine evaluated itself (`wait`, `flow`).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        assertions: Vec<AssertionResult>,
        /// From its first attempt, in milliseconds.
        #[serde(default)]
        duration_ms: u64,
        /// It was carried over from this execution.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        carried: Option<ExecutionId>,
    },
    /// What an undo came to.
    #[serde(rename = "step.undone")]
    Undone {
        /// The step or instance.
        #[serde(flatten)]
        place: Place,
        /// Whether it was taken back.
        ok: bool,
        /// Why not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<JobError>,
    },
    /// A signal came.
    #[serde(rename = "signal.received")]
    SignalReceived {
        /// Its name.
        name: String,
        /// Who sent it.
        by: String,
    },
    /// Something a person should know.
    #[serde(rename = "execution.warned")]
    Warned {
        /// The step it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<String>,
        /// What.
        message: String,
    },
}
