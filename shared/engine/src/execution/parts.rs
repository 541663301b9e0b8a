//! The parts of an execution's state: what a transition reads and writes only when it must.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::standing::Standing;
use crate::id::ExecutionId;
use crate::job::{Captured, Cookie, JobPhase, Mask};

/// Instances in one part.
pub const BLOCK: u32 = 10;

/// The name of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PartId {
    /// Inputs, vars and what else is known at the start.
    Start,
    /// One step.
    Step(u32),
    /// Ten instances of a step.
    Block(u32, u32),
    /// Values of a step that are too large for its part.
    StepValues(u32),
    /// Values of an instance that are too large for its part.
    InstanceValues(u32, u32),
    /// Signals that nobody has waited for yet.
    Signals,
}

impl fmt::Display for PartId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("start"),
            Self::Step(step) => write!(f, "s/{step}"),
            Self::Block(step, block) => write!(f, "i/{step}/{block}"),
            Self::StepValues(step) => write!(f, "v/{step}"),
            Self::InstanceValues(step, instance) => write!(f, "w/{step}/{instance}"),
            Self::Signals => f.write_str("signals"),
        }
    }
}

/// A text that names no part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no part of an execution")]
pub struct PartIdError(String);

impl FromStr for PartId {
    type Err = PartIdError;
    fn from_str(text: &str) -> Result<Self, PartIdError> {
        let fault = || PartIdError(text.to_owned());
        let mut words = text.split('/');
        let kind = words.next().unwrap_or_default();
        let numbers: Vec<u32> = words.map(str::parse).collect::<Result<_, _>>().map_err(|_| fault())?;
        match (kind, numbers.as_slice()) {
            ("start", []) => Ok(Self::Start),
            ("signals", []) => Ok(Self::Signals),
            ("s", [step]) => Ok(Self::Step(*step)),
            ("i", [step, block]) => Ok(Self::Block(*step, *block)),
            ("v", [step]) => Ok(Self::StepValues(*step)),
            ("w", [step, instance]) => Ok(Self::InstanceValues(*step, *instance)),
            _ => Err(fault()),
        }
    }
}

/// A part of the state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::large_enum_variant, reason = "nearly every part is a step")]
pub enum Part {
    /// See [`PartId::Start`].
    Start(Start),
    /// See [`PartId::Step`].
    Step(StepState),
    /// See [`PartId::Block`].
    Block(Vec<InstanceState>),
    /// See [`PartId::StepValues`] and [`PartId::InstanceValues`].
    Values(Values),
    /// See [`PartId::Signals`].
    Signals(Vec<Signal>),
}

/// What is known at the start and does not change.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Start {
    /// The inputs, with defaults; at most 256 KiB with `vars`.
    pub inputs: BTreeMap<String, Captured>,
    /// The vars, computed once; those that name a secret are missing here and stay templates.
    pub vars: BTreeMap<String, Captured>,
    /// Of a sub-flow: what its jobs mask beside its own secrets.
    #[serde(default, skip_serializing_if = "Mask::is_empty")]
    pub mask: Mask,
    /// Labels of the flow and of the command.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// The environment's name.
    #[serde(default)]
    pub environment: Option<String>,
    /// Steps whose earlier children a rerun goes on from, by place.
    #[serde(default)]
    pub children: BTreeMap<String, ExecutionId>,
    /// These children are gone on from also after their own `finally` has cleaned up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub after_finally: bool,
    /// Instances that a rerun carried over, by place, with what they are checked against when they come up.
    #[serde(default)]
    pub carried_instances: BTreeMap<String, CarriedInstance>,
}

/// An instance that a rerun may carry over when its rendered `with` is still the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CarriedInstance {
    /// The hash of its rendered `with`.
    pub with_hash: String,
    /// Its values.
    pub values: Values,
    /// When it was rendered.
    pub rendered_at: Timestamp,
}

/// The state of one step, beside its [`Standing`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepState {
    /// Of a step without `foreach`: its attempts and values.
    #[serde(default)]
    pub alone: InstanceState,
    /// Of a `foreach` step: its instances, counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreach: Option<Expansion>,
    /// Carried over from this execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried: Option<ExecutionId>,
}

/// The instances of a `foreach` step, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Expansion {
    /// How many there are.
    pub count: u32,
    /// The index of the next one to start.
    pub next: u32,
    /// Started and not ended.
    pub active: u32,
    /// Ended.
    pub ended: u32,
    /// The worst so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst: Option<Standing>,
    /// When the list was made: what `now()` in it was.
    pub at: Option<Timestamp>,
}

/// Attempts and values of a step or an instance.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceState {
    /// How it ended, of an instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Standing>,
    /// What is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<Active>,
    /// Attempts so far.
    #[serde(default)]
    pub attempt: u32,
    /// Of these, attempts beyond `maxAttempts` because a worker was lost.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub extra: u32,
    /// When the first attempt began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When `with` was rendered: what `now()` in it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rendered_at: Option<Timestamp>,
    /// When the last attempt ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Hash of the rendered `with`, for a rerun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_hash: Option<String>,
    /// The child of a `flow` step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child: Option<ExecutionId>,
    /// The values, unless they lie apart.
    #[serde(default, skip_serializing_if = "Values::is_empty")]
    pub values: Values,
    /// The values lie in a part of their own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub apart: bool,
    /// What `prepare` answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepared: Option<Json>,
    /// What to take back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Json>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// An attempt that is under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Active {
    /// What it is for.
    pub phase: JobPhase,
    /// The turn.
    pub turn: u32,
    /// How far it is.
    pub state: ActiveState,
    /// May it be repeated when its worker is lost?
    #[serde(default)]
    pub repeatable: bool,
    /// When the attempt is out of time, from its second turn on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// Where the turn before left off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Json>,
    /// Places it holds.
    pub places: u32,
    /// A stop was sent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopping: bool,
}

/// How far an attempt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ActiveState {
    /// The job is on its queue.
    Dispatched,
    /// A worker has claimed it.
    Claimed,
    /// A collector has subscribed and keeps what it sees.
    Collecting,
    /// It waits for the pause before the next attempt.
    RetryPause,
    /// It waits for the pause before the next turn.
    TurnPause,
    /// A `delay` or a `wait`.
    Waiting,
    /// A child runs.
    Child,
}

/// The values that a step or an instance has left.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Values {
    /// By name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub captures: BTreeMap<String, Captured>,
    /// By path below the output.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hidden: BTreeMap<String, Captured>,
    /// Cookies that the target set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cookies: Vec<Cookie>,
}

impl Values {
    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.captures.is_empty() && self.hidden.is_empty() && self.cookies.is_empty()
    }
}

/// A signal that came before anybody waited for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// The same signal sent twice has the same id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it carries; null once it was used.
    pub payload: Json,
    /// Who sent it.
    pub by: String,
    /// A `wait` has taken it.
    #[serde(default)]
    pub used: bool,
}
