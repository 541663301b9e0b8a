//! When somebody must look at an execution again, if nothing happens before.

use std::time::Duration;

use assay_engine::execution::{Head, Standing};
use assay_engine::plan::{Plan, StepKind};
use assay_engine::status::ExecutionStatus;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

/// Timers up to this long are one delayed message; longer ones wait in the due index.
pub(super) const NEAR: Duration = Duration::from_secs(15 * 60);
/// What was sent is sent again when it stays unclaimed for this long.
pub(super) const RESEND: SignedDuration = SignedDuration::from_secs(15 * 60);
/// What may have got lost between two processes is looked after this often.
const SOON: i64 = 30;
/// A due time is a multiple of this many seconds, so that it moves seldom.
const GRAIN: i64 = 15;
/// The delayed message of a timer has this long to come first.
const SLACK: i64 = 5;
/// A long timer is turned into a delayed message this long before it is due.
const AHEAD: i64 = 60;

/// When to look at the execution again; none: never, its end was told.
pub(super) fn next_look(head: &Head, plan: Option<&Plan>, now: Timestamp) -> Option<Timestamp> {
    if head.status.ended() && head.unsent.is_empty() {
        return None;
    }
    let watched = !head.unsent.is_empty()
        || head.status == ExecutionStatus::Queued
        || head.stop.is_some()
        || plan.is_some_and(|plan| has_child(head, plan));
    let mut at = coarse(now, if watched { SOON } else { RESEND.as_secs() });
    if let Some(timer) = head.timers.first() {
        let near = timer.at.duration_since(now) <= SignedDuration::from_secs(RESEND.as_secs());
        let due = shifted(timer.at, if near { SLACK } else { -AHEAD });
        at = at.min(due);
    }
    Some(at)
}

/// A child's verdict comes as a message between two executions.
pub(super) fn has_child(head: &Head, plan: &Plan) -> bool {
    let steps = head.steps.iter().zip(&plan.steps);
    steps
        .into_iter()
        .any(|(standing, step)| *standing == Standing::Running && matches!(step.kind, StepKind::Flow { .. }))
}

fn shifted(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(seconds.seconds()).unwrap_or(at)
}

fn coarse(now: Timestamp, seconds: i64) -> Timestamp {
    let second = now.as_second() + seconds;
    Timestamp::from_second(second + (GRAIN - second.rem_euclid(GRAIN))).unwrap_or(now)
}
