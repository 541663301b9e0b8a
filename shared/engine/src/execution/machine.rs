//! The execution as its callers see it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::draft::{At, Draft, Draw, Missing};
use super::event::{Change, Effect, Event, Ignored, Token, Transition};
use super::parts::{ActiveState, BLOCK, InstanceState, Part, PartId, Start, StepState};
use super::state::{Head, Unsent};
use crate::expr::References;
use crate::job::Fence;
use crate::plan::Plan;
use crate::status::ExecutionStatus;

/// The lists of `foreach` steps by index, as long as the execution is in memory.
type Lists = Mutex<BTreeMap<usize, Arc<Vec<Json>>>>;

/// An execution, as much of it as is loaded.
#[derive(Debug)]
pub struct Execution {
    pub(super) head: Head,
    pub(super) parts: BTreeMap<PartId, Part>,
    pub(super) absent: BTreeSet<PartId>,
    pub(super) no_start: Start,
    pub(super) no_step: StepState,
    pub(super) no_instance: InstanceState,
    lists: Lists,
}

impl Execution {
    pub(super) fn empty(head: Head) -> Self {
        Self {
            head,
            parts: BTreeMap::new(),
            absent: BTreeSet::new(),
            no_start: Start::default(),
            no_step: StepState::default(),
            no_instance: InstanceState::default(),
            lists: Lists::default(),
        }
    }

    /// An execution as a store has it: some parts, and some that are known not to exist.
    #[must_use]
    pub fn restore(head: Head, parts: BTreeMap<PartId, Part>, absent: BTreeSet<PartId>) -> Self {
        Self { parts, absent, ..Self::empty(head) }
    }

    /// More parts of the same version.
    pub fn provide(&mut self, parts: BTreeMap<PartId, Part>, absent: BTreeSet<PartId>) {
        self.parts.extend(parts);
        self.absent.extend(absent);
    }

    /// The head.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The head and every part at hand, as a store would have them.
    #[must_use]
    pub fn stored(&self) -> (&Head, &BTreeMap<PartId, Part>) {
        (&self.head, &self.parts)
    }

    /// The fence of what is under way at a step or an instance, as far as it is loaded.
    #[must_use]
    pub fn under_way(&self, plan: &Plan, step: usize, instance: Option<u32>) -> Option<Fence> {
        let draft = Draft::new(plan, self, self.head.now);
        draft.active_fence(At { step, instance }).ok().flatten()
    }

    /// The effects of the last save are performed: the next save forgets them.
    pub fn mark_sent(&mut self) {
        self.head.unsent.clear();
    }

    /// The parts that this event most likely touches; `apply` names what else it needs.
    #[must_use]
    pub fn needs(&self, plan: &Plan, event: &Event) -> Vec<PartId> {
        let mut parts = BTreeSet::from([PartId::Start]);
        if let Some(fence) = event.fence()
            && let Some(step) = plan.step_index(&fence.step)
        {
            parts.insert(PartId::Step(step as u32));
            if let Some(index) = fence.instance {
                parts.insert(PartId::Block(step as u32, index / BLOCK));
            }
            for dependent in &plan.steps[step].dependents {
                let next = &plan.steps[*dependent];
                let named = [next.with.references(), &References { roots: next.scope.clone(), functions: Vec::new() }]
                    .iter()
                    .flat_map(|references| references.roots.iter())
                    .filter(|reference| &*reference.root == "steps")
                    .filter_map(|reference| plan.step_index(reference.names().get(1)?))
                    .map(|index| PartId::Step(index as u32))
                    .collect::<Vec<_>>();
                parts.extend(named);
            }
        }
        let known = |part: &PartId| self.parts.contains_key(part) || self.absent.contains(part);
        parts.into_iter().filter(|part| !known(part)).collect()
    }

    /// Applies an event. Late, doubled and stale events change nothing; missing parts are named and nothing changes.
    pub fn apply(&mut self, plan: &Plan, event: Event, now: Timestamp) -> Transition {
        let mut draft = Draft::new(plan, self, now);
        let heard = hear(&mut draft, event).and_then(|ignored| {
            if ignored.is_none() {
                draft.advance()?;
            }
            Ok(ignored)
        });
        match heard {
            Err(Missing(parts)) => Transition::Missing(parts.into_iter().collect()),
            Ok(Some(why)) => Transition::Ignored(why),
            Ok(None) => {
                let change = draft.finish();
                self.adopt(&change);
                Transition::Applied(Box::new(change))
            }
        }
    }

    pub(super) fn adopt(&mut self, change: &Change) {
        if let Some(head) = &change.head {
            self.head = head.clone();
        }
        for (id, part) in &change.parts {
            self.absent.remove(id);
            self.parts.insert(*id, part.clone());
        }
    }

    /// The effects that the last save named and nobody is known to have performed.
    ///
    /// # Errors
    /// The parts that must be loaded first.
    pub fn unsent(&self, plan: &Plan, now: Timestamp) -> Result<Vec<Effect>, Vec<PartId>> {
        let draft = Draft::new(plan, self, now);
        effects_of(&draft, &self.head.unsent).map_err(|Missing(parts)| parts.into_iter().collect())
    }

    /// Everything that must still happen, for when whatever was sent is gone: jobs, children, stops, timers, the end.
    ///
    /// # Errors
    /// The parts that must be loaded first.
    pub fn outstanding(&self, plan: &Plan, now: Timestamp) -> Result<Vec<Effect>, Vec<PartId>> {
        let draft = Draft::new(plan, self, now);
        outstanding(&draft).map_err(|Missing(parts)| parts.into_iter().collect())
    }

    pub(super) fn cached_items(&self, step: usize) -> Option<Arc<Vec<Json>>> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner).get(&step).cloned()
    }

    pub(super) fn cache_items(&self, step: usize, items: &Arc<Vec<Json>>) {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner).insert(step, items.clone());
    }
}

fn hear(draft: &mut Draft<'_>, event: Event) -> Draw<Option<Ignored>> {
    match &event {
        Event::Admitted { .. } | Event::CancelRequested { .. } | Event::SignalReceived { .. } => {}
        _ if draft.head.status != ExecutionStatus::Running && !is_queue_timer(&event) => {
            return Ok(Some(Ignored::Stale));
        }
        _ => {}
    }
    match event {
        Event::Admitted { width } => draft.admitted(width),
        Event::StepStarted { fence } => draft.step_started(&fence),
        Event::StepPrepared { fence, state, undo } => draft.step_prepared(&fence, state, undo),
        Event::StepContinued { fence, checkpoint, after_ms, deadline } => {
            draft.step_continued(&fence, checkpoint, Duration::from_millis(after_ms), deadline)
        }
        Event::StepFinished { fence, result } => draft.step_finished(&fence, result),
        Event::StepUndone { fence, error } => draft.step_undone(&fence, error),
        Event::WorkerLost { fence, reason } => draft.worker_lost(&fence, &reason),
        Event::TimerFired { token } => draft.timer_fired(&token),
        Event::ChildFinished { fence, child, status, captures, reason } => {
            draft.child_finished(&fence, &child, status, &captures, reason.as_deref())
        }
        Event::SignalReceived { id, name, payload, by } => draft.signal_received(&id, &name, &payload, &by),
        Event::CancelRequested { by, forced } => draft.cancel_requested(&by, forced),
        Event::FinishRequested { by, left_to } => draft.finish_requested(&by, left_to),
    }
}

fn is_queue_timer(event: &Event) -> bool {
    matches!(event, Event::TimerFired { token: Token::Queue })
}

fn effects_of(draft: &Draft<'_>, unsent: &[Unsent]) -> Draw<Vec<Effect>> {
    let mut effects = Vec::new();
    let mut missing = BTreeSet::new();
    for one in unsent {
        match draft.effect_of(one) {
            Ok(effect) => effects.extend(effect),
            Err(Missing(parts)) => missing.extend(parts),
        }
    }
    if missing.is_empty() { Ok(effects) } else { Err(Missing(missing)) }
}

fn outstanding(draft: &Draft<'_>) -> Draw<Vec<Effect>> {
    let head = &draft.head;
    if head.status.ended() {
        return Ok(vec![Effect::Finish { status: head.status }]);
    }
    let mut unsent = head.unsent.clone();
    if head.status == ExecutionStatus::Running {
        for at in draft.all_active(0..draft.plan.steps.len())? {
            unsent.extend(still_due(draft, at)?);
        }
    }
    let mut once = Vec::new();
    for one in unsent {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    let mut effects = effects_of(draft, &once)?;
    let timers = head.timers.iter().map(|timer| Effect::ArmTimer { token: timer.token.clone(), at: timer.at });
    effects.extend(timers);
    Ok(effects)
}

fn still_due(draft: &Draft<'_>, at: At) -> Draw<Vec<Unsent>> {
    let (Some(active), Some(fence)) = (draft.active(at)?, draft.active_fence(at)?) else { return Ok(Vec::new()) };
    let main = match active.state {
        ActiveState::Dispatched | ActiveState::Claimed | ActiveState::Collecting => {
            Some(Unsent::Dispatch { fence: fence.clone() })
        }
        ActiveState::Child => Some(Unsent::StartChild { fence: fence.clone() }),
        ActiveState::RetryPause | ActiveState::TurnPause | ActiveState::Waiting => None,
    };
    let stop = match (active.stopping, active.state) {
        (true, ActiveState::Child) => Some(Unsent::StopChild { fence, forced: false }),
        (true, _) => Some(Unsent::Stop { fence }),
        (false, _) => None,
    };
    Ok(main.into_iter().chain(stop).collect())
}
