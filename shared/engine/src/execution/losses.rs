//! What is lost and what is taken back: workers that are gone, and undos.

use std::time::Duration;

use super::advance::error;
use super::attempts::{APPLIED, Heard};
use super::draft::{At, Draft, Draw};
use super::event::Ignored;
use super::parts::ActiveState;
use super::standing::Standing;
use super::{EXTRA_ATTEMPTS, UNDO_ATTEMPTS};
use crate::job::{ErrorClass, Fence, JobError, JobPhase, JobResult};
use crate::plan::OnLost;
use crate::record::What;

impl Draft<'_> {
    pub(super) fn worker_lost(&mut self, fence: &Fence, reason: &str) -> Heard {
        let at = match self.heard_of(fence)? {
            Ok(at) => at,
            Err(why) => return Ok(Some(why)),
        };
        let state = self.state_of(at)?;
        if !matches!(state, ActiveState::Dispatched | ActiveState::Claimed | ActiveState::Collecting) {
            return Ok(Some(Ignored::Stale));
        }
        let lost = |message: String| error(ErrorClass::Lost, "step.lost", message);
        if fence.phase == JobPhase::Undo {
            return self.undo_answered(at, Some(lost(format!("worker lost: {reason}"))));
        }
        let active = self.active(at)?.cloned();
        let (stopping, repeatable) = active.map_or((false, false), |active| (active.stopping, active.repeatable));
        self.release(at)?;
        let result = self.lost_result(at, lost(format!("worker lost, it may have acted: {reason}")))?;
        if stopping {
            self.end(at, Standing::Cancelled, Some(result), None)?;
            return APPLIED;
        }
        let extra = self.instance(at)?.extra;
        let step = self.plan_step(at.step);
        let repeats = match step.on_lost {
            OnLost::Error => false,
            OnLost::Retry => extra < EXTRA_ATTEMPTS,
            OnLost::Judge => repeatable && extra == 0 && state != ActiveState::Collecting,
        };
        if repeats {
            self.instance_mut(at)?.extra += 1;
            let (place, attempt, retry_at) = (self.place(at), fence.attempt, self.now);
            self.record(What::AttemptEnded { place, attempt, result, retry_at });
            self.pause_then(at, fence.phase, Duration::ZERO)?;
        } else if step.on_lost == OnLost::Judge && self.again(at, &result)? {
            self.retry(at, fence.phase, result)?;
        } else {
            self.end(at, Standing::Errored, Some(result), None)?;
        }
        APPLIED
    }

    fn lost_result(&self, at: At, why: JobError) -> Draw<Box<JobResult>> {
        let started_at = self.instance(at)?.started_at.unwrap_or(self.now);
        Ok(Box::new(JobResult::errored(why, started_at, self.now)))
    }

    pub(super) fn step_undone(&mut self, fence: &Fence, error: Option<JobError>) -> Heard {
        match self.heard_of(fence)? {
            Ok(at) if fence.phase == JobPhase::Undo => self.undo_answered(at, error),
            Ok(_) => Ok(Some(Ignored::Stale)),
            Err(why) => Ok(Some(why)),
        }
    }

    /// An undo that did not succeed is tried again, a few times.
    pub(super) fn undo_answered(&mut self, at: At, error: Option<JobError>) -> Heard {
        self.release(at)?;
        let tries = self.head.undo.last().map_or(UNDO_ATTEMPTS, |entry| entry.attempt);
        if error.is_some() && tries < UNDO_ATTEMPTS {
            return APPLIED; // `advance` takes the last entry up again
        }
        self.head.undo.pop();
        self.head.undo_failed |= error.is_some();
        let place = self.place(at);
        self.record(What::Undone { place, ok: error.is_none(), error });
        APPLIED
    }
}
