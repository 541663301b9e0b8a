//! Deciding what is carried over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::carried::Carried;
use super::trial::Trial;
use super::vars;
use crate::execution::draft::{Draft, Missing};
use crate::execution::machine::Execution;
use crate::execution::parts::StepState;
use crate::execution::standing::Standing;
use crate::id::ExecutionId;
use crate::job::Captured;
use crate::plan::Plan;
use crate::status::{ExecutionStatus, Phase, StepStatus};

/// The execution that is gone on from. It must be loaded whole.
#[derive(Clone, Copy)]
pub struct Earlier<'a> {
    /// What it ran.
    pub plan: &'a Plan,
    /// Its state.
    pub execution: &'a Execution,
}

/// The execution to be.
#[derive(Clone, Copy)]
pub struct Later<'a> {
    /// What it will run.
    pub plan: &'a Plan,
    /// Its id: a step that sends it sends something else than before.
    pub id: &'a ExecutionId,
    /// The inputs that it is given.
    pub inputs: &'a BTreeMap<String, Captured>,
    /// Now.
    pub now: Timestamp,
}

/// What the user wants of a rerun.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RerunOptions {
    /// Also after `finally` has cleaned up what the carried steps made.
    #[serde(default)]
    pub after_finally: bool,
    /// Steps that run again whatever they came to.
    #[serde(default)]
    pub steps: BTreeSet<String>,
}

/// Why an execution cannot be gone on from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RerunRefusal {
    /// It has no verdict yet.
    #[error("{id} is still {}: cancel it first, or resume it", status.word())]
    Unfinished {
        /// Which.
        id: ExecutionId,
        /// Where it stands.
        status: ExecutionStatus,
    },
    /// Its `finally` ran.
    #[error(
        "`finally` of {id} has already cleaned up what its steps had made; --after-finally goes on all the same, and \
             --keep holds it back next time"
    )]
    CleanedUp {
        /// Which.
        id: ExecutionId,
    },
    /// A var that must be computed again cannot be.
    #[error("vars.{name}: {why}")]
    Var {
        /// The var.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// Parts of its state are missing.
    #[error("{id} is not loaded whole")]
    Incomplete {
        /// Which.
        id: ExecutionId,
    },
}

/// Decides what the later execution carries over from the earlier one, which has ended or is kept.
///
/// # Errors
/// When the earlier execution cannot be gone on from.
pub fn plan_rerun(earlier: Earlier<'_>, later: Later<'_>, options: &RerunOptions) -> Result<Carried, RerunRefusal> {
    let head = &earlier.execution.head;
    if !head.status.ended() && head.phase != Phase::Kept {
        return Err(RerunRefusal::Unfinished { id: head.id.clone(), status: head.status });
    }
    let incomplete = |Missing(_): Missing| RerunRefusal::Incomplete { id: head.id.clone() };
    let mut forced: BTreeMap<usize, Arc<str>> = BTreeMap::new();
    // To listen again is to act again: what a step was armed for runs again with it, and then what needs that.
    let carried = loop {
        let carried = attempt(earlier, later, options, &forced)?;
        let Some((target, listener)) = deaf(later.plan, &carried) else { break carried };
        forced.insert(target, listener);
    };
    let cleaned = cleaned_up(earlier).map_err(incomplete)?;
    if cleaned && !options.after_finally && !carried.is_empty() {
        return Err(RerunRefusal::CleanedUp { id: head.id.clone() });
    }
    Ok(carried)
}

fn attempt(
    earlier: Earlier<'_>,
    later: Later<'_>,
    options: &RerunOptions,
    forced: &BTreeMap<usize, Arc<str>>,
) -> Result<Carried, RerunRefusal> {
    let head = &earlier.execution.head;
    let incomplete = |Missing(_): Missing| RerunRefusal::Incomplete { id: head.id.clone() };
    let old = Draft::new(earlier.plan, earlier.execution, head.now);
    let mut trial = Trial::new(earlier.execution, later);
    let (vars, renewed) =
        vars::kept(&old, &mut trial).map_err(incomplete)?.map_err(|(name, why)| RerunRefusal::Var { name, why })?;
    let mut carried = Carried {
        of: head.id.clone(),
        seed: head.seed,
        vars,
        steps: BTreeMap::new(),
        values: BTreeMap::new(),
        instances: BTreeMap::new(),
        children: BTreeMap::new(),
        after_finally: options.after_finally,
        cookie_steps: Vec::new(),
        not_carried: Vec::new(),
        renewed,
    };
    for step in order_of_needs(later.plan) {
        trial.consider(&old, step, options, forced, &mut carried).map_err(incomplete)?;
    }
    carried.not_carried.sort_by_key(|one| later.plan.step_index(&one.step));
    Ok(carried)
}

/// Main steps, each after everything it needs.
fn order_of_needs(plan: &Plan) -> Vec<usize> {
    let mut order: Vec<usize> = (0..plan.main_steps).collect();
    order.sort_by_key(|step| plan.steps[*step].transitive.len());
    order
}

/// A carried step for which a step that is not carried would have to be armed, and that one.
fn deaf(plan: &Plan, carried: &Carried) -> Option<(usize, Arc<str>)> {
    let runs_again = |step: &usize| !carried.steps.contains_key(step);
    carried.steps.iter().filter(|(_, (standing, _))| *standing == Standing::Passed).find_map(|(target, _)| {
        let listener = plan.steps[*target].arms.iter().find(|arm| runs_again(arm))?;
        Some((*target, plan.steps[*listener].id.clone()))
    })
}

/// Whether a step of `finally` has acted.
fn cleaned_up(earlier: Earlier<'_>) -> Result<bool, Missing> {
    let (plan, head) = (earlier.plan, &earlier.execution.head);
    let old = Draft::new(plan, earlier.execution, head.now);
    let attempts =
        |state: &StepState| state.alone.attempt > 0 || state.foreach.as_ref().is_some_and(|all| all.next > 0);
    for step in plan.main_steps..plan.steps.len().min(head.steps.len()) {
        let status = head.steps[step].status();
        let ran = !matches!(status, StepStatus::Skipped | StepStatus::Pending | StepStatus::Ready);
        if ran && attempts(old.step(step)?) {
            return Ok(true);
        }
    }
    Ok(false)
}
