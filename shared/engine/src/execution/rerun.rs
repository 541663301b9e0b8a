//! Rerun from failed: what an earlier execution has done, and a new one need not do again.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::draft::{At, Draft, Draw, Missing};
use super::machine::Execution;
use super::parts::{CarriedInstance, Part, PartId, StepState, Values};
use super::standing::Standing;
use crate::id::ExecutionId;
use crate::job::Captured;
use crate::plan::{Plan, StepKind};
use crate::record::{Place, What};
use crate::status::{Phase, StepStatus};

/// What a rerun carries over; see [`plan_rerun`].
#[derive(Debug, Clone, PartialEq)]
pub struct Carried {
    /// The earlier execution.
    pub of: ExecutionId,
    /// The attempt of the execution, the earlier one's and one more.
    pub attempt: u32,
    /// The earlier one's seed, so that `uuid()` and `fake.*` stay.
    pub seed: u64,
    /// The earlier one's vars.
    pub vars: BTreeMap<String, Captured>,
    /// The steps that need not run again, by index in the new plan.
    pub steps: BTreeMap<usize, StepState>,
    /// Their values and instances that lie apart, by their new part.
    pub values: BTreeMap<PartId, Part>,
    /// Instances of steps that run again, by place: carried when their `with` is still the same.
    pub instances: BTreeMap<String, CarriedInstance>,
    /// Earlier children from which `flow` steps that run again go on, by place.
    pub children: BTreeMap<String, ExecutionId>,
    /// Of the carried steps, those that have left cookies.
    pub cookie_steps: Vec<u32>,
    /// What had passed and runs again all the same, and why.
    pub not_carried: Vec<NotCarried>,
}

/// A step that had passed and runs again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotCarried {
    /// Its id.
    pub step: String,
    /// Why.
    pub why: String,
}

/// What the user wants of a rerun.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RerunOptions {
    /// Also after `finally` has cleaned up what the carried steps made.
    pub after_finally: bool,
    /// Steps that run again whatever they came to.
    pub steps: BTreeSet<String>,
}

/// Decides what a new execution of `plan` with these inputs carries over from an earlier, ended one, which must be
/// loaded whole.
///
/// # Errors
/// With a sentence for people when the earlier execution cannot be gone on from.
pub fn plan_rerun(
    earlier_plan: &Plan,
    earlier: &Execution,
    plan: &Plan,
    inputs: &BTreeMap<String, Captured>,
    options: &RerunOptions,
) -> Result<Carried, String> {
    let head = &earlier.head;
    if !head.status.ended() {
        return Err(format!("{} is still {}: cancel it first, or resume it", head.id, head.status.word()));
    }
    let cleaned = head.steps[earlier_plan.main_steps..].contains(&Standing::Passed);
    if cleaned && !options.after_finally {
        return Err(format!(
            "`finally` of {} has already cleaned up what its steps had made; --after-finally reruns it all the same",
            head.id
        ));
    }
    let fault = |Missing(_): Missing| "the earlier execution is not loaded whole".to_owned();
    let old = Draft::new(earlier_plan, earlier, head.now);
    let mut carried = Carried {
        of: head.id.clone(),
        attempt: head.attempt + 1,
        seed: head.seed,
        vars: old.start().map_err(fault)?.vars.clone(),
        steps: BTreeMap::new(),
        values: BTreeMap::new(),
        instances: BTreeMap::new(),
        children: BTreeMap::new(),
        cookie_steps: Vec::new(),
        not_carried: Vec::new(),
    };
    let mut trial = Trial::new(plan, earlier, inputs, &carried);
    for step in order_of_needs(plan) {
        trial.consider(&old, step, options, &mut carried).map_err(fault)?;
    }
    Ok(carried)
}

/// Main steps, each after everything it needs.
fn order_of_needs(plan: &Plan) -> Vec<usize> {
    let mut order: Vec<usize> = (0..plan.main_steps).collect();
    order.sort_by_key(|step| plan.steps[*step].transitive.len());
    order
}

/// A new execution in the making, in which `with` is rendered to see whether it is still the same.
struct Trial<'a> {
    plan: &'a Plan,
    execution: Execution,
}

impl<'a> Trial<'a> {
    fn new(plan: &'a Plan, earlier: &Execution, inputs: &BTreeMap<String, Captured>, carried: &Carried) -> Self {
        let mut head = earlier.head.clone();
        head.steps = vec![Standing::Pending; plan.steps.len()];
        head.phase = Phase::Main;
        head.undo.clear();
        let environment = plan.environment.clone();
        let mut all = inputs.clone();
        for input in &plan.inputs {
            let default = Captured::Clear(input.default.clone().unwrap_or_default());
            all.entry(input.name.clone()).or_insert(default);
        }
        let start = super::Start { inputs: all, vars: carried.vars.clone(), environment, ..Default::default() };
        let parts = BTreeMap::from([(PartId::Start, Part::Start(start))]);
        Self { plan, execution: Execution::restore(head, parts, BTreeSet::new()) }
    }

    fn consider(&mut self, old: &Draft<'_>, step: usize, options: &RerunOptions, carried: &mut Carried) -> Draw<()> {
        let new = &self.plan.steps[step];
        let Some(before) = old.plan.step_index(&new.id).filter(|index| *index < old.plan.main_steps) else {
            return Ok(());
        };
        let passed = old.standing(before) == Standing::Passed;
        let why = match self.reason(old, before, step, options)? {
            None if passed => return self.carry(old, before, step, carried),
            None => None,
            Some(why) => Some(why),
        };
        if let (true, Some(why)) = (passed, &why) {
            carried.not_carried.push(NotCarried { step: new.id.to_string(), why: why.clone() });
        }
        if why.is_none() {
            self.offer_instances(old, before, step, carried)?;
        }
        Ok(())
    }

    /// Why the step runs again although it had passed.
    fn reason(&self, old: &Draft<'_>, before: usize, step: usize, options: &RerunOptions) -> Draw<Option<String>> {
        let new = &self.plan.steps[step];
        if options.steps.contains(&*new.id) {
            return Ok(Some("asked for".into()));
        }
        if new.rerun_always {
            return Ok(Some("`rerun: always`".into()));
        }
        if let Some(need) = new.needs.iter().find(|need| self.execution.head.steps[**need] != Standing::Passed) {
            return Ok(Some(format!("it needs `{}`, which runs again", self.plan.steps[*need].id)));
        }
        if new.definition_hash != old.plan.steps[before].definition_hash {
            return Ok(Some("its definition has changed".into()));
        }
        if new.foreach.is_some() || old.plan.steps[before].foreach.is_some() {
            return self.list_changed(old, before, step);
        }
        let kept = old.instance(At::step(before))?;
        let rendered_at = kept.rendered_at.unwrap_or(old.now);
        Ok(match self.hash(At::step(step), rendered_at)? {
            Some(hash) if Some(&hash) == kept.with_hash.as_ref() => None,
            _ => Some("what it would send has changed".into()),
        })
    }

    fn list_changed(&self, old: &Draft<'_>, before: usize, step: usize) -> Draw<Option<String>> {
        let trial = Draft::new(self.plan, &self.execution, self.execution.head.now);
        let same = *trial.items(step)? == *old.items(before)?;
        Ok((!same).then(|| "its list has changed".into()))
    }

    fn hash(&self, at: At, rendered_at: Timestamp) -> Draw<Option<String>> {
        let mut draft = Draft::new(self.plan, &self.execution, rendered_at);
        draft.now = rendered_at;
        Ok(draft.rendered(at)?.ok().map(|rendered| rendered.hash))
    }

    fn carry(&mut self, old: &Draft<'_>, before: usize, step: usize, carried: &mut Carried) -> Draw<()> {
        let mut state = old.step(before)?.clone();
        state.carried.get_or_insert_with(|| carried.of.clone());
        let index = step as u32;
        if state.alone.apart {
            let values = old.values(At::step(before))?.clone();
            carried.values.insert(PartId::StepValues(index), Part::Values(values));
        }
        let blocks = state.foreach.as_ref().map_or(0, |expansion| expansion.count.div_ceil(super::BLOCK));
        for block in 0..blocks {
            let mut kept = Vec::new();
            for slot in 0..super::BLOCK {
                let instance = block * super::BLOCK + slot;
                let at = At { step: before, instance: Some(instance) };
                let one = old.instance(at)?.clone();
                if one.apart {
                    let values = Part::Values(old.values(at)?.clone());
                    carried.values.insert(PartId::InstanceValues(index, instance), values);
                }
                kept.push(one);
            }
            carried.values.insert(PartId::Block(index, block), Part::Block(kept));
        }
        if old.head.cookie_steps.contains(&(before as u32)) {
            carried.cookie_steps.push(index);
        }
        self.execution.head.steps[step] = Standing::Passed;
        self.execution.parts.insert(PartId::Step(index), Part::Step(state.clone()));
        self.execution.parts.extend(carried.values.clone());
        carried.steps.insert(step, state);
        Ok(())
    }

    /// The step runs again: instances that had passed, and children, may still be gone on from.
    fn offer_instances(&self, old: &Draft<'_>, before: usize, step: usize, carried: &mut Carried) -> Draw<()> {
        let new = &self.plan.steps[step];
        let flow = matches!(new.kind, StepKind::Flow { .. });
        let Some(expansion) = old.foreach(before)? else {
            if let (true, Some(child)) = (flow, old.instance(At::step(before))?.child.clone()) {
                carried.children.insert(new.id.to_string(), child);
            }
            return Ok(());
        };
        for instance in 0..expansion.count {
            let at = At { step: before, instance: Some(instance) };
            let one = old.instance(at)?;
            let place = Place { step: new.id.to_string(), instance: Some(instance) }.to_string();
            match (one.ended, &one.with_hash, one.rendered_at) {
                (Some(Standing::Passed), Some(hash), Some(rendered_at)) => {
                    let (with_hash, values) = (hash.clone(), old.values(at)?.clone());
                    carried.instances.insert(place, CarriedInstance { with_hash, values, rendered_at });
                }
                _ => {
                    if let (true, Some(child)) = (flow, one.child.clone()) {
                        carried.children.insert(place, child);
                    }
                }
            }
        }
        Ok(())
    }
}

impl Draft<'_> {
    /// Says of each carried step that it was.
    pub(super) fn tell_carried(&mut self) -> Draw<()> {
        for step in 0..self.plan.main_steps {
            if self.standing(step) != Standing::Passed {
                continue;
            }
            let carried = self.step(step)?.carried.clone();
            self.carried_record(At::step(step), carried)?;
        }
        Ok(())
    }

    fn carried_record(&mut self, at: At, carried: Option<ExecutionId>) -> Draw<()> {
        let place = self.place(at);
        let attempts = self.instance(at)?.attempt;
        self.record(What::StepFinished {
            place,
            status: StepStatus::Passed,
            skipped: None,
            attempts,
            result: None,
            error: None,
            assertions: Vec::new(),
            duration_ms: 0,
            carried,
        });
        Ok(())
    }

    /// Carries an instance over, if it had passed and would send the same again.
    pub(super) fn carry_instance(&mut self, at: At) -> Draw<bool> {
        if at.instance.is_none() || self.head.rerun_of.is_none() {
            return Ok(false);
        }
        let place = self.place(at).to_string();
        let Some(offer) = self.start()?.carried_instances.get(&place).cloned() else { return Ok(false) };
        self.instance_mut(at)?.rendered_at = Some(offer.rendered_at);
        let same = self.rendered(at)?.is_ok_and(|rendered| rendered.hash == offer.with_hash);
        if !same {
            self.instance_mut(at)?.rendered_at = None;
            return Ok(false);
        }
        self.take_over(at, offer.values, offer.with_hash)?;
        Ok(true)
    }

    fn take_over(&mut self, at: At, values: Values, with_hash: String) -> Draw<()> {
        let bytes = serde_json::to_vec(&values).map_or(usize::MAX, |text| text.len());
        self.put_values(at, values, bytes)?;
        let now = self.now;
        let state = self.instance_mut(at)?;
        state.with_hash = Some(with_hash);
        state.ended = Some(Standing::Passed);
        state.ended_at = Some(now);
        let of = self.head.rerun_of.clone();
        self.carried_record(at, of)?;
        self.instance_ended(at, Standing::Passed)
    }
}
