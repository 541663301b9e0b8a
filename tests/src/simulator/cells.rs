//! The state x event table: its names, and which cells a delivered event meets.

use std::collections::{BTreeMap, BTreeSet};

use assay_engine::execution::{
    ActiveState, BLOCK, Event, Head, InstanceState, Part, PartId, Standing, StepState, Token,
};
use assay_engine::job::{JobPhase, Outcome};
use assay_engine::plan::{Plan, Section, StepKind};
use assay_engine::status::{ExecutionStatus, Phase};

/// The states of a step `s` and of its execution: the rows of the table.
pub const STATES: [&str; 22] = [
    "queued",
    "dispatched",
    "claimed",
    "retry pause",
    "turn pause",
    "ready, no place",
    "pending",
    "arming",
    "armed",
    "preparing",
    "delay",
    "wait",
    "child",
    "stopping",
    "child stopping",
    "undoing",
    "in finally",
    "over, others run",
    "kept",
    "passed",
    "ended badly",
    "cancelled",
];

/// What happens to `s` or to its execution: the columns of the table.
pub const EVENTS: [&str; 17] = [
    "admitted",
    "s started",
    "s prepared",
    "s continued",
    "s passed",
    "s failed",
    "s errored",
    "s cancelled",
    "s lost",
    "s undone",
    "other attempt of s",
    "child of s ended",
    "signal",
    "timer",
    "cancel",
    "cancel forced",
    "finish",
];

/// A cell: a state and an event.
pub type Cell = (&'static str, &'static str);

/// Cells that delivery cannot bring about, each below its reason.
const OUT_OF_REACH: &str = include_str!("../../golden/cells-out-of-reach.txt");

/// The cells that delivery cannot bring about.
///
/// # Errors
/// A line that names no cell of the table, or one for the second time.
pub fn out_of_reach() -> Result<BTreeSet<Cell>, String> {
    let mut cells = BTreeSet::new();
    for line in OUT_OF_REACH.lines().filter_map(|line| line.strip_prefix("  ")) {
        let (state, events) = line.split_once(": ").ok_or_else(|| format!("`{line}` names no cells"))?;
        let state = known(&STATES, state)?;
        for event in events.split(", ") {
            if !cells.insert((state, known(&EVENTS, event)?)) {
                return Err(format!("`{state} x {event}` is listed twice"));
            }
        }
    }
    Ok(cells)
}

fn known(names: &[&'static str], name: &str) -> Result<&'static str, String> {
    let found = names.iter().find(|one| **one == name);
    found.copied().ok_or_else(|| format!("`{name}` is no name of the table"))
}

/// The cells that an event meets: that of its step, or of every step when it is about the execution.
pub(super) fn met(head: &Head, parts: &BTreeMap<PartId, Part>, plan: &Plan, event: &Event) -> BTreeSet<Cell> {
    let fence = match event {
        Event::TimerFired { token: Token::Step { fence } } => Some(fence),
        other => other.fence(),
    };
    let whole = whole(head);
    let Some(fence) = fence else {
        let kept = (head.phase == Phase::Kept).then_some("kept");
        let states = whole.or(kept).map_or_else(|| of_all(head, parts, plan), |state| BTreeSet::from([state]));
        return states.into_iter().map(|state| (state, column(event))).collect();
    };
    let Some(step) = plan.step_index(&fence.step) else { return BTreeSet::new() };
    let untouched = InstanceState::default();
    let instance = instance(parts, step, fence.instance).unwrap_or(&untouched);
    let turn = instance.active.as_ref().is_none_or(|one| (one.turn, one.phase) == (fence.turn, fence.phase));
    let same = turn && instance.attempt == fence.attempt;
    let timer = matches!(event, Event::TimerFired { .. } | Event::ChildFinished { .. });
    let column = if same || timer { column(event) } else { "other attempt of s" };
    BTreeSet::from([(whole.unwrap_or_else(|| of_one(head, plan, step, instance)), column)])
}

/// The state of an execution that does not run: its steps have none of their own.
fn whole(head: &Head) -> Option<&'static str> {
    Some(match head.status {
        ExecutionStatus::Running => return None,
        ExecutionStatus::Queued => "queued",
        ExecutionStatus::Passed => "passed",
        ExecutionStatus::Cancelled => "cancelled",
        _ => "ended badly",
    })
}

fn instance(parts: &BTreeMap<PartId, Part>, step: usize, index: Option<u32>) -> Option<&InstanceState> {
    match (index, parts.get(&place(step, index))?) {
        (None, Part::Step(state)) => Some(&state.alone),
        (Some(index), Part::Block(block)) => block.get((index % BLOCK) as usize),
        _ => None,
    }
}

fn place(step: usize, index: Option<u32>) -> PartId {
    index.map_or(PartId::Step(step as u32), |index| PartId::Block(step as u32, index / BLOCK))
}

fn of_all(head: &Head, parts: &BTreeMap<PartId, Part>, plan: &Plan) -> BTreeSet<&'static str> {
    let mut states = BTreeSet::new();
    let untouched = StepState::default();
    for (step, planned) in plan.steps.iter().enumerate() {
        if planned.section == Section::Finally && head.phase != Phase::Finally {
            continue;
        }
        let state = match parts.get(&PartId::Step(step as u32)) {
            Some(Part::Step(state)) => state,
            _ => &untouched,
        };
        match &state.foreach {
            None => _ = states.insert(of_one(head, plan, step, &state.alone)),
            Some(expansion) => {
                let instances = (0..expansion.next).filter_map(|index| instance(parts, step, Some(index)));
                states.extend(instances.map(|one| of_one(head, plan, step, one)));
            }
        }
    }
    states
}

/// The state of a step or an instance in an execution that runs.
fn of_one(head: &Head, plan: &Plan, step: usize, instance: &InstanceState) -> &'static str {
    let planned = &plan.steps[step];
    let arms = matches!(planned.kind, StepKind::Job { spec } if spec.arming().is_some());
    let standing = head.steps[step];
    let Some(active) = &instance.active else {
        return match standing {
            _ if instance.ended.is_some() || standing.ended() => "over, others run",
            _ if arms && instance.prepared.is_some() => "armed",
            Standing::Pending => "pending",
            _ => "ready, no place",
        };
    };
    match active.state {
        ActiveState::Child if active.stopping => "child stopping",
        ActiveState::Child => "child",
        ActiveState::RetryPause => "retry pause",
        ActiveState::TurnPause => "turn pause",
        ActiveState::Waiting if matches!(planned.kind, StepKind::Wait { .. }) => "wait",
        ActiveState::Waiting => "delay",
        _ if active.phase == JobPhase::Undo => "undoing",
        _ if active.stopping => "stopping",
        _ if active.phase == JobPhase::Prepare && arms => "arming",
        _ if active.phase == JobPhase::Prepare => "preparing",
        _ if planned.section == Section::Finally => "in finally",
        ActiveState::Dispatched => "dispatched",
        ActiveState::Claimed | ActiveState::Collecting => "claimed",
    }
}

fn column(event: &Event) -> &'static str {
    match event {
        Event::Admitted { .. } => "admitted",
        Event::StepStarted { .. } => "s started",
        Event::StepPrepared { .. } => "s prepared",
        Event::StepContinued { .. } => "s continued",
        Event::StepFinished { result, .. } => match result.outcome {
            Outcome::Passed => "s passed",
            Outcome::Failed => "s failed",
            Outcome::Errored | Outcome::TimedOut => "s errored",
            Outcome::Cancelled => "s cancelled",
        },
        Event::StepUndone { .. } => "s undone",
        Event::WorkerLost { .. } => "s lost",
        Event::TimerFired { .. } => "timer",
        Event::ChildFinished { .. } => "child of s ended",
        Event::SignalReceived { .. } => "signal",
        Event::CancelRequested { forced: true, .. } => "cancel forced",
        Event::CancelRequested { forced: false, .. } => "cancel",
        Event::FinishRequested { .. } => "finish",
    }
}
