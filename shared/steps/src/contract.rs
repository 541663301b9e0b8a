//! What a step type declares, and what its runner is given.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assay_egress::Egress;
use assay_engine::job::{Artifact, BlobRef, ErrorClass, JobError};
use assay_engine::types::{Arming, FlowKind, OutputField, Problem};
use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};
use tokio_util::sync::CancellationToken;

/// The pure side of a step type; always built.
pub trait StepType: Send + Sync + 'static {
    /// Its word in the language, its folder, its feature, its function, its queue.
    const NAME: &'static str;
    /// One sentence.
    const SUMMARY: &'static str;
    /// What its output puts in scope.
    const OUTPUTS: &'static [OutputField];
    /// Keys of `with` that hold bare expressions.
    const EXPRESSIONS: &'static [&'static str] = &[];
    /// Keys of `with` that say where the target is and how to get in: what a resource of the type may hold. None: all
    /// keys that the types of its family share.
    const CONNECTION: &'static [&'static str] = &[];
    /// How it is armed.
    const ARMING: Option<Arming> = None;
    /// Whether it has a prepare phase also without arming.
    const PREPARES: bool = false;
    /// What a flow of such steps is.
    const KIND: FlowKind = FlowKind::Api;
    /// `with`, rendered. Its doc comments are the user reference.
    type Config: DeserializeOwned + JsonSchema + Send;

    /// What the schema cannot say. Strings with `${` are templates and not judged.
    fn check(with: &Json) -> Vec<Problem>;
    /// May a lost attempt be repeated without doubling an effect?
    fn repeatable(with: &Json) -> bool;
    /// Files beside the flow that `with` names.
    fn files(_with: &Json) -> Vec<String> {
        Vec::new()
    }
    /// For a type that waits by itself: its own time.
    fn waits(_with: &Json) -> Option<Duration> {
        None
    }
}

/// The acting side of a step type; built with the type's feature. One value serves every job of a process: it may hold
/// connections, and nothing else.
#[async_trait]
pub trait StepRunner: StepType {
    /// Arms, or makes what `run` needs.
    async fn prepare(&self, _config: Self::Config, _cx: &StepContext) -> Result<Prepared, StepError> {
        Err(StepError::bug("this step type has no prepare phase"))
    }
    /// Acts or looks, once.
    async fn run(&self, config: Self::Config, cx: &StepContext) -> Result<StepOutcome, StepError>;
    /// Really connects to a resource, changes nothing there, and tells what a person wants to know of it: a version, how
    /// long the answer took, how it was secured; a lowercase fragment, masked later. `resource` holds the resource's
    /// fields besides `type`, rendered. None: resources of this type cannot be checked by it.
    async fn probe(&self, _resource: &Json, _cx: &StepContext) -> Result<Option<String>, StepError> {
        Ok(None)
    }
    /// Takes back what `prepare` or `run` did; may be called again after it was lost.
    async fn undo(&self, _undo: Json, _cx: &StepContext) -> Result<(), StepError> {
        Err(StepError::bug("this step type has no undo"))
    }
}

/// What `prepare` answers; saved before `run`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Prepared {
    /// Handed to `run` and to every retry: a position, an id.
    pub state: Json,
    /// Handed to `undo`; none: nothing to take back.
    pub undo: Option<Json>,
}

/// What `run` comes to.
#[derive(Debug)]
pub enum StepOutcome {
    /// The whole output.
    Done(Output),
    /// Not finished: gives its place back and goes on after a while.
    Continue {
        /// Handed to the next turn.
        checkpoint: Json,
        /// The pause before it.
        after: Duration,
    },
}

/// The output of a step: the fields it puts in scope.
#[derive(Debug, Clone, Default)]
pub struct Output {
    /// By the names of [`StepType::OUTPUTS`]. Bytes are base64 text here.
    pub fields: Map<String, Json>,
    /// What the step sent, for evidence: a request line, a query; masked later.
    pub sent: Option<Json>,
    /// What people read first, when it did not pass: the nearest miss, a hint.
    pub note: Option<String>,
    /// What the step's own words ask for (`count`, `within`), judged by the runner: reported before the assertions.
    pub expectations: Vec<Expectation>,
}

/// Something that a step's own words ask for, and whether it came true. One that did not makes the step failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// What was asked for, as a person would write it: `count >= 1 within 60s`.
    pub that: String,
    /// Whether it came true.
    pub passed: bool,
    /// What came instead: a lowercase fragment; masked later.
    pub reason: Option<String>,
}

/// What a runner is given besides its config.
pub struct StepContext {
    /// The guard that every connection goes through.
    pub egress: Arc<Egress>,
    /// Files beside the flow.
    pub files: Arc<dyn Files>,
    /// Where artifacts go.
    pub artifacts: Arc<dyn Artifacts>,
    /// Who watches.
    pub progress: Arc<dyn Progress>,
    /// Cancelled when the attempt must stop; a runner returns soon after, with whatever it has.
    pub stop: CancellationToken,
    /// When the attempt is out of time; `carry_out` enforces it, a runner may use it for its own limits.
    pub deadline: tokio::time::Instant,
    /// The execution's cookies that the step sees, and those it adds.
    pub cookies: Mutex<Cookies>,
    /// What `prepare` answered.
    pub prepared: Option<Json>,
    /// Where the turn before left off.
    pub checkpoint: Option<Json>,
    /// When what an armed step waits for has acted.
    pub window_from: Option<Timestamp>,
    /// When the execution started.
    pub execution_started_at: Timestamp,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// From the execution's seed, the step, the instance and the attempt.
    pub seed: u64,
    /// How long a step that waits keeps its place, and how long it rests then.
    pub turn: Turn,
    /// The scope of bare expressions (`match`): what the job's scope holds, opened.
    pub scope: Arc<Map<String, Json>>,
}

/// One turn of an attempt that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// It gives its place back when it has waited for this long, if it can be written down.
    pub look: Duration,
    /// The pause that it asks for then, unless what it waits for is decided sooner.
    pub rest: Duration,
}

impl Default for Turn {
    /// Where a place costs nothing.
    fn default() -> Self {
        Self { look: Duration::from_secs(25), rest: Duration::ZERO }
    }
}

/// The cookies of an execution within one attempt; all values opened.
#[derive(Debug, Clone, Default)]
pub struct Cookies {
    /// What the step's transitive needs have left, oldest first: `(Set-Cookie line, url, when)`.
    pub seen: Vec<(String, String, Timestamp)>,
    /// What this attempt adds, in order.
    pub added: Vec<(String, String, Timestamp)>,
}

/// Reads files beside the flow.
#[async_trait]
pub trait Files: Send + Sync {
    /// The bytes of the file with this name in `with`.
    async fn read(&self, name: &str) -> Result<Bytes, StepError>;
}

/// Takes artifacts and large outputs.
#[async_trait]
pub trait Artifacts: Send + Sync {
    /// Stores a file that people may open later. `name` is a file name, never a path.
    async fn put(&self, name: &str, media_type: &str, bytes: Bytes) -> Result<Artifact, StepError>;
    /// Stores evidence that is too large for a record.
    async fn put_evidence(&self, name: &str, bytes: Bytes) -> Result<BlobRef, StepError>;
}

/// Is told how an attempt goes while it goes on.
pub trait Progress: Send + Sync {
    /// A line for people. Lines that come too fast are dropped.
    fn note(&self, line: &str);
}

/// Nobody watches.
impl Progress for () {
    fn note(&self, _line: &str) {}
}

/// Opens and seals what only a step function may see.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The values of these secrets, by name; one that has no value is missing from the answer.
    async fn reveal(&self, names: &[String]) -> Result<BTreeMap<String, String>, StepError>;
    /// Seals a JSON text for the organization.
    async fn seal(&self, text: &str) -> Result<String, StepError>;
    /// Opens what `seal` made.
    async fn open(&self, sealed: &str) -> Result<String, StepError>;
}

/// The wall clock.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Why a step could not find out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct StepError {
    /// What may be done about it.
    pub class: StepErrorClass,
    /// A stable code, the type's name before the dot: `http.refused`.
    pub code: &'static str,
    /// A lowercase fragment: what, where, what to do.
    pub message: String,
}

/// What may be done about a [`StepError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepErrorClass {
    /// The target could not be reached.
    Connect,
    /// Out of time.
    Timeout,
    /// Stopped on request.
    Stopped,
    /// The target or the network did something that another attempt may not see.
    Retry,
    /// Another attempt will see the same.
    Permanent,
    /// Our own fault.
    Bug,
}

impl StepError {
    /// An error with everything said.
    pub fn new(class: StepErrorClass, code: &'static str, message: impl Into<String>) -> Self {
        Self { class, code, message: message.into() }
    }

    /// Our own fault.
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(StepErrorClass::Bug, "step.bug", message)
    }

    /// What the step was given is wrong in itself, whatever its target does: looking again cannot help.
    #[must_use]
    pub fn is_of_the_config(&self) -> bool {
        self.class == StepErrorClass::Permanent && (self.code == "step.config" || self.code.ends_with(".request"))
    }

    /// The error as a job's result carries it.
    #[must_use]
    pub fn into_job_error(self) -> JobError {
        let class = match self.class {
            StepErrorClass::Connect => ErrorClass::Connect,
            StepErrorClass::Timeout => ErrorClass::Timeout,
            _ => ErrorClass::Error,
        };
        JobError { class, code: self.code.to_owned(), message: self.message }
    }
}
