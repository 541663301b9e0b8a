//! What a step that has not ended is doing, or waits for, in a few words.

use std::time::Duration;

use assay_app::view::{PlaceView, StepView};
use assay_engine::duration;
use assay_engine::job::{JobPhase, Looks, Outcome};
use assay_engine::plan::{Step, StepKind};
use assay_engine::status::StepStatus;
use jiff::Timestamp;
use serde_json::Value as Json;

use super::super::text::{duration as spoken, name};
use super::lines::Look;
use super::tree::Branch;

/// Names of needs that are said; the others are counted.
const NAMED: usize = 3;
/// An attempt that waits for a worker for less than this is as good as running.
const SHORT: u64 = 300;

/// Why a step that nothing has happened to does nothing.
pub(super) fn of_pending(branch: &Branch, step: &StepView) -> String {
    let Some(spec) = branch.step(&step.id) else { return "waits".to_owned() };
    let plan = branch.plan.as_deref();
    let steps = |indexes: &[usize], wanted: &dyn Fn(&StepView) -> bool| -> Vec<String> {
        let ids = indexes.iter().filter_map(|index| Some(plan?.steps.get(*index)?.id.as_ref()));
        let left = ids.filter(|id| branch.view.step(id).is_none_or(wanted));
        left.map(name).collect()
    };
    let needs = steps(&spec.needs, &|need| !need.place.status.ended());
    let armed = !step.place.attempts.is_empty() && step.place.doing.is_none();
    if !needs.is_empty() {
        let armed = if armed { "armed; " } else { "" };
        return format!("{armed}needs {}", listed(&needs));
    }
    let arms = steps(&spec.arms, &|arm| arm.place.attempts.is_empty() || arm.place.doing.is_some());
    if !arms.is_empty() {
        return format!("waits until {} is armed", listed(&arms));
    }
    if step.place.doing == Some(JobPhase::Prepare) {
        return if spec.arm_before.is_some() { "is being armed" } else { "gets ready" }.to_owned();
    }
    match (step.finally, branch.view.stop.is_some()) {
        (true, _) => "waits for the main steps",
        (false, true) => "told to stop",
        (false, false) => "queued",
    }
    .to_owned()
}

/// What a step or an instance is doing.
pub(super) fn of_running(branch: &Branch, step: &StepView, label: &str, place: &PlaceView, look: &Look<'_>) -> String {
    let spec = branch.step(&step.id);
    let last = place.attempts.last();
    if let (Some(attempt), None) = (last, place.doing)
        && let Some(at) = attempt.retry_at
    {
        let ended = attempt.result.as_deref().map_or("ended", |result| status_of(result.outcome).word());
        let why = reason(place).map(|why| format!(": {why}")).unwrap_or_default();
        return format!("attempt {}{} {ended}, again {}{why}", attempt.number, of_all(spec), until(at, look.now));
    }
    let mut said = Vec::new();
    if let Some(attempt) = last.filter(|attempt| attempt.number > 1) {
        said.push(format!("attempt {}{}", attempt.number, of_all(spec)));
    }
    if branch.view.stop.is_some() && !step.finally {
        said.push("told to stop".to_owned());
    }
    match place.doing {
        Some(JobPhase::Prepare) => said.push("gets ready".to_owned()),
        Some(JobPhase::Undo) => said.push("is taken back".to_owned()),
        Some(JobPhase::Run) | None => {}
    }
    let begun = last.and_then(|attempt| attempt.started_at);
    let handed = last.and_then(|attempt| attempt.dispatched_at);
    if let (Some(handed), None) = (handed, begun)
        && since(handed, look.now) >= SHORT
    {
        said.push("queued".to_owned());
    }
    let note = (look.notes)(&branch.view.id, label).map(|note| name(&note));
    let doing = note.or_else(|| of_engine(spec?, begun.or(place.started_at), look.now));
    let bounds = spec.and_then(|spec| bounds(spec, begun.or(handed).or(place.started_at), look.now));
    match (doing, bounds) {
        (Some(doing), Some(bounds)) => said.push(format!("{doing}, {bounds}")),
        (doing, bounds) => said.extend(doing.or(bounds)),
    }
    said.join(", ")
}

/// What to type so that a step which waits for somebody goes on.
pub(super) fn command(branch: &Branch, step: &StepView) -> Option<String> {
    let spec = branch.step(&step.id).filter(|spec| matches!(spec.kind, StepKind::Wait { .. }))?;
    Some(format!("assay signal {} {}", branch.view.id, name(text(spec, "signal").unwrap_or("NAME"))))
}

/// A text of the step's `with`, where it is written as it is.
fn text<'a>(spec: &'a Step, key: &str) -> Option<&'a str> {
    spec.with.tree().get(key).and_then(Json::as_str).filter(|text| !text.contains("${"))
}

/// What the engine's own words wait for.
fn of_engine(spec: &Step, begun: Option<Timestamp>, now: Timestamp) -> Option<String> {
    match &spec.kind {
        StepKind::Wait { .. } => Some(format!("waits for the signal {}", name(text(spec, "signal").unwrap_or("NAME")))),
        StepKind::Delay => {
            let length = text(spec, "for").and_then(|text| duration::parse(text).ok());
            let ends = match (length, begun) {
                (Some(length), Some(begun)) => begun.checked_add(length).ok(),
                _ => text(spec, "until").and_then(|text| text.parse().ok()),
            };
            Some(ends.map_or_else(|| "waits for its time".to_owned(), |ends| format!("goes on {}", until(ends, now))))
        }
        StepKind::Flow { .. } | StepKind::Job { .. } => None,
    }
}

/// How much of its time is over, of a step whose time is worth watching: `3 of 30 s`.
fn bounds(spec: &Step, begun: Option<Timestamp>, now: Timestamp) -> Option<String> {
    let all = match (&spec.kind, spec.looks) {
        (StepKind::Wait { within }, _) => (*within)?,
        (_, Some(Looks::Eventually { timeout_ms: ms, .. } | Looks::Throughout { window_ms: ms, .. })) => {
            Duration::from_millis(ms)
        }
        _ => duration::parse(spec.with.tree().get("within")?.as_str()?).ok()?,
    };
    Some(part_of(since(begun?, now), u64::try_from(all.as_millis()).ok()?))
}

/// `3 of 30 s`, in the unit of the whole.
fn part_of(done: u64, all: u64) -> String {
    let done = done.min(all);
    match all {
        0..10_000 => format!("{}.{} of {} s", done / 1000, done % 1000 / 100, all as f64 / 1000.0),
        10_000..120_000 => format!("{} of {} s", done / 1000, all / 1000),
        _ => format!("{} of {}", whole(done), whole(all)),
    }
}

/// A time without what nobody reads of it: `17 s`, `10 min`, `10 min 5 s`.
pub(super) fn whole(millis: u64) -> String {
    let text = spoken(millis / 1000 * 1000).replace(".0 s", " s");
    text.strip_suffix(" 0 s").map(str::to_owned).unwrap_or(text)
}

/// ` of 3`, where it may be tried again.
fn of_all(spec: Option<&Step>) -> String {
    spec.filter(|spec| spec.retry.max_attempts > 1)
        .map(|spec| format!(" of {}", spec.retry.max_attempts))
        .unwrap_or_default()
}

/// The status that a step has after an attempt that came to this.
pub(super) fn status_of(outcome: Outcome) -> StepStatus {
    match outcome {
        Outcome::Passed => StepStatus::Passed,
        Outcome::Failed => StepStatus::Failed,
        Outcome::Errored => StepStatus::Errored,
        Outcome::TimedOut => StepStatus::TimedOut,
        Outcome::Cancelled => StepStatus::Cancelled,
    }
}

/// Why the last attempt did not pass, in one line.
pub(super) fn reason(place: &PlaceView) -> Option<String> {
    let result = place.attempts.iter().rev().find_map(|attempt| attempt.result.as_deref());
    let said = super::super::detail::headline(result, &place.assertions, place.error.as_ref());
    (!said.is_empty()).then_some(said)
}

/// Milliseconds from then to now.
pub(super) fn since(then: Timestamp, now: Timestamp) -> u64 {
    (now.as_millisecond() - then.as_millisecond()).max(0).unsigned_abs()
}

/// When something happens, seen from now.
fn until(at: Timestamp, now: Timestamp) -> String {
    match since(now, at) {
        0 => "now".to_owned(),
        left @ 1..10_000 => format!("in {}.{} s", left / 1000, left % 1000 / 100),
        left => format!("in {}", whole(left)),
    }
}

fn listed(names: &[String]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let named = names[..names.len() - more].join(", ");
    if more == 0 { named } else { format!("{named} and {more} more") }
}
