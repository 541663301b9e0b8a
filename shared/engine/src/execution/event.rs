//! What happens to an execution, and what must happen because of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::parts::{Part, PartId};
use super::state::Head;
use crate::id::ExecutionId;
use crate::job::{Captured, Fence, Job, JobError, JobResult, Mask};
use crate::record::Record;
use crate::status::ExecutionStatus;

/// Something that happened. Step events carry the fence of the attempt they speak of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Event {
    /// Admission gave the execution a slot.
    Admitted {
        /// Jobs it may have in flight, sub-flows included.
        width: u32,
    },
    /// A worker has claimed the attempt.
    StepStarted {
        /// Which attempt.
        fence: Fence,
    },
    /// `prepare` has answered (or a collector has subscribed).
    StepPrepared {
        /// Which attempt.
        fence: Fence,
        /// Handed to `run`.
        state: Json,
        /// Handed to `undo`; none: nothing to take back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undo: Option<Json>,
    },
    /// The attempt gives its place back and goes on later.
    StepContinued {
        /// Which attempt and turn.
        fence: Fence,
        /// Handed to the next turn.
        checkpoint: Json,
        /// The pause before it, in milliseconds.
        after_ms: u64,
        /// When the attempt is out of time.
        deadline: Timestamp,
    },
    /// The attempt has ended.
    StepFinished {
        /// Which attempt.
        fence: Fence,
        /// What came of it.
        result: Box<JobResult>,
    },
    /// An undo has ended.
    StepUndone {
        /// Which undo.
        fence: Fence,
        /// Why it could not be taken back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<JobError>,
    },
    /// The claim's lease is over without a result, or the job could never be delivered.
    WorkerLost {
        /// Which attempt.
        fence: Fence,
        /// What is known of it.
        reason: String,
    },
    /// A timer is due.
    TimerFired {
        /// Which.
        token: Token,
    },
    /// The child of a `flow` step has its verdict.
    ChildFinished {
        /// The attempt that started it.
        fence: Fence,
        /// The child.
        child: ExecutionId,
        /// Its verdict.
        status: ExecutionStatus,
        /// All captures of its main steps, by `step.capture`'s last part; later steps win.
        captures: BTreeMap<String, Captured>,
        /// Why, in one line, when it did not pass.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A signal for a `wait` step.
    SignalReceived {
        /// The same signal sent twice has the same id.
        id: String,
        /// The signal's name.
        name: String,
        /// What it carries.
        payload: Json,
        /// Who sent it.
        by: String,
    },
    /// Somebody wants it to end.
    CancelRequested {
        /// Who, or why.
        by: String,
        /// Without `finally`.
        forced: bool,
    },
    /// Somebody wants `finally` not to be held back any longer.
    FinishRequested {
        /// Who.
        by: String,
        /// The rerun that goes on from here and cleans up in its place.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        left_to: Option<ExecutionId>,
    },
}

impl Event {
    /// The fence, of step events.
    #[must_use]
    pub fn fence(&self) -> Option<&Fence> {
        match self {
            Self::StepStarted { fence }
            | Self::StepPrepared { fence, .. }
            | Self::StepContinued { fence, .. }
            | Self::StepFinished { fence, .. }
            | Self::StepUndone { fence, .. }
            | Self::WorkerLost { fence, .. }
            | Self::ChildFinished { fence, .. } => Some(fence),
            _ => None,
        }
    }
}

/// What a timer is for. A token that no longer stands in the head is ignored.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Token {
    /// `queueTimeout` is over.
    Queue,
    /// `timeout` is over.
    Execution,
    /// Running attempts had time enough to answer the stop.
    StopGrace,
    /// `finallyTimeout` is over.
    Finally,
    /// `finally` was held back for long enough.
    Keep,
    /// The pause before an attempt, a turn, or the end of a `delay` or `wait`.
    Step {
        /// Which attempt.
        fence: Fence,
    },
}

/// Something that must be done after the transition is saved. Doing it twice does no harm.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Put the job on its queue.
    Dispatch {
        /// The attempt to carry out.
        job: Box<Job>,
    },
    /// Send [`Event::TimerFired`] at or after this instant.
    ArmTimer {
        /// Which.
        token: Token,
        /// When.
        at: Timestamp,
    },
    /// Start the child of a `flow` step; when it has ended already, tell its result again.
    StartChild {
        /// What to start.
        child: Box<ChildStart>,
    },
    /// Tell the worker that holds this attempt to stop; one that claims it later stops at once.
    Stop {
        /// Which attempt.
        fence: Fence,
    },
    /// Cancel the child.
    StopChild {
        /// Which.
        child: ExecutionId,
        /// Without its `finally`.
        forced: bool,
    },
    /// Hand the run job to the collector that holds the fence's claim.
    Proceed {
        /// The job that the collector goes on with.
        job: Box<Job>,
    },
    /// The execution has its verdict: free its slot, tell its parent.
    Finish {
        /// The verdict.
        status: ExecutionStatus,
    },
}

/// A child execution to start.
#[derive(Debug, Clone, PartialEq)]
pub struct ChildStart {
    /// Its id, derived from parent, step, instance and attempt.
    pub id: ExecutionId,
    /// The attempt that starts it.
    pub fence: Fence,
    /// The flow's path in the same flow version.
    pub main: String,
    /// Its inputs.
    pub inputs: BTreeMap<String, Captured>,
    /// What its jobs mask beside its own secrets.
    pub mask: Mask,
    /// Places that the parent lends it.
    pub width: u32,
    /// 1 for a child of a top-level execution.
    pub depth: u32,
    /// A rerun goes on from this earlier child.
    pub rerun_of: Option<ExecutionId>,
    /// Also when that one's own `finally` has cleaned up.
    pub after_finally: bool,
}

/// What an event did.
#[derive(Debug, Clone, PartialEq)]
pub enum Transition {
    /// The state has changed.
    Applied(Box<Change>),
    /// Nothing changed.
    Ignored(Ignored),
    /// These parts must be loaded first; then apply the event again.
    Missing(Vec<PartId>),
}

/// Why an event was ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ignored {
    /// It speaks of an attempt, timer or phase that is over.
    Stale,
    /// It says what is known.
    Duplicate,
}

/// A change to save by compare-and-set, and what to do after it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Change {
    /// The new head; its `unsent` names the effects.
    pub head: Option<Head>,
    /// The parts that changed, whole.
    pub parts: BTreeMap<PartId, Part>,
    /// The records, numbered.
    pub records: Vec<Record>,
    /// What to do once that is saved, in order.
    pub effects: Vec<Effect>,
}

impl Change {
    /// This change and one that was made after it, as one.
    #[must_use]
    pub fn merge(mut self, later: Self) -> Self {
        self.head = later.head.or(self.head);
        self.parts.extend(later.parts);
        self.records.extend(later.records);
        self.effects.extend(later.effects);
        self
    }
}
