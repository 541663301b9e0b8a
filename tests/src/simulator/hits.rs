//! What a simulation has come across: every fault, and every cell of the state x event table.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::cells::{Cell, EVENTS, STATES, out_of_reach};

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
    /// Cells of the state x event table.
    pub cells: BTreeMap<Cell, u64>,
}

impl Counts {
    /// Adds what another simulation has hit.
    pub fn add(&mut self, other: &Self) {
        for (fault, count) in &other.faults {
            *self.faults.entry(*fault).or_default() += count;
        }
        for (cell, count) in &other.cells {
            *self.cells.entry(*cell).or_default() += count;
        }
    }
}

/// How much of the state x event table was met.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Cells that were met.
    pub met: usize,
    /// Cells that delivery can bring about.
    pub reachable: usize,
    /// Cells that it cannot, by the list.
    pub out_of_reach: usize,
    /// Cells that can be met and were not.
    pub missed: Vec<Cell>,
    /// Cells that were met although the list says that they cannot be.
    pub met_against_the_list: Vec<Cell>,
}

impl Counts {
    /// Holds what was met against the whole table.
    ///
    /// # Errors
    /// When the list of cells out of reach names none of the table.
    pub fn coverage(&self) -> Result<Coverage, String> {
        let excluded = out_of_reach()?;
        let mut coverage = Coverage { out_of_reach: excluded.len(), ..Coverage::default() };
        for cell in STATES.into_iter().flat_map(|state| EVENTS.map(|event| (state, event))) {
            let met = self.cells.contains_key(&cell);
            coverage.met += usize::from(met);
            coverage.reachable += usize::from(!excluded.contains(&cell));
            match (met, excluded.contains(&cell)) {
                (false, false) => coverage.missed.push(cell),
                (true, true) => coverage.met_against_the_list.push(cell),
                _ => {}
            }
        }
        Ok(coverage)
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { met, reachable, out_of_reach, missed, met_against_the_list } = self;
        write!(f, "state x event table: {met} cells hit of {reachable} reachable, {out_of_reach} excluded")?;
        missed.iter().try_for_each(|(state, event)| write!(f, "\n  not hit: {state} x {event}"))?;
        met_against_the_list.iter().try_for_each(|(state, event)| write!(f, "\n  excluded but hit: {state} x {event}"))
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
    pub(super) fn cell(&self, cell: Cell) {
        *self.counts().cells.entry(cell).or_default() += 1;
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
        for ((state, event), count) in &self.cells {
            writeln!(f, "cell  {:<44} {count:>9}", format!("{state} x {event}"))?;
        }
        Ok(())
    }
}
