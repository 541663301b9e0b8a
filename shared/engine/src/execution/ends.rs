//! How steps and instances end.

use super::draft::{At, Draft, Draw};
use super::standing::Standing;
use crate::job::{JobError, JobResult, Outcome};
use crate::record::What;

impl Draft<'_> {
    /// Nothing is under way at this place any more: its places are free, its timer is off.
    pub(super) fn release(&mut self, at: At) -> Draw<()> {
        if let Some(fence) = self.active_fence(at)? {
            self.disarm_fence(&fence);
        }
        if let Some(active) = self.instance_mut(at)?.active.take() {
            self.head.in_flight = self.head.in_flight.saturating_sub(active.places);
        }
        Ok(())
    }

    pub(super) fn end_errored(&mut self, at: At, why: JobError) -> Draw<()> {
        self.end(at, Standing::Errored, None, Some(why))
    }

    /// A step or an instance has its status.
    pub(super) fn end(
        &mut self,
        at: At,
        standing: Standing,
        result: Option<Box<JobResult>>,
        why: Option<JobError>,
    ) -> Draw<()> {
        let now = self.now;
        let state = self.instance_mut(at)?;
        state.ended_at = Some(now);
        let (attempts, began) = (state.attempt, state.started_at);
        if at.instance.is_some() {
            state.ended = Some(standing);
        } else {
            self.set_standing(at.step, standing);
        }
        let duration = began.map_or(0, |began| now.duration_since(began).as_millis());
        let place = self.place(at);
        self.record(What::StepFinished {
            place,
            status: standing.status(),
            skipped: None,
            attempts,
            result,
            error: why,
            assertions: Vec::new(),
            duration_ms: u64::try_from(duration).unwrap_or(0),
            carried: None,
        });
        if at.instance.is_some() { self.instance_ended(at, standing) } else { Ok(()) }
    }

    pub(super) fn instance_ended(&mut self, at: At, standing: Standing) -> Draw<()> {
        let fail_fast = self.plan_step(at.step).foreach.as_ref().is_some_and(|foreach| foreach.fail_fast);
        let expansion = self.foreach_mut(at.step)?;
        expansion.active = expansion.active.saturating_sub(1);
        expansion.ended += 1;
        expansion.worst = Some(expansion.worst.map_or(standing, |worst| worse(worst, standing)));
        let broken = fail_fast && !matches!(standing, Standing::Passed | Standing::FailedSoftly | Standing::Cancelled);
        if broken {
            let rest = expansion.count - expansion.next;
            expansion.ended += rest;
            expansion.next = expansion.count;
            self.stop_instances(at.step)?;
        }
        self.close_foreach(at.step)
    }

    /// The step of a `foreach` ends with its last instance.
    pub(super) fn close_foreach(&mut self, step: usize) -> Draw<()> {
        let Some(expansion) = self.foreach(step)?.cloned() else { return Ok(()) };
        if expansion.ended < expansion.count || self.standing(step).ended() {
            return Ok(());
        }
        let standing = expansion.worst.unwrap_or(Standing::Cancelled);
        self.end(At::step(step), standing, None, None)
    }
}

pub(super) fn standing_of(result: &JobResult) -> Standing {
    match result.outcome {
        Outcome::Passed => Standing::Passed,
        Outcome::Errored => Standing::Errored,
        Outcome::TimedOut => Standing::TimedOut,
        Outcome::Cancelled => Standing::Cancelled,
        Outcome::Failed => {
            let softly = result.failed_captures.is_empty()
                && result.assertions.iter().any(|one| !one.passed)
                && result.assertions.iter().filter(|one| !one.passed).all(|one| one.soft);
            if softly { Standing::FailedSoftly } else { Standing::Failed }
        }
    }
}

/// The worse of two standings of ended steps.
pub(super) fn worse(a: Standing, b: Standing) -> Standing {
    let rank = |standing: Standing| match standing {
        Standing::Errored => 5,
        Standing::TimedOut => 4,
        Standing::Failed => 3,
        Standing::Cancelled => 2,
        Standing::FailedSoftly => 1,
        _ => 0,
    };
    if rank(b) > rank(a) { b } else { a }
}
