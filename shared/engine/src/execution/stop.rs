//! Stopping, cleaning up, and the verdict.

use std::collections::BTreeMap;
use std::time::Duration;

use super::draft::{At, Draft, Draw};
use super::event::{Effect, Ignored, Token};
use super::parts::ActiveState;
use super::standing::Standing;
use super::state::{Stop, Unsent};
use super::{STOP_GRACE, attempts::Heard, ends::worse};
use crate::job::{ErrorClass, Fence, JobPhase};
use crate::record::What;
use crate::status::{ExecutionStatus, Phase, StepStatus};

impl Draft<'_> {
    pub(super) fn cancel_requested(&mut self, by: &str, forced: bool) -> Heard {
        if self.head.status.ended() {
            return Ok(Some(Ignored::Stale));
        }
        let known = self.head.stop.as_ref();
        if known.is_some_and(|stop| stop.forced || !forced) {
            return Ok(Some(Ignored::Duplicate));
        }
        // What is kept has nothing left to stop: it is cleaned up.
        if self.head.phase == Phase::Kept && !forced {
            return self.finish_requested(by, None);
        }
        // A first cancel does not stop `finally`.
        if known.is_none() && self.head.phase == Phase::Finally && !forced {
            let stop = Stop { verdict: ExecutionStatus::Cancelled, by: by.into(), forced, wins: false };
            self.head.stop = Some(stop);
            self.record(What::StopRequested { by: by.to_owned(), forced });
            return Ok(None);
        }
        self.stop(ExecutionStatus::Cancelled, by, forced)?;
        Ok(None)
    }

    /// Asks everything that is under way to stop.
    pub(super) fn stop(&mut self, verdict: ExecutionStatus, by: &str, forced: bool) -> Draw<()> {
        self.record(What::StopRequested { by: by.to_owned(), forced });
        let wins = matches!(self.head.phase, Phase::Main) && self.head.stop.is_none();
        match &mut self.head.stop {
            Some(stop) => stop.forced |= forced,
            None => self.head.stop = Some(Stop { verdict, by: by.to_owned(), forced, wins }),
        }
        if self.head.status == ExecutionStatus::Queued {
            self.cancel_pending(0..self.plan.steps.len())?;
            return self.finish_execution();
        }
        match self.head.phase {
            Phase::Main => {
                self.enter(Phase::Stopping);
                self.stop_all(0..self.plan.main_steps, forced)?;
                self.cancel_pending(0..self.plan.main_steps)?;
                self.disarm(&Token::Execution);
                self.arm(Token::StopGrace, STOP_GRACE);
            }
            Phase::Stopping => self.stop_all(0..self.plan.main_steps, forced)?,
            Phase::Kept => {
                self.disarm(&Token::Keep);
                self.enter_finally()?;
            }
            Phase::Finally => {
                self.stop_all(0..self.plan.steps.len(), forced)?;
                self.cancel_pending(self.plan.main_steps..self.plan.steps.len())?;
                self.arm(Token::StopGrace, STOP_GRACE);
            }
        }
        Ok(())
    }

    fn enter(&mut self, phase: Phase) {
        self.head.phase = phase;
        self.record(What::PhaseEntered { phase, until: None });
    }

    /// What has not begun never will.
    pub(super) fn cancel_pending(&mut self, steps: std::ops::Range<usize>) -> Draw<()> {
        for step in steps {
            if matches!(self.standing(step), Standing::Pending | Standing::Ready) {
                if self.active(At::step(step))?.is_some() {
                    continue; // an arm that was asked to stop
                }
                self.close(step, Standing::Cancelled);
            } else if self.standing(step) == Standing::Running && self.plan_step(step).foreach.is_some() {
                self.cut_foreach(step)?;
            }
        }
        Ok(())
    }

    /// No further instance of the step begins.
    fn cut_foreach(&mut self, step: usize) -> Draw<()> {
        let expansion = self.foreach_mut(step)?;
        let rest = expansion.count - expansion.next;
        if rest > 0 {
            expansion.ended += rest;
            expansion.next = expansion.count;
            expansion.worst =
                Some(expansion.worst.map_or(Standing::Cancelled, |worst| worse(worst, Standing::Cancelled)));
        }
        self.close_foreach(step)
    }

    fn stop_all(&mut self, steps: std::ops::Range<usize>, forced: bool) -> Draw<()> {
        for at in self.all_active(steps)? {
            self.stop_one(at, forced)?;
        }
        Ok(())
    }

    pub(super) fn stop_instances(&mut self, step: usize) -> Draw<()> {
        self.stop_all(step..step + 1, false)
    }

    fn stop_one(&mut self, at: At, forced: bool) -> Draw<()> {
        let Some(active) = self.active(at)?.cloned() else { return Ok(()) };
        if active.phase == JobPhase::Undo && !forced {
            return Ok(());
        }
        let Some(fence) = self.active_fence(at)? else { return Ok(()) };
        match active.state {
            ActiveState::Waiting | ActiveState::RetryPause | ActiveState::TurnPause => {
                self.release(at)?;
                if active.state == ActiveState::RetryPause {
                    self.instance_mut(at)?.attempt -= 1; // the attempt that waited never began
                }
                self.end(at, Standing::Cancelled, None, None)
            }
            ActiveState::Child => {
                self.mark_stopping(at)?;
                self.stop_child(at, &fence, forced)
            }
            _ if active.stopping => Ok(()),
            _ => {
                self.mark_stopping(at)?;
                self.unsent(Unsent::Stop { fence: fence.clone() }, Effect::Stop { fence });
                Ok(())
            }
        }
    }

    fn mark_stopping(&mut self, at: At) -> Draw<()> {
        if let Some(active) = &mut self.instance_mut(at)?.active {
            active.stopping = true;
        }
        Ok(())
    }

    /// A step that will not run needs no arm.
    pub(super) fn disarm_step(&mut self, step: usize) -> Draw<()> {
        let at = At::step(step);
        if self.plan_step(step).arm_before.is_none() {
            return Ok(());
        }
        if let Some(fence) = self.active_fence(at)? {
            self.release(at)?;
            self.unsent(Unsent::Stop { fence: fence.clone() }, Effect::Stop { fence });
        }
        Ok(())
    }

    pub(super) fn timer_fired(&mut self, token: &Token) -> Heard {
        let Some(timer) = self.head.timers.iter().find(|timer| timer.token == *token).cloned() else {
            return Ok(Some(Ignored::Stale));
        };
        if timer.at > self.now {
            self.effects.push(Effect::ArmTimer { token: timer.token, at: timer.at });
            return Ok(None);
        }
        self.disarm(token);
        match token {
            Token::Queue => self.out_of_queue_time()?,
            Token::Execution => {
                let limit = crate::duration::text(self.plan.timeout);
                self.stop(ExecutionStatus::TimedOut, &format!("timeout of {limit}"), false)?;
            }
            Token::StopGrace => self.grace_over()?,
            Token::Finally => {
                let limit = crate::duration::text(self.plan.finally_timeout);
                self.stop(ExecutionStatus::TimedOut, &format!("finallyTimeout of {limit}"), true)?;
            }
            Token::Keep => self.kept_long_enough()?,
            Token::Step { fence } => self.step_timer(fence)?,
        }
        Ok(None)
    }

    fn step_timer(&mut self, fence: &Fence) -> Draw<()> {
        let Some(at) = self.current(fence)? else { return Ok(()) };
        match self.active(at)?.map(|active| active.state) {
            Some(ActiveState::RetryPause | ActiveState::TurnPause) => self.pause_over(at, fence),
            Some(ActiveState::Waiting | ActiveState::Child) => self.word_timer(at, fence),
            _ => Ok(()),
        }
    }

    fn out_of_queue_time(&mut self) -> Draw<()> {
        let limit = crate::duration::text(self.plan.queue_timeout.unwrap_or_default());
        self.head.reason = Some(format!("not admitted within the queueTimeout of {limit}"));
        self.stop(ExecutionStatus::TimedOut, &format!("queueTimeout of {limit}"), false)
    }

    /// Whoever has not answered the stop is taken for lost; it may still act.
    fn grace_over(&mut self) -> Draw<()> {
        for at in self.all_active(0..self.plan.steps.len())? {
            let place = self.place(at);
            let undo = self.active(at)?.is_some_and(|active| active.phase == JobPhase::Undo);
            let stopping = self.active(at)?.is_some_and(|active| active.stopping);
            if !stopping {
                continue;
            }
            self.warn(
                Some(at.step),
                format!("{place} did not answer the stop in {} s; it may still act", STOP_GRACE.as_secs()),
            );
            let why = super::advance::error(ErrorClass::Lost, "step.unanswered", "did not answer the stop in time");
            if undo {
                self.undo_answered(at, Some(why))?;
                continue;
            }
            self.release(at)?;
            self.end(at, Standing::Cancelled, None, Some(why))?;
        }
        Ok(())
    }

    // ---- finally

    /// Undos, last first; then the steps of `finally`, one after the other; then the verdict.
    pub(super) fn advance_finally(&mut self) -> Draw<()> {
        let forced = self.head.stop.as_ref().is_some_and(|stop| stop.forced);
        if let Some(entry) = self.head.undo.last().cloned() {
            let at = At { step: entry.step as usize, instance: entry.instance };
            if self.active(at)?.is_some() {
                return Ok(());
            }
            if !forced {
                if let Some(entry) = self.head.undo.last_mut() {
                    entry.attempt += 1;
                }
                return self.attempt_undo(at);
            }
            self.warn(Some(at.step), "was not taken back, because the stop was forced".into());
            self.head.undo_failed = true;
            self.head.undo.clear();
        }
        for step in self.plan.main_steps..self.plan.steps.len() {
            match self.standing(step) {
                Standing::Pending => {
                    self.decide(step)?;
                    if self.standing(step) == Standing::Ready {
                        self.start_step(step)?;
                    }
                }
                Standing::Ready => self.start_step(step)?,
                Standing::Running if self.plan_step(step).foreach.is_some() => self.start_instances(step)?,
                _ => {}
            }
            if !self.standing(step).ended() {
                return Ok(());
            }
        }
        self.finish_execution()
    }

    fn attempt_undo(&mut self, at: At) -> Draw<()> {
        let now = self.now;
        let state = self.instance_mut(at)?;
        state.attempt += 1;
        state.started_at.get_or_insert(now);
        self.head.in_flight += 1;
        if let Err(fault) = self.send_job(at, JobPhase::Undo)? {
            self.head.in_flight -= 1;
            self.head.undo.pop();
            self.head.undo_failed = true;
            let place = self.place(at);
            let error = super::advance::error(ErrorClass::Error, "expression.with", fault.message);
            self.record(What::Undone { place, ok: false, error: Some(error) });
        }
        Ok(())
    }

    // ---- the verdict

    pub(super) fn finish_execution(&mut self) -> Draw<()> {
        let main = self.worst(0..self.plan.main_steps);
        let cleanup = self.worst(self.plan.main_steps..self.plan.steps.len());
        let cleanup = if self.head.undo_failed { Some(StepStatus::Errored) } else { cleanup };
        let ran = self.head.steps[..self.plan.main_steps]
            .iter()
            .any(|one| !matches!(one.status(), StepStatus::Skipped | StepStatus::Pending));
        let verdict = match main {
            Some(StepStatus::Failed) => ExecutionStatus::Failed,
            Some(_) => ExecutionStatus::Errored,
            None if !ran => {
                self.head.reason.get_or_insert_with(|| "no step ran: nothing was tested".into());
                ExecutionStatus::Errored
            }
            None => ExecutionStatus::Passed,
        };
        let winner = self.head.stop.as_ref().filter(|stop| stop.wins).map(|stop| stop.verdict);
        let worsened = match cleanup {
            Some(StepStatus::Failed) => ExecutionStatus::Failed,
            Some(_) => ExecutionStatus::Errored,
            None => ExecutionStatus::Passed,
        };
        let status = match (winner, verdict) {
            (Some(winner), _) => winner,
            (None, ExecutionStatus::Passed) => worsened,
            (None, verdict) => verdict,
        };
        let beside = winner.is_some() || verdict != ExecutionStatus::Passed;
        let started = self.head.started_at.unwrap_or(self.now);
        let duration_ms = u64::try_from(self.now.duration_since(started).as_millis()).unwrap_or(0);
        self.head.status = status;
        self.head.ended_at = Some(self.now);
        self.head.timers.clear();
        self.record(What::Finished {
            status,
            worst: main.filter(|worst| winner.is_some() && *worst != StepStatus::Cancelled),
            cleanup: cleanup.filter(|_| beside && self.head.started_at.is_some()),
            reason: self.head.reason.clone(),
            counts: self.counts(),
            duration_ms,
        });
        self.unsent(Unsent::Finish, Effect::Finish { status });
        Ok(())
    }

    /// The worst status that counts.
    fn worst(&self, steps: std::ops::Range<usize>) -> Option<StepStatus> {
        let counts = |step: &usize| !self.plan.steps[*step].continue_on_error;
        let standings = steps.filter(counts).map(|step| self.standing(step));
        let bad = standings.filter(|one| {
            use Standing::{Cancelled, Errored, Failed, FailedSoftly, TimedOut};
            matches!(one, Errored | TimedOut | Failed | FailedSoftly | Cancelled)
        });
        bad.reduce(worse).map(Standing::status)
    }

    fn counts(&self) -> BTreeMap<String, u32> {
        let mut counts = BTreeMap::new();
        for standing in &self.head.steps {
            *counts.entry(standing.status().word().to_owned()).or_insert(0) += 1;
        }
        counts
    }

    /// Admission gave the execution a slot.
    pub(super) fn admitted(&mut self, width: u32) -> Heard {
        if self.head.status != ExecutionStatus::Queued {
            return Ok(Some(Ignored::Duplicate));
        }
        self.head.status = ExecutionStatus::Running;
        self.head.started_at = Some(self.now);
        self.head.width = width.max(1);
        self.disarm(&Token::Queue);
        let steps = self.plan.steps.iter().map(|step| step.id.to_string()).collect();
        self.record(What::Started { width: self.head.width, steps, main: self.plan.main_steps as u32 });
        self.tell_settled()?;
        let limit: Duration = self.plan.timeout;
        self.arm(Token::Execution, limit);
        Ok(None)
    }
}
