//! Why a command ends without having done its work.

use assay_app::plans::PlanError;
use assay_app::ports::PortError;
use assay_app::usecases::{ExecutionError, StartError};

/// Why a command ends.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// The flow or the command is wrong: exit code 2.
    #[error("{0}")]
    Wrong(String),
    /// It could not be done: exit code 3.
    #[error("failed to {what}")]
    Fault {
        /// A fragment that reads after "failed to".
        what: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl CommandError {
    /// The flow or the command is wrong.
    pub(crate) fn wrong(message: impl Into<String>) -> Self {
        Self::Wrong(message.into())
    }

    /// Something could not be done. `what` reads after "failed to".
    pub(crate) fn fault(what: impl Into<String>, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Fault { what: what.into(), source: source.into() }
    }

    /// The exit code that it ends with.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Wrong(_) => 2,
            Self::Fault { .. } => 3,
        }
    }

    /// The error with its causes, for people.
    pub(crate) fn text(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        text
    }
}

impl From<ExecutionError> for CommandError {
    fn from(error: ExecutionError) -> Self {
        match error {
            ExecutionError::Port(error) => error.into(),
            ExecutionError::Unknown(id) => Self::Wrong(format!("there is no execution {id}")),
            ExecutionError::Ended { id, status } => Self::Wrong(format!("{id} has ended already: {}", status.word())),
            ExecutionError::NotKept { id } => Self::Wrong(format!(
                "{id} holds nothing back: it was not started with --keep, or its `finally` has begun; \
                 assay cancel {id} stops it"
            )),
            ExecutionError::Plan(error) => Self::fault("read the flow again", error),
        }
    }
}

impl From<StartError> for CommandError {
    fn from(error: StartError) -> Self {
        let problems = error.problems();
        match error {
            StartError::Port(error) => error.into(),
            StartError::Earlier(error) => error.into(),
            _ => Self::Wrong(problems.join("\n")),
        }
    }
}

impl From<PlanError> for CommandError {
    fn from(error: PlanError) -> Self {
        Self::fault("read the flow again", error)
    }
}

impl From<PortError> for CommandError {
    fn from(error: PortError) -> Self {
        let what = error.message.clone();
        match error.source {
            Some(source) => Self::Fault { what, source },
            None => Self::Fault { what, source: "no further cause is known".into() },
        }
    }
}
