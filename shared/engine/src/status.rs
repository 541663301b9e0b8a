//! What can be said of a step and of an execution.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a step or an instance stands, as users see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum StepStatus {
    /// What it needs has not ended.
    Pending,
    /// It may act, and waits for a place, an arm or a timer.
    Ready,
    /// An attempt is under way.
    Running,
    /// Every assertion held.
    Passed,
    /// An assertion did not hold: a result.
    Failed,
    /// It could not be found out.
    Errored,
    /// It did not run: blocked, by its own condition, or an empty list.
    Skipped,
    /// It was stopped by a cancel.
    Cancelled,
    /// An attempt was out of time.
    TimedOut,
}

impl StepStatus {
    /// Whether nothing more will happen to the step.
    #[must_use]
    pub fn ended(self) -> bool {
        !matches!(self, Self::Pending | Self::Ready | Self::Running)
    }

    /// The word as users write and read it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Errored => "errored",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timedOut",
        }
    }
}

/// Why a step was skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SkipReason {
    /// A need is not satisfied; satisfies nothing itself.
    Blocked,
    /// Its own condition is false.
    Condition,
    /// Its `foreach` list is empty.
    Empty,
    /// A `finally` step names a value that was never captured.
    MissingValue,
    /// It was not asked for: `--only` or `--until` named others.
    LeftOut,
    /// A `finally` step that is left to the rerun which goes on from here.
    HandedOver,
}

/// The state of an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ExecutionStatus {
    /// Accepted; not admitted yet.
    Queued,
    /// Admitted; see [`Phase`].
    Running,
    /// Every main step that counts passed.
    Passed,
    /// An assertion did not hold.
    Failed,
    /// Something could not be found out.
    Errored,
    /// Stopped by a cancel before the main steps ended.
    Cancelled,
    /// The execution's own `timeout` or `queueTimeout` was over.
    TimedOut,
}

impl ExecutionStatus {
    /// Whether the execution has its verdict.
    #[must_use]
    pub fn ended(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    /// The exit code of a command that ran this one execution.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Queued | Self::Running | Self::Errored => 3,
            Self::Cancelled => 4,
            Self::TimedOut => 5,
        }
    }

    /// The word as users read it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Errored => "errored",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timedOut",
        }
    }
}

/// The exit code of a command that ran several flows: the worst, in the order 2 3 5 1 4 0.
#[must_use]
pub fn worst_exit_code(codes: impl IntoIterator<Item = u8>) -> u8 {
    let rank = |code: &u8| [0, 4, 1, 5, 3, 2].iter().position(|c| c == code).unwrap_or(6);
    codes.into_iter().max_by_key(rank).unwrap_or(0)
}

/// What a running execution is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// The main steps run.
    Main,
    /// A stop was asked for; running attempts have not all answered.
    Stopping,
    /// The main steps have ended, and `finally` is held back: `--keep`.
    Kept,
    /// Undos and `finally` steps run.
    Finally,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_exit_code_follows_its_own_order() {
        assert_eq!(worst_exit_code([0, 4]), 4);
        assert_eq!(worst_exit_code([4, 1]), 1);
        assert_eq!(worst_exit_code([1, 5]), 5);
        assert_eq!(worst_exit_code([5, 3]), 3);
        assert_eq!(worst_exit_code([3, 2, 0]), 2);
        assert_eq!(worst_exit_code([]), 0);
    }
}
