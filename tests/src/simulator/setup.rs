//! What a simulation is given, and what came of it.

use super::bugs::Bug;
use super::hits::Counts;

/// What to simulate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setup {
    /// From which everything is drawn.
    pub seed: u64,
    /// Executions at once.
    pub executions: u64,
    /// Main steps of a flow, at most.
    pub most_steps: u64,
    /// Whether anything goes wrong.
    pub faults: bool,
    /// Whether many messages come a second time, long after the first.
    pub late: bool,
    /// A bug that is planted.
    pub bug: Option<Bug>,
}

/// What came of a simulation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What does not hold; empty: all is well.
    pub violations: Vec<String>,
    /// What was hit.
    pub hits: Counts,
    /// A hash of everything that happened: the same seed gives the same.
    pub trace: u64,
    /// Executions that were simulated, sub-flows included.
    pub executions: u64,
}
