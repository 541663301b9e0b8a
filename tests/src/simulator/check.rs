//! The invariants, judged by the records, the final state and what the targets saw.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use assay_app::ports::ExecutionStore as _;
use assay_engine::admission::Quota;
use assay_engine::execution::{Standing, UndoEntry};
use assay_engine::id::{ExecutionId, OrganizationId, ProjectId};
use assay_engine::job::{ErrorClass, JobPhase, JobResult};
use assay_engine::plan::{OnLost, Plan, RetryOn, Section, StepKind};
use assay_engine::record::{Place, Record, What};
use assay_engine::status::{ExecutionStatus, StepStatus};

use jiff::{SignedDuration, Timestamp};

use super::runner::Act;
use super::store::{Shared, now_or_never};
use super::types::repeatable;

/// How far the clocks of processes may be off, and with them the times of records.
const CLOCKS_OFF: SignedDuration = SignedDuration::from_secs(10);

/// What the simulated organization may use.
pub(super) const QUOTA: Quota = Quota { slots: 3, waiting: 100, width: 5 };

/// Whose executions they are.
pub(super) fn organization() -> OrganizationId {
    OrganizationId::derived(&["simulated"])
}

/// Of which project.
pub(super) fn project() -> ProjectId {
    ProjectId::derived(&["simulated"])
}

/// What was found about one execution.
pub(super) struct Found {
    /// What does not hold.
    pub violations: Vec<String>,
    /// Sub-flows that were started.
    pub children: Vec<(ExecutionId, Arc<Plan>)>,
    /// A hash of its history.
    pub trace: u64,
}

/// Each fence acts at most once: no delivery acts after another one has.
pub(super) fn acts(acts: &[Act]) -> Vec<String> {
    let mut count: BTreeMap<(&ExecutionId, &assay_engine::job::Fence), u32> = BTreeMap::new();
    for act in acts {
        *count.entry((&act.execution, &act.fence)).or_default() += 1;
    }
    let twice = count.into_iter().filter(|(_, count)| *count > 1);
    twice.map(|((id, fence), count)| format!("{id}: {fence:?} acted {count} times")).collect()
}

/// Everything that must hold of an execution that has come to rest.
pub(super) fn execution(shared: &Shared, id: &ExecutionId, plan: &Plan, acts: &[Act]) -> Found {
    let mut found = Found { violations: Vec::new(), children: Vec::new(), trace: 0 };
    let store = &shared.inner;
    let Some(loaded) = now_or_never(store.load_whole(id)).ok().flatten() else {
        found.violations.push(format!("{id} is gone"));
        return found;
    };
    let records = now_or_never(store.records(id, 0, 1_000_000)).unwrap_or_default();
    let mut hasher = DefaultHasher::new();
    format!("{records:?}").hash(&mut hasher);
    found.trace = hasher.finish();
    let mut judge = Judge { id, plan, records: &records, violations: Vec::new() };
    if !loaded.head.status.ended() {
        judge.wrong(format!("never ended: {:?} {:?} {:?}", loaded.head.status, loaded.head.phase, loaded.head.steps));
    } else {
        judge.numbers(loaded.head.last_seq);
        judge.verdicts(loaded.head.status, &loaded.head.steps);
        judge.order();
        judge.clean_up(loaded.head.status, &loaded.head.undo);
        judge.losses();
        judge.acted(acts);
        judge.places(loaded.head.in_flight);
        judge.heard(acts, loaded.head.ended_at);
        judge.kept(shared);
    }
    found.violations = judge.violations;
    for record in &records {
        if let What::StepStarted { place, child: Some(child), .. } = &record.what
            && let Some(index) = plan.step_index(&place.step)
            && let StepKind::Flow { plan: inner, .. } = &plan.steps[index].kind
            && now_or_never(store.load(child, &[])).ok().flatten().is_some()
        {
            found.children.push((child.clone(), inner.clone()));
        }
    }
    found
}

struct Judge<'a> {
    id: &'a ExecutionId,
    plan: &'a Plan,
    records: &'a [Record],
    violations: Vec<String>,
}

impl Judge<'_> {
    fn wrong(&mut self, what: String) {
        self.violations.push(format!("{}: {what}", self.id));
    }

    /// Records without gaps; time never goes back.
    fn numbers(&mut self, last: u64) {
        for (index, record) in self.records.iter().enumerate() {
            if record.seq != index as u64 + 1 {
                return self.wrong(format!("record {} stands at place {}", record.seq, index + 1));
            }
        }
        if last != self.records.len() as u64 {
            self.wrong(format!("the head counts {last} records, and there are {}", self.records.len()));
        }
        if self.records.windows(2).any(|pair| pair[1].at < pair[0].at) {
            self.wrong("time goes back in the records".into());
        }
    }

    fn finished(&self) -> BTreeMap<&Place, Vec<(u64, StepStatus)>> {
        let mut finished: BTreeMap<&Place, Vec<(u64, StepStatus)>> = BTreeMap::new();
        for record in self.records {
            if let What::StepFinished { place, status, .. } = &record.what {
                finished.entry(place).or_default().push((record.seq, *status));
            }
        }
        finished
    }

    /// Exactly one verdict per step and instance, and one for the whole, which follows from the steps.
    fn verdicts(&mut self, status: ExecutionStatus, standings: &[Standing]) {
        let finished = self.finished();
        let doubled: Vec<String> =
            finished.iter().filter(|(_, all)| all.len() > 1).map(|(place, _)| place.to_string()).collect();
        let mut wrong: Vec<String> = doubled.into_iter().map(|place| format!("{place} has two verdicts")).collect();
        for (step, standing) in self.plan.steps.iter().zip(standings) {
            let place = Place { step: step.id.to_string(), instance: None };
            match finished.get(&place).and_then(|all| all.first()) {
                None => wrong.push(format!("{place} has no verdict")),
                Some((_, said)) if *said != standing.status() => {
                    wrong.push(format!("{place} was said to be {said:?}, and stands as {standing:?}"));
                }
                Some(_) => {}
            }
        }
        let ends: Vec<ExecutionStatus> = self
            .records
            .iter()
            .filter_map(|record| match &record.what {
                What::Finished { status, .. } => Some(*status),
                _ => None,
            })
            .collect();
        if ends != [status] {
            wrong.push(format!("ended as {ends:?}, and stands as {status:?}"));
        }
        let counts = |standing: &Standing| {
            matches!(standing, Standing::Failed | Standing::FailedSoftly | Standing::Errored | Standing::TimedOut)
        };
        let mut all = self.plan.steps.iter().zip(standings);
        let bad = all.any(|(step, standing)| !step.continue_on_error && counts(standing));
        if status == ExecutionStatus::Passed && bad {
            wrong.push("passed, although a step that counts did not".into());
        }
        let told: BTreeMap<&Place, StepStatus> =
            finished.iter().filter_map(|(place, all)| Some((*place, all.first()?.1))).collect();
        let failed_result = self.records.iter().any(|record| match &record.what {
            What::StepFinished { place, result: Some(result), status: StepStatus::Passed, .. } => {
                told.contains_key(place) && result.outcome != assay_engine::job::Outcome::Passed
            }
            _ => false,
        });
        if failed_result {
            wrong.push("a step passed whose last attempt did not".into());
        }
        wrong.into_iter().for_each(|what| self.wrong(what));
    }

    /// Nothing is dispatched before what it needs has ended, nor before what is armed for it is.
    fn order(&mut self) {
        let ended: BTreeMap<String, u64> = self
            .finished()
            .into_iter()
            .filter(|(place, _)| place.instance.is_none())
            .filter_map(|(place, all)| Some((place.step.clone(), all.first()?.0)))
            .collect();
        let mut wrong = Vec::new();
        for record in self.records {
            let (place, phase) = match &record.what {
                What::Dispatched { place, phase, .. } => (place, *phase),
                What::StepStarted { place, phase, .. } => (place, *phase),
                _ => continue,
            };
            if phase != JobPhase::Run {
                continue;
            }
            let Some(index) = self.plan.step_index(&place.step) else { continue };
            let step = &self.plan.steps[index];
            for need in &step.needs {
                let need = &self.plan.steps[*need].id;
                if ended.get(&**need).is_none_or(|seq| *seq > record.seq) {
                    wrong.push(format!("{place} began before its need {need} had ended"));
                }
            }
            for arm in &step.arms {
                if !self.armed_before(&self.plan.steps[*arm].id, record.seq) {
                    wrong.push(format!("{place} acted before {} was armed", self.plan.steps[*arm].id));
                }
            }
        }
        wrong.into_iter().for_each(|what| self.wrong(what));
    }

    fn armed_before(&self, id: &str, seq: u64) -> bool {
        self.records.iter().take_while(|record| record.seq < seq).any(|record| match &record.what {
            What::Prepared { place, .. } => place.step == id,
            _ => false,
        })
    }

    /// `finally` and undo always run, unless a forced stop says otherwise.
    fn clean_up(&mut self, status: ExecutionStatus, left: &[UndoEntry]) {
        let forced = self.records.iter().any(|record| match &record.what {
            What::StopRequested { forced, .. } => *forced,
            _ => false,
        });
        let began = self.records.iter().any(|record| matches!(record.what, What::Started { .. }));
        if !left.is_empty() {
            self.wrong(format!("{} undos are left", left.len()));
        }
        if forced || !began {
            return;
        }
        let mut to_undo: BTreeMap<String, i64> = BTreeMap::new();
        for record in self.records {
            match &record.what {
                What::Prepared { place, undo: true } => *to_undo.entry(place.to_string()).or_default() += 1,
                What::Undone { place, .. } => *to_undo.entry(place.to_string()).or_default() -= 1,
                _ => {}
            }
        }
        for (place, count) in to_undo.into_iter().filter(|(_, count)| *count != 0) {
            self.wrong(format!("{place} was prepared {count} times more than it was taken back"));
        }
        let finally = self.plan.steps.iter().filter(|step| step.section == Section::Finally);
        let unconditional: Vec<String> =
            finally.filter(|step| step.condition.program.is_none()).map(|step| step.id.to_string()).collect();
        for id in unconditional {
            let ran = self.records.iter().any(|record| match &record.what {
                What::Dispatched { place, .. } | What::StepStarted { place, .. } => place.step == id,
                What::StepFinished { place, skipped: Some(_), .. } => place.step == id,
                What::StepFinished { place, error: Some(_), .. } => place.step == id,
                _ => false,
            });
            let out_of_time = self.records.iter().any(|record| match &record.what {
                What::StopRequested { by, .. } => by.starts_with("finallyTimeout"),
                _ => false,
            });
            if !ran && !out_of_time {
                self.wrong(format!("`finally` step {id} never ran ({status:?})"));
            }
        }
    }

    /// What may not be repeated is not, unless the flow says so.
    fn losses(&mut self) {
        let mut wrong = Vec::new();
        for record in self.records {
            let What::AttemptEnded { place, result, .. } = &record.what else { continue };
            let Some(index) = self.plan.step_index(&place.step) else { continue };
            let step = &self.plan.steps[index];
            let lost = |result: &JobResult| result.error.as_ref().is_some_and(|error| error.class == ErrorClass::Lost);
            let allowed = repeatable(step.kind.type_name())
                || step.on_lost == OnLost::Retry
                || step.retry.on.iter().any(|on| matches!(on, RetryOn::Lost));
            if lost(result) && !allowed {
                wrong.push(format!("{place} was tried again after its worker was lost"));
            }
        }
        wrong.into_iter().for_each(|what| self.wrong(what));
    }

    /// Whoever acted was sent; a step that was blocked never acted.
    fn acted(&mut self, acts: &[Act]) {
        let finished = self.finished();
        let never: BTreeSet<String> = finished
            .iter()
            .filter(|(_, all)| all.first().is_some_and(|(_, status)| *status == StepStatus::Skipped))
            .map(|(place, _)| place.to_string())
            .collect();
        let mut wrong = Vec::new();
        for act in acts.iter().filter(|act| act.execution == *self.id && act.fence.phase == JobPhase::Run) {
            if never.contains(&act.fence.place()) {
                wrong.push(format!("{} acted, although it was skipped", act.fence.place()));
            }
            let dispatched = self.records.iter().any(|record| match &record.what {
                What::Dispatched { place, phase: JobPhase::Run, attempt } => {
                    place.to_string() == act.fence.place() && *attempt == act.fence.attempt
                }
                _ => false,
            });
            if !dispatched {
                wrong.push(format!("{} acted before that was saved", act.fence.place()));
            }
        }
        wrong.into_iter().for_each(|what| self.wrong(what));
    }

    /// The state hears of every act soon after its end, whoever has died meanwhile.
    fn heard(&mut self, acts: &[Act], ended_at: Option<Timestamp>) {
        let mut wrong = Vec::new();
        for act in acts.iter().filter(|act| act.execution == *self.id && act.fence.phase == JobPhase::Run) {
            let place = act.fence.place();
            let told = self.records.iter().find(|record| {
                record.at >= act.began - CLOCKS_OFF
                    && match &record.what {
                        What::AttemptEnded { place: at, attempt, .. } => {
                            at.to_string() == place && *attempt >= act.fence.attempt
                        }
                        What::StepFinished { place: at, .. } => at.to_string() == place,
                        What::Continued { place: at, attempt, turn } => {
                            at.to_string() == place && *attempt == act.fence.attempt && *turn > act.fence.turn
                        }
                        _ => false,
                    }
            });
            let at = told.map(|record| record.at).or(ended_at);
            let since = act.ended.unwrap_or(act.began + SignedDuration::from_mins(3));
            if at.is_none_or(|at| at.duration_since(since) > SignedDuration::from_mins(6)) {
                wrong.push(format!("{place}#{} ended, and nobody heard of it for long", act.fence.attempt));
            }
        }
        wrong.into_iter().for_each(|what| self.wrong(what));
    }

    /// A result that was kept is never taken for lost.
    fn kept(&mut self, shared: &Shared) {
        let mut wrong = Vec::new();
        for record in self.records {
            let (place, attempt, result) = match &record.what {
                What::AttemptEnded { place, attempt, result, .. } => (place, *attempt, result),
                What::StepFinished { place, attempts, result: Some(result), .. } => (place, *attempts, result),
                _ => continue,
            };
            let lost = result.error.as_ref().is_some_and(|error| error.class == ErrorClass::Lost);
            if !lost || self.prepares(&place.step) {
                continue;
            }
            let kept = shared.told().kept.iter().any(|key| {
                key.execution == *self.id
                    && key.fence.place() == place.to_string()
                    && key.fence.attempt == attempt
                    && key.fence.phase == JobPhase::Run
                    && !self.continued(place, attempt, key.fence.turn)
            });
            if kept {
                wrong.push(format!("{place}#{attempt} was said to be lost, although its result was kept"));
            }
        }
        wrong.into_iter().for_each(|what| self.wrong(what));
    }

    /// The attempts of a step that prepares are counted anew when it runs.
    fn prepares(&self, id: &str) -> bool {
        let step = self.plan.step_index(id).map(|index| &self.plan.steps[index]);
        step.is_some_and(|step| {
            step.arm_before.is_some() || matches!(&step.kind, StepKind::Job { spec } if spec.prepares())
        })
    }

    fn continued(&self, place: &Place, attempt: u32, after: u32) -> bool {
        self.records.iter().any(|record| match &record.what {
            What::Continued { place: at, attempt: of, turn } => at == place && *of == attempt && *turn > after,
            _ => false,
        })
    }

    fn places(&mut self, in_flight: u32) {
        if in_flight != 0 {
            self.wrong(format!("{in_flight} places are in use after the end"));
        }
    }
}
