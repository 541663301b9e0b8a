//! Many simulations, on every core.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use super::hits::Counts;
use super::run::simulate;
use super::setup::{Outcome, Setup};

/// What a campaign found.
#[derive(Debug, Default)]
pub struct Report {
    /// Executions that were simulated.
    pub executions: u64,
    /// What was hit.
    pub hits: Counts,
    /// Setups with violations, each with what does not hold; the first hundred.
    pub failures: BTreeMap<u64, (Setup, Vec<String>)>,
}

/// Simulates from `seed` on until `executions` are done; stops early when `go_on` says so. Seeds are counted in their
/// order, so that the same ones count however many cores there are.
pub fn campaign(
    seed: u64,
    executions: u64,
    setup_of: impl Fn(u64) -> Setup + Sync,
    go_on: impl Fn() -> bool + Sync,
) -> Report {
    let next = AtomicU64::new(0);
    let progress = Mutex::new(Progress::default());
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while lock(&progress).report.executions < executions && go_on() {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let setup = setup_of(seed.wrapping_add(number));
                    let outcome = simulate(setup);
                    let mut progress = lock(&progress);
                    progress.finished.insert(number, (setup, outcome));
                    progress.count(executions);
                }
            });
        }
    });
    progress.into_inner().unwrap_or_else(PoisonError::into_inner).report
}

#[derive(Default)]
struct Progress {
    report: Report,
    counted: u64,
    finished: BTreeMap<u64, (Setup, Outcome)>,
}

impl Progress {
    /// Counts what has finished without a gap.
    fn count(&mut self, executions: u64) {
        while self.report.executions < executions
            && let Some((setup, outcome)) = self.finished.remove(&self.counted)
        {
            self.counted += 1;
            self.report.note(setup, outcome);
        }
    }
}

fn lock(progress: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The simulation of a seed: one in eight without any fault.
pub fn setup_of(seed: u64, most_steps: u64) -> Setup {
    Setup { seed, executions: 1 + seed % 3, most_steps, faults: !seed.is_multiple_of(8), late: false, bug: None }
}

impl Report {
    fn note(&mut self, setup: Setup, outcome: Outcome) {
        self.executions += outcome.executions;
        self.hits.add(&outcome.hits);
        if !outcome.violations.is_empty() && self.failures.len() < 100 {
            self.failures.insert(setup.seed, (setup, outcome.violations));
        }
    }
}

/// The smallest setup with the same seed that still fails: fewer executions, fewer steps, no faults.
pub fn shrink(setup: Setup) -> Setup {
    let fails = |setup: &Setup| !simulate(*setup).violations.is_empty();
    let mut smallest = setup;
    loop {
        let smaller = [
            Setup { faults: false, ..smallest },
            Setup { executions: (smallest.executions / 2).max(1), ..smallest },
            Setup { executions: smallest.executions.saturating_sub(1).max(1), ..smallest },
            Setup { most_steps: (smallest.most_steps / 2).max(1), ..smallest },
            Setup { most_steps: smallest.most_steps.saturating_sub(1).max(1), ..smallest },
        ];
        match smaller.into_iter().find(|one| *one != smallest && fails(one)) {
            Some(found) => smallest = found,
            None => return smallest,
        }
    }
}

/// The texts of the first execution's flow, to look at.
pub fn flow_texts_of(setup: Setup) -> Vec<(String, String)> {
    super::flow::flow_texts(super::run::shape_of(&setup, 0)).into()
}
