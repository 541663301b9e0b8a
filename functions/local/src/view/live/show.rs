//! All flows of a command on one terminal.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use assay_engine::id::ExecutionId;
use assay_engine::plan::Plan;
use assay_engine::record::Record;
use assay_engine::status::{ExecutionStatus, StepStatus};
use jiff::Timestamp;

use super::super::cells::{fit, pad, width};
use super::super::paint::Paint;
use super::super::screen::Screen;
use super::super::text::{duration, name};
use super::lines::{Look, Signs, by_status, head, plural, ticking, verdict};
use super::tree::Tree;
use super::waits::since;
use super::window;

/// Columns and rows of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    /// Cells of a line.
    pub(crate) columns: usize,
    /// Lines.
    pub(crate) rows: usize,
}

/// Fewer columns and rows than these are taken for these: a terminal that says 0 does not know.
const SMALLEST: Size = Size { columns: 20, rows: 4 };
/// The statuses that are counted of flows.
const COUNTED: [ExecutionStatus; 5] = [
    ExecutionStatus::Passed,
    ExecutionStatus::Failed,
    ExecutionStatus::Errored,
    ExecutionStatus::TimedOut,
    ExecutionStatus::Cancelled,
];

/// What a step of an execution said last.
pub(crate) type Notes = Box<dyn Fn(&ExecutionId, &str) -> Option<String> + Send>;

/// The flows of a command.
pub(crate) struct Live {
    paint: Paint,
    signs: Signs,
    notes: Notes,
    screen: Screen,
    /// Under way, in the order in which they began.
    trees: Vec<Tree>,
    /// Flows that the command runs.
    total: usize,
    ended: HashMap<ExecutionStatus, usize>,
    began: Timestamp,
    /// What is printed for good with the next frame.
    pub(super) above: String,
    /// The heading of the only flow was printed.
    headed: bool,
    /// A stop was asked for, and this is what happens now.
    stopping: Option<String>,
}

impl Live {
    /// A view of `total` flows.
    pub(crate) fn new(paint: Paint, signs: Signs, notes: Notes, total: usize, began: Timestamp) -> Self {
        let (screen, ended) = (Screen::default(), HashMap::new());
        let (above, headed, stopping) = (String::new(), false, None);
        Self { paint, signs, notes, screen, trees: Vec::new(), total, ended, began, above, headed, stopping }
    }

    /// A flow begins.
    pub(crate) fn expect(&mut self, id: &ExecutionId, plan: Option<Arc<Plan>>, file: Option<String>) {
        self.trees.push(Tree::new(id.clone(), plan, file));
    }

    /// One record more, of this flow or of one of its sub-flows.
    pub(crate) fn take(&mut self, root: &ExecutionId, record: &Record) {
        if let Some(tree) = self.trees.iter_mut().find(|tree| tree.root == *root) {
            tree.take(record);
        }
    }

    /// Prints lines for good.
    pub(crate) fn say(&mut self, text: &str) {
        self.above.push_str(text);
    }

    /// Says in the last line what happens since a stop was asked for.
    pub(crate) fn stopping(&mut self, text: &str) {
        self.stopping = Some(text.to_owned());
    }

    /// What to write so that the terminal shows how things stand.
    pub(crate) fn draw(&mut self, now: Timestamp, size: Size) -> String {
        let size = Size { columns: size.columns.max(SMALLEST.columns), rows: size.rows.max(SMALLEST.rows) };
        self.print(now, size);
        let frame = self.frame(now, size);
        let above = std::mem::take(&mut self.above);
        self.screen.draw(&above, frame, size.columns)
    }

    /// What to write at the end: everything is printed for good, and the terminal is as it was found.
    pub(crate) fn leave(&mut self, now: Timestamp, size: Size) -> String {
        let size = Size { columns: size.columns.max(SMALLEST.columns), rows: size.rows.max(SMALLEST.rows) };
        self.print(now, size);
        for tree in std::mem::take(&mut self.trees) {
            let look = self.look(now, size);
            let from = tree.top().printed;
            let mut lines = if self.headed { Vec::new() } else { vec![head(&tree, &look)] };
            lines.extend(window::all(&tree, tree.top(), from..tree.top().view.steps.len(), 0, &look));
            self.above.push_str(&text_of(&lines));
        }
        let above = std::mem::take(&mut self.above);
        self.screen.leave(&above)
    }

    /// What to write so that the terminal can be somebody else's for a while; the next frame begins where its cursor is.
    pub(crate) fn suspend(&mut self) -> String {
        self.screen.leave("")
    }

    fn look(&self, now: Timestamp, size: Size) -> Look<'_> {
        // The last column stays free: what stands in it makes some terminals begin a line.
        let columns = size.columns - 1;
        Look { paint: self.paint, signs: self.signs, now, columns, notes: &*self.notes }
    }

    /// Moves what is done with from the frame to the lines above it.
    pub(super) fn print(&mut self, now: Timestamp, size: Size) {
        if self.total == 1 {
            self.print_steps(now, size);
        } else {
            self.print_flows(now, size);
        }
    }

    /// Of an only flow: its heading, and step after step in the order of the text.
    fn print_steps(&mut self, now: Timestamp, size: Size) {
        let look = self.look(now, size);
        let (mut lines, mut headed, mut ended, mut printed) = (Vec::new(), self.headed, None, 0);
        if let Some(tree) = self.trees.first().filter(|tree| tree.top().view.last_seq > 0) {
            if !headed {
                lines.push(head(tree, &look));
                headed = true;
            }
            lines.extend(tree.notices.iter().map(|notice| look.line(0, &look.paint.yellow(notice))));
            let top = tree.top();
            let until = done_until(tree);
            lines.extend(window::all(tree, top, top.printed..until, 0, &look));
            printed = until - top.printed;
            if top.view.status.ended() {
                lines.extend(verdict(tree, &look));
                ended = Some(top.view.status);
            }
        }
        self.above.push_str(&text_of(&lines));
        self.headed = headed;
        if let Some(tree) = self.trees.first_mut() {
            tree.notices.clear();
            tree.printed(printed);
        }
        if let Some(status) = ended {
            *self.ended.entry(status).or_default() += 1;
            self.trees.remove(0);
            // Should the flow be tried again, that is another execution.
            self.headed = false;
        }
    }

    /// Of several flows: each when it has ended; one that passed is a line.
    fn print_flows(&mut self, now: Timestamp, size: Size) {
        let (ended, going): (Vec<Tree>, Vec<Tree>) =
            std::mem::take(&mut self.trees).into_iter().partition(|tree| tree.top().view.status.ended());
        self.trees = going;
        for tree in ended {
            let look = self.look(now, size);
            let view = &tree.top().view;
            let mut lines = Vec::new();
            if view.status == ExecutionStatus::Passed {
                lines.push(self.passed(&tree, &look));
            } else {
                lines.push(head(&tree, &look));
                lines.extend(tree.notices.iter().map(|notice| look.line(0, &look.paint.yellow(notice))));
                lines.extend(window::all(&tree, tree.top(), 0..view.steps.len(), 0, &look));
                lines.extend(verdict(&tree, &look));
            }
            let status = view.status;
            self.above.push_str(&text_of(&lines));
            *self.ended.entry(status).or_default() += 1;
        }
    }

    fn passed(&self, tree: &Tree, look: &Look<'_>) -> String {
        let view = &tree.top().view;
        let sign = look.paint.execution(view.status, if look.signs == Signs::Unicode { "✓" } else { "+" });
        let took = duration(view.duration_ms.unwrap_or(0));
        let file = name(tree.file.as_deref().unwrap_or(&view.main));
        let about = look.paint.faint(&format!("{}  {took}  ({file})  {}", by_status(view), view.id));
        fit(&format!("{sign} {}  {about}", pad(&name(&view.flow), 16)), look.columns)
    }

    /// What is still to be seen, and the line that counts.
    pub(super) fn frame(&self, now: Timestamp, size: Size) -> Vec<String> {
        if self.trees.is_empty() && self.ended.values().sum::<usize>() >= self.total {
            return Vec::new();
        }
        let look = self.look(now, size);
        // The cursor has the last row, and the line that counts the one above it.
        let room = size.rows - 2;
        let mut lines = match (self.total, self.trees.first()) {
            (1, Some(tree)) => one(tree, room, &look),
            _ => several(&self.trees, room, &look),
        };
        lines.push(self.footer(&look));
        lines
    }

    /// How far it is.
    fn footer(&self, look: &Look<'_>) -> String {
        let took = ticking(since(self.began, look.now));
        let (done, all, word, counts) = match (self.total, self.trees.first()) {
            (1, Some(tree)) => {
                let (done, all, counts) = progress(tree);
                (done, all, "steps", counts)
            }
            _ => {
                let count = |status: &ExecutionStatus| self.ended.get(status).copied().unwrap_or(0);
                let counts = COUNTED.iter().map(|status| (count(status), *status)).filter(|(count, _)| *count > 0);
                let mut said: Vec<String> = counts
                    .map(|(count, status)| look.paint.execution(status, &format!("{count} {}", status.word())))
                    .collect();
                said.push(format!("{} running", self.trees.len()));
                (self.ended.values().sum(), self.total, "flows", said.join(", "))
            }
        };
        let spinner = look.paint.execution(ExecutionStatus::Running, look.signs.spinner(look.now));
        let gap = if counts.is_empty() { "" } else { ": " };
        let stop = self.stopping.as_ref().map(|text| format!("  {}", look.paint.yellow(text))).unwrap_or_default();
        fit(&format!("{spinner} {done} of {all} {word}{gap}{counts}  {}{stop}", look.paint.faint(&took)), look.columns)
    }
}

/// The first step whose lines may still change.
fn done_until(tree: &Tree) -> usize {
    let top = tree.top();
    let steps = &top.view.steps;
    let all = top.view.status.ended();
    let open = |id: &ExecutionId| tree.branch(id).is_some_and(|child| !child.view.status.ended());
    let done = |step: &assay_app::view::StepView| {
        let instances = step.instances.iter().map(|instance| &instance.place);
        step.place.status.ended()
            && !std::iter::once(&step.place).chain(instances).any(|place| place.child.as_ref().is_some_and(open))
    };
    let mut until = top.printed;
    while until < steps.len() && (all || done(&steps[until])) {
        // A row of blocked steps is printed when all of it is there, so that it can be counted.
        let row = window::blocked_row(top, until, steps.len());
        let after = until + row;
        if row > 0 && !all && after < steps.len() && !steps[after].place.status.ended() && !steps[after].finally {
            break;
        }
        until += row.max(1);
    }
    until
}

fn one(tree: &Tree, room: usize, look: &Look<'_>) -> Vec<String> {
    let top = tree.top();
    if top.view.status == ExecutionStatus::Queued {
        let group = top.plan.as_ref().and_then(|plan| plan.concurrency.as_ref());
        let why = match group {
            Some(group) => format!("queued: of its concurrency group {} may run at once", group.max),
            None => "queued".to_owned(),
        };
        return vec![look.line(0, &look.paint.faint(&why))];
    }
    window::of_branch(tree, top, top.printed, 0, room, look)
}

/// Flows under way share the lines; of those that find no room there is a count.
fn several(trees: &[Tree], room: usize, look: &Look<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let shown = if trees.len() > room { room.saturating_sub(1) } else { trees.len() };
    let share = room / shown.max(1);
    let longest = trees.iter().map(|tree| width(&tree.top().view.flow)).max().unwrap_or(0).clamp(8, 28);
    for tree in &trees[..shown] {
        let view = &tree.top().view;
        let (done, all, counts) = progress(tree);
        let said = match view.started_at {
            Some(at) => format!("{done} of {all}: {counts}  {}", look.paint.faint(&ticking(since(at, look.now)))),
            None => look.paint.faint("queued"),
        };
        let label = pad(&fit(&name(&view.flow), longest), longest);
        lines.push(fit(&format!("{}  {said}", look.paint.bold(&label)), look.columns));
        // Steps that are over are counted in the line above: here stands what happens.
        lines.extend(window::busy(tree, tree.top(), share.saturating_sub(1), look));
    }
    if trees.len() > shown {
        let more = plural(trees.len() - shown, "more flow");
        lines.push(look.line(0, &look.paint.faint(&format!("{} {more}", look.signs.folded()))));
    }
    lines
}

/// Steps that have ended, all steps, and both by status.
fn progress(tree: &Tree) -> (usize, usize, String) {
    let mut counts: BTreeMap<StepStatus, usize> = BTreeMap::new();
    let steps = &tree.top().view.steps;
    for step in steps {
        *counts.entry(step.place.status).or_default() += 1;
    }
    let done = counts.iter().filter(|(status, _)| status.ended()).map(|(_, count)| count).sum();
    let mut said: Vec<(&StepStatus, &usize)> =
        counts.iter().filter(|(status, _)| **status == StepStatus::Running || status.ended()).collect();
    said.sort_by_key(|(status, _)| (!status.ended(), **status));
    let said = said.iter().map(|(status, count)| format!("{count} {}", status.word()));
    (done, steps.len(), said.collect::<Vec<_>>().join(", "))
}

fn text_of(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
impl Live {
    /// Results that are kept with what their steps looked at.
    pub(super) fn kept_evidence(&self) -> usize {
        let places = self.trees.iter().flat_map(|tree| &tree.top().view.steps).flat_map(|step| &step.instances);
        let results = places.filter_map(|instance| instance.place.result());
        results.filter(|result| result.evidence.is_some()).count()
    }
}
