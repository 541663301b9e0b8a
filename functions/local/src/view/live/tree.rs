//! One execution and its sub-flows, put together from records.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use assay_app::view::{ExecutionView, PlaceView, StepView};
use assay_engine::id::ExecutionId;
use assay_engine::job::JobResult;
use assay_engine::plan::{Plan, Step, StepKind};
use assay_engine::record::{Place, Record, What};
use assay_engine::status::{Phase, StepStatus};

use super::super::cells::width;
use super::super::text::{clean, name};

/// An execution with its sub-flows.
pub(crate) struct Tree {
    pub(super) root: ExecutionId,
    /// The flow's file as it was asked for.
    pub(super) file: Option<String>,
    branches: HashMap<ExecutionId, Branch>,
    /// What is said once, in the order in which it happened.
    pub(super) notices: Vec<String>,
}

/// One execution of the tree.
pub(super) struct Branch {
    pub(super) view: ExecutionView,
    pub(super) plan: Option<Arc<Plan>>,
    /// Instances by step.
    tallies: HashMap<String, Tally>,
    /// What its steps are called from the top: `pay/`.
    path: String,
    /// Steps whose lines were printed for good, from the first on.
    pub(super) printed: usize,
    /// Cells of the longest name of its steps.
    pub(super) longest: usize,
}

/// The instances of a `foreach` step, counted as they change: nobody goes through all of them to draw a frame.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// How many have each status; those that nothing has happened to are in none.
    pub(super) counts: BTreeMap<StepStatus, u32>,
    /// Those that are under way.
    pub(super) running: BTreeSet<u32>,
    /// Those that failed, errored or were out of time, in the order in which they ended.
    pub(super) bad: Vec<u32>,
}

impl Tally {
    fn moved(&mut self, index: u32, from: StepStatus, to: StepStatus) {
        if from == to {
            return;
        }
        if let Some(count) = self.counts.get_mut(&from) {
            *count = count.saturating_sub(1);
        }
        *self.counts.entry(to).or_default() += 1;
        if to == StepStatus::Running {
            self.running.insert(index);
        } else {
            self.running.remove(&index);
        }
        if is_bad(to) {
            self.bad.push(index);
        }
    }
}

/// Whether it ended so that somebody must look at it.
pub(super) fn is_bad(status: StepStatus) -> bool {
    matches!(status, StepStatus::Failed | StepStatus::Errored | StepStatus::TimedOut)
}

impl Tree {
    /// A tree of nothing yet.
    pub(crate) fn new(root: ExecutionId, plan: Option<Arc<Plan>>, file: Option<String>) -> Self {
        let branches = HashMap::from([(root.clone(), Branch::new(root.clone(), plan, String::new()))]);
        Self { root, file, branches, notices: Vec::new() }
    }

    /// The execution at the top.
    pub(super) fn top(&self) -> &Branch {
        &self.branches[&self.root]
    }

    /// An execution of the tree that something is known of.
    pub(super) fn branch(&self, id: &ExecutionId) -> Option<&Branch> {
        self.branches.get(id).filter(|branch| branch.view.last_seq > 0)
    }

    /// So many steps were printed for good.
    pub(super) fn printed(&mut self, steps: usize) {
        if let Some(top) = self.branches.get_mut(&self.root) {
            top.printed += steps;
        }
    }

    /// One record more, of the execution or of one of its sub-flows, each in its order.
    pub(crate) fn take(&mut self, record: &Record) {
        let id = &record.execution;
        self.expect_child(record);
        let Some(branch) = self.branches.get_mut(id) else { return };
        let place = place_of(&record.what);
        let before = place.map(|place| branch.status(place));
        let _ = branch.view.apply(&slim(record));
        if let What::Started { steps, .. } = &record.what {
            branch.longest = steps.iter().map(|step| width(step)).max().unwrap_or(0);
        }
        if let (Some(place), Some(before)) = (place, before) {
            let after = branch.status(place);
            if let Some(index) = place.instance {
                branch.tallies.entry(place.step.clone()).or_default().moved(index, before, after);
            }
        }
        self.notice(record);
    }

    /// Makes room for a sub-flow, with the plan that its step has.
    fn expect_child(&mut self, record: &Record) {
        let child = match &record.what {
            What::StepStarted { child: Some(child), place, .. } => {
                let Some(above) = self.branches.get(&record.execution) else { return };
                let plan = match above.step(&place.step).map(|step| &step.kind) {
                    Some(StepKind::Flow { plan, .. }) => Some(plan.clone()),
                    _ => None,
                };
                (child.clone(), plan, format!("{}{}/", above.path, name(&place.to_string())))
            }
            What::Queued { parent: Some(_), flow, .. } => (record.execution.clone(), None, format!("{}/", name(flow))),
            _ => return,
        };
        let (id, plan, path) = child;
        self.branches.entry(id.clone()).or_insert_with(|| Branch::new(id, plan, path));
    }

    /// What is no step's state, but said.
    fn notice(&mut self, record: &Record) {
        let Some(branch) = self.branches.get(&record.execution) else { return };
        let path = &branch.path;
        let said = match &record.what {
            What::SignalReceived { name, by } => format!("{path}signal {} from {}", clean(name), clean(by)),
            What::Warned { step, message } => {
                let about = step.as_ref().map(|step| format!("{}: ", name(step))).unwrap_or_default();
                format!("warning: {path}{about}{}", name(message))
            }
            What::StopRequested { by, forced } if record.execution == self.root => {
                let how = if *forced { "ends at once" } else { "stops, then `finally` runs" };
                format!("stop asked for by {}: {how}", clean(by))
            }
            What::PhaseEntered { phase: Phase::Kept, .. } if record.execution == self.root => {
                let id = &record.execution;
                format!("`finally` is held back; go on: assay rerun {id} --from-failed; clean up: assay finish {id}")
            }
            What::Released { by, rerun } => {
                let what = if rerun.is_some() { "`finally` is left to the rerun" } else { "`finally` runs" };
                format!("{path}let go of by {}: {what}", clean(by))
            }
            What::Undone { place, ok, error } => {
                let why = error.as_ref().map(|error| format!(": {}", clean(&error.message))).unwrap_or_default();
                let how = if *ok { "taken back" } else { "could not be taken back" };
                format!("{path}{place} {how}{why}")
            }
            _ => return,
        };
        self.notices.push(said);
    }
}

impl Branch {
    fn new(id: ExecutionId, plan: Option<Arc<Plan>>, path: String) -> Self {
        Self { view: ExecutionView::new(id), plan, tallies: HashMap::new(), path, printed: 0, longest: 0 }
    }

    /// What the flow says of a step.
    pub(super) fn step(&self, id: &str) -> Option<&Step> {
        let plan = self.plan.as_deref()?;
        // Steps stand in the same order in both, unless the flow is another by now.
        let at = plan.step_index(id)?;
        plan.steps.get(at)
    }

    /// The instances of a step.
    pub(super) fn tally(&self, step: &StepView) -> Option<&Tally> {
        self.tallies.get(&step.id)
    }

    fn status(&self, place: &Place) -> StepStatus {
        self.place(place).map_or(StepStatus::Pending, |place| place.status)
    }

    fn place(&self, place: &Place) -> Option<&PlaceView> {
        let step = self.view.step(&place.step)?;
        let Some(wanted) = place.instance else { return Some(&step.place) };
        let at = step.instances.binary_search_by_key(&wanted, |instance| instance.index).ok()?;
        Some(&step.instances[at].place)
    }

    /// Whether the steps of `finally` have their own heading before this one.
    pub(super) fn begins_finally(&self, step: usize) -> bool {
        let steps = &self.view.steps;
        steps[step].finally && (step == 0 || !steps[step - 1].finally)
    }
}

/// The place that a record is about, when it may change its status.
fn place_of(what: &What) -> Option<&Place> {
    match what {
        What::Dispatched { place, .. }
        | What::StepStarted { place, .. }
        | What::AttemptEnded { place, .. }
        | What::StepFinished { place, .. }
        | What::Expanded { place, .. } => Some(place),
        _ => None,
    }
}

/// The record without what no line shows: ten thousand results that passed are a lot to keep.
fn slim(record: &Record) -> Cow<'_, Record> {
    let What::StepFinished { place, status: StepStatus::Passed, attempts, result: Some(result), duration_ms, .. } =
        &record.what
    else {
        return Cow::Borrowed(record);
    };
    let looks = result.looks.clone();
    let result = JobResult { looks, ..JobResult::of(result.outcome, result.started_at, result.ended_at) };
    let what = What::StepFinished {
        place: place.clone(),
        status: StepStatus::Passed,
        skipped: None,
        attempts: *attempts,
        result: Some(Box::new(result)),
        error: None,
        assertions: Vec::new(),
        duration_ms: *duration_ms,
        carried: None,
    };
    Cow::Owned(Record { execution: record.execution.clone(), seq: record.seq, at: record.at, what })
}
