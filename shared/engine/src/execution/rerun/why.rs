//! Why a step that had passed runs again.

use std::fmt;
use std::sync::Arc;

/// A reason, as it reads after "because".
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why {
    Asked,
    Always,
    ListenedFor(Arc<str>),
    TakenBack,
    Need(Arc<str>),
    Condition,
    Hidden(String),
    Definition,
    List,
    With,
}

impl Why {
    /// Whether what the step did one by one (instances, steps of its sub-flow) may still hold.
    pub(super) fn leaves_parts(&self) -> bool {
        matches!(self, Self::List | Self::With)
    }

    /// Whether steps of its sub-flow may still hold: each is compared for itself.
    pub(super) fn leaves_child(&self) -> bool {
        matches!(self, Self::List | Self::With | Self::Definition | Self::Hidden(_))
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked => f.write_str("it was asked for"),
            Self::Always => f.write_str("it says `rerun: always`"),
            Self::ListenedFor(step) => write!(f, "`{step}`, which listens from before it, runs again"),
            Self::TakenBack => f.write_str("what it had done was taken back"),
            Self::Need(step) => write!(f, "it needs `{step}`, which runs again"),
            Self::Condition => f.write_str("its condition does not hold any more"),
            Self::Hidden(path) => write!(f, "`output.{path}` is used now and was not kept"),
            Self::Definition => f.write_str("its definition has changed"),
            Self::List => f.write_str("its list has changed"),
            Self::With => f.write_str("what it would send has changed"),
        }
    }
}
