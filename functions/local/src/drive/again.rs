//! What follows when a flow does not pass: it is run again, or nothing else is.

use std::collections::HashMap;

use assay_app::usecases::{Executions, RerunOf};
use assay_engine::execution::RerunOptions;
use assay_engine::id::ExecutionId;
use assay_engine::record::RerunHow;
use assay_engine::status::ExecutionStatus;

use super::flows::{Planned, Rules};
use crate::local::organization;
use crate::view::Outcome;

pub(super) struct Again {
    rules: Rules,
    /// What was asked for, in order.
    asked: Vec<ExecutionId>,
    /// Each flow as it was asked for, by its first execution; empty when nothing is ever retried.
    flows: HashMap<ExecutionId, Planned>,
    /// The first execution of each retry, and which time it is.
    times: HashMap<ExecutionId, (ExecutionId, u32)>,
    replaced: HashMap<ExecutionId, ExecutionId>,
    /// Outcomes that were looked at.
    seen: usize,
    failed: bool,
    cut: bool,
}

impl Again {
    pub(super) fn of(planned: &[Planned], rules: Rules) -> Self {
        let id = |planned: &Planned| planned.entry.execution.clone();
        // What an earlier process began is gone on with, not begun again.
        let fresh = planned.iter().filter(|planned| rules.retries > 0 && !planned.exists);
        Self {
            rules,
            asked: planned.iter().map(id).collect(),
            flows: fresh.map(|planned| (id(planned), planned.clone())).collect(),
            times: HashMap::new(),
            replaced: HashMap::new(),
            seen: 0,
            failed: false,
            cut: false,
        }
    }

    /// What is to be run again after these outcomes. `on`: nobody has stopped it.
    pub(super) fn after(&mut self, outcomes: &[Outcome], on: bool) -> Vec<Planned> {
        let mut next = Vec::new();
        for outcome in outcomes.iter().skip(self.seen) {
            use ExecutionStatus::{Errored, Failed, TimedOut};
            if on && matches!(outcome.status, Failed | Errored | TimedOut) {
                match self.retry(&outcome.execution) {
                    Some(retry) => next.push(retry),
                    None => self.failed = true,
                }
            }
        }
        self.seen = outcomes.len();
        next
    }

    fn retry(&mut self, failed: &ExecutionId) -> Option<Planned> {
        let (first, time) = self.times.get(failed).cloned().unwrap_or_else(|| (failed.clone(), 0));
        if time >= self.rules.retries || self.is_cut() {
            return None;
        }
        let time = time + 1;
        let mut next = self.flows.get(&first)?.clone();
        next.entry.start_key = format!("{}-again-{time}", next.entry.start_key);
        next.entry.execution = Executions::id_of(&organization(), &next.entry.start_key);
        let (execution, attempt, options) = (first.clone(), Some(time + 1), RerunOptions::default());
        next.entry.rerun = Some(RerunOf { execution, how: RerunHow::Retry, attempt, options });
        self.times.insert(next.entry.execution.clone(), (first, time));
        self.replaced.insert(failed.clone(), next.entry.execution.clone());
        Some(next)
    }

    /// True once: what runs must be cancelled now.
    pub(super) fn cut_now(&mut self) -> bool {
        let now = self.rules.fail_fast && self.failed && !self.cut;
        self.cut |= now;
        now
    }

    /// Nothing else is started.
    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }

    pub(super) fn replaced(self) -> HashMap<ExecutionId, ExecutionId> {
        self.replaced
    }

    /// In the order in which they were asked for, each followed by its retries.
    pub(super) fn sort(&self, outcomes: &mut [Outcome]) {
        outcomes.sort_by_key(|outcome| {
            let own = (outcome.execution.clone(), 0);
            let (first, time) = self.times.get(&outcome.execution).unwrap_or(&own);
            (self.asked.iter().position(|id| id == first), *time)
        });
    }
}
