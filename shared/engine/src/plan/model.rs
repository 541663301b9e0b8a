//! The shape of a plan.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::expr::{JsonTemplate, Program, Reference, Template};
use crate::id::FlowVersionId;
use crate::job::{FileRef, Looks};
use crate::types::{FlowKind, StepSpec};

/// A compiled flow.
pub struct Plan {
    /// The flow version it was made from.
    pub version: FlowVersionId,
    /// The flow's path within the version.
    pub main_path: String,
    /// The flow's name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its kind.
    pub kind: FlowKind,
    /// Its inputs, in the order of the text.
    pub inputs: Vec<Input>,
    /// The names of its secrets.
    pub secrets: Vec<String>,
    /// These, and those of the flows that it starts: what its jobs mask.
    pub masked: Vec<String>,
    /// The steps that capture secrets, by index, in order.
    pub secret_leavers: Vec<usize>,
    /// Where values of secrets are read from, as far as the environment or the flow says so.
    pub secret_references: BTreeMap<String, SecretReference>,
    /// The resources of the flow and its environment.
    pub resources: Vec<Resource>,
    /// Its vars, in an order in which each names only those before it.
    pub vars: Vec<Var>,
    /// Bounds the execution, from admission.
    pub timeout: Duration,
    /// Bounds the wait for admission.
    pub queue_timeout: Option<Duration>,
    /// Bounds `finally`.
    pub finally_timeout: Duration,
    /// Its concurrency group.
    pub concurrency: Option<Concurrency>,
    /// Its priority.
    pub priority: Priority,
    /// All steps: the main ones in the order of the text, then those of `finally`.
    pub steps: Vec<Step>,
    /// How many of them are main steps.
    pub main_steps: usize,
    /// The environment's name.
    pub environment: Option<String>,
    /// Environment variables that expressions name with `env('NAME')`.
    pub env: Arc<BTreeMap<String, String>>,
    /// Schemas that expressions name with `matchesSchema(value, 'file')`, by that name.
    pub schemas: Arc<BTreeMap<String, Json>>,
}

/// Where the value of a secret is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretFrom {
    /// In this environment variable.
    Variable(String),
    /// In this file, relative to the one that says so.
    File(String),
}

/// Where the value of a secret is, and where that is said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretReference {
    /// Where the value is.
    pub from: SecretFrom,
    /// Whether the environment says so; else a flow.
    pub environment: bool,
    /// The file that says so: its path in the flow version, or what the environment is called.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
}

/// A named system.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its name.
    pub name: String,
    /// The step type that it is for, or the part of it before the dot.
    pub kind: String,
    /// Its fields besides `type`.
    pub fields: JsonTemplate,
    /// The secrets that its fields name, through vars too.
    pub secrets: Vec<String>,
}

impl Plan {
    /// The index of the step with this id.
    #[must_use]
    pub fn step_index(&self, id: &str) -> Option<usize> {
        self.steps.iter().position(|step| &*step.id == id)
    }
}

/// An input of a flow.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// What a value must be.
    pub kind: InputType,
    /// The value when none is given; environment already applied.
    pub default: Option<Json>,
    /// One must be given.
    pub required: bool,
    /// One of these; empty: any.
    pub choices: Vec<Json>,
    /// A string must match this.
    pub pattern: Option<String>,
    /// For people.
    pub description: Option<String>,
}

/// The type of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum InputType {
    String,
    Integer,
    Number,
    Boolean,
    Array,
    Object,
}

/// A var: computed once, at the start.
pub struct Var {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: JsonTemplate,
    /// It names a secret, directly or through another var: it stays a template until a step function renders it.
    pub secret: bool,
}

/// At most so many executions of a group at once.
pub struct Concurrency {
    /// The group's name, a template over inputs and vars.
    pub group: Template,
    /// How many.
    pub max: u32,
    /// What happens to one too many.
    pub on_conflict: OnConflict,
}

/// What happens to an execution whose group is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnConflict {
    /// It waits.
    Queue,
    /// Those that run are cancelled.
    CancelRunning,
    /// It is refused.
    Reject,
}

/// Which execution of an organization goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Priority {
    P0,
    P1,
    P2,
}

/// Where a step stands in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Under `steps`.
    Main,
    /// Under `finally`.
    Finally,
}

/// A compiled step.
pub struct Step {
    /// Its id, given or made (`http1`).
    pub id: Arc<str>,
    /// Its name for people.
    pub name: Option<String>,
    /// The line where it begins in the flow's text, from 1.
    pub line: usize,
    /// Main or finally.
    pub section: Section,
    /// What it does.
    pub kind: StepKind,
    /// The indexes of its direct needs.
    pub needs: Vec<usize>,
    /// The indexes of the steps that need it directly.
    pub dependents: Vec<usize>,
    /// The indexes of everything it needs, directly or not, ascending.
    pub transitive: Vec<usize>,
    /// When it runs.
    pub condition: Condition,
    /// One instance for each item.
    pub foreach: Option<Foreach>,
    /// `with`, defaults merged and files put in. Null for a step without.
    pub with: JsonTemplate,
    /// How it is tried again.
    pub retry: Retry,
    /// How an attempt looks again.
    pub looks: Option<Looks>,
    /// Bounds one attempt.
    pub timeout: Duration,
    /// Its assertions.
    pub assertions: Vec<Assertion>,
    /// Its captures.
    pub captures: Vec<Capture>,
    /// Static paths below its output that other steps name with `steps.<id>.output.<path>`.
    pub hidden: Vec<String>,
    /// Its failure blocks nobody and does not count.
    pub continue_on_error: bool,
    /// It is armed before the step with this index acts.
    pub arm_before: Option<usize>,
    /// The indexes of the steps that are armed before this one acts.
    pub arms: Vec<usize>,
    /// The pool of workers.
    pub runs_on: Option<String>,
    /// What happens when a worker is lost that may have acted.
    pub on_lost: OnLost,
    /// A rerun always runs it again.
    pub rerun_always: bool,
    /// What its job's scope must hold: every reference of its assertions, captures, `retry.on` expressions and of the
    /// bare expressions in `with` that is not an output field of its own.
    pub scope: Vec<Reference>,
    /// Names of secrets that its templates and expressions name, through vars too.
    pub secrets: Vec<String>,
    /// Files beside the flow that it names, by the name used.
    pub files: BTreeMap<String, FileRef>,
    /// Hash of its definition, for reruns.
    pub definition_hash: String,
}

/// What a step does.
pub enum StepKind {
    /// A job for a step function.
    Job {
        /// The step type.
        spec: &'static dyn StepSpec,
    },
    /// A timer. `with` renders to `{for}` or `{until}`.
    Delay,
    /// A child execution.
    Flow {
        /// Its path in the same flow version. `with` renders to `{inputs}`.
        path: String,
        /// The child's plan.
        plan: Arc<Plan>,
    },
    /// A signal. `with` renders to `{signal}`.
    Wait {
        /// How long; none: until the execution's timeout.
        within: Option<Duration>,
    },
}

impl StepKind {
    /// The type's word in the language.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Job { spec } => spec.name(),
            Self::Delay => "delay",
            Self::Flow { .. } => "flow",
            Self::Wait { .. } => "wait",
        }
    }
}

/// When a step runs.
#[derive(Default)]
pub struct Condition {
    /// `if`; none: `success()`.
    pub program: Option<Program>,
    /// The condition says itself when it runs (`success() failed() always() cancelled()`), so that `success()` is not
    /// implied.
    pub explicit: bool,
}

/// One instance for each item.
pub struct Foreach {
    /// The items.
    pub source: ForeachSource,
    /// Instances under way at once; none: as many as there are places.
    pub max_parallel: Option<u32>,
    /// Fewer items are an error.
    pub min_items: u32,
    /// The first instance that does not pass ends the others.
    pub fail_fast: bool,
}

/// Where items come from.
pub enum ForeachSource {
    /// A list in the text, its strings templates.
    List(JsonTemplate),
    /// `${...}`.
    Expression(Template),
    /// `{csv / json: file}`.
    Data(DataFile),
}

/// Items read from a file by the compiler.
#[derive(Debug, Clone)]
pub struct DataFile {
    /// The file's name.
    pub name: String,
    /// The items.
    pub items: Arc<Vec<Json>>,
}

/// How a step is tried again. `max_attempts` 1: not at all.
#[derive(Debug, Clone)]
pub struct Retry {
    /// Attempts, the first included.
    pub max_attempts: u32,
    /// The pause before the second attempt.
    pub interval: Duration,
    /// By which it grows each time.
    pub backoff: f64,
    /// The longest pause.
    pub max_interval: Option<Duration>,
    /// A pause is drawn from half to all of it.
    pub jitter: bool,
    /// After what.
    pub on: Vec<RetryOn>,
}

/// After what a step is tried again.
#[derive(Debug, Clone)]
pub enum RetryOn {
    /// It errored (`connect` included, never `lost`).
    Error,
    /// It was out of time.
    Timeout,
    /// It could not connect.
    Connect,
    /// Its worker was lost.
    Lost,
    /// It failed.
    Failed,
    /// An expression over the output, evaluated by the step function; its position among these is in the result.
    Expression(Program),
}

/// An assertion.
#[derive(Debug, Clone)]
pub struct Assertion {
    /// The expression.
    pub that: Program,
    /// What it means.
    pub message: Option<String>,
    /// Failing blocks nobody.
    pub soft: bool,
    /// Its line in the flow's text, from 1.
    pub line: usize,
}

/// A capture.
#[derive(Debug, Clone)]
pub struct Capture {
    /// Its name.
    pub name: String,
    /// The expression.
    pub value: Program,
    /// The value is a secret.
    pub secret: bool,
}

/// What happens to a step whose worker was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnLost {
    /// A repeatable step is tried again once; any other errors.
    Judge,
    /// It is tried again.
    Retry,
    /// It errors.
    Error,
}
