//! Why a wait cannot go on.

use crate::contract::{StepError, StepErrorClass};

/// Why a wait cannot go on; what did not come is no error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpectError {
    /// An expression is none.
    #[error("{key}: `{text}` is no expression: {why}")]
    Invalid {
        /// The key of `with`.
        key: &'static str,
        /// The text.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// An expression does more work for one message than it may.
    #[error("{key}: `{text}` does more work for one message than its budget allows")]
    Budget {
        /// The key of `with`.
        key: &'static str,
        /// The text.
        text: String,
    },
    /// The messages that are kept have become too large.
    #[error("the collected messages take more than {limit} bytes: lower `collect`, or match fewer")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// `distinctBy` has seen too many different values.
    #[error("`distinctBy` has more than {limit} different values: match fewer messages")]
    TooManyDistinct {
        /// The limit.
        limit: usize,
    },
    /// What the turn before has left cannot be read.
    #[error("what the turn before has left cannot be read: {0}")]
    Checkpoint(String),
}

impl ExpectError {
    /// The error of a step; `too_large` is the type's own code for what grew too large.
    #[must_use]
    pub fn into_step_error(self, too_large: &'static str) -> StepError {
        let (class, code) = match &self {
            Self::Invalid { .. } => (StepErrorClass::Permanent, "expression.invalid"),
            Self::Budget { .. } => (StepErrorClass::Permanent, "expression.budget"),
            Self::TooLarge { .. } | Self::TooManyDistinct { .. } => (StepErrorClass::Permanent, too_large),
            Self::Checkpoint(_) => (StepErrorClass::Bug, "step.bug"),
        };
        StepError::new(class, code, self.to_string())
    }
}
