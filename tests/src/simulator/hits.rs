//! What a simulation has come across: every fault, and every cell of the state x event table.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Everything that goes wrong on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Fault {
    Lost,
    Doubled,
    Delayed,
    Redelivered,
    SendRefused,
    AcknowledgeLost,
    SaveThrottled,
    SavedButNotAnswered,
    ClaimThrottled,
    ClaimedButNotAnswered,
    DiedBeforeAct,
    DiedDuringAct,
    DiedAfterAct,
    DiedBetweenSaveAndSend,
    DiedAnywhere,
    PausedLongerThanLease,
    ClockJumped,
    RunnerIgnoresStop,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Lost,
        Self::Doubled,
        Self::Delayed,
        Self::Redelivered,
        Self::SendRefused,
        Self::AcknowledgeLost,
        Self::SaveThrottled,
        Self::SavedButNotAnswered,
        Self::ClaimThrottled,
        Self::ClaimedButNotAnswered,
        Self::DiedBeforeAct,
        Self::DiedDuringAct,
        Self::DiedAfterAct,
        Self::DiedBetweenSaveAndSend,
        Self::DiedAnywhere,
        Self::PausedLongerThanLease,
        Self::ClockJumped,
        Self::RunnerIgnoresStop,
    ];
}

/// Counters, shared by everything in a simulation.
#[derive(Debug, Default)]
pub(super) struct Hits {
    counts: Mutex<Counts>,
}

/// How often each thing was hit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Faults.
    pub faults: BTreeMap<Fault, u64>,
    /// Cells of the state x event table: `(row, event)`.
    pub cells: BTreeMap<(String, String), u64>,
}

impl Counts {
    /// Adds what another simulation has hit.
    pub fn add(&mut self, other: &Self) {
        for (fault, count) in &other.faults {
            *self.faults.entry(*fault).or_default() += count;
        }
        for (cell, count) in &other.cells {
            *self.cells.entry(cell.clone()).or_default() += count;
        }
    }
}

impl Hits {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A fault was made.
    pub(super) fn fault(&self, fault: Fault) {
        *self.counts().faults.entry(fault).or_default() += 1;
    }

    /// An event met a state.
    pub(super) fn cell(&self, row: String, event: &str) {
        *self.counts().cells.entry((row, event.to_owned())).or_default() += 1;
    }

    /// What was hit so far.
    pub(super) fn taken(&self) -> Counts {
        self.counts().clone()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in Fault::ALL {
            writeln!(f, "fault {:<26} {:>9}", format!("{fault:?}"), self.faults.get(&fault).copied().unwrap_or(0))?;
        }
        for ((row, event), count) in &self.cells {
            writeln!(f, "cell  {:<44} {count:>9}", format!("{row} x {event}"))?;
        }
        Ok(())
    }
}
