//! Why a use case does nothing.

use assay_engine::execution::{Refusal, RerunRefusal};
use assay_engine::id::ExecutionId;
use assay_engine::status::ExecutionStatus;

use crate::plans::{FlowFault, PlanError};
use crate::ports::PortError;

/// Why an execution does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The flow does not compile.
    #[error("compile the flow")]
    Flow(#[from] FlowFault),
    /// The inputs do not fit.
    #[error("start the flow with these inputs")]
    Refused(#[from] Refusal),
    /// The earlier execution cannot be gone on from.
    #[error(transparent)]
    Rerun(#[from] RerunRefusal),
    /// It is the sub-flow of another execution.
    #[error("{id} is a sub-flow of {parent}: rerun that one")]
    SubFlow {
        /// Which.
        id: ExecutionId,
        /// Whose.
        parent: ExecutionId,
    },
    /// The flow has no main step with this id.
    #[error("`{flow}` has no step `{step}`; steps: {known}")]
    NoStep {
        /// The flow.
        flow: String,
        /// What was asked for.
        step: String,
        /// What there is.
        known: String,
    },
    /// Nothing would run.
    #[error("nothing of {0} is left to run: every step has passed, and nothing has changed")]
    NothingLeft(ExecutionId),
    /// It was kept, and somebody else has let go of it meanwhile.
    #[error("{id} was {how} meanwhile")]
    NotHandedOver {
        /// Which.
        id: ExecutionId,
        /// What became of it.
        how: String,
    },
    /// The start key was used for another flow version.
    #[error("start: the key was used for {0}, which runs another flow version")]
    KeyReused(ExecutionId),
    /// No such earlier execution, or it cannot be read.
    #[error(transparent)]
    Earlier(#[from] ExecutionError),
    /// The store or the queue did not answer. Starting again with the same key is safe.
    #[error("start the execution")]
    Port(#[from] PortError),
}

impl StartError {
    /// What people must read, a line each; empty for faults that are not theirs.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        match self {
            Self::Flow(fault) => fault.problems.clone(),
            Self::Refused(refusal) => refusal.problems.clone(),
            Self::Rerun(_)
            | Self::SubFlow { .. }
            | Self::NoStep { .. }
            | Self::NothingLeft(_)
            | Self::NotHandedOver { .. }
            | Self::KeyReused(_)
            | Self::Earlier(ExecutionError::Unknown(_) | ExecutionError::Plan(_)) => vec![self.to_string()],
            Self::Earlier(_) | Self::Port(_) => Vec::new(),
        }
    }
}

/// Why nothing can be done with an execution.
#[derive(Debug, thiserror::Error)]
pub enum ExecutionError {
    /// There is none with this id.
    #[error("find execution {0}")]
    Unknown(ExecutionId),
    /// It has its verdict.
    #[error("change {id}: it has ended, {}", status.word())]
    Ended {
        /// Which.
        id: ExecutionId,
        /// Its verdict.
        status: ExecutionStatus,
    },
    /// Nothing of it is held back.
    #[error("finish {id}: it was not started with --keep, or its `finally` has begun")]
    NotKept {
        /// Which.
        id: ExecutionId,
    },
    /// Its flow cannot be read any more.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The store or the queue did not answer.
    #[error("reach the store")]
    Port(#[from] PortError),
}
