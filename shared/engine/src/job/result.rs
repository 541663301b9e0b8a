//! What is answered: the verdict of an attempt, with why.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::captured::Captured;
use super::evidence::{Artifact, Evidence, LookSummary};
use super::order::Cookie;

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
