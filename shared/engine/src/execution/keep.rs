//! Between the main steps and `finally`: holding `finally` back, letting go of it, entering it.

use std::time::Duration;

use super::attempts::Heard;
use super::draft::{Draft, Draw};
use super::event::{Ignored, Token};
use super::standing::Standing;
use crate::id::ExecutionId;
use crate::record::What;
use crate::status::{ExecutionStatus, Phase};

impl Draft<'_> {
    /// The main steps have ended, or were stopped.
    pub(super) fn keep_or_clean_up(&mut self) -> Draw<()> {
        let cancelled =
            self.head.stop.as_ref().is_some_and(|stop| stop.verdict != ExecutionStatus::TimedOut || stop.forced);
        let anything = self.plan.main_steps < self.plan.steps.len() || !self.head.undo.is_empty();
        let Some(keep) = self.head.keep_ms.filter(|_| anything && !cancelled) else { return self.enter_finally() };
        self.disarm(&Token::Execution);
        self.disarm(&Token::StopGrace);
        self.head.phase = Phase::Kept;
        let until = self.arm(Token::Keep, Duration::from_millis(keep));
        self.record(What::PhaseEntered { phase: Phase::Kept, until: Some(until) });
        Ok(())
    }

    pub(super) fn kept_long_enough(&mut self) -> Draw<()> {
        let kept = crate::duration::text(Duration::from_millis(self.head.keep_ms.unwrap_or_default()));
        self.record(What::Released { by: format!("the end of its {kept}"), rerun: None });
        self.enter_finally()
    }

    /// `finally` runs now, or is left to a rerun.
    pub(super) fn finish_requested(&mut self, by: &str, left_to: Option<ExecutionId>) -> Heard {
        let kept = self.head.phase == Phase::Kept;
        // What is not kept yet will not be; there is nothing to hand over before the main steps have ended.
        let will_be = matches!(self.head.phase, Phase::Main | Phase::Stopping) && self.head.keep_ms.is_some();
        if !kept && (!will_be || left_to.is_some()) {
            return Ok(Some(Ignored::Stale));
        }
        self.record(What::Released { by: by.to_owned(), rerun: left_to.clone() });
        self.head.keep_ms = None;
        if !kept {
            return Ok(None);
        }
        self.disarm(&Token::Keep);
        if left_to.is_some() {
            for step in self.plan.main_steps..self.plan.steps.len() {
                self.close(step, Standing::HandedOver);
            }
        }
        self.head.left_to = left_to;
        self.enter_finally()?;
        Ok(None)
    }

    pub(super) fn enter_finally(&mut self) -> Draw<()> {
        self.disarm(&Token::Execution);
        self.disarm(&Token::StopGrace);
        let forced = self.head.stop.as_ref().is_some_and(|stop| stop.forced);
        self.head.phase = Phase::Finally;
        if forced {
            if !self.head.undo.is_empty() {
                let count = self.head.undo.len();
                self.warn(None, format!("{count} undos were not run, because the stop was forced"));
                self.head.undo_failed = true;
                self.head.undo.clear();
            }
            return self.cancel_pending(self.plan.main_steps..self.plan.steps.len());
        }
        let steps = self.head.steps[self.plan.main_steps..].iter().any(|standing| !standing.ended());
        if steps || !self.head.undo.is_empty() {
            self.record(What::PhaseEntered { phase: Phase::Finally, until: None });
            self.arm(Token::Finally, self.plan.finally_timeout);
        }
        Ok(())
    }
}
