//! What is asked: a job, and what is in it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::captured::{Captured, LateTemplate, ScopeValue};
use super::mask::Mask;
use crate::id::{ExecutionId, FlowVersionId, OrganizationId, ProjectId};

/// The version of the contract that this code writes; it reads this one and those before it.
pub const CONTRACT: u32 = 1;

/// Which attempt a job, a claim or an event speaks of. Anything that does not match the state is late or doubled.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Fence {
    /// The step's id.
    pub step: String,
    /// The index of the `foreach` instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<u32>,
    /// What the job is for.
    pub phase: JobPhase,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The turn within the attempt, from 0: a long step gives its place back and goes on later.
    pub turn: u32,
}

impl Fence {
    /// `audited[3]`, or the step's id alone.
    #[must_use]
    pub fn place(&self) -> String {
        match self.instance {
            Some(index) => format!("{}[{index}]", self.step),
            None => self.step.clone(),
        }
    }
}

/// What a job is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum JobPhase {
    /// Record a position, or make what `run` needs; its answer is saved before `run`.
    Prepare,
    /// Act, look, assert, capture.
    Run,
    /// Take back what `prepare` or `run` did.
    Undo,
}

/// One attempt to carry out: the message on a step queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// [`CONTRACT`].
    pub contract: u32,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The project within the organization.
    pub project: ProjectId,
    /// The execution.
    pub execution: ExecutionId,
    /// The flow version, where files beside the flow are found.
    pub flow_version: FlowVersionId,
    /// Which attempt this is.
    pub fence: Fence,
    /// The step type's name.
    pub step_type: String,
    /// The pool of workers it is for; none: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs_on: Option<String>,
    /// The rendered `with`; null where a template of `late` belongs.
    pub with: Json,
    /// Templates that name a secret: the step function renders them into `with`, with [`Fence::place`] as the salt and
    /// the pointer as the place of `uuid()` and `fake.*`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub late: Vec<LateTemplate>,
    /// The values that `late` and the expressions name, pruned to them: `inputs vars steps item index execution`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub scope: Map<String, Json>,
    /// Values of `scope` that only the step function makes or opens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deferred: Vec<ScopeValue>,
    /// The names of the secrets that `late` and the expressions may name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// What is masked although nothing in the job names it.
    #[serde(default, skip_serializing_if = "Mask::is_empty")]
    pub mask: Mask,
    /// Environment variables that expressions name with `env('NAME')`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Files beside the flow that `with` and the expressions name, by the name used there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, FileRef>,
    /// The assertions, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assertions: Vec<AssertionSpec>,
    /// The captures, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub captures: Vec<CaptureSpec>,
    /// Static paths below the output that later steps name: `body.items[0].id`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<String>,
    /// Expressions of `retry.on`, seen before the assertions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retry_on: Vec<String>,
    /// `eventually` or `throughout`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks: Option<Looks>,
    /// How long the attempt may take, in milliseconds, from the moment it is claimed.
    pub timeout_ms: u64,
    /// When the attempt ends, from its second turn on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// What `now()` in `with` was.
    pub rendered_at: Timestamp,
    /// The execution's seed, from which `uuid()` and `fake.*` derive.
    pub seed: u64,
    /// What `prepare` answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepared: Option<Json>,
    /// What to take back; only in an undo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Json>,
    /// Where the turn before left off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Json>,
    /// The cookies of the step's transitive needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cookies: Vec<Cookie>,
    /// When what an armed step waits for has acted: `within` counts from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_from: Option<Timestamp>,
    /// When the execution started: the default of `since`.
    pub execution_started_at: Timestamp,
}

/// A file beside the flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileRef {
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// Its bytes.
    pub size: u64,
}

/// A cookie of the execution's jar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cookie {
    /// The `Set-Cookie` line as the server sent it; sealed when a secret's value occurs in it.
    pub set_cookie: Captured,
    /// The URL that answered with it.
    pub url: String,
    /// When it came.
    pub at: Timestamp,
}

/// An assertion to evaluate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AssertionSpec {
    /// The expression.
    pub that: String,
    /// What it means, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Failing does not block dependents.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub soft: bool,
}

/// A capture to evaluate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaptureSpec {
    /// Its name in `steps.<id>`.
    pub name: String,
    /// The expression.
    pub value: String,
    /// The value is a secret from now on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
}

/// How an attempt looks again. Times in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum Looks {
    /// Until all assertions hold.
    Eventually {
        /// For how long.
        timeout_ms: u64,
        /// The pause between two looks.
        interval_ms: u64,
    },
    /// They must hold at every look.
    Throughout {
        /// For how long.
        window_ms: u64,
        /// The pause between two looks.
        interval_ms: u64,
    },
}
