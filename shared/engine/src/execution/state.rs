//! The state of an execution: a small head, and parts that a transition reads and writes only when it must.
//!
//! A part is the state of one step, of ten instances, or of the values of one step or instance when they are
//! large; so what a transition writes does not grow with the execution.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::event::Token;
use super::standing::Standing;
use crate::id::{ExecutionId, FlowVersionId, OrganizationId, ProjectId};
use crate::job::Fence;
use crate::status::{ExecutionStatus, Phase};

/// The format that this code writes; it reads this one and those before it.
pub const FORMAT: u32 = 1;

/// What every transition reads and writes; under 16 KiB.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// [`FORMAT`].
    pub format: u32,
    /// The execution.
    pub id: ExecutionId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The project within the organization.
    pub project: ProjectId,
    /// The flow version that runs.
    pub flow_version: FlowVersionId,
    /// The flow's path within the version.
    pub main: String,
    /// The flow's name.
    pub flow: String,
    /// Whose `flow` step this is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// 0, or how many parents are above.
    #[serde(default)]
    pub depth: u32,
    /// From 1; a rerun counts on.
    pub attempt: u32,
    /// The execution that a rerun repeats or goes on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun_of: Option<ExecutionId>,
    /// How long `finally` is held back when the main steps have ended, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_ms: Option<u64>,
    /// The rerun that `finally` was left to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_to: Option<ExecutionId>,
    /// Where it stands.
    pub status: ExecutionStatus,
    /// What it is doing.
    pub phase: Phase,
    /// From which `uuid()` and `fake.*` derive.
    pub seed: u64,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it was admitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it had its verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The latest instant seen; it never goes back.
    pub now: Timestamp,
    /// Jobs it may have in flight.
    pub width: u32,
    /// Places in use.
    pub in_flight: u32,
    /// Applied transitions; bounded.
    pub transitions: u64,
    /// The number of the last record.
    pub last_seq: u64,
    /// Each step's standing, main steps first.
    pub steps: Vec<Standing>,
    /// A stop that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stop>,
    /// Timers that are armed, soonest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timers: Vec<Timer>,
    /// Effects of the last save that nobody is known to have performed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsent: Vec<Unsent>,
    /// What must be taken back, in the order it was done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undo: Vec<UndoEntry>,
    /// Steps that have left cookies, by index, in that order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cookie_steps: Vec<u32>,
    /// There is a [`PartId::Signals`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub signals: bool,
    /// The worst of the undos: something was not taken back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undo_failed: bool,
    /// `foreach` instances so far.
    #[serde(default)]
    pub instances: u32,
    /// Bytes of captures so far.
    #[serde(default)]
    pub capture_bytes: u64,
    /// Why, when no step says so: an engine fault, a refused start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Head {
    /// It has made more transitions than a flow of its size can need: something answers itself, again and again.
    #[must_use]
    pub fn goes_in_circles(&self) -> bool {
        super::limits::goes_in_circles(self.transitions, self.steps.len(), self.instances)
    }

    /// When somebody must look at the execution again, if nothing happens before.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        self.timers.first().map(|timer| timer.at)
    }
}

/// The `flow` step that started an execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// The parent execution.
    pub execution: ExecutionId,
    /// Its attempt.
    pub fence: Fence,
}

/// Why an execution stops before its main steps have ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Cancelled, or TimedOut for the execution's own `timeout`; Errored for an engine limit.
    pub verdict: ExecutionStatus,
    /// Who asked, or which limit.
    pub by: String,
    /// Without `finally`.
    pub forced: bool,
    /// Whether it came before the main steps had ended, and so makes the verdict.
    pub wins: bool,
}

/// An armed timer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Timer {
    /// When it is due.
    pub at: Timestamp,
    /// What it is for.
    pub token: Token,
}

/// An effect that was saved; it is made again from the state when it must be sent again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "unsent", rename_all = "camelCase")]
pub enum Unsent {
    /// The job of this fence.
    Dispatch {
        /// Which attempt.
        fence: Fence,
    },
    /// The child of this fence.
    StartChild {
        /// Which attempt.
        fence: Fence,
    },
    /// A stop for this fence.
    Stop {
        /// Which attempt.
        fence: Fence,
    },
    /// A cancel for the child of this fence.
    StopChild {
        /// Which attempt.
        fence: Fence,
        /// Without its `finally`.
        forced: bool,
    },
    /// The collector of this fence may go on.
    Proceed {
        /// Which attempt.
        fence: Fence,
    },
    /// The verdict.
    Finish,
}

/// Something to take back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoEntry {
    /// The step's index.
    pub step: u32,
    /// The instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<u32>,
    /// Tries so far.
    #[serde(default)]
    pub attempt: u32,
}
