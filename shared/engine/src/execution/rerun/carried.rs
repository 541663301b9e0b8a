//! What a rerun carries over.

use std::collections::BTreeMap;

use crate::execution::parts::{CarriedInstance, Part, PartId, StepState};
use crate::execution::standing::Standing;
use crate::id::ExecutionId;
use crate::job::Captured;

/// What a rerun carries over; see [`plan_rerun`](super::plan_rerun).
#[derive(Debug, Clone, PartialEq)]
pub struct Carried {
    /// The earlier execution.
    pub of: ExecutionId,
    /// The earlier one's seed, so that `uuid()` and `fake.*` stay.
    pub seed: u64,
    /// The vars: the earlier one's, but for [`Self::renewed`].
    pub vars: BTreeMap<String, Captured>,
    /// The steps that need not run again, by index in the new plan: passed ones, and those that are skipped again.
    pub steps: BTreeMap<usize, (Standing, StepState)>,
    /// Their values and instances that lie apart, by their new part.
    pub values: BTreeMap<PartId, Part>,
    /// Instances of steps that run again, by place: carried when their `with` is still the same.
    pub instances: BTreeMap<String, CarriedInstance>,
    /// Earlier children from which `flow` steps that run again go on, by place.
    pub children: BTreeMap<String, ExecutionId>,
    /// The children also when their own `finally` has cleaned up.
    pub after_finally: bool,
    /// Of the carried steps, those that have left cookies.
    pub cookie_steps: Vec<u32>,
    /// What had passed and runs again all the same, and why.
    pub not_carried: Vec<NotCarried>,
    /// Vars that could not be kept.
    pub renewed: Vec<RenewedVar>,
}

impl Carried {
    /// Whether anything of the earlier execution is used, beside its seed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.instances.is_empty() && self.children.is_empty()
    }
}

/// A step that had passed and runs again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotCarried {
    /// Its id.
    pub step: String,
    /// Why, as it reads after "because".
    pub why: String,
}

/// A var that is computed again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewedVar {
    /// Its name.
    pub name: String,
    /// Why, as it reads after "because".
    pub why: String,
}
