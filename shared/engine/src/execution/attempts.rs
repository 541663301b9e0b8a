//! Attempts: what is heard of them, and whether another one follows.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::advance::error;
use super::draft::{At, Draft, Draw};
use super::ends::standing_of;
use super::event::{Ignored, Token};
use super::parts::{ActiveState, Values};
use super::standing::Standing;
use super::state::UndoEntry;
use super::{CAPTURES_EACH, CAPTURES_WHOLE};
use crate::job::{Captured, ErrorClass, Fence, JobError, JobPhase, JobResult, Outcome};
use crate::plan::{RetryOn, StepKind};
use crate::record::What;
use crate::types::Arming;

/// What an event came to: an ignored one changes nothing.
pub(super) type Heard = Draw<Option<Ignored>>;

pub(super) const APPLIED: Heard = Ok(None);

impl Draft<'_> {
    /// The place of a fence, or why the event is ignored.
    pub(super) fn heard_of(&self, fence: &Fence) -> Draw<Result<At, Ignored>> {
        match self.current(fence)? {
            Some(at) => Ok(Ok(at)),
            None => Ok(Err(Ignored::Stale)),
        }
    }

    pub(super) fn state_of(&self, at: At) -> Draw<ActiveState> {
        Ok(self.active(at)?.map_or(ActiveState::Waiting, |active| active.state))
    }

    pub(super) fn step_started(&mut self, fence: &Fence) -> Heard {
        let at = match self.heard_of(fence)? {
            Ok(at) => at,
            Err(why) => return Ok(Some(why)),
        };
        match self.state_of(at)? {
            ActiveState::Dispatched => {}
            ActiveState::Claimed | ActiveState::Collecting => return Ok(Some(Ignored::Duplicate)),
            _ => return Ok(Some(Ignored::Stale)),
        }
        if let Some(active) = &mut self.instance_mut(at)?.active {
            active.state = ActiveState::Claimed;
        }
        if fence.turn == 0 {
            let place = self.place(at);
            self.record(What::StepStarted { place, phase: fence.phase, attempt: fence.attempt, child: None });
        }
        APPLIED
    }

    pub(super) fn step_prepared(&mut self, fence: &Fence, answer: Json, undo: Option<Json>) -> Heard {
        let at = match self.heard_of(fence)? {
            Ok(at) => at,
            Err(why) => return Ok(Some(why)),
        };
        if !matches!(self.state_of(at)?, ActiveState::Dispatched | ActiveState::Claimed) {
            return Ok(Some(Ignored::Duplicate));
        }
        if fence.phase != JobPhase::Prepare {
            return Ok(Some(Ignored::Stale));
        }
        let place = self.place(at);
        self.record(What::Prepared { place, undo: undo.is_some() });
        let has_undo = undo.is_some();
        let state = self.instance_mut(at)?;
        state.prepared = Some(answer);
        state.undo = undo;
        let stopping = state.active.as_ref().is_some_and(|active| active.stopping);
        if has_undo {
            self.head.undo.push(UndoEntry { step: at.step as u32, instance: at.instance, attempt: 0 });
        }
        let arm = self.plan_step(at.step).arm_before.is_some();
        if arm && self.arming(at) == Some(Arming::Collector) && !stopping {
            if let Some(active) = &mut self.instance_mut(at)?.active {
                active.state = ActiveState::Collecting;
            }
            return APPLIED;
        }
        self.release(at)?;
        if stopping {
            self.end(at, Standing::Cancelled, None, None)?;
        } else if !arm {
            self.next_phase(at)?;
        } else {
            // Its own attempts are counted, and its time is taken, when the step runs.
            let state = self.instance_mut(at)?;
            state.attempt = 0;
            state.started_at = None;
        }
        APPLIED
    }

    fn arming(&self, at: At) -> Option<Arming> {
        match &self.plan_step(at.step).kind {
            StepKind::Job { spec } => spec.arming(),
            _ => None,
        }
    }

    /// `prepare` is saved: now `run`, in the same attempt.
    fn next_phase(&mut self, at: At) -> Draw<()> {
        self.head.in_flight += 1;
        if let Err(fault) = self.send_job(at, JobPhase::Run)? {
            self.head.in_flight -= 1;
            self.end_unrendered(at, fault)?;
        }
        Ok(())
    }

    /// The collector goes on with its own step's job; its claim and its place stay.
    pub(super) fn proceed(&mut self, at: At) -> Draw<()> {
        self.set_standing(at.step, Standing::Running);
        if let Some(active) = &mut self.instance_mut(at)?.active {
            active.phase = JobPhase::Run;
            active.state = ActiveState::Claimed;
        }
        let Some(fence) = self.active_fence(at)? else { return Ok(()) };
        if let Some(effect) = self.effect_of(&super::Unsent::Proceed { fence: fence.clone() })? {
            self.unsent(super::Unsent::Proceed { fence }, effect);
        }
        Ok(())
    }

    pub(super) fn step_continued(
        &mut self,
        fence: &Fence,
        checkpoint: Json,
        after: Duration,
        deadline: Timestamp,
    ) -> Heard {
        let at = match self.heard_of(fence)? {
            Ok(at) => at,
            Err(why) => return Ok(Some(why)),
        };
        if !matches!(self.state_of(at)?, ActiveState::Dispatched | ActiveState::Claimed) {
            return Ok(Some(Ignored::Duplicate));
        }
        let place = self.place(at);
        let (mut stopping, mut turn) = (false, 0);
        if let Some(active) = &mut self.instance_mut(at)?.active {
            active.turn += 1;
            active.state = ActiveState::TurnPause;
            active.checkpoint = Some(checkpoint);
            active.deadline = Some(deadline);
            stopping = active.stopping;
            turn = active.turn;
        }
        self.record(What::Continued { place, attempt: fence.attempt, turn });
        if stopping {
            self.release(at)?;
            self.end(at, Standing::Cancelled, None, None)?;
        } else if after.is_zero() {
            self.resume_turn(at)?;
        } else if let Some(fence) = self.active_fence(at)? {
            self.arm(Token::Step { fence }, after);
        }
        APPLIED
    }

    fn resume_turn(&mut self, at: At) -> Draw<()> {
        if let Some(active) = &mut self.instance_mut(at)?.active {
            active.state = ActiveState::Dispatched;
        }
        self.send_turn(at)
    }

    pub(super) fn step_finished(&mut self, fence: &Fence, result: Box<JobResult>) -> Heard {
        let at = match self.heard_of(fence)? {
            Ok(at) => at,
            Err(why) => return Ok(Some(why)),
        };
        let state = self.state_of(at)?;
        if !matches!(state, ActiveState::Dispatched | ActiveState::Claimed | ActiveState::Collecting) {
            return Ok(Some(Ignored::Stale));
        }
        if fence.phase == JobPhase::Undo {
            return self.undo_answered(
                at,
                result
                    .error
                    .or_else(|| Some(error(ErrorClass::Error, "step.undo", "the undo did not say that it was done"))),
            );
        }
        let stopping = self.active(at)?.is_some_and(|active| active.stopping);
        self.release(at)?;
        if !stopping && self.again(at, &result)? {
            self.retry(at, fence.phase, result)?;
            return APPLIED;
        }
        self.settle(at, fence.phase, result)?;
        APPLIED
    }

    /// The last attempt stands.
    fn settle(&mut self, at: At, phase: JobPhase, mut result: Box<JobResult>) -> Draw<()> {
        if phase == JobPhase::Prepare && matches!(result.outcome, Outcome::Passed | Outcome::Failed) {
            result.outcome = Outcome::Errored;
            result
                .error
                .get_or_insert_with(|| error(ErrorClass::Error, "step.prepare", "prepare ended without an answer"));
        }
        if let Some(why) = self.keep_values(at, &mut result)? {
            result.outcome = Outcome::Errored;
            result.error = Some(why);
        }
        let standing = standing_of(&result);
        self.end(at, standing, Some(result), None)
    }

    fn keep_values(&mut self, at: At, result: &mut JobResult) -> Draw<Option<JobError>> {
        let captures = std::mem::take(&mut result.captures);
        let hidden = std::mem::take(&mut result.hidden);
        let cookies = std::mem::take(&mut result.cookies);
        if captures.is_empty() && hidden.is_empty() && cookies.is_empty() {
            return Ok(None);
        }
        let values = Values { captures, hidden, cookies };
        let bytes = serde_json::to_vec(&values).map_or(usize::MAX, |text| text.len());
        let all = self.head.capture_bytes.saturating_add(bytes as u64);
        if bytes > CAPTURES_EACH || all > CAPTURES_WHOLE {
            let message = format!(
                "captures and cookies are {bytes} bytes; the limits are {CAPTURES_EACH} a step or instance and {CAPTURES_WHOLE} an execution, of which {} are used",
                self.head.capture_bytes
            );
            return Ok(Some(error(ErrorClass::Error, "step.captures", message)));
        }
        self.head.capture_bytes = all;
        let index = at.step as u32;
        if !values.cookies.is_empty() && !self.head.cookie_steps.contains(&index) {
            self.head.cookie_steps.push(index);
        }
        // What a reader of the history may see of the captures: those that are in clear.
        let clear =
            |(name, value): (&String, &Captured)| value.clear().is_some().then(|| (name.clone(), value.clone()));
        result.captures = values.captures.iter().filter_map(clear).collect();
        self.put_values(at, values, bytes)?;
        Ok(None)
    }

    /// Whether another attempt follows this result.
    pub(super) fn again(&self, at: At, result: &JobResult) -> Draw<bool> {
        if self.head.stop.is_some() && at.step < self.plan.main_steps {
            return Ok(false);
        }
        let retry = &self.plan_step(at.step).retry;
        let state = self.instance(at)?;
        if state.attempt.saturating_sub(state.extra) >= retry.max_attempts || result.outcome == Outcome::Cancelled {
            return Ok(false);
        }
        let class = result.error.as_ref().map(|error| error.class);
        let mut expressions = 0;
        Ok(retry.on.iter().any(|on| match on {
            RetryOn::Error => result.outcome == Outcome::Errored && class != Some(ErrorClass::Lost),
            RetryOn::Connect => result.outcome == Outcome::Errored && class == Some(ErrorClass::Connect),
            RetryOn::Timeout => result.outcome == Outcome::TimedOut || class == Some(ErrorClass::Timeout),
            RetryOn::Lost => class == Some(ErrorClass::Lost),
            RetryOn::Failed => result.outcome == Outcome::Failed,
            RetryOn::Expression(_) => {
                expressions += 1;
                result.retry_on.contains(&(expressions - 1))
            }
        }))
    }

    /// Ends the attempt and arms the next one, which keeps its place.
    pub(super) fn retry(&mut self, at: At, phase: JobPhase, result: Box<JobResult>) -> Draw<()> {
        let attempt = self.instance(at)?.attempt;
        let pause = self.retry_pause(at, attempt)?;
        let pause_ms = jiff::SignedDuration::try_from(pause).unwrap_or_default();
        let retry_at = self.now.checked_add(pause_ms).unwrap_or(self.now);
        let place = self.place(at);
        self.record(What::AttemptEnded { place, attempt, result, retry_at });
        self.pause_then(at, phase, pause)
    }

    pub(super) fn pause_then(&mut self, at: At, phase: JobPhase, pause: Duration) -> Draw<()> {
        if pause.is_zero() {
            return self.attempt_again(at, phase);
        }
        self.set_active(at, ActiveState::RetryPause, 1)?;
        if let Some(active) = &mut self.instance_mut(at)?.active {
            active.phase = phase;
        }
        if let Some(fence) = self.active_fence(at)? {
            self.arm(Token::Step { fence }, pause);
        }
        Ok(())
    }

    fn retry_pause(&self, at: At, attempt: u32) -> Draw<Duration> {
        let retry = &self.plan_step(at.step).retry;
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let longest = retry.max_interval.unwrap_or(crate::duration::LONGEST);
        let grown = retry.interval.as_secs_f64() * retry.backoff.powi(exponent);
        let mut pause = grown.min(longest.as_secs_f64()).max(0.0);
        if retry.jitter {
            let salt = format!("{}/{attempt}", self.place(at));
            let drawn = crate::id::ExecutionId::derived(&[self.head.id.as_str(), &salt]);
            let drawn = u32::from_str_radix(&drawn.as_str()[4..12], 16).unwrap_or(0);
            pause *= 0.5 + 0.5 * f64::from(drawn) / f64::from(u32::MAX);
        }
        Ok(Duration::from_millis((pause * 1000.0) as u64))
    }

    /// The pause before an attempt or a turn is over.
    pub(super) fn pause_over(&mut self, at: At, fence: &Fence) -> Draw<()> {
        match self.state_of(at)? {
            ActiveState::TurnPause => self.resume_turn(at),
            _ => {
                self.release(at)?;
                self.instance_mut(at)?.attempt -= 1;
                self.attempt_again(at, fence.phase)
            }
        }
    }

    fn attempt_again(&mut self, at: At, phase: JobPhase) -> Draw<()> {
        match self.plan_step(at.step).kind {
            StepKind::Flow { .. } => self.begin_child(at),
            _ => self.attempt(at, phase),
        }
    }

    /// What the engine's own words come to: another attempt of a `flow`, or the end.
    pub(super) fn settle_word(&mut self, at: At, result: JobResult) -> Draw<()> {
        let result = Box::new(result);
        if self.again(at, &result)? {
            return self.retry(at, JobPhase::Run, result);
        }
        self.settle(at, JobPhase::Run, result)
    }
}
