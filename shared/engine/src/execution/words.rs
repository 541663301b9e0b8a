//! The engine's own words: `delay`, `wait`, `flow`. They cost no function.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::advance::error;
use super::attempts::Heard;
use super::draft::{At, Draft, Draw};
use super::event::{ChildStart, Effect, Ignored, Token};
use super::parts::{ActiveState, Signal};
use super::standing::Standing;
use super::state::Unsent;
use super::{LIMIT_DEPTH, LIMIT_SIGNALS};
use crate::expr::{EvalError, Value};
use crate::id::ExecutionId;
use crate::job::{AssertionResult, Captured, ErrorClass, FailedCapture, Fence, JobPhase, JobResult, Outcome, Part};
use crate::plan::StepKind;
use crate::record::What;
use crate::status::ExecutionStatus;

impl Draft<'_> {
    pub(super) fn begin_delay(&mut self, at: At) -> Draw<()> {
        let rendered = match self.rendered(at)? {
            Ok(rendered) => rendered,
            Err(fault) => return self.end_unrendered(at, fault),
        };
        let until = match end_of_delay(&rendered.with, self.now) {
            Ok(until) => until,
            Err(why) => return self.end_errored(at, error(ErrorClass::Error, "delay.time", why)),
        };
        self.set_active(at, ActiveState::Waiting, 0)?;
        self.instance_mut(at)?.with_hash = Some(rendered.hash);
        self.began(at, None)?;
        if until <= self.now {
            self.release(at)?;
            return self.end(at, Standing::Passed, None, None);
        }
        if let Some(fence) = self.active_fence(at)? {
            self.arm_at(Token::Step { fence }, until);
        }
        Ok(())
    }

    fn began(&mut self, at: At, child: Option<ExecutionId>) -> Draw<()> {
        let attempt = self.instance(at)?.attempt;
        let place = self.place(at);
        self.record(What::StepStarted { place, phase: JobPhase::Run, attempt, child });
        Ok(())
    }

    pub(super) fn begin_wait(&mut self, at: At, within: Option<Duration>) -> Draw<()> {
        let rendered = match self.rendered(at)? {
            Ok(rendered) => rendered,
            Err(fault) => return self.end_unrendered(at, fault),
        };
        self.set_active(at, ActiveState::Waiting, 0)?;
        self.instance_mut(at)?.with_hash = Some(rendered.hash);
        self.began(at, None)?;
        let name = rendered.with.get("signal").and_then(Json::as_str).unwrap_or_default().to_owned();
        let mut signals = self.signals()?.to_vec();
        if let Some(signal) = signals.iter_mut().find(|signal| !signal.used && signal.name == name) {
            signal.used = true;
            let (payload, by) = (std::mem::take(&mut signal.payload), signal.by.clone());
            self.put_signals(signals);
            return self.end_wait(at, payload, &by);
        }
        if let (Some(within), Some(fence)) = (within, self.active_fence(at)?) {
            self.arm(Token::Step { fence }, within);
        }
        Ok(())
    }

    fn end_wait(&mut self, at: At, payload: Json, by: &str) -> Draw<()> {
        let outputs = BTreeMap::from([("payload".to_owned(), payload), ("by".to_owned(), json!(by))]);
        self.release(at)?;
        let result = self.judge(at, &outputs)?;
        self.settle_word(at, result)
    }

    pub(super) fn signal_received(&mut self, id: &str, name: &str, payload: &Json, by: &str) -> Heard {
        let mut signals = self.signals()?.to_vec();
        if signals.iter().any(|signal| signal.id == id) {
            return Ok(Some(Ignored::Duplicate));
        }
        if self.head.status.ended() {
            return Ok(Some(Ignored::Stale));
        }
        let kept = signals.iter().filter(|signal| !signal.used).count();
        if kept >= LIMIT_SIGNALS || payload.to_string().len() > super::CAPTURES_EACH {
            self.warn(None, format!("the signal `{name}` was refused: too large, or too many wait to be used"));
            return Ok(None);
        }
        self.record(What::SignalReceived { name: name.to_owned(), by: by.to_owned() });
        let taker = self.waiting_for(name)?;
        let (id, name, by) = (id.to_owned(), name.to_owned(), by.to_owned());
        let stored = if taker.is_some() { Json::Null } else { payload.clone() };
        signals.push(Signal { id, name, payload: stored, by: by.clone(), used: taker.is_some() });
        if signals.len() > 2 * LIMIT_SIGNALS {
            let oldest = signals.iter().position(|signal| signal.used).unwrap_or(0);
            signals.remove(oldest);
        }
        self.put_signals(signals);
        if let Some(at) = taker {
            self.end_wait(at, payload.clone(), &by)?;
        }
        Ok(None)
    }

    fn waiting_for(&self, name: &str) -> Draw<Option<At>> {
        for step in 0..self.plan.steps.len() {
            if !matches!(self.plan_step(step).kind, StepKind::Wait { .. }) || self.standing(step) != Standing::Running {
                continue;
            }
            let at = At::step(step);
            if self.active(at)?.is_none_or(|active| active.stopping) {
                continue;
            }
            let wanted = self.rendered(at)?.ok();
            if wanted.is_some_and(|one| one.with.get("signal").and_then(Json::as_str) == Some(name)) {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// The end of a `delay`, of a `wait` that nobody answered, or of a `flow` step's time.
    pub(super) fn word_timer(&mut self, at: At, fence: &Fence) -> Draw<()> {
        match &self.plan_step(at.step).kind {
            StepKind::Delay => {
                self.release(at)?;
                self.end(at, Standing::Passed, None, None)
            }
            StepKind::Wait { within } => {
                let within = within.map(crate::duration::text).unwrap_or_default();
                self.release(at)?;
                let started = self.instance(at)?.started_at.unwrap_or(self.now);
                let mut result = Box::new(JobResult::of(Outcome::Failed, started, self.now));
                let message = format!("no signal came within {within}");
                result.error = Some(error(ErrorClass::Timeout, "wait.within", message));
                self.end(at, Standing::Failed, Some(result), None)
            }
            StepKind::Flow { .. } => {
                if let Some(active) = &mut self.instance_mut(at)?.active {
                    active.stopping = true;
                }
                let now = self.now;
                if let Some(active) = &mut self.instance_mut(at)?.active {
                    active.deadline = Some(now);
                }
                self.stop_child(at, fence, false)
            }
            StepKind::Job { .. } => Ok(()),
        }
    }

    pub(super) fn stop_child(&mut self, at: At, fence: &Fence, forced: bool) -> Draw<()> {
        let Some(child) = self.instance(at)?.child.clone() else { return Ok(()) };
        let unsent = Unsent::StopChild { fence: fence.clone(), forced };
        self.unsent(unsent, Effect::StopChild { child, forced });
        Ok(())
    }

    pub(super) fn begin_child(&mut self, at: At) -> Draw<()> {
        if self.head.depth >= LIMIT_DEPTH {
            let message = format!("sub-flows are nested more than {LIMIT_DEPTH} deep");
            return self.end_errored(at, error(ErrorClass::Error, "flow.depth", message));
        }
        let rendered = match self.rendered(at)? {
            Ok(rendered) => rendered,
            Err(fault) => return self.end_unrendered(at, fault),
        };
        let ready = self.head.steps.iter().filter(|standing| **standing == Standing::Ready).count() as u32;
        let places = (self.free_places() / (ready + 1)).max(1);
        self.set_active(at, ActiveState::Child, places)?;
        let attempt = self.instance(at)?.attempt;
        let place = self.place(at).to_string();
        let child = ExecutionId::derived(&[self.head.id.as_str(), &place, &attempt.to_string()]);
        let state = self.instance_mut(at)?;
        state.child = Some(child.clone());
        state.with_hash = Some(rendered.hash);
        self.began(at, Some(child))?;
        let Some(fence) = self.active_fence(at)? else { return Ok(()) };
        let timeout = self.plan_step(at.step).timeout;
        if !timeout.is_zero() {
            self.arm(Token::Step { fence: fence.clone() }, timeout);
        }
        if let Some(start) = self.child_start(at)? {
            self.unsent(Unsent::StartChild { fence }, Effect::StartChild { child: Box::new(start) });
        }
        Ok(())
    }

    /// What the child of this place is started with; the same every time.
    pub(super) fn child_start(&self, at: At) -> Draw<Option<ChildStart>> {
        let state = self.instance(at)?;
        let step = self.plan_step(at.step);
        let (Some(id), Some(active), StepKind::Flow { path, .. }) = (state.child.clone(), &state.active, &step.kind)
        else {
            return Ok(None);
        };
        let (attempt, places, now) = (state.attempt, active.places, state.rendered_at.unwrap_or(self.now));
        let seen = self.see(step.with.references(), at)?;
        let place = self.place(at).to_string();
        let Ok(whole) = self.captured_of(&step.with, seen, place.clone(), now) else { return Ok(None) };
        let earlier = self.start()?.children.get(&place).cloned().filter(|_| attempt == 1);
        Ok(Some(ChildStart {
            id,
            fence: self.fence(at, JobPhase::Run, attempt, 0),
            main: path.clone(),
            inputs: split_inputs(whole),
            mask: self.mask(at.step)?,
            width: places,
            depth: self.head.depth + 1,
            rerun_of: earlier,
            after_finally: self.start()?.after_finally,
        }))
    }

    pub(super) fn child_finished(
        &mut self,
        fence: &Fence,
        child: &ExecutionId,
        status: ExecutionStatus,
        captures: &BTreeMap<String, Captured>,
        reason: Option<&str>,
    ) -> Heard {
        let Some(at) = self.current(fence)? else { return Ok(Some(Ignored::Stale)) };
        let state = self.instance(at)?;
        let waits = state.active.as_ref().is_some_and(|active| active.state == ActiveState::Child);
        if state.child.as_ref() != Some(child) || !waits || !status.ended() {
            return Ok(Some(Ignored::Stale));
        }
        let active = self.active(at)?.cloned();
        let out_of_time = active.as_ref().is_some_and(|active| active.deadline.is_some());
        let stopping = active.is_some_and(|active| active.stopping);
        self.release(at)?;
        let started = self.instance(at)?.started_at.unwrap_or(self.now);
        let said = reason.map_or_else(String::new, |reason| format!(": {reason}"));
        let message = format!("{child} is {}{said}", status.word());
        let mut result = match status {
            ExecutionStatus::Passed | ExecutionStatus::Failed => {
                let mut outputs = BTreeMap::from([("verdict".to_owned(), json!(status.word()))]);
                for (name, value) in captures {
                    outputs.insert(name.clone(), value.clear().cloned().unwrap_or(Json::Null));
                }
                self.judge(at, &outputs)?
            }
            _ => JobResult::of(Outcome::Errored, started, self.now),
        };
        self.pass_on(at, captures, &mut result);
        if status != ExecutionStatus::Passed {
            result.error = Some(error(ErrorClass::Error, "flow.child", message));
            result.outcome = if status == ExecutionStatus::Failed { Outcome::Failed } else { Outcome::Errored };
        }
        if out_of_time && status != ExecutionStatus::Passed {
            let after = crate::duration::text(self.plan_step(at.step).timeout);
            result.outcome = Outcome::TimedOut;
            result.error =
                Some(error(ErrorClass::Timeout, "flow.timeout", format!("the sub-flow took longer than {after}")));
        } else if stopping && status == ExecutionStatus::Cancelled {
            result.outcome = Outcome::Cancelled;
        }
        self.settle_word(at, result)?;
        Ok(None)
    }

    /// A capture that only repeats a child's capture keeps it sealed.
    fn pass_on(&self, at: At, captures: &BTreeMap<String, Captured>, result: &mut JobResult) {
        for capture in &self.plan_step(at.step).captures {
            if let Some(value) = captures.get(capture.value.text()).filter(|value| value.clear().is_none()) {
                result.captures.insert(capture.name.clone(), value.clone());
            }
        }
        for path in &self.plan_step(at.step).hidden {
            if let Some(value) = captures.get(path) {
                result.hidden.insert(path.clone(), value.clone());
            }
        }
    }

    /// Evaluates assertions and captures over an output that the engine itself has.
    fn judge(&mut self, at: At, outputs: &BTreeMap<String, Json>) -> Draw<JobResult> {
        let step = self.plan_step(at.step);
        let mut references = crate::expr::References::default();
        references.roots.extend(step.scope.iter().cloned());
        let mut seen = self.see(&references, at)?;
        seen.values.extend(outputs.iter().map(|(name, value)| (name.clone(), value.clone())));
        let started = self.instance(at)?.started_at.unwrap_or(self.now);
        let mut result = JobResult::of(Outcome::Passed, started, self.now);
        let scope = seen.scope();
        let mut cx = self.evaluation(format!("{}/output", self.place(at)), self.now);
        for assertion in &step.assertions {
            let explained = assertion.that.explain(&scope, &mut cx);
            let (passed, reason) = match &explained.result {
                Ok(Value::Bool(held)) => (*held, None),
                Ok(other) => (false, Some(format!("gives {}, not true or false", other.kind().name()))),
                Err(why) => (false, Some(why.to_string())),
            };
            if matches!(explained.result, Err(EvalError::Budget)) {
                result.error = Some(error(ErrorClass::Error, "expression.budget", EvalError::Budget.to_string()));
            }
            let parts = if passed { Vec::new() } else { parts(explained.parts) };
            let (that, message) = (assertion.that.text().to_owned(), assertion.message.clone());
            result.assertions.push(AssertionResult { that, passed, message, soft: assertion.soft, reason, parts });
        }
        for capture in &step.captures {
            match capture.value.evaluate(&scope, &mut cx).map(|value| value.to_json()) {
                Ok(value) => {
                    result.captures.insert(capture.name.clone(), Captured::Clear(value));
                }
                Err(why) => result.failed_captures.push(FailedCapture {
                    name: capture.name.clone(),
                    value: capture.value.text().to_owned(),
                    reason: why.to_string(),
                }),
            }
        }
        for path in &step.hidden {
            let value = outputs.get(path).cloned().unwrap_or(Json::Null);
            result.hidden.insert(path.clone(), Captured::Clear(value));
        }
        let failed = result.assertions.iter().any(|one| !one.passed) || !result.failed_captures.is_empty();
        result.outcome = match (&result.error, failed) {
            (Some(_), _) => Outcome::Errored,
            (None, true) => Outcome::Failed,
            (None, false) => Outcome::Passed,
        };
        Ok(result)
    }
}

pub(super) fn parts(parts: Vec<crate::expr::Part>) -> Vec<Part> {
    use crate::expr::Seen;
    let told = |part: crate::expr::Part| match part.seen {
        Seen::Value(value) => Part { text: part.text, value: Some(value), note: None },
        Seen::Error(why) => Part { text: part.text, value: None, note: Some(why) },
        Seen::NotEvaluated => Part { text: part.text, value: None, note: Some("not evaluated".into()) },
    };
    parts.into_iter().map(told).collect()
}

fn end_of_delay(with: &Json, now: Timestamp) -> Result<Timestamp, String> {
    let text = |key: &str| with.get(key).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    if let Some(length) = text("for") {
        let length = crate::duration::parse(&length).map_err(|why| why.to_string())?;
        let length = jiff::SignedDuration::try_from(length).map_err(|why| why.to_string())?;
        return now.checked_add(length).map_err(|why| why.to_string());
    }
    let until = text("until").ok_or("a delay needs `for` or `until`")?;
    until.parse().map_err(|_| format!("`until` is `{until}`, not a time such as 2026-01-31T12:00:00Z"))
}

/// The inputs of a child: the clear ones apart, the rest each with what it needs.
fn split_inputs(whole: Captured) -> BTreeMap<String, Captured> {
    let (value, deferred) = match whole {
        Captured::Clear(value) => (value, None),
        Captured::Deferred(deferred) => (deferred.value.clone(), Some(deferred)),
        Captured::Sealed(_) => return BTreeMap::new(),
    };
    let Some(Json::Object(inputs)) = value.get("inputs").cloned() else { return BTreeMap::new() };
    let split = |(name, value): (String, Json)| {
        let Some(deferred) = &deferred else { return (name, Captured::Clear(value)) };
        let prefix = format!("/inputs/{}", name.replace('~', "~0").replace('/', "~1"));
        let late: Vec<_> = deferred
            .late
            .iter()
            .filter_map(|one| {
                let at = one.at.strip_prefix(&prefix).filter(|rest| rest.is_empty() || rest.starts_with('/'))?;
                Some(crate::job::LateTemplate { at: at.to_owned(), template: one.template.clone() })
            })
            .collect();
        if late.is_empty() {
            return (name, Captured::Clear(value));
        }
        let own = crate::job::Deferred { value, late, ..(**deferred).clone() };
        (name, Captured::Deferred(Box::new(own)))
    };
    inputs.into_iter().map(split).collect()
}
