//! Going on: which steps may run, in which order, within how many places.

use std::sync::Arc;

use serde_json::Value as Json;

use super::draft::{At, Draft, Draw};
use super::parts::{Active, ActiveState};
use super::standing::Standing;
use super::{ENGINE_PARALLEL, LIMIT_INSTANCES};
use crate::expr::Value;
use crate::job::{ErrorClass, JobError, JobPhase};
use crate::plan::{ForeachSource, StepKind};
use crate::record::What;
use crate::status::{ExecutionStatus, Phase};

pub(super) fn error(class: ErrorClass, code: &str, message: impl Into<String>) -> JobError {
    JobError { class, code: code.to_owned(), message: message.into() }
}

impl Draft<'_> {
    /// Brings everything up to date that the event has made possible.
    pub(super) fn advance(&mut self) -> Draw<()> {
        if self.head.status != ExecutionStatus::Running {
            return Ok(());
        }
        loop {
            let before = self.head.steps.clone();
            let (in_flight, phase, undo) = (self.head.in_flight, self.head.phase, self.head.undo.len());
            match self.head.phase {
                Phase::Main => {
                    self.settle_pending()?;
                    self.start_ready(0..self.plan.main_steps)?;
                    if self.head.phase == Phase::Main && self.main_ended() {
                        self.keep_or_clean_up()?;
                    }
                }
                Phase::Stopping => {
                    if self.all_active(0..self.plan.main_steps)?.is_empty() {
                        self.keep_or_clean_up()?;
                    }
                }
                Phase::Kept => {}
                Phase::Finally => self.advance_finally()?,
            }
            let same = before == self.head.steps && in_flight == self.head.in_flight;
            let same = same && phase == self.head.phase && undo == self.head.undo.len();
            if same || self.head.status != ExecutionStatus::Running {
                return Ok(());
            }
        }
    }

    fn main_ended(&self) -> bool {
        self.head.steps[..self.plan.main_steps].iter().all(|standing| standing.ended())
    }

    /// Decides about every main step whose needs have all ended.
    fn settle_pending(&mut self) -> Draw<()> {
        for step in 0..self.plan.main_steps {
            let needs = &self.plan_step(step).needs;
            let pending = self.standing(step) == Standing::Pending;
            if pending && needs.iter().all(|need| self.standing(*need).ended()) {
                self.decide(step)?;
            }
        }
        Ok(())
    }

    /// All needs have ended: ready, skipped, or errored by its own condition.
    pub(super) fn decide(&mut self, step: usize) -> Draw<()> {
        let plan_step = self.plan_step(step);
        let finally = step >= self.plan.main_steps;
        let status = self.status_functions(step);
        let success = finally || status.success == Some(true);
        let Some(program) = &plan_step.condition.program else {
            return if success { self.make_ready(step) } else { self.skip(step, Standing::Blocked) };
        };
        if !plan_step.condition.explicit && !success {
            return self.skip(step, Standing::Blocked);
        }
        let seen = self.see(program.references(), At::step(step))?;
        if let Some(name) = seen.undelivered.first().filter(|_| finally).cloned() {
            self.warn(Some(step), format!("skipped: {name} was never captured"));
            return self.skip(step, Standing::SkippedMissingValue);
        }
        if seen.hides(program.references()) {
            let message = "`if` names a value that is sealed because a secret occurs in it; name another one";
            return self.end_errored(At::step(step), error(ErrorClass::Error, "expression.sealed", message));
        }
        let mut cx = self.evaluation(format!("{}/if", plan_step.id), self.now).with_status(status);
        let answer = program.evaluate(&seen.scope(), &mut cx);
        drop(cx);
        match answer {
            Ok(Value::Bool(true)) => self.make_ready(step),
            // Said by itself: when `success()` is what is false, the step is blocked.
            Ok(Value::Bool(false)) if program.references().calls("success") && !success => {
                self.skip(step, Standing::Blocked)
            }
            Ok(Value::Bool(false)) => self.skip(step, Standing::SkippedByCondition),
            Ok(other) => {
                let message = format!("`if` gives {}, not true or false", other.kind().name());
                self.end_errored(At::step(step), error(ErrorClass::Error, "expression.type", message))
            }
            Err(why) => {
                self.end_errored(At::step(step), error(ErrorClass::Error, "expression.if", format!("`if`: {why}")))
            }
        }
    }

    fn make_ready(&mut self, step: usize) -> Draw<()> {
        self.set_standing(step, Standing::Ready);
        Ok(())
    }

    pub(super) fn skip(&mut self, step: usize, standing: Standing) -> Draw<()> {
        self.disarm_step(step)?;
        self.close(step, standing);
        Ok(())
    }

    /// A step that never began has its status.
    pub(super) fn close(&mut self, step: usize, standing: Standing) {
        self.set_standing(step, standing);
        let place = self.place(At::step(step));
        self.record(What::StepFinished {
            place,
            status: standing.status(),
            skipped: standing.skipped(),
            attempts: 0,
            result: None,
            error: None,
            assertions: Vec::new(),
            duration_ms: 0,
            carried: None,
        });
    }

    /// Starts what is ready, as far as there are places.
    fn start_ready(&mut self, steps: std::ops::Range<usize>) -> Draw<()> {
        for step in steps {
            match self.standing(step) {
                Standing::Ready => self.start_step(step)?,
                Standing::Running if self.plan_step(step).foreach.is_some() => self.start_instances(step)?,
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn free_places(&self) -> u32 {
        self.head.width.saturating_sub(self.head.in_flight)
    }

    /// Starts a ready step, or its arms first; leaves it ready when there is no place.
    pub(super) fn start_step(&mut self, step: usize) -> Draw<()> {
        if !self.arms_ready(step)? || self.standing(step) != Standing::Ready {
            return Ok(());
        }
        if self.plan_step(step).foreach.is_some() {
            return self.expand(step);
        }
        let at = At::step(step);
        if self.collecting(at)? {
            return self.proceed(at);
        }
        if self.active(at)?.is_some() {
            return Ok(()); // its arm has not answered yet
        }
        let costs = matches!(self.plan_step(step).kind, StepKind::Job { .. } | StepKind::Flow { .. });
        if costs && self.free_places() == 0 {
            return Ok(());
        }
        self.set_standing(step, Standing::Running);
        self.begin(at)
    }

    /// Whether every step that is armed before this one is; arms those that are not, as far as there are places.
    fn arms_ready(&mut self, step: usize) -> Draw<bool> {
        let mut ready = true;
        for arm in self.plan_step(step).arms.clone() {
            if self.standing(arm).ended() {
                if !matches!(self.standing(arm), Standing::Passed | Standing::LeftOut) {
                    self.skip(step, Standing::Blocked)?;
                    return Ok(false);
                }
                continue;
            }
            let at = At::step(arm);
            if self.instance(at)?.prepared.is_some() {
                continue;
            }
            ready = false;
            if self.active(at)?.is_none() && self.free_places() > 0 {
                self.attempt(at, JobPhase::Prepare)?;
                if self.standing(arm).ended() {
                    self.skip(step, Standing::Blocked)?;
                    return Ok(false);
                }
            }
        }
        Ok(ready)
    }

    fn collecting(&self, at: At) -> Draw<bool> {
        Ok(self.active(at)?.is_some_and(|active| active.state == ActiveState::Collecting))
    }

    /// The list of a `foreach` step; made once per transition and kept while the execution is in memory.
    pub(super) fn items(&self, step: usize) -> Draw<Arc<Vec<Json>>> {
        if let Some(items) = self.base.cached_items(step) {
            return Ok(items);
        }
        let items = self.make_items(step)?.unwrap_or_default();
        self.base.cache_items(step, &items);
        Ok(items)
    }

    pub(super) fn make_items(&self, step: usize) -> Draw<Result<Arc<Vec<Json>>, String>> {
        let Some(foreach) = &self.plan_step(step).foreach else { return Ok(Ok(Arc::default())) };
        let made_at = self.foreach(step)?.and_then(|expansion| expansion.at).unwrap_or(self.now);
        let salt = format!("{}/foreach", self.plan_step(step).id);
        let value = match &foreach.source {
            ForeachSource::Data(file) => return Ok(Ok(file.items.clone())),
            ForeachSource::List(list) => {
                let seen = self.see(list.references(), At::step(step))?;
                if seen.hides(list.references()) {
                    return Ok(Err("`foreach` names a value that is sealed because a secret occurs in it".into()));
                }
                let mut cx = self.evaluation(salt, made_at);
                list.render(&seen.scope(), &mut cx).map_err(|why| format!("`foreach`{}: {why}", why.pointer))
            }
            ForeachSource::Expression(template) => {
                let seen = self.see(template.references(), At::step(step))?;
                if seen.hides(template.references()) {
                    return Ok(Err("`foreach` names a value that is sealed because a secret occurs in it".into()));
                }
                let mut cx = self.evaluation(salt, made_at);
                template.render(&seen.scope(), &mut cx).map_err(|why| format!("`foreach`: {why}"))
            }
        };
        Ok(value.and_then(|value| match value {
            Json::Array(items) => Ok(Arc::new(items)),
            Json::Null => Err("`foreach` gives null, not a list".into()),
            other => Err(format!("`foreach` must give a list, and gives {}", shape(&other))),
        }))
    }

    /// A `foreach` step learns its instances.
    fn expand(&mut self, step: usize) -> Draw<()> {
        let at = At::step(step);
        let items = match self.make_items(step)? {
            Ok(items) => items,
            Err(why) => return self.end_errored(at, error(ErrorClass::Error, "foreach.list", why)),
        };
        let Some(foreach) = &self.plan_step(step).foreach else { return Ok(()) };
        let count = items.len();
        if count < foreach.min_items as usize {
            let message = format!("`foreach` has {count} items, and `minItems` is {}", foreach.min_items);
            return self.end_errored(at, error(ErrorClass::Error, "foreach.minItems", message));
        }
        if count == 0 {
            self.warn(Some(step), "skipped: its `foreach` list is empty".into());
            return self.skip(step, Standing::SkippedEmpty);
        }
        if self.head.instances as usize + count > LIMIT_INSTANCES {
            let message = match self.head.instances {
                0 => format!("`foreach` has {count} items; an execution has at most {LIMIT_INSTANCES} instances"),
                before => format!(
                    "`foreach` has {count} items; an execution has at most {LIMIT_INSTANCES} instances, and this one \
                     has {before} already"
                ),
            };
            return self.end_errored(at, error(ErrorClass::Error, "foreach.limit", message));
        }
        let count = count as u32;
        let now = self.now;
        self.head.instances += count;
        let expansion = self.foreach_mut(step)?;
        expansion.count = count;
        expansion.at = Some(now);
        self.base.cache_items(step, &items);
        self.set_standing(step, Standing::Running);
        self.step_mut(step)?.alone.started_at = Some(now);
        let place = self.place(at);
        self.record(What::Expanded { place, instances: count });
        self.start_instances(step)
    }

    pub(super) fn start_instances(&mut self, step: usize) -> Draw<()> {
        let engine_word = matches!(self.plan_step(step).kind, StepKind::Delay | StepKind::Wait { .. });
        let declared = self.plan_step(step).foreach.as_ref().and_then(|foreach| foreach.max_parallel);
        let limit = declared.unwrap_or(if engine_word { ENGINE_PARALLEL } else { u32::MAX });
        loop {
            let Some(expansion) = self.foreach(step)? else { return Ok(()) };
            let (next, count, active) = (expansion.next, expansion.count, expansion.active);
            let places = engine_word || self.free_places() > 0;
            if next >= count || active >= limit || !places || self.standing(step) != Standing::Running {
                return Ok(());
            }
            let expansion = self.foreach_mut(step)?;
            expansion.next += 1;
            expansion.active += 1;
            self.begin(At { step, instance: Some(next) })?;
        }
    }

    /// The first attempt of a step or an instance.
    pub(super) fn begin(&mut self, at: At) -> Draw<()> {
        if self.carry_instance(at)? {
            return Ok(());
        }
        let step = self.plan_step(at.step);
        match &step.kind {
            StepKind::Job { spec } => {
                let prepares = spec.prepares() && step.arm_before.is_none() && self.instance(at)?.prepared.is_none();
                self.attempt(at, if prepares { JobPhase::Prepare } else { JobPhase::Run })
            }
            StepKind::Delay => self.begin_delay(at),
            StepKind::Wait { within } => self.begin_wait(at, *within),
            StepKind::Flow { .. } => self.begin_child(at),
        }
    }

    /// Sends the next attempt; a `with` that cannot be rendered ends the step.
    pub(super) fn attempt(&mut self, at: At, phase: JobPhase) -> Draw<()> {
        let now = self.now;
        let state = self.instance_mut(at)?;
        state.attempt += 1;
        state.started_at.get_or_insert(now);
        self.head.in_flight += 1;
        let Err(fault) = self.send_job(at, phase)? else { return Ok(()) };
        self.head.in_flight -= 1;
        self.instance_mut(at)?.attempt -= 1;
        self.end_unrendered(at, fault)
    }

    pub(super) fn end_unrendered(&mut self, at: At, fault: super::dispatch::RenderFault) -> Draw<()> {
        if at.step >= self.plan.main_steps && at.instance.is_none() && fault.undelivered.is_some() {
            self.warn(Some(at.step), format!("skipped: {}", fault.message));
            return self.skip(at.step, Standing::SkippedMissingValue);
        }
        let why = match fault.undelivered {
            Some(name) => format!("{} ({name} was not delivered)", fault.message),
            None => fault.message,
        };
        self.end_errored(at, error(ErrorClass::Error, "expression.with", why))
    }

    /// Marks an engine word or a child as under way.
    pub(super) fn set_active(&mut self, at: At, state: ActiveState, places: u32) -> Draw<()> {
        let now = self.now;
        self.head.in_flight += places;
        let instance = self.instance_mut(at)?;
        instance.attempt += 1;
        instance.started_at.get_or_insert(now);
        instance.rendered_at.get_or_insert(now);
        instance.active = Some(Active {
            phase: JobPhase::Run,
            turn: 0,
            state,
            repeatable: true,
            deadline: None,
            checkpoint: None,
            places,
            stopping: false,
        });
        Ok(())
    }
}

fn shape(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}
