//! Where a step stands.

use serde::{Deserialize, Serialize};

use crate::status::{SkipReason, StepStatus};

/// A step's status with what its dependents must know; one letter in the stored form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Standing {
    /// What it needs has not ended.
    Pending,
    /// It may act, and waits for a place or an arm.
    Ready,
    /// Attempts or instances are under way.
    Running,
    /// Passed.
    Passed,
    /// Failed.
    Failed,
    /// Failed, only in soft assertions: satisfies needs.
    FailedSoftly,
    /// Errored.
    Errored,
    /// Out of time.
    TimedOut,
    /// Stopped.
    Cancelled,
    /// A need is not satisfied.
    Blocked,
    /// Its condition is false: satisfies needs.
    SkippedByCondition,
    /// Its list is empty: satisfies needs.
    SkippedEmpty,
    /// A `finally` step that names a value never captured.
    SkippedMissingValue,
    /// It was not asked for.
    LeftOut,
    /// A `finally` step that is left to a rerun.
    HandedOver,
}

impl Standing {
    const LETTERS: [(Self, &'static str); 15] = [
        (Self::Pending, "."),
        (Self::Ready, "r"),
        (Self::Running, "u"),
        (Self::Passed, "P"),
        (Self::Failed, "F"),
        (Self::FailedSoftly, "f"),
        (Self::Errored, "E"),
        (Self::TimedOut, "T"),
        (Self::Cancelled, "C"),
        (Self::Blocked, "B"),
        (Self::SkippedByCondition, "S"),
        (Self::SkippedEmpty, "0"),
        (Self::SkippedMissingValue, "M"),
        (Self::LeftOut, "L"),
        (Self::HandedOver, "H"),
    ];

    /// As users see it.
    #[must_use]
    pub fn status(self) -> StepStatus {
        match self {
            Self::Pending => StepStatus::Pending,
            Self::Ready => StepStatus::Ready,
            Self::Running => StepStatus::Running,
            Self::Passed => StepStatus::Passed,
            Self::Failed | Self::FailedSoftly => StepStatus::Failed,
            Self::Errored => StepStatus::Errored,
            Self::TimedOut => StepStatus::TimedOut,
            Self::Cancelled => StepStatus::Cancelled,
            _ => StepStatus::Skipped,
        }
    }

    /// Why it was skipped, if it was.
    #[must_use]
    pub fn skipped(self) -> Option<SkipReason> {
        match self {
            Self::Blocked => Some(SkipReason::Blocked),
            Self::SkippedByCondition => Some(SkipReason::Condition),
            Self::SkippedEmpty => Some(SkipReason::Empty),
            Self::SkippedMissingValue => Some(SkipReason::MissingValue),
            Self::LeftOut => Some(SkipReason::LeftOut),
            Self::HandedOver => Some(SkipReason::HandedOver),
            _ => None,
        }
    }

    /// Whether nothing more will happen to the step.
    #[must_use]
    pub fn ended(self) -> bool {
        self.status().ended()
    }
}

impl Serialize for Standing {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let letter = Self::LETTERS.iter().find(|(standing, _)| standing == self).map_or(".", |(_, letter)| letter);
        to.serialize_str(letter)
    }
}

impl<'de> Deserialize<'de> for Standing {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let known = Self::LETTERS.iter().find(|(_, letter)| *letter == text);
        known.map(|(standing, _)| *standing).ok_or_else(|| serde::de::Error::custom(format!("no standing `{text}`")))
    }
}
