//! The steps that fit: what runs first, then what failed, then what comes next; the others are counted where they stand.

use std::collections::BTreeMap;
use std::ops::Range;

use assay_engine::status::{SkipReason, StepStatus};

use super::lines::{Look, of_step};
use super::tree::{Branch, Tree, is_bad};

/// Steps in a row that were blocked are counted from this many on.
const MANY_BLOCKED: usize = 4;

/// How much a step is worth a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    Running,
    Bad,
    Next,
    Done,
}

fn worth(branch: &Branch, step: usize) -> Worth {
    match branch.view.steps[step].place.status {
        StepStatus::Running => Worth::Running,
        StepStatus::Pending | StepStatus::Ready => Worth::Next,
        status if is_bad(status) => Worth::Bad,
        _ => Worth::Done,
    }
}

/// The lines of these steps, all of them, for good. Rows of blocked steps are counted.
pub(super) fn all(tree: &Tree, branch: &Branch, steps: Range<usize>, depth: usize, look: &Look<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut step = steps.start;
    while step < steps.end {
        if branch.begins_finally(step) {
            lines.push(look.line(depth, &look.paint.faint("finally")));
        }
        let inner = depth + usize::from(branch.view.steps[step].finally);
        let row = blocked_row(branch, step, steps.end);
        if row >= MANY_BLOCKED {
            let names: Vec<&str> = branch.view.steps[step..step + row].iter().map(|step| step.id.as_str()).collect();
            let said = format!("- {row} steps skipped: blocked ({})", super::super::text::name(&names.join(", ")));
            lines.push(look.line(inner, &look.paint.faint(&said)));
            step += row;
            continue;
        }
        lines.extend(of_step(tree, branch, step, inner, None, look));
        step += 1;
    }
    lines
}

/// Steps from this one on, of the same section, that were skipped as blocked.
pub(super) fn blocked_row(branch: &Branch, from: usize, end: usize) -> usize {
    let finally = branch.view.steps[from].finally;
    let row = branch.view.steps[from..end].iter();
    row.take_while(|step| step.place.skipped == Some(SkipReason::Blocked) && step.finally == finally).count()
}

/// The lines of the steps from `from` on in at most `room` lines.
pub(super) fn of_branch(
    tree: &Tree,
    branch: &Branch,
    from: usize,
    depth: usize,
    room: usize,
    look: &Look<'_>,
) -> Vec<String> {
    let steps = from..branch.view.steps.len();
    if steps.is_empty() || room == 0 {
        return Vec::new();
    }
    let mut kept = Kept { tree, branch, depth, look, steps, room, lines: BTreeMap::new() };
    kept.choose();
    kept.into_lines()
}

/// The lines of the steps that run or did not pass, in at most `room` lines, without a word of the others.
pub(super) fn busy(tree: &Tree, branch: &Branch, room: usize, look: &Look<'_>) -> Vec<String> {
    let mut steps: Vec<usize> = (0..branch.view.steps.len()).collect();
    steps.retain(|step| matches!(worth(branch, *step), Worth::Running | Worth::Bad));
    // What runs is worth more than what is over; what ended last more than what ended before.
    steps.sort_by_key(|step| (worth(branch, *step), std::cmp::Reverse(*step)));
    steps.truncate(room);
    steps.sort_unstable();
    let left = room - steps.len();
    let lines = |(at, step): (usize, &usize)| {
        let share = 1 + left / steps.len() + usize::from(at < left % steps.len());
        of_step(tree, branch, *step, 0, Some(share), look)
    };
    steps.iter().enumerate().flat_map(lines).collect()
}

/// The steps that are shown, with their lines.
struct Kept<'a, 'b> {
    tree: &'a Tree,
    branch: &'a Branch,
    depth: usize,
    look: &'a Look<'b>,
    steps: Range<usize>,
    room: usize,
    lines: BTreeMap<usize, Vec<String>>,
}

impl Kept<'_, '_> {
    fn choose(&mut self) {
        let of = |wanted: Worth| -> Vec<usize> {
            self.steps.clone().filter(|step| worth(self.branch, *step) == wanted).collect()
        };
        let [running, mut bad, next, mut done] = [Worth::Running, Worth::Bad, Worth::Next, Worth::Done].map(of);
        // What ended last is nearest to what runs.
        bad.reverse();
        done.reverse();
        let count = running.len();
        for (already, step) in running.into_iter().enumerate() {
            let left = self.room.saturating_sub(self.used() + 2);
            self.add(step, (left / (count - already)).max(1));
        }
        for step in bad.into_iter().chain(next).chain(done) {
            if self.used() >= self.room {
                break;
            }
            let left = self.room.saturating_sub(self.used());
            self.add(step, left);
        }
    }

    /// Shows the step if its lines fit, else its first line alone, else not.
    fn add(&mut self, step: usize, room: usize) {
        let inner = self.depth + usize::from(self.branch.view.steps[step].finally);
        let mut lines = of_step(self.tree, self.branch, step, inner, Some(room), self.look);
        for most in [lines.len(), 1] {
            lines.truncate(most);
            self.lines.insert(step, lines.clone());
            if self.used() <= self.room {
                return;
            }
        }
        self.lines.remove(&step);
    }

    /// Lines with one for each gap, and one for the heading of `finally`.
    fn used(&self) -> usize {
        let mut used = self.lines.values().map(Vec::len).sum::<usize>();
        let mut expected = self.steps.start;
        for step in self.lines.keys() {
            used += usize::from(*step > expected);
            expected = step + 1;
        }
        used += usize::from(expected < self.steps.end);
        used + usize::from(self.heading().is_some())
    }

    /// The step that the heading of `finally` stands above.
    fn heading(&self) -> Option<usize> {
        self.lines.keys().copied().find(|step| self.branch.view.steps[*step].finally)
    }

    fn into_lines(self) -> Vec<String> {
        let heading = self.heading();
        let mut out = Vec::new();
        let mut expected = self.steps.start;
        for (step, lines) in &self.lines {
            if *step > expected {
                out.push(self.gap(expected..*step));
            }
            if heading == Some(*step) {
                out.push(self.look.line(self.depth, &self.look.paint.faint("finally")));
            }
            out.extend(lines.iter().cloned());
            expected = step + 1;
        }
        if expected < self.steps.end {
            out.push(self.gap(expected..self.steps.end));
        }
        out.truncate(self.room);
        out
    }

    /// What stands where steps are not shown.
    fn gap(&self, steps: Range<usize>) -> String {
        let mut counts: BTreeMap<(usize, &str), usize> = BTreeMap::new();
        for step in &self.branch.view.steps[steps] {
            let status = step.place.status;
            let word = match status {
                StepStatus::Pending | StepStatus::Ready => (9, "to come"),
                StepStatus::Running => (0, "running"),
                ended => (1 + ended as usize, ended.word()),
            };
            *counts.entry(word).or_default() += 1;
        }
        let counts: Vec<String> = counts.iter().map(|((_, word), count)| format!("{count} {word}")).collect();
        let said = format!("{} {}", self.look.signs.folded(), counts.join(", "));
        self.look.line(self.depth, &self.look.paint.faint(&said))
    }
}
