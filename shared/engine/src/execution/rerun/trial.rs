//! A new execution in the making, in which `with` is rendered to see whether it is still the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::carried::{Carried, NotCarried};
use super::plan::{Later, RerunOptions};
use super::why::Why;
use crate::execution::BLOCK;
use crate::execution::draft::{At, Draft, Draw};
use crate::execution::machine::Execution;
use crate::execution::parts::{CarriedInstance, Part, PartId, Start, StepState};
use crate::execution::standing::Standing;
use crate::job::Captured;
use crate::plan::{Plan, StepKind};
use crate::record::Place;
use crate::status::{ExecutionStatus, Phase};

pub(super) struct Trial<'a> {
    pub(super) plan: &'a Plan,
    execution: Execution,
    now: Timestamp,
}

impl<'a> Trial<'a> {
    pub(super) fn new(earlier: &Execution, later: Later<'a>) -> Self {
        let plan = later.plan;
        let mut head = earlier.head.clone();
        head.id = later.id.clone();
        head.flow_version = plan.version.clone();
        head.flow = plan.name.clone();
        head.attempt += 1;
        head.steps = vec![Standing::Pending; plan.steps.len()];
        head.status = ExecutionStatus::Running;
        head.phase = Phase::Main;
        head.stop = None;
        head.signals = false;
        head.undo.clear();
        head.now = later.now;
        head.started_at = Some(later.now);
        let mut inputs = later.inputs.clone();
        for input in &plan.inputs {
            let default = Captured::Clear(input.default.clone().unwrap_or_default());
            inputs.entry(input.name.clone()).or_insert(default);
        }
        let start = Start { inputs, environment: plan.environment.clone(), ..Start::default() };
        let parts = BTreeMap::from([(PartId::Start, Part::Start(start))]);
        Self { plan, execution: Execution::restore(head, parts, BTreeSet::new()), now: later.now }
    }

    pub(super) fn draft(&self) -> Draft<'_> {
        Draft::new(self.plan, &self.execution, self.now)
    }

    pub(super) fn start(&self) -> &Start {
        match self.execution.parts.get(&PartId::Start) {
            Some(Part::Start(start)) => start,
            _ => &self.execution.no_start,
        }
    }

    pub(super) fn start_mut(&mut self) -> &mut Start {
        match self.execution.parts.entry(PartId::Start).or_insert_with(|| Part::Start(Start::default())) {
            Part::Start(start) => start,
            _ => &mut self.execution.no_start,
        }
    }

    /// Carries a step over, or says why not.
    pub(super) fn consider(
        &mut self,
        old: &Draft<'_>,
        step: usize,
        options: &RerunOptions,
        forced: &BTreeMap<usize, Arc<str>>,
        carried: &mut Carried,
    ) -> Draw<()> {
        let new = &self.plan.steps[step];
        let Some(before) = old.plan.step_index(&new.id).filter(|index| *index < old.plan.main_steps) else {
            return Ok(());
        };
        let was = old.standing(before);
        let why = match forced.get(&step) {
            Some(listener) => Some(Why::ListenedFor(listener.clone())),
            None => self.reason(old, before, step, options)?,
        };
        match (was, &why) {
            (Standing::SkippedByCondition | Standing::SkippedEmpty, None) => {
                if self.decided(step)? == was {
                    self.settle(step, was, StepState::default(), carried);
                }
                return Ok(());
            }
            (Standing::Passed, None) => return self.carry(old, before, step, carried),
            (Standing::Passed, Some(why)) => {
                carried.not_carried.push(NotCarried { step: new.id.to_string(), why: why.to_string() });
            }
            _ => {}
        }
        self.offer(old, before, step, why.as_ref(), carried)
    }

    /// Why the step would run again although it had passed.
    fn reason(&self, old: &Draft<'_>, before: usize, step: usize, options: &RerunOptions) -> Draw<Option<Why>> {
        let (new, earlier) = (&self.plan.steps[step], &old.plan.steps[before]);
        if options.steps.contains(&*new.id) {
            return Ok(Some(Why::Asked));
        }
        if new.rerun_always {
            return Ok(Some(Why::Always));
        }
        let settled = |need: &usize| {
            use Standing::{Passed, SkippedByCondition, SkippedEmpty};
            matches!(self.execution.head.steps[*need], Passed | SkippedByCondition | SkippedEmpty)
        };
        if let Some(need) = new.needs.iter().find(|need| !settled(need)) {
            return Ok(Some(Why::Need(self.plan.steps[*need].id.clone())));
        }
        let was = old.standing(before);
        let skipped = matches!(was, Standing::SkippedByCondition | Standing::SkippedEmpty);
        // Of these nothing is compared: they are decided again, or run again whole.
        let parts = new.foreach.is_some() || matches!(new.kind, StepKind::Flow { .. });
        if skipped || (was != Standing::Passed && !parts) {
            return Ok(None);
        }
        if new.definition_hash != earlier.definition_hash {
            return Ok(Some(Why::Definition));
        }
        if let Some(path) = new.hidden.iter().find(|path| !earlier.hidden.contains(path)) {
            return Ok(Some(Why::Hidden(path.clone())));
        }
        if let StepKind::Job { spec } = &new.kind
            && spec.prepares()
            && new.arm_before.is_none()
        {
            return Ok(Some(Why::TakenBack));
        }
        match self.decided(step)? {
            Standing::Ready => {}
            Standing::SkippedEmpty => return Ok(Some(Why::List)),
            _ => return Ok(Some(Why::Condition)),
        }
        if new.foreach.is_some() {
            return self.instances_changed(old, before, step);
        }
        Ok((!self.sends_the_same(old, At::step(before), At::step(step))?).then_some(Why::With))
    }

    /// What becomes of the step once its needs have ended, as far as it can be told before it runs.
    fn decided(&self, step: usize) -> Draw<Standing> {
        let mut draft = self.draft();
        draft.decide(step)?;
        let standing = draft.standing(step);
        if standing == Standing::Ready && self.plan.steps[step].foreach.is_some() {
            let empty = draft.make_items(step)?.is_ok_and(|items| items.is_empty());
            return Ok(if empty { Standing::SkippedEmpty } else { standing });
        }
        Ok(standing)
    }

    fn instances_changed(&self, old: &Draft<'_>, before: usize, step: usize) -> Draw<Option<Why>> {
        let count = old.foreach(before)?.map_or(0, |expansion| expansion.count);
        if *self.draft().items(step)? != *old.items(before)? {
            return Ok(Some(Why::List));
        }
        for instance in (0..count).map(Some) {
            if !self.sends_the_same(old, At { step: before, instance }, At { step, instance })? {
                return Ok(Some(Why::With));
            }
        }
        Ok(None)
    }

    fn sends_the_same(&self, old: &Draft<'_>, before: At, at: At) -> Draw<bool> {
        let kept = old.instance(before)?;
        let mut draft = self.draft();
        draft.now = kept.rendered_at.unwrap_or(old.now);
        let rendered = draft.rendered(at)?;
        Ok(rendered.is_ok_and(|rendered| kept.with_hash.as_ref() == Some(&rendered.hash)))
    }

    fn carry(&mut self, old: &Draft<'_>, before: usize, step: usize, carried: &mut Carried) -> Draw<()> {
        let state = old.step(before)?.clone();
        let index = step as u32;
        if state.alone.apart {
            let values = old.values(At::step(before))?.clone();
            carried.values.insert(PartId::StepValues(index), Part::Values(values));
        }
        let count = state.foreach.as_ref().map_or(0, |expansion| expansion.count);
        for block in 0..count.div_ceil(BLOCK) {
            let mut kept = Vec::new();
            for instance in block * BLOCK..((block + 1) * BLOCK).min(count) {
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
        self.execution.parts.extend(carried.values.clone());
        self.settle(step, Standing::Passed, state, carried);
        Ok(())
    }

    /// The step stands as it stood; where it really ran is said through any number of reruns.
    fn settle(&mut self, step: usize, standing: Standing, mut state: StepState, carried: &mut Carried) {
        state.carried.get_or_insert_with(|| carried.of.clone());
        self.execution.head.steps[step] = standing;
        self.execution.parts.insert(PartId::Step(step as u32), Part::Step(state.clone()));
        carried.steps.insert(step, (standing, state));
    }

    /// The step runs again: instances that had passed, and children, may still be gone on from.
    fn offer(&self, old: &Draft<'_>, before: usize, step: usize, why: Option<&Why>, carried: &mut Carried) -> Draw<()> {
        let new = &self.plan.steps[step];
        let child = matches!(new.kind, StepKind::Flow { .. }) && why.is_none_or(Why::leaves_child);
        let parts = new.foreach.is_some() && why.is_none_or(Why::leaves_parts);
        if !child && !parts {
            return Ok(());
        }
        let Some(expansion) = old.foreach(before)? else {
            if let (true, Some(earlier)) = (child, old.instance(At::step(before))?.child.clone()) {
                carried.children.insert(new.id.to_string(), earlier);
            }
            return Ok(());
        };
        let (items, were) = (self.draft().make_items(step)?.unwrap_or_default(), old.items(before)?);
        for instance in (0..expansion.count).filter(|index| items.get(*index as usize) == were.get(*index as usize)) {
            let at = At { step: before, instance: Some(instance) };
            let one = old.instance(at)?;
            let place = Place { step: new.id.to_string(), instance: Some(instance) }.to_string();
            match (one.ended, &one.with_hash, one.rendered_at) {
                (Some(Standing::Passed), Some(hash), Some(rendered_at)) if parts => {
                    let (with_hash, values) = (hash.clone(), old.values(at)?.clone());
                    carried.instances.insert(place.clone(), CarriedInstance { with_hash, values, rendered_at });
                }
                _ => {}
            }
            if let (true, Some(earlier)) = (child, one.child.clone()) {
                carried.children.insert(place, earlier);
            }
        }
        Ok(())
    }
}
