//! Running an execution again: all of it, or from where it failed.

use std::collections::BTreeMap;
use std::sync::Arc;

use assay_engine::bundle::Bundle;
use assay_engine::execution::{
    Carried, Earlier, Execution, Later, NotCarried, Part, PartId, RenewedVar, RerunOptions, RerunRefusal, plan_rerun,
};
use assay_engine::id::ExecutionId;
use assay_engine::job::Captured;
use assay_engine::plan::{Plan, StepKind};
use assay_engine::record::RerunHow;
use assay_engine::status::Phase;
use serde::{Deserialize, Serialize};

use super::{ExecutionError, Executions, StartError};

/// The earlier execution to repeat or to go on from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RerunOf {
    /// Which; its inputs hold unless others are given.
    pub execution: ExecutionId,
    /// In which way.
    pub how: RerunHow,
    /// The attempt of the new execution; none: the earlier one's and one more.
    pub attempt: Option<u32>,
    /// Of [`RerunHow::FromFailed`]: what the user wants of it.
    pub options: RerunOptions,
}

/// What a rerun from failed would do; nothing has happened yet.
#[derive(Debug, Clone, PartialEq)]
pub struct RerunPlan {
    /// Steps that are carried over, passed or skipped again, in the order of the text.
    pub carried: Vec<String>,
    /// Main steps that run, or are decided about again, in the order of the text.
    pub runs: Vec<String>,
    /// Of these, the ones that had passed, and why they are not carried over.
    pub not_carried: Vec<NotCarried>,
    /// Instances of steps that run again, which are carried over when they would send the same.
    pub instances: usize,
    /// Vars that are computed again, and why.
    pub renewed: Vec<RenewedVar>,
    /// Sub-flows that are gone on from, or begun anew.
    pub children: Vec<ChildRerun>,
    /// The earlier execution is kept: its `finally` is left to the new one.
    pub kept: bool,
}

/// What a rerun would do with a sub-flow.
#[derive(Debug, Clone, PartialEq)]
pub struct ChildRerun {
    /// The `flow` step or its instance.
    pub place: String,
    /// The earlier child.
    pub of: ExecutionId,
    /// Its steps that are carried over, as far as it can be told before it has its inputs; none: it begins anew, since
    /// its own `finally` has cleaned up.
    pub carried: Option<Vec<String>>,
}

/// What an execution begins with.
pub(super) struct GoneOn {
    pub(super) attempt: u32,
    pub(super) inputs: BTreeMap<String, Captured>,
    pub(super) carried: Option<Carried>,
}

/// The earlier execution, whole.
struct Known {
    plan: Arc<Plan>,
    execution: Execution,
}

impl Executions {
    /// Says what going on from an earlier execution as `id` would carry over and what not, and starts nothing.
    ///
    /// # Errors
    /// When the earlier execution cannot be gone on from, or nothing would run.
    pub async fn plan_rerun(
        &self,
        rerun: &RerunOf,
        id: &ExecutionId,
        bundle: &Bundle,
        given: &BTreeMap<String, Captured>,
    ) -> Result<RerunPlan, StartError> {
        let plan = self.platform.plans.compile(bundle, &bundle.main)?;
        let known = self.known(rerun, &plan).await?;
        let inputs = inputs_of(&known, &plan, given);
        let carried = self.carried(&known, rerun, id, &plan, &inputs).await?;
        let ids = |wanted: bool| {
            let steps = (0..plan.main_steps).filter(|step| carried.steps.contains_key(step) == wanted);
            steps.map(|step| plan.steps[step].id.to_string()).collect::<Vec<_>>()
        };
        Ok(RerunPlan {
            carried: ids(true),
            runs: ids(false),
            instances: carried.instances.len(),
            children: self.children_of(&plan, &carried).await?,
            kept: known.execution.head().phase == Phase::Kept && !known.execution.head().status.ended(),
            not_carried: carried.not_carried,
            renewed: carried.renewed,
        })
    }

    /// What the execution `id` begins with. A kept execution is handed over to it.
    pub(super) async fn go_on_from(
        &self,
        rerun: &RerunOf,
        id: &ExecutionId,
        plan: &Plan,
        given: &BTreeMap<String, Captured>,
    ) -> Result<GoneOn, StartError> {
        let mut known = self.known(rerun, plan).await?;
        let inputs = inputs_of(&known, plan, given);
        let carried = match rerun.how {
            RerunHow::Whole | RerunHow::Retry => None,
            RerunHow::FromFailed => {
                let carried = self.carried(&known, rerun, id, plan, &inputs).await?;
                if known.execution.head().status.ended() {
                    Some(carried)
                } else {
                    self.hand_over(&rerun.execution, id).await?;
                    known = self.known(rerun, plan).await?;
                    Some(self.carried(&known, rerun, id, plan, &inputs).await?)
                }
            }
        };
        let attempt = rerun.attempt.unwrap_or(known.execution.head().attempt + 1);
        Ok(GoneOn { attempt, inputs, carried })
    }

    async fn known(&self, rerun: &RerunOf, plan: &Plan) -> Result<Known, StartError> {
        let known = self.earlier(&rerun.execution).await?;
        if let Some(parent) = &known.execution.head().parent {
            let (id, parent) = (rerun.execution.clone(), parent.execution.clone());
            return Err(StartError::SubFlow { id, parent });
        }
        for step in &rerun.options.steps {
            if plan.step_index(step).is_none_or(|index| index >= plan.main_steps) {
                let known: Vec<&str> = plan.steps[..plan.main_steps].iter().map(|step| &*step.id).collect();
                let (flow, step, known) = (plan.name.clone(), step.clone(), known.join(", "));
                return Err(StartError::NoStep { flow, step, known });
            }
        }
        Ok(known)
    }

    async fn earlier(&self, id: &ExecutionId) -> Result<Known, ExecutionError> {
        let store = &*self.platform.store;
        let loaded = store.load_whole(id).await?.ok_or_else(|| ExecutionError::Unknown(id.clone()))?;
        let plan = self.platform.plans.get(store, &loaded.head.flow_version, &loaded.head.main).await?;
        Ok(Known { plan, execution: Execution::restore(loaded.head, loaded.parts, loaded.absent) })
    }

    async fn carried(
        &self,
        known: &Known,
        rerun: &RerunOf,
        id: &ExecutionId,
        plan: &Plan,
        inputs: &BTreeMap<String, Captured>,
    ) -> Result<Carried, StartError> {
        let earlier = Earlier { plan: &known.plan, execution: &known.execution };
        let later = Later { plan, id, inputs, now: self.platform.now().await? };
        let carried = plan_rerun(earlier, later, &rerun.options)?;
        if carried.steps.len() == plan.main_steps {
            return Err(StartError::NothingLeft(rerun.execution.clone()));
        }
        Ok(carried)
    }

    async fn children_of(&self, plan: &Plan, carried: &Carried) -> Result<Vec<ChildRerun>, StartError> {
        let mut children = Vec::new();
        for (place, earlier) in &carried.children {
            let step = place.split('[').next().and_then(|id| plan.step_index(id)).map(|index| &plan.steps[index].kind);
            let Some(StepKind::Flow { plan, .. }) = step else { continue };
            let known = match self.earlier(earlier).await {
                Ok(known) => known,
                // It was pruned, or never created: the sub-flow begins anew.
                Err(ExecutionError::Unknown(_) | ExecutionError::Plan(_)) => continue,
                Err(error) => return Err(error.into()),
            };
            let inputs = known.inputs();
            let later = Later { plan, id: earlier, inputs: &inputs, now: self.platform.now().await? };
            let options = RerunOptions { after_finally: carried.after_finally, ..RerunOptions::default() };
            let steps = match plan_rerun(known.as_earlier(), later, &options) {
                Ok(own) => Some(own.steps.keys().map(|step| plan.steps[*step].id.to_string()).collect()),
                Err(RerunRefusal::CleanedUp { .. }) => None,
                Err(_) => continue,
            };
            children.push(ChildRerun { place: place.clone(), of: earlier.clone(), carried: steps });
        }
        Ok(children)
    }
}

impl Known {
    fn as_earlier(&self) -> Earlier<'_> {
        Earlier { plan: &self.plan, execution: &self.execution }
    }

    fn inputs(&self) -> BTreeMap<String, Captured> {
        match self.execution.stored().1.get(&PartId::Start) {
            Some(Part::Start(start)) => start.inputs.clone(),
            _ => BTreeMap::new(),
        }
    }
}

/// The inputs that were given to the earlier execution, and those that are given now. One that only had its default
/// takes the default that there is now.
fn inputs_of(known: &Known, plan: &Plan, given: &BTreeMap<String, Captured>) -> BTreeMap<String, Captured> {
    let mut inputs = known.inputs();
    inputs.retain(|name, value| {
        let default =
            known.plan.inputs.iter().find(|input| input.name == *name).and_then(|input| input.default.as_ref());
        let chosen = !matches!((&*value, default), (Captured::Clear(value), Some(default)) if value == default);
        // An input that the flow does not have any more is nobody's; null stands for one that was not given.
        chosen && *value != Captured::NULL && plan.inputs.iter().any(|input| input.name == *name)
    });
    inputs.extend(given.clone());
    inputs
}
