//! The rules of a claim, decided in one place; a store only keeps what they answer.

use assay_app::ports::{Claim, Owner, Renewal};
use assay_engine::execution::Event;
use assay_engine::job::Job;
use jiff::Timestamp;

/// Where a claim stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nobody has claimed it; something was left for whoever will.
    Awaited,
    /// Somebody acts.
    Held,
    /// The result is kept.
    Done,
    /// The state needs it no more.
    Settled,
}

/// A claim as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredClaim {
    pub(crate) stage: Stage,
    /// Of every claim that was ever held.
    pub(crate) owner: Option<Owner>,
    /// The lease is over from this instant on.
    pub(crate) lease_until: Timestamp,
    pub(crate) stop: bool,
    pub(crate) report: Option<Box<Event>>,
    pub(crate) job: Option<Box<Job>>,
}

/// How the store sees a lease: the instant it is, and whether a process lives.
pub(crate) struct View<'a> {
    pub(crate) now: Timestamp,
    pub(crate) lives: &'a dyn Fn(&str) -> bool,
}

impl StoredClaim {
    fn awaited() -> Self {
        let lease_until = Timestamp::MIN;
        Self { stage: Stage::Awaited, owner: None, lease_until, stop: false, report: None, job: None }
    }

    /// Whether the lease is over: by time, or because its process is gone.
    pub(crate) fn over(&self, view: &View<'_>) -> bool {
        self.lease_until <= view.now || self.owner.as_ref().is_none_or(|owner| !(view.lives)(&owner.process))
    }

    /// Claims it. The second answer is what to keep, when that has changed.
    /// The delivery that holds it may ask again: its first answer can have been lost.
    pub(crate) fn claim(
        stored: Option<Self>,
        owner: &Owner,
        until: Timestamp,
        view: &View<'_>,
    ) -> (Claim, Option<Self>) {
        let mut claim = stored.unwrap_or_else(Self::awaited);
        match claim.stage {
            Stage::Settled => (Claim::Done(None), None),
            Stage::Done => (Claim::Done(claim.report), None),
            Stage::Held if claim.over(view) => {
                // said to be lost, it stays lost, also for a clock that goes back
                let told = claim.lease_until == Timestamp::MIN;
                claim.lease_until = Timestamp::MIN;
                (Claim::Lost, (!told).then_some(claim))
            }
            Stage::Held if claim.owner.as_ref() != Some(owner) => (Claim::Held, None),
            Stage::Held | Stage::Awaited => {
                claim.stage = Stage::Held;
                claim.owner = Some(owner.clone());
                claim.lease_until = until;
                (if claim.stop { Claim::Stopped } else { Claim::Acquired }, Some(claim))
            }
        }
    }

    fn is_held_by(&self, owner: &Owner, view: &View<'_>) -> bool {
        self.stage == Stage::Held && self.owner.as_ref() == Some(owner) && self.lease_until > view.now
    }

    /// Renews it; unchanged when the answer is that it is not the owner's.
    pub(crate) fn renew(&mut self, owner: &Owner, until: Timestamp, view: &View<'_>) -> Renewal {
        if !self.is_held_by(owner, view) {
            return Renewal::NotYours;
        }
        self.lease_until = until;
        match &self.job {
            _ if self.stop => Renewal::Stop,
            Some(job) => Renewal::Proceed(job.clone()),
            None => Renewal::Go,
        }
    }

    /// Whether this owner's result is kept from now on, or already is.
    pub(crate) fn complete(&mut self, owner: &Owner, report: &Event, view: &View<'_>) -> bool {
        if self.stage == Stage::Done {
            return self.owner.as_ref() == Some(owner);
        }
        let held = self.is_held_by(owner, view);
        if held {
            self.stage = Stage::Done;
            self.report = Some(Box::new(report.clone()));
            self.job = None;
        }
        held
    }

    /// Leaves a stop; what to keep, when that has changed.
    pub(crate) fn stop(stored: Option<Self>) -> Option<Self> {
        let mut claim = stored.unwrap_or_else(Self::awaited);
        let open = matches!(claim.stage, Stage::Awaited | Stage::Held) && !claim.stop;
        claim.stop = true;
        open.then_some(claim)
    }

    /// Leaves the run job; whether that has changed anything.
    pub(crate) fn proceed(&mut self, job: &Job) -> bool {
        let held = self.stage == Stage::Held;
        if held {
            self.job = Some(Box::new(job.clone()));
        }
        held
    }

    /// What is left of a settled claim.
    pub(crate) fn settled() -> Self {
        Self { stage: Stage::Settled, ..Self::awaited() }
    }
}
