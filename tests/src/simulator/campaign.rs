//! Many simulations, on every core.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::hits::Counts;
use super::run::{Outcome, Setup, simulate};

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

/// Simulates from `seed` on until `executions` are done; stops early when `go_on` says so.
pub fn campaign(seed: u64, executions: u64, most_steps: u64, go_on: impl Fn() -> bool + Sync) -> Report {
    let next = AtomicU64::new(0);
    let done = AtomicU64::new(0);
    let report = Arc::new(Mutex::new(Report::default()));
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while done.load(Ordering::Relaxed) < executions && go_on() {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let setup = setup_of(seed.wrapping_add(number), most_steps);
                    let outcome = simulate(setup);
                    done.fetch_add(outcome.executions, Ordering::Relaxed);
                    note(&report, setup, outcome);
                }
            });
        }
    });
    let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::take(&mut *report)
}

/// The simulation of a seed: one in eight without any fault.
pub fn setup_of(seed: u64, most_steps: u64) -> Setup {
    Setup { seed, executions: 1 + seed % 3, most_steps, faults: !seed.is_multiple_of(8), bug: None }
}

fn note(report: &Mutex<Report>, setup: Setup, outcome: Outcome) {
    let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
    report.executions += outcome.executions;
    report.hits.add(&outcome.hits);
    if !outcome.violations.is_empty() && report.failures.len() < 100 {
        report.failures.insert(setup.seed, (setup, outcome.violations));
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
