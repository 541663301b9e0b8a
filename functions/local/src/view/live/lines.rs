//! The lines of one step: its sign, its name, what it is doing or came to, and why.

use assay_app::view::{PlaceView, StepView};
use assay_engine::id::ExecutionId;
use assay_engine::status::{ExecutionStatus, StepStatus};
use jiff::Timestamp;

use super::super::cells::{fit, pad};
use super::super::detail;
use super::super::paint::Paint;
use super::super::text::{clean, duration, hang, name};
use super::tree::{Branch, Tally, Tree, is_bad};
use super::waits;

/// Instances get a line each up to this many.
const FEW: u32 = 5;
/// Instances that failed are shown with their values up to this many, while the step runs and when it has ended.
const BAD_LIVE: usize = 3;
const BAD_ENDED: usize = 10;
/// Of those that are not shown with their values, the numbers of this many are named.
const NUMBERS: usize = 20;
/// Earlier attempts that are named.
const ATTEMPTS: usize = 5;
/// Steps of a sub-flow that passed are shown up to this many.
const CHILD_STEPS: usize = 10;

/// How the lines are looked at.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    /// Colours.
    pub(super) paint: Paint,
    /// Which signs the terminal can show.
    pub(super) signs: Signs,
    /// The instant of the frame.
    pub(super) now: Timestamp,
    /// Cells of a line.
    pub(super) columns: usize,
    /// What a step said last.
    pub(super) notes: &'a dyn Fn(&ExecutionId, &str) -> Option<String>,
}

/// The signs before the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signs {
    /// As most terminals show them.
    Unicode,
    /// For those that know no others.
    Ascii,
}

impl Signs {
    fn of(self, status: StepStatus, now: Timestamp) -> &'static str {
        let [pending, passed, failed, errored, skipped, cancelled] = match self {
            Self::Unicode => ["·", "✓", "✗", "!", "-", "■"],
            Self::Ascii => [".", "+", "x", "!", "-", "#"],
        };
        match status {
            StepStatus::Pending | StepStatus::Ready => pending,
            StepStatus::Running => self.spinner(now),
            StepStatus::Passed => passed,
            StepStatus::Failed => failed,
            StepStatus::Errored | StepStatus::TimedOut => errored,
            StepStatus::Skipped => skipped,
            StepStatus::Cancelled => cancelled,
        }
    }

    /// Turns by the clock, all of them together.
    pub(super) fn spinner(self, now: Timestamp) -> &'static str {
        let turns: &[&'static str] = match self {
            Self::Unicode => &["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"],
            Self::Ascii => &["|", "/", "-", "\\"],
        };
        let tick = usize::try_from(now.as_millisecond() / 100).unwrap_or(0);
        turns[tick % turns.len()]
    }

    /// What stands before lines that are not shown.
    pub(super) fn folded(self) -> &'static str {
        match self {
            Self::Unicode => "…",
            Self::Ascii => "...",
        }
    }
}

impl Look<'_> {
    /// One line, cut to the width.
    pub(super) fn line(&self, depth: usize, text: &str) -> String {
        fit(&format!("{}{text}", blanks(depth)), self.columns)
    }

    /// A sign, a name in a column of this many cells, and what is said behind it.
    fn labelled(&self, depth: usize, status: StepStatus, label: &str, column: usize, said: &str) -> String {
        let sign = self.paint.step(status, self.signs.of(status, self.now));
        // On a narrow terminal a long name leaves room for what is said of it.
        let room = self.columns.saturating_sub(blanks(depth).len() + 2);
        let column = column.min((room * 3 / 5).max(8));
        let label = fit(label, column);
        let label = if said.is_empty() { label } else { format!("{}  {said}", pad(&label, column)) };
        self.line(depth, &format!("{sign} {label}"))
    }
}

fn blanks(depth: usize) -> String {
    " ".repeat(2 + depth.min(10) * 2)
}

/// The lines of a step that fit into `room`; all of them when it has ended and is printed for good.
pub(super) fn of_step(
    tree: &Tree,
    branch: &Branch,
    index: usize,
    depth: usize,
    room: Option<usize>,
    look: &Look<'_>,
) -> Vec<String> {
    let step = &branch.view.steps[index];
    let place = &step.place;
    let child = place.child.as_ref().and_then(|id| tree.branch(id));
    let said = match place.status {
        StepStatus::Pending | StepStatus::Ready => look.paint.faint(&waits::of_pending(branch, step)),
        StepStatus::Running if step.expanded.is_some() => of_instances(step, branch.tally(step), look),
        StepStatus::Running => elapsed(place, look, &waits::of_running(branch, step, &step.id, place, look)),
        _ => ended(step.expanded.map(|count| (count, branch.tally(step))), place, look),
    };
    let mut lines = vec![look.labelled(depth, place.status, &name(&step.id), column(branch), &said)];
    if let Some(command) = waits::command(branch, step).filter(|_| place.status == StepStatus::Running) {
        lines.push(look.line(depth + 1, &look.paint.faint(&command)));
    }
    lines.extend(attempts(place, depth + 1, look));
    if is_bad(place.status) && step.expanded.is_none() {
        lines.extend(details(place, depth + 1, room.is_some(), look));
    }
    if let Some(tally) = branch.tally(step) {
        let left = room.map(|room| room.saturating_sub(lines.len()));
        lines.extend(instances(tree, branch, step, tally, depth + 1, left, look));
    }
    if let Some(child) = child {
        let left = room.map(|room| room.saturating_sub(lines.len()));
        lines.extend(of_child(tree, child, depth + 1, left, look));
    }
    if let Some(room) = room {
        lines.truncate(room.max(1));
    }
    lines
}

/// The steps of a sub-flow.
fn of_child(tree: &Tree, child: &Branch, depth: usize, room: Option<usize>, look: &Look<'_>) -> Vec<String> {
    let quiet = child.view.status == ExecutionStatus::Passed && child.view.steps.len() > CHILD_STEPS;
    match room {
        _ if quiet => Vec::new(),
        Some(room) => super::window::of_branch(tree, child, 0, depth, room, look),
        None => super::window::all(tree, child, 0..child.view.steps.len(), depth, look),
    }
}

/// What a step that has ended came to.
fn ended(instances: Option<(u32, Option<&Tally>)>, place: &PlaceView, look: &Look<'_>) -> String {
    let mut about = Vec::new();
    match (place.status, place.skipped) {
        (StepStatus::Skipped, Some(why)) => about.push(detail::why_skipped(why).to_owned()),
        (StepStatus::Skipped, None) => {}
        _ if place.carried.is_some() => {}
        _ => about.extend(place.duration_ms.map(duration)),
    }
    if let Some((count, tally)) = instances.filter(|_| place.carried.is_none()) {
        let tally = tally.map(|tally| format!(": {}", counted(tally))).unwrap_or_default();
        about.push(format!("{}{tally}", plural(count as usize, "instance")));
    }
    if place.attempts.len() > 1 {
        about.push(plural(place.attempts.len(), "attempt"));
    }
    let looks = place.result().and_then(|result| result.looks.as_ref());
    if let (StepStatus::Passed, Some(looks)) = (place.status, looks) {
        about.push(plural(looks.count as usize, "look"));
    }
    if let Some(earlier) = &place.carried {
        about.push(format!("carried over from {earlier}"));
    }
    let about = look.paint.faint(&about.join(", "));
    match place.status {
        StepStatus::Passed => about,
        status => format!("{}  {about}", look.paint.step(status, status.word())),
    }
}

/// Why it did not pass: assertions with their values, errors, near misses.
fn details(place: &PlaceView, depth: usize, live: bool, look: &Look<'_>) -> Vec<String> {
    let paint = look.paint;
    let indent = blanks(depth).len();
    let mut text = place.result().map(|result| detail::of_result(result, paint, indent)).unwrap_or_default();
    text.push_str(&detail::of_assertions(&place.assertions, paint, indent));
    if let Some(error) = &place.error {
        text.push_str(&detail::of_error(error, paint, indent));
    }
    let text = text.replace('\t', "    ");
    match live {
        true => text.lines().map(|line| fit(line, look.columns)).collect(),
        false => text.lines().flat_map(|line| super::super::cells::wrap(line, look.columns, 2)).collect(),
    }
}

/// The attempts before the last one: each is named.
fn attempts(place: &PlaceView, depth: usize, look: &Look<'_>) -> Vec<String> {
    let earlier: Vec<_> = place.attempts.iter().filter(|attempt| attempt.retry_at.is_some()).collect();
    // While the next one is waited for, the step's own line tells of the last.
    let waiting = !place.status.ended() && place.doing.is_none();
    let earlier = &earlier[..earlier.len() - usize::from(waiting && !earlier.is_empty())];
    let mut lines = Vec::new();
    for attempt in earlier.iter().take(ATTEMPTS) {
        let Some(result) = attempt.result.as_deref() else { continue };
        let why = detail::headline(Some(result), &[], None);
        let took = waits::since(result.started_at, result.ended_at);
        let status = waits::status_of(result.outcome);
        let word = look.paint.step(status, status.word());
        let said =
            format!("attempt {} {word}  {}", attempt.number, look.paint.faint(&format!("{}  {why}", duration(took))));
        lines.push(look.line(depth, &said));
    }
    if earlier.len() > ATTEMPTS {
        let more = plural(earlier.len() - ATTEMPTS, "more attempt");
        lines.push(look.line(depth, &look.paint.faint(&format!("{} {more}", look.signs.folded()))));
    }
    lines
}

/// The instances of a `foreach` step: a few get a line each; of many the failing ones and what runs.
fn instances(
    tree: &Tree,
    branch: &Branch,
    step: &StepView,
    tally: &Tally,
    depth: usize,
    room: Option<usize>,
    look: &Look<'_>,
) -> Vec<String> {
    let few = step.expanded.is_some_and(|count| count <= FEW);
    let line = |index: u32| instance(tree, branch, step, index, depth, room.is_some(), look);
    if few {
        return step.instances.iter().flat_map(|one| line(one.index)).collect();
    }
    let shown = if room.is_some() { BAD_LIVE } else { BAD_ENDED };
    let newest = tally.bad.len().saturating_sub(shown);
    let mut all = tally.bad.clone();
    if room.is_none() {
        all.sort_unstable();
    }
    let bad: &[u32] = if room.is_some() { &all[newest..] } else { &all[..shown.min(all.len())] };
    let mut lines: Vec<String> = bad.iter().flat_map(|index| line(*index)).collect();
    let rest = if room.is_some() { &all[..newest] } else { &all[bad.len()..] };
    if !rest.is_empty() {
        let numbers: Vec<String> = rest.iter().take(NUMBERS).map(|index| format!("[{index}]")).collect();
        let more = rest.len().saturating_sub(NUMBERS);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let text = format!("{} also did not pass: {}{more}", look.signs.folded(), numbers.join(" "));
        lines.push(look.line(depth, &look.paint.red(&text)));
    }
    let Some(room) = room else { return lines };
    let left = room.saturating_sub(lines.len());
    // As many again as there are steps to be seen would hide these.
    let fit = tally.running.len().min(left.min(FEW as usize));
    lines.extend(tally.running.iter().take(fit).flat_map(|index| line(*index).into_iter().next()));
    lines
}

/// The lines of an instance.
fn instance(
    tree: &Tree,
    branch: &Branch,
    step: &StepView,
    index: u32,
    depth: usize,
    live: bool,
    look: &Look<'_>,
) -> Vec<String> {
    let Ok(at) = step.instances.binary_search_by_key(&index, |instance| instance.index) else { return Vec::new() };
    let place = &step.instances[at].place;
    let label = format!("{}[{index}]", step.id);
    let said = match place.status {
        StepStatus::Running => elapsed(place, look, &waits::of_running(branch, step, &label, place, look)),
        StepStatus::Pending | StepStatus::Ready => look.paint.faint("queued"),
        status if is_bad(status) && live => {
            let why = waits::reason(place).unwrap_or_default();
            format!("{}  {}", look.paint.step(status, status.word()), clean(&why))
        }
        _ => ended(None, place, look),
    };
    let mut lines = vec![look.labelled(depth, place.status, &format!("[{index}]"), 6, &said)];
    if is_bad(place.status) && !live {
        lines.extend(attempts(place, depth + 1, look));
        lines.extend(details(place, depth + 1, false, look));
        if let Some(child) = place.child.as_ref().and_then(|id| tree.branch(id)) {
            lines.extend(of_child(tree, child, depth + 1, None, look));
        }
    }
    lines
}

/// What the instances of a step under way come to so far.
fn of_instances(step: &StepView, tally: Option<&Tally>, look: &Look<'_>) -> String {
    let all = step.expanded.unwrap_or(0);
    let done: u32 =
        tally.map_or(0, |tally| tally.counts.iter().filter(|(status, _)| status.ended()).map(|(_, count)| count).sum());
    let counts = tally.map(counted).filter(|text| !text.is_empty()).map(|text| format!(": {text}")).unwrap_or_default();
    let took = step.place.started_at.map(|at| format!("  {}", look.paint.faint(&ticking(waits::since(at, look.now)))));
    format!("{done} of {all}{counts}{}", took.unwrap_or_default())
}

/// `198 passed, 2 failed, 4 running`.
fn counted(tally: &Tally) -> String {
    let counts = tally.counts.iter().filter(|(status, count)| **count > 0 && **status != StepStatus::Pending);
    let mut counts: Vec<(StepStatus, u32)> = counts.map(|(status, count)| (*status, *count)).collect();
    counts.sort_by_key(|(status, _)| (*status == StepStatus::Running, *status));
    let counts: Vec<String> = counts.iter().map(|(status, count)| format!("{count} {}", status.word())).collect();
    counts.join(", ")
}

fn elapsed(place: &PlaceView, look: &Look<'_>, doing: &str) -> String {
    let took = place.started_at.map(|at| ticking(waits::since(at, look.now))).unwrap_or_default();
    let gap = if took.is_empty() || doing.is_empty() { "" } else { "  " };
    format!("{took}{gap}{}", look.paint.faint(doing))
}

/// A time that goes on: without tenths, which nobody reads, once it takes long.
pub(super) fn ticking(millis: u64) -> String {
    match millis {
        0..10_000 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        _ => waits::whole(millis),
    }
}

/// Cells of the longest name of the execution's steps.
fn column(branch: &Branch) -> usize {
    branch.longest.clamp(8, 28)
}

pub(super) fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

/// What stands above the steps.
pub(super) fn head(tree: &Tree, look: &Look<'_>) -> String {
    let view = &tree.top().view;
    let again = if view.attempt > 1 { format!(", run {}", view.attempt) } else { String::new() };
    let file = name(tree.file.as_deref().unwrap_or(&view.main));
    let about = look.paint.faint(&format!("({file}{again})  {}", view.id));
    fit(&format!("{}  {about}", look.paint.bold(&name(&view.flow))), look.columns)
}

/// What stands below the steps once it has its verdict.
pub(super) fn verdict(tree: &Tree, look: &Look<'_>) -> Vec<String> {
    let view = &tree.top().view;
    let paint = look.paint;
    let word = paint.execution(view.status, view.status.word());
    let took = duration(view.duration_ms.unwrap_or(0));
    let about = paint.faint(&format!("{}  {took}", by_status(view)));
    let mut lines = vec![format!("{} {word}: {about}", paint.bold(&name(&view.flow)))];
    if let Some(reason) = &view.reason {
        lines.extend(hang(&clean(reason), 4).lines().map(|line| format!("  {line}")));
    }
    if let Some(worst) = view.worst.filter(|worst| *worst != StepStatus::Cancelled) {
        lines.push(format!("  until then: {}", paint.step(worst, worst.word())));
    }
    if let Some(cleanup) = view.cleanup.filter(|cleanup| *cleanup != StepStatus::Passed) {
        lines.push(format!("  clean-up: {}", paint.step(cleanup, cleanup.word())));
    }
    lines
}

/// `5 passed, 1 failed`, of an execution that has ended.
pub(super) fn by_status(view: &assay_app::view::ExecutionView) -> String {
    let order = ["passed", "failed", "errored", "timedOut", "cancelled", "skipped"];
    let counts = order.iter().filter_map(|word| view.counts.get(*word).map(|count| format!("{count} {word}")));
    counts.collect::<Vec<_>>().join(", ")
}
