//! The job contract: one attempt (or one turn of it) to carry out a step, and what came of it.
//!
//! Both are versioned JSON with a published JSON Schema, so that a step type can be written in any language.
//! No secret value is ever in either: what names a secret is a template that the step function finishes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

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

/// A template that is finished in the step function, because it names a secret or a sealed value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LateTemplate {
    /// JSON pointer into `with`.
    pub at: String,
    /// The text with its `${...}`.
    pub template: String,
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

/// A value that an execution keeps: in clear, sealed by a step function because a secret's value occurs in it, or not
/// made yet because it names a secret.
///
/// As JSON a clear value is itself, unless it is an object with a key that begins with `$`: then it is
/// `{"$clear": value}`, so that no data from outside can pose as a sealed or deferred one.
#[derive(Debug, Clone, PartialEq)]
pub enum Captured {
    /// As it is.
    Clear(Json),
    /// What the secret box made of the JSON text `{"value", "secrets", "whole"}`: the value, the values of secrets that
    /// occur in it, whether all of it is one; as JSON `{"$sealed": text}`.
    Sealed(String),
    /// Not made yet, because it names a secret; as JSON an object with `$late`.
    Deferred(Box<Deferred>),
}

/// A value that a step function finishes: what could be rendered is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deferred {
    /// The value; null where a template of `late` belongs.
    #[serde(rename = "$value")]
    pub value: Json,
    /// The templates that name secrets, by JSON pointer into `value`.
    #[serde(rename = "$late")]
    pub late: Vec<LateTemplate>,
    /// What the templates name besides secrets, as in [`Job::scope`].
    #[serde(rename = "$scope", default, skip_serializing_if = "Map::is_empty")]
    pub scope: Map<String, Json>,
    /// Values of `scope` that only a step function makes or opens, as in [`Job::deferred`].
    #[serde(rename = "$deferred", default, skip_serializing_if = "Vec::is_empty")]
    pub deferred: Vec<ScopeValue>,
    /// The salt of `uuid()` and `fake.*`.
    #[serde(rename = "$salt")]
    pub salt: String,
    /// What `now()` is.
    #[serde(rename = "$now")]
    pub now: Timestamp,
}

impl Captured {
    /// Null: what a capture without an answer is.
    pub const NULL: Self = Self::Clear(Json::Null);

    /// The value, if everybody may see it.
    #[must_use]
    pub fn clear(&self) -> Option<&Json> {
        match self {
            Self::Clear(value) => Some(value),
            Self::Sealed(_) | Self::Deferred(_) => None,
        }
    }
}

impl Serialize for Captured {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let one = |to: S, key: &str, value: &dyn Fn(&mut S::SerializeMap) -> Result<(), S::Error>| {
            let mut map = to.serialize_map(Some(1))?;
            map.serialize_key(key)?;
            value(&mut map)?;
            map.end()
        };
        match self {
            Self::Clear(Json::Object(map)) if map.keys().any(|key| key.starts_with('$')) => {
                one(to, "$clear", &|out| out.serialize_value(map))
            }
            Self::Clear(value) => value.serialize(to),
            Self::Sealed(text) => one(to, "$sealed", &|out| out.serialize_value(text)),
            Self::Deferred(deferred) => deferred.serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Captured {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let value = Json::deserialize(from)?;
        let Json::Object(mut map) = value else { return Ok(Self::Clear(value)) };
        if map.contains_key("$late") {
            return serde_json::from_value(Json::Object(map)).map(Self::Deferred).map_err(D::Error::custom);
        }
        if map.len() != 1 {
            return Ok(Self::Clear(Json::Object(map)));
        }
        match (map.remove("$clear"), map.remove("$sealed")) {
            (Some(inner), _) => Ok(Self::Clear(inner)),
            (None, Some(Json::String(text))) => Ok(Self::Sealed(text)),
            (None, Some(_)) => Err(D::Error::custom("`$sealed` is not a string")),
            (None, None) => Ok(Self::Clear(Json::Object(map))),
        }
    }
}

impl JsonSchema for Captured {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Captured".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A value: itself; {\"$clear\": value} for an object with a key that begins with `$`; \
                            {\"$sealed\": base64}; or {\"$value\", \"$late\", \"$scope\", \"$deferred\", \"$salt\", \"$now\"}"
        })
    }
}

/// A value of a job's scope that only a step function makes or opens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScopeValue {
    /// JSON pointer into `scope`, where null stands.
    pub at: String,
    /// Sealed or deferred.
    pub value: Captured,
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

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobResult {
    /// What it came to.
    pub outcome: Outcome,
    /// What went wrong, unless it passed or only assertions failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<JobError>,
    /// The captures by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub captures: BTreeMap<String, Captured>,
    /// The hidden captures by path; null where the output has no such path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hidden: BTreeMap<String, Captured>,
    /// Every assertion, in the order of the job.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assertions: Vec<AssertionResult>,
    /// Captures that the output could not answer: each has failed, and says why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_captures: Vec<FailedCapture>,
    /// Positions in `retryOn` whose expression was true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retry_on: Vec<u32>,
    /// Cookies that the target set, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cookies: Vec<Cookie>,
    /// What the step looked at, masked; whole in the blob store when above 4 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// The looks, when the step looks more than once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks: Option<LookSummary>,
    /// Files that the step leaves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
    /// When the attempt was claimed.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
}

impl JobResult {
    /// A result of nothing but an error.
    #[must_use]
    pub fn errored(error: JobError, started_at: Timestamp, ended_at: Timestamp) -> Self {
        Self { error: Some(error), ..Self::of(Outcome::Errored, started_at, ended_at) }
    }

    /// A result that says nothing but its outcome.
    #[must_use]
    pub fn of(outcome: Outcome, started_at: Timestamp, ended_at: Timestamp) -> Self {
        Self {
            outcome,
            error: None,
            captures: BTreeMap::new(),
            hidden: BTreeMap::new(),
            assertions: Vec::new(),
            failed_captures: Vec::new(),
            retry_on: Vec::new(),
            cookies: Vec::new(),
            evidence: None,
            looks: None,
            artifacts: Vec::new(),
            started_at,
            ended_at,
        }
    }
}

/// What an attempt came to, before the engine decides about another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Every assertion held and every capture had its answer.
    Passed,
    /// An assertion or a capture failed.
    Failed,
    /// It could not be found out.
    Errored,
    /// Out of time.
    TimedOut,
    /// It answered a stop.
    Cancelled,
}

/// Why an attempt errored or was out of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobError {
    /// For `retry.on` and for machines.
    pub class: ErrorClass,
    /// A stable code: `http.refused`, `http.tls`, `expression.budget` ...
    pub code: String,
    /// For people: what, where, what to do; masked.
    pub message: String,
}

/// Classes of errors that `retry.on` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ErrorClass {
    /// The target could not be reached: also an `error` for `retry.on`.
    Connect,
    /// Out of time.
    Timeout,
    /// The worker is gone; it may have acted. Never matched by `error`.
    Lost,
    /// Everything else.
    Error,
}

/// One evaluated assertion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AssertionResult {
    /// The expression.
    pub that: String,
    /// Whether it held.
    pub passed: bool,
    /// What it means, as the flow says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Failing does not block dependents.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub soft: bool,
    /// Why the output could not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The values of the expression's parts; only when it failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

/// A part of an expression and its value, masked and bounded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// The part's text.
    pub text: String,
    /// Its value; missing when it was not evaluated or had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Json>,
    /// Why it has no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A capture that the output could not answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailedCapture {
    /// The capture's name.
    pub name: String,
    /// Its expression.
    pub value: String,
    /// Why there is no answer.
    pub reason: String,
}

/// What a step looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// `note` (what people read first) and `sent`, where there are such, then the output's fields; or the first 4 KiB of
    /// that JSON text as a string, when `blob` is given. `{"notStored": reason}` when it could not be stored.
    pub preview: Json,
    /// Where the whole lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<BlobRef>,
}

/// Something in the blob store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlobRef {
    /// The blob's key.
    pub key: String,
    /// Its bytes.
    pub size: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// A file that a step leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// A file name, never a path.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Where it lies.
    #[serde(flatten)]
    pub blob: BlobRef,
}

/// What is kept of the looks: first, last, each change, the count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LookSummary {
    /// How many there were.
    pub count: u32,
    /// The first, each that differs from the one before, and the last; at most 20.
    pub kept: Vec<Look>,
}

/// One look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Look {
    /// From 1.
    pub number: u32,
    /// When.
    pub at: Timestamp,
    /// `passed`, `failed` or `errored`.
    pub outcome: Outcome,
    /// The first failed assertion with its values, or the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn data_from_outside_cannot_pose_as_sealed_or_deferred() {
        for hostile in [json!({"$sealed": "x"}), json!({"$late": []}), json!({"$clear": 1})] {
            let stored = serde_json::to_value(Captured::Clear(hostile.clone())).unwrap();
            assert_eq!(serde_json::from_value::<Captured>(stored).unwrap(), Captured::Clear(hostile));
        }
    }

    #[test]
    fn sealed_and_deferred_values_survive_storing() {
        let scope = Map::from_iter([("vars".to_owned(), json!({"x": 1, "y": null}))]);
        let deferred = vec![ScopeValue { at: "/vars/y".into(), value: Captured::Sealed("abc".into()) }];
        let late = vec![LateTemplate { at: "/k".into(), template: "${secrets.A}".into() }];
        let (salt, now) = ("vars/x".to_owned(), Timestamp::UNIX_EPOCH);
        let value = json!({"k": null});
        let deferred = Captured::Deferred(Box::new(Deferred { value, late, scope, deferred, salt, now }));
        for value in [Captured::Sealed("abc".into()), deferred, Captured::NULL] {
            let stored = serde_json::to_value(&value).unwrap();
            assert_eq!(serde_json::from_value::<Captured>(stored).unwrap(), value);
        }
    }
}
