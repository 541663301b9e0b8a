//! The working copy of a transition: nothing touches the execution until the whole transition is known.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::Execution;
use super::event::{Change, Effect, Token};
use super::parts::{Active, BLOCK, Expansion, InstanceState, Part, PartId, Signal, Start, StepState, Values};
use super::standing::Standing;
use super::state::{Head, Timer, Unsent};
use crate::job::{Fence, JobPhase};
use crate::plan::{Plan, Step};
use crate::record::{Place, Record, What};
use crate::status::Phase;

/// Parts that must be loaded before a transition can be made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Missing(pub(super) BTreeSet<PartId>);

/// What a step of a transition comes to, unless parts are missing.
pub(super) type Draw<T> = Result<T, Missing>;

/// A step or an instance of it, by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At {
    pub(super) step: usize,
    pub(super) instance: Option<u32>,
}

impl At {
    pub(super) fn step(step: usize) -> Self {
        Self { step, instance: None }
    }
}

pub(super) struct Draft<'a> {
    pub(super) plan: &'a Plan,
    pub(super) base: &'a Execution,
    pub(super) head: Head,
    pub(super) changed: BTreeMap<PartId, Part>,
    pub(super) records: Vec<Record>,
    pub(super) effects: Vec<Effect>,
    pub(super) now: Timestamp,
}

impl<'a> Draft<'a> {
    pub(super) fn new(plan: &'a Plan, base: &'a Execution, now: Timestamp) -> Self {
        let mut head = base.head.clone();
        head.now = head.now.max(now);
        let now = head.now;
        Self { plan, base, head, changed: BTreeMap::new(), records: Vec::new(), effects: Vec::new(), now }
    }

    pub(super) fn finish(mut self) -> Change {
        self.head.transitions += 1;
        Change { head: Some(self.head), parts: self.changed, records: self.records, effects: self.effects }
    }

    pub(super) fn plan_step(&self, step: usize) -> &'a Step {
        &self.plan.steps[step]
    }

    // ---- reading and writing parts

    fn part(&self, id: PartId) -> Draw<Option<&Part>> {
        if let Some(part) = self.changed.get(&id) {
            return Ok(Some(part));
        }
        match self.base.parts.get(&id) {
            Some(part) => Ok(Some(part)),
            None if self.base.absent.contains(&id) || !self.may_exist(id) => Ok(None),
            None => Err(Missing(BTreeSet::from([id]))),
        }
    }

    /// A step that nothing has happened to has no part yet.
    fn may_exist(&self, id: PartId) -> bool {
        let untouched = |step: u32| {
            let arms = self.plan.steps[step as usize].arm_before.is_some();
            !arms && matches!(self.base.head.steps[step as usize], Standing::Pending | Standing::Ready)
        };
        match id {
            PartId::Start => true,
            PartId::Signals => self.base.head.signals,
            PartId::Step(step) | PartId::StepValues(step) => !untouched(step),
            PartId::Block(step, _) | PartId::InstanceValues(step, _) => !untouched(step),
        }
    }

    pub(super) fn start(&self) -> Draw<&Start> {
        match self.part(PartId::Start)? {
            Some(Part::Start(start)) => Ok(start),
            _ => Ok(&self.base.no_start),
        }
    }

    pub(super) fn step(&self, step: usize) -> Draw<&StepState> {
        match self.part(PartId::Step(step as u32))? {
            Some(Part::Step(state)) => Ok(state),
            _ => Ok(&self.base.no_step),
        }
    }

    pub(super) fn step_mut(&mut self, step: usize) -> Draw<&mut StepState> {
        let id = PartId::Step(step as u32);
        if !self.changed.contains_key(&id) {
            let state = self.step(step)?.clone();
            self.changed.insert(id, Part::Step(state));
        }
        match self.changed.get_mut(&id) {
            Some(Part::Step(state)) => Ok(state),
            _ => Err(Missing(BTreeSet::from([id]))),
        }
    }

    pub(super) fn foreach(&self, step: usize) -> Draw<Option<&Expansion>> {
        Ok(self.step(step)?.foreach.as_ref())
    }

    pub(super) fn foreach_mut(&mut self, step: usize) -> Draw<&mut Expansion> {
        Ok(self.step_mut(step)?.foreach.get_or_insert_default())
    }

    pub(super) fn instance(&self, at: At) -> Draw<&InstanceState> {
        let Some(index) = at.instance else { return Ok(&self.step(at.step)?.alone) };
        let id = PartId::Block(at.step as u32, index / BLOCK);
        let found = match self.part(id)? {
            Some(Part::Block(block)) => block.get((index % BLOCK) as usize),
            _ => None,
        };
        Ok(found.unwrap_or(&self.base.no_instance))
    }

    pub(super) fn instance_mut(&mut self, at: At) -> Draw<&mut InstanceState> {
        let Some(index) = at.instance else { return Ok(&mut self.step_mut(at.step)?.alone) };
        let id = PartId::Block(at.step as u32, index / BLOCK);
        if !self.changed.contains_key(&id) {
            let block = match self.part(id)? {
                Some(Part::Block(block)) => block.clone(),
                _ => Vec::new(),
            };
            self.changed.insert(id, Part::Block(block));
        }
        let Some(Part::Block(block)) = self.changed.get_mut(&id) else { return Err(Missing(BTreeSet::from([id]))) };
        let slot = (index % BLOCK) as usize;
        if block.len() <= slot {
            block.resize_with(slot + 1, InstanceState::default);
        }
        Ok(&mut block[slot])
    }

    pub(super) fn values(&self, at: At) -> Draw<&Values> {
        let state = self.instance(at)?;
        if !state.apart {
            return Ok(&state.values);
        }
        match self.part(values_part(at))? {
            Some(Part::Values(values)) => Ok(values),
            _ => Ok(&state.values),
        }
    }

    pub(super) fn put_values(&mut self, at: At, values: Values, bytes: usize) -> Draw<()> {
        let apart = bytes > super::INLINE_VALUES;
        let state = self.instance_mut(at)?;
        state.apart = apart;
        if apart {
            state.values = Values::default();
            self.changed.insert(values_part(at), Part::Values(values));
        } else {
            state.values = values;
        }
        Ok(())
    }

    pub(super) fn signals(&self) -> Draw<&[Signal]> {
        match self.part(PartId::Signals)? {
            Some(Part::Signals(signals)) => Ok(signals),
            _ => Ok(&[]),
        }
    }

    pub(super) fn put_signals(&mut self, signals: Vec<Signal>) {
        self.head.signals = true;
        self.changed.insert(PartId::Signals, Part::Signals(signals));
    }

    // ---- standings

    pub(super) fn standing(&self, step: usize) -> Standing {
        self.head.steps[step]
    }

    pub(super) fn set_standing(&mut self, step: usize, standing: Standing) {
        self.head.steps[step] = standing;
    }

    pub(super) fn active(&self, at: At) -> Draw<Option<&Active>> {
        Ok(self.instance(at)?.active.as_ref())
    }

    /// Every attempt that is under way, of the given steps.
    pub(super) fn all_active(&self, steps: std::ops::Range<usize>) -> Draw<Vec<At>> {
        let mut found = Vec::new();
        let mut missing = BTreeSet::new();
        if let Some(undo) = self.head.undo.last().filter(|_| self.head.phase == Phase::Finally) {
            let at = At { step: undo.step as usize, instance: undo.instance };
            if self.active(at)?.is_some() {
                found.push(at);
            }
        }
        for step in steps {
            let waits = matches!(self.standing(step), Standing::Pending | Standing::Ready);
            let arming = self.plan.steps[step].arm_before.is_some() && waits;
            if self.standing(step) != Standing::Running && !arming {
                continue;
            }
            match self.active_of(step) {
                Ok(places) => found.extend(places),
                Err(Missing(parts)) => missing.extend(parts),
            }
        }
        if missing.is_empty() { Ok(found) } else { Err(Missing(missing)) }
    }

    fn active_of(&self, step: usize) -> Draw<Vec<At>> {
        let Some(expansion) = self.foreach(step)? else {
            let at = At::step(step);
            return Ok(if self.active(at)?.is_some() { vec![at] } else { Vec::new() });
        };
        if expansion.active == 0 {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        let mut missing = BTreeSet::new();
        for index in 0..expansion.next.min(expansion.count) {
            let at = At { step, instance: Some(index) };
            match self.active(at) {
                Ok(Some(_)) => found.push(at),
                Ok(None) => {}
                Err(Missing(parts)) => missing.extend(parts),
            }
        }
        if missing.is_empty() { Ok(found) } else { Err(Missing(missing)) }
    }

    // ---- names of places

    pub(super) fn place(&self, at: At) -> Place {
        Place { step: self.plan.steps[at.step].id.to_string(), instance: at.instance }
    }

    pub(super) fn fence(&self, at: At, phase: JobPhase, attempt: u32, turn: u32) -> Fence {
        Fence { step: self.plan.steps[at.step].id.to_string(), instance: at.instance, phase, attempt, turn }
    }

    /// The fence of what is under way at this place.
    pub(super) fn active_fence(&self, at: At) -> Draw<Option<Fence>> {
        let state = self.instance(at)?;
        let fence = |active: &Active| self.fence(at, active.phase, state.attempt, active.turn);
        Ok(state.active.as_ref().map(fence))
    }

    // ---- records, timers, effects

    pub(super) fn record(&mut self, what: What) {
        self.head.last_seq += 1;
        let record = Record { execution: self.head.id.clone(), seq: self.head.last_seq, at: self.now, what };
        self.records.push(record);
    }

    pub(super) fn warn(&mut self, step: Option<usize>, message: String) {
        let step = step.map(|index| self.plan.steps[index].id.to_string());
        self.record(What::Warned { step, message });
    }

    pub(super) fn arm(&mut self, token: Token, after: std::time::Duration) -> Timestamp {
        let after = SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX);
        let at = self.now.checked_add(after).unwrap_or(Timestamp::MAX);
        self.arm_at(token, at);
        at
    }

    pub(super) fn arm_at(&mut self, token: Token, at: Timestamp) {
        self.disarm(&token);
        let timer = Timer { at, token: token.clone() };
        let place = self.head.timers.partition_point(|other| *other <= timer);
        self.head.timers.insert(place, timer);
        self.effects.push(Effect::ArmTimer { token, at });
    }

    pub(super) fn disarm(&mut self, token: &Token) {
        self.head.timers.retain(|timer| timer.token != *token);
    }

    pub(super) fn disarm_fence(&mut self, fence: &Fence) {
        self.head.timers.retain(|timer| !matches!(&timer.token, Token::Step { fence: armed } if armed == fence));
    }

    pub(super) fn unsent(&mut self, unsent: Unsent, effect: Effect) {
        self.head.unsent.push(unsent);
        self.effects.push(effect);
    }
}

fn values_part(at: At) -> PartId {
    match at.instance {
        Some(index) => PartId::InstanceValues(at.step as u32, index),
        None => PartId::StepValues(at.step as u32),
    }
}
