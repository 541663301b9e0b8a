//! One record more.

use assay_engine::job::{JobPhase, JobResult};
use assay_engine::record::{Place, Record, What};
use assay_engine::status::{ExecutionStatus, Phase, StepStatus};
use jiff::Timestamp;

use super::model::{AttemptView, ExecutionView, InstanceView, PlaceView, StepView, StopView, UndoneView, WarningView};

/// Whether a record fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Fit {
    /// It is in the view now.
    Applied,
    /// It was in the view before.
    Known,
    /// Records before it are missing: read those after `last_seq` first.
    Gap,
}

impl ExecutionView {
    /// Takes a record in. Records come in their order; one that was seen changes nothing, one too far does neither.
    pub fn apply(&mut self, record: &Record) -> Fit {
        if record.seq <= self.last_seq {
            return Fit::Known;
        }
        if record.seq > self.last_seq + 1 {
            return Fit::Gap;
        }
        self.last_seq = record.seq;
        self.take(&record.what, record.at);
        Fit::Applied
    }

    fn take(&mut self, what: &What, at: Timestamp) {
        match what {
            What::Queued { .. } | What::Started { .. } | What::Finished { .. } => self.take_bound(what, at),
            What::PhaseEntered { phase, until } => {
                self.phase = Some(*phase);
                self.kept_until = *until;
            }
            What::Released { rerun, .. } => {
                self.kept_until = None;
                self.left_to.clone_from(rerun);
            }
            What::StopRequested { by, forced } => self.stop = Some(StopView { by: by.clone(), forced: *forced }),
            What::Warned { step, message } => {
                self.warnings.push(WarningView { step: step.clone(), message: message.clone() });
            }
            What::Expanded { place, instances } => {
                let step = self.step_mut(&place.step);
                step.expanded = Some(*instances);
                step.place.status = StepStatus::Running;
                step.place.started_at.get_or_insert(at);
            }
            What::Dispatched { place, phase, attempt } => {
                let place = self.place_mut(place);
                begin(place, *phase, *attempt, at).dispatched_at.get_or_insert(at);
            }
            What::StepStarted { place, phase, attempt, child } => {
                let place = self.place_mut(place);
                begin(place, *phase, *attempt, at).started_at.get_or_insert(at);
                if child.is_some() {
                    place.child.clone_from(child);
                }
            }
            What::Prepared { place, .. } => self.place_mut(place).doing = None,
            What::AttemptEnded { place, attempt, result, retry_at } => {
                let place = self.place_mut(place);
                place.doing = None;
                let attempt = attempt_mut(place, *attempt);
                attempt.result = Some(result.clone());
                attempt.retry_at = Some(*retry_at);
            }
            What::StepFinished { place, .. } => finish(self.place_mut(place), what, at),
            What::Undone { place, ok, error } => {
                let place = self.place_mut(place);
                place.doing = None;
                place.undone = Some(UndoneView { ok: *ok, error: error.clone() });
            }
            What::Continued { .. } | What::SignalReceived { .. } => {}
        }
    }

    /// Where the execution begins, starts and ends.
    fn take_bound(&mut self, what: &What, at: Timestamp) {
        match what {
            What::Queued { flow, version, main, attempt, parent, rerun, file, labels, inputs } => {
                self.flow.clone_from(flow);
                self.version = Some(version.clone());
                self.main.clone_from(main);
                self.attempt = *attempt;
                self.parent.clone_from(parent);
                self.rerun.clone_from(rerun);
                self.file.clone_from(file);
                self.labels.clone_from(labels);
                self.inputs.clone_from(inputs);
                self.queued_at = Some(at);
            }
            What::Started { width, steps, main } => {
                self.status = ExecutionStatus::Running;
                self.phase = Some(Phase::Main);
                self.width = Some(*width);
                self.started_at = Some(at);
                for (index, id) in steps.iter().enumerate() {
                    self.list(index, id, index >= *main as usize);
                }
                for (index, step) in self.steps.iter().enumerate() {
                    self.index.put(&step.id, index);
                }
            }
            What::Finished { status, worst, cleanup, reason, counts, duration_ms } => {
                self.status = *status;
                self.phase = None;
                self.kept_until = None;
                self.worst = *worst;
                self.cleanup = *cleanup;
                self.reason.clone_from(reason);
                self.counts.clone_from(counts);
                self.duration_ms = Some(*duration_ms);
                self.ended_at = Some(at);
            }
            _ => {}
        }
    }

    /// A step that was carried over may have been heard of before the list came.
    fn list(&mut self, index: usize, id: &str, finally: bool) {
        let known = if index < self.steps.len() { self.steps.iter().position(|step| step.id == id) } else { None };
        let step = match known {
            Some(known) => self.steps.remove(known),
            None => StepView::new(id, finally),
        };
        self.steps.insert(index.min(self.steps.len()), StepView { finally, ..step });
    }

    fn step_mut(&mut self, id: &str) -> &mut StepView {
        let index = self.index.find(id, &self.steps).unwrap_or_else(|| {
            self.steps.push(StepView::new(id, false));
            self.index.put(id, self.steps.len() - 1);
            self.steps.len() - 1
        });
        &mut self.steps[index]
    }

    fn place_mut(&mut self, place: &Place) -> &mut PlaceView {
        let step = self.step_mut(&place.step);
        let Some(wanted) = place.instance else { return &mut step.place };
        let index = step.instances.binary_search_by_key(&wanted, |instance| instance.index).unwrap_or_else(|gap| {
            step.instances.insert(gap, InstanceView { index: wanted, place: PlaceView::default() });
            gap
        });
        &mut step.instances[index].place
    }
}

fn begin(place: &mut PlaceView, phase: JobPhase, attempt: u32, at: Timestamp) -> &mut AttemptView {
    place.doing = Some(phase);
    if phase == JobPhase::Run {
        place.started_at.get_or_insert(at);
        if !place.status.ended() {
            place.status = StepStatus::Running;
        }
    }
    attempt_mut(place, attempt)
}

fn attempt_mut(place: &mut PlaceView, number: u32) -> &mut AttemptView {
    let index = place.attempts.binary_search_by_key(&number, |attempt| attempt.number).unwrap_or_else(|gap| {
        let new = AttemptView { number, dispatched_at: None, started_at: None, result: None, retry_at: None };
        place.attempts.insert(gap, new);
        gap
    });
    &mut place.attempts[index]
}

fn finish(place: &mut PlaceView, what: &What, at: Timestamp) {
    let What::StepFinished { status, skipped, attempts, result, error, assertions, duration_ms, carried, .. } = what
    else {
        return;
    };
    place.status = *status;
    place.skipped = *skipped;
    place.doing = None;
    place.error.clone_from(error);
    place.assertions.clone_from(assertions);
    place.duration_ms = Some(*duration_ms);
    place.carried.clone_from(carried);
    place.ended_at = Some(at);
    if let Some(result) = result {
        let result: &JobResult = result;
        attempt_mut(place, (*attempts).max(1)).result = Some(Box::new(result.clone()));
    }
    if *attempts == 0 {
        place.attempts.retain(|attempt| attempt.result.is_some());
    }
}
