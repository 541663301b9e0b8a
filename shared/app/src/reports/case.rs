//! Suites and cases: a flow is a suite, each step or instance a case, clean-up too; and what a status counts as.

use assay_engine::job::Outcome;
use assay_engine::status::{ExecutionStatus, StepStatus};

use super::report::{Facts, Report, StepFacts};
use crate::view::{AttemptView, ExecutionView, PlaceView, StepView};

/// A flow's execution, or that of a sub-flow.
pub(super) struct Suite<'a> {
    pub(super) view: &'a ExecutionView,
    pub(super) facts: Option<&'a Facts>,
    /// The flow at the top, then for each sub-flow on the way the step that ran it, with the sub-flow's name.
    pub(super) path: Vec<String>,
}

/// A step, or an instance of one.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) step: &'a StepView,
    pub(super) index: Option<u32>,
    pub(super) place: &'a PlaceView,
    pub(super) facts: Option<&'a StepFacts>,
    pub(super) came: Came,
}

/// What a case counts as. Every format maps these, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Came {
    Passed,
    /// An assertion or a capture did not hold.
    Failed,
    /// It could not be found out.
    Errored,
    /// Out of time: could not be found out either.
    TimedOut,
    /// It did not pass, and the flow says that this does not count.
    Allowed,
    Skipped,
    /// It was stopped: by a cancel, by the execution's time, by `failFast`.
    Cancelled,
    /// The execution has not ended.
    Unfinished,
}

impl Came {
    pub(super) fn of(status: StepStatus, may_fail: bool) -> Self {
        match status {
            StepStatus::Passed => Self::Passed,
            StepStatus::Failed | StepStatus::Errored | StepStatus::TimedOut if may_fail => Self::Allowed,
            StepStatus::Failed => Self::Failed,
            StepStatus::Errored => Self::Errored,
            StepStatus::TimedOut => Self::TimedOut,
            StepStatus::Skipped => Self::Skipped,
            StepStatus::Cancelled => Self::Cancelled,
            StepStatus::Pending | StepStatus::Ready | StepStatus::Running => Self::Unfinished,
        }
    }

    /// Whether it makes a verdict worse.
    pub(super) fn counts(self) -> bool {
        matches!(self, Self::Failed | Self::Errored | Self::TimedOut)
    }
}

impl<'a> Case<'a> {
    fn of(facts: Option<&'a Facts>, step: &'a StepView, index: Option<u32>, place: &'a PlaceView) -> Self {
        let facts = facts.and_then(|facts| facts.steps.get(&step.id));
        let may_fail = facts.is_some_and(|facts| facts.may_fail);
        Self { step, index, place, facts, came: Came::of(place.status, may_fail) }
    }

    /// `audited`, `audited[3]`.
    pub(super) fn name(&self) -> String {
        match self.index {
            Some(index) => format!("{}[{index}]", self.step.id),
            None => self.step.id.clone(),
        }
    }

    /// Why it did not pass, in one line; what it came to where nothing says so.
    pub(super) fn reason(&self) -> String {
        let why = self.place.reason().unwrap_or_else(|| match self.came {
            Came::Unfinished => "it has not ended".to_owned(),
            Came::Cancelled => "it was stopped".to_owned(),
            _ => self.place.status.word().to_owned(),
        });
        match self.came {
            Came::Allowed => format!("{}, which the flow allows (continueOnError): {why}", self.place.status.word()),
            _ => why,
        }
    }

    /// The error's code where there is one, else the status: what tools group by.
    pub(super) fn type_of(&self) -> String {
        let error = self.place.error.as_ref().or_else(|| self.place.result()?.error.as_ref());
        error.map_or_else(|| self.place.status.word().to_owned(), |error| error.code.clone())
    }

    /// The attempts before the last one, as far as they have ended.
    pub(super) fn earlier(&self) -> &'a [AttemptView] {
        &self.place.attempts[..self.place.attempts.len().saturating_sub(1)]
    }

    /// It passed, but not at its first attempt.
    pub(super) fn flaky(&self) -> bool {
        let missed = |attempt: &AttemptView| attempt.result.as_ref().is_some_and(|it| it.outcome != Outcome::Passed);
        self.came == Came::Passed && self.earlier().iter().any(missed)
    }

    /// Only soft assertions did not hold.
    pub(super) fn soft(&self) -> bool {
        let failed = || self.place.all_assertions().iter().filter(|assertion| !assertion.passed);
        let captures = self.place.result().is_some_and(|result| !result.failed_captures.is_empty());
        self.place.status == StepStatus::Failed && !captures && failed().count() > 0 && failed().all(|one| one.soft)
    }

    /// The line of the first assertion that did not hold, else of the step.
    pub(super) fn line(&self) -> Option<usize> {
        let facts = self.facts?;
        let assertions = self.place.all_assertions();
        let failed = assertions.iter().position(|assertion| !assertion.passed && !assertion.soft);
        let failed = failed.or_else(|| assertions.iter().position(|assertion| !assertion.passed));
        Some(failed.and_then(|at| facts.assertions.get(at)).copied().unwrap_or(facts.line))
    }
}

impl<'a> Suite<'a> {
    /// Every suite of a report: each execution, then its sub-flows.
    pub(super) fn all(report: &'a Report) -> Vec<Self> {
        let mut found = Vec::new();
        for view in &report.executions {
            Self::top(report, view).collect(report, &mut found);
        }
        found
    }

    /// That of an execution at the top.
    pub(super) fn top(report: &'a Report, view: &'a ExecutionView) -> Self {
        Self { view, facts: report.facts.get(&view.id), path: vec![view.flow.clone()] }
    }

    /// That of a sub-flow of this one.
    pub(super) fn child(&self, report: &'a Report, view: &'a ExecutionView) -> Self {
        let ran = |place: &PlaceView| place.child.as_ref() == Some(&view.id);
        let own = self.view.steps.iter().find_map(|step| match step.instances.iter().find(|one| ran(&one.place)) {
            Some(instance) => Some(format!("{}[{}]: {}", step.id, instance.index, view.flow)),
            None => ran(&step.place).then(|| format!("{}: {}", step.id, view.flow)),
        });
        let own = own.unwrap_or_else(|| view.flow.clone());
        let path = self.path.iter().cloned().chain([own]).collect();
        Self { view, facts: report.facts.get(&view.id), path }
    }

    /// The sub-flow that a step has run.
    pub(super) fn child_of(&self, report: &'a Report, place: &PlaceView) -> Option<Self> {
        let id = place.child.as_ref()?;
        Some(self.child(report, self.view.children.iter().find(|child| child.id == *id)?))
    }

    fn collect(self, report: &'a Report, found: &mut Vec<Self>) {
        let children: Vec<Self> = self.view.children.iter().map(|child| self.child(report, child)).collect();
        found.push(self);
        for child in children {
            child.collect(report, found);
        }
    }

    /// `checkout / charge: pay`.
    pub(super) fn name(&self) -> String {
        self.path.join(" / ")
    }

    /// The cases of a step: its instances, or itself. One that did not pass though its instances did is a case too.
    pub(super) fn cases_of(&self, step: &'a StepView) -> Vec<Case<'a>> {
        let own = Case::of(self.facts, step, None, &step.place);
        let instances = step.instances.iter();
        let mut cases: Vec<Case<'a>> =
            instances.map(|one| Case::of(self.facts, step, Some(one.index), &one.place)).collect();
        if cases.is_empty() || (own.came.counts() && !cases.iter().any(|case| case.came.counts())) {
            cases.push(own);
        }
        cases
    }

    /// A step as a whole.
    pub(super) fn whole(&self, step: &'a StepView) -> Case<'a> {
        Case::of(self.facts, step, None, &step.place)
    }

    /// All cases, in the order of the flow.
    pub(super) fn cases(&self) -> Vec<Case<'a>> {
        self.view.steps.iter().flat_map(|step| self.cases_of(step)).collect()
    }

    /// A verdict that no case explains, and why: a case of its own, so that a report is never greener than its execution.
    pub(super) fn unexplained(&self) -> Option<(Came, String)> {
        let view = self.view;
        let explained = self.cases().iter().any(|case| case.came.counts());
        let came = match view.status {
            ExecutionStatus::Passed => return None,
            ExecutionStatus::Failed | ExecutionStatus::Errored if explained && view.reason.is_none() => return None,
            ExecutionStatus::Failed => Came::Failed,
            ExecutionStatus::TimedOut => Came::TimedOut,
            _ => Came::Errored,
        };
        let by = view.stop.as_ref().map(|stop| format!("stopped by {}", stop.by));
        let why = view.reason.clone().or(by).unwrap_or_else(|| format!("the execution {}", has(view.status)));
        Some((came, why))
    }

    /// The case to look at first, and the suite that it belongs to: of those that explain the verdict the one that ended
    /// first; of a step that ran a sub-flow, the one within it.
    pub(super) fn first(&self, report: &'a Report) -> Option<(Suite<'a>, Case<'a>)> {
        let mut cases: Vec<Case<'a>> = self.cases().into_iter().filter(|case| case.came.counts()).collect();
        let explains = |case: &Case<'_>| match self.view.status {
            ExecutionStatus::Errored => case.came != Came::Failed,
            ExecutionStatus::Failed => case.came == Came::Failed,
            _ => true,
        };
        cases.sort_by_key(|case| (case.step.finally, !explains(case), case.place.ended_at));
        let case = *cases.first()?;
        if let Some(below) = self.child_of(report, case.place).and_then(|child| child.first(report)) {
            return Some(below);
        }
        Some((Suite { view: self.view, facts: self.facts, path: self.path.clone() }, case))
    }
}

fn has(status: ExecutionStatus) -> &'static str {
    match status {
        ExecutionStatus::Cancelled => "was cancelled",
        ExecutionStatus::TimedOut => "was out of time",
        ExecutionStatus::Queued | ExecutionStatus::Running => "has not ended",
        _ => "did not pass",
    }
}
