//! Bugs that are planted on purpose, at the seams between delivery and the ports: the simulator must find each.

use assay_app::ports::{Claim, ClaimKey, Renewal, Save};
use assay_engine::execution::{Event, Part, PartId, Standing};
use assay_engine::record::What;
use assay_engine::status::{ExecutionStatus, Phase};
use jiff::SignedDuration;

use super::store::Shared;

/// A planted bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Bug {
    ClaimsAreAlwaysFree,
    DoneClaimsActAgain,
    LostClaimsActAgain,
    StoppedClaimsAct,
    HeldClaimsAct,
    RenewalsNeverSayStop,
    ResultsAreNotKept,
    StopsAreLost,
    ExpiredClaimsAreNotFound,
    LostWorkersAreNotFound,
    KeptResultsAreNotReported,
    UndosAreLost,
    UndoneTwice,
    FinallyIsSkipped,
    RecordsAreDropped,
    RecordsAreDoubled,
    RecordsAreRenumbered,
    UnsentIsForgotten,
    TimersAreForgotten,
    DueIsForgotten,
    WidthIsIgnored,
    PlacesAreNotFreed,
    VerdictIsAlwaysPassed,
    VerdictComesEarly,
    FailedCountsAsPassed,
    BlockedStepsRun,
    PreparedIsForgotten,
    AttemptsStartAnew,
    InstancesAreForgotten,
    ExecutionsRunTwice,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 30] = [
        Self::ClaimsAreAlwaysFree,
        Self::DoneClaimsActAgain,
        Self::LostClaimsActAgain,
        Self::StoppedClaimsAct,
        Self::HeldClaimsAct,
        Self::RenewalsNeverSayStop,
        Self::ResultsAreNotKept,
        Self::StopsAreLost,
        Self::ExpiredClaimsAreNotFound,
        Self::LostWorkersAreNotFound,
        Self::KeptResultsAreNotReported,
        Self::UndosAreLost,
        Self::UndoneTwice,
        Self::FinallyIsSkipped,
        Self::RecordsAreDropped,
        Self::RecordsAreDoubled,
        Self::RecordsAreRenumbered,
        Self::UnsentIsForgotten,
        Self::TimersAreForgotten,
        Self::DueIsForgotten,
        Self::WidthIsIgnored,
        Self::PlacesAreNotFreed,
        Self::VerdictIsAlwaysPassed,
        Self::VerdictComesEarly,
        Self::FailedCountsAsPassed,
        Self::BlockedStepsRun,
        Self::PreparedIsForgotten,
        Self::AttemptsStartAnew,
        Self::InstancesAreForgotten,
        Self::ExecutionsRunTwice,
    ];

    pub(super) fn at_claim(self, claim: Claim) -> Claim {
        match (self, claim) {
            (Self::ClaimsAreAlwaysFree, _)
            | (Self::DoneClaimsActAgain, Claim::Done(_))
            | (Self::LostClaimsActAgain, Claim::Lost)
            | (Self::StoppedClaimsAct, Claim::Stopped)
            | (Self::HeldClaimsAct, Claim::Held) => Claim::Acquired,
            (_, claim) => claim,
        }
    }

    pub(super) fn at_renew(self, renewal: Renewal) -> Renewal {
        match (self, renewal) {
            (Self::RenewalsNeverSayStop, Renewal::Stop) => Renewal::Go,
            (_, renewal) => renewal,
        }
    }

    pub(super) fn at_complete(self, report: Event) -> Option<Event> {
        (self != Self::ResultsAreNotKept).then_some(report)
    }

    pub(super) fn at_expired(self, found: Vec<(ClaimKey, Option<Event>)>) -> Vec<(ClaimKey, Option<Event>)> {
        match self {
            Self::ExpiredClaimsAreNotFound => Vec::new(),
            Self::LostWorkersAreNotFound => found.into_iter().filter(|(_, report)| report.is_some()).collect(),
            Self::KeptResultsAreNotReported => found.into_iter().filter(|(_, report)| report.is_none()).collect(),
            _ => found,
        }
    }

    pub(super) fn at_save(self, save: &mut Save, shared: &Shared) {
        let head = &mut save.head;
        match self {
            Self::UndosAreLost => head.undo.clear(),
            Self::UndoneTwice => {
                let again = head.undo.last().cloned();
                head.undo.extend(again);
            }
            Self::FinallyIsSkipped if head.phase == Phase::Finally && !head.status.ended() => {
                head.steps.iter_mut().filter(|one| **one == Standing::Pending).for_each(|one| *one = Standing::Passed);
            }
            Self::RecordsAreDropped => save.records.truncate(save.records.len().saturating_sub(1).max(1)),
            Self::RecordsAreDoubled => {
                let again = save.records.last().cloned();
                save.records.extend(again);
            }
            Self::RecordsAreRenumbered => head.last_seq += 1,
            Self::UnsentIsForgotten => head.unsent.clear(),
            Self::TimersAreForgotten => head.timers.clear(),
            Self::DueIsForgotten => save.due = Some(shared.world.now() + SignedDuration::from_hours(9_000)),
            Self::WidthIsIgnored => head.width = head.width.saturating_add(1),
            Self::PlacesAreNotFreed if shared.world.chance(100) => head.in_flight += 1,
            Self::VerdictIsAlwaysPassed if head.status.ended() => head.status = ExecutionStatus::Passed,
            Self::VerdictComesEarly if shared.world.chance(30) => head.status = ExecutionStatus::Passed,
            Self::FailedCountsAsPassed => {
                head.steps.iter_mut().filter(|one| **one == Standing::Failed).for_each(|one| *one = Standing::Passed);
            }
            Self::BlockedStepsRun => {
                head.steps.iter_mut().filter(|one| **one == Standing::Blocked).for_each(|one| *one = Standing::Ready);
            }
            Self::PreparedIsForgotten => at_states(save, |alone| alone.prepared = None),
            Self::AttemptsStartAnew => at_states(save, |alone| alone.attempt = alone.attempt.min(1)),
            Self::InstancesAreForgotten => {
                for (id, part) in &mut save.parts {
                    if let (PartId::Step(_), Part::Step(state)) = (id, part) {
                        state.foreach.iter_mut().for_each(|expansion| expansion.next = expansion.count);
                    }
                }
            }
            Self::ExecutionsRunTwice => {
                let finished = |what: &What| matches!(what, What::Finished { .. });
                if save.records.iter().any(|record| finished(&record.what)) && shared.world.chance(300) {
                    head.status = ExecutionStatus::Queued;
                    head.phase = Phase::Main;
                }
            }
            _ => {}
        }
    }
}

fn at_states(save: &mut Save, change: impl Fn(&mut assay_engine::execution::InstanceState)) {
    for part in save.parts.values_mut() {
        match part {
            Part::Step(state) => change(&mut state.alone),
            Part::Block(block) => block.iter_mut().for_each(&change),
            _ => {}
        }
    }
}
