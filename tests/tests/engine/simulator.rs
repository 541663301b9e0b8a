//! The simulator finds nothing wrong, and finds every bug that is planted.

use assay_tests::simulator::{Bug, Fault, Setup, campaign, setup_of, simulate};

/// Seeds that once failed, shrunk: `(seed, executions, most steps, faults)`.
const FOUND_BEFORE: &[(u64, u64, u64, bool)] = &[];

#[test]
fn ten_thousand_executions_keep_every_invariant_and_hit_every_fault() {
    let report = campaign(1, 10_000, 60, || true);
    let failures: Vec<String> =
        report.failures.values().map(|(setup, violations)| format!("{setup:?}: {}", violations[0])).collect();
    println!("{}", report.hits);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(report.executions >= 10_000);
    let unseen: Vec<Fault> = Fault::ALL.into_iter().filter(|fault| !report.hits.faults.contains_key(fault)).collect();
    assert!(unseen.is_empty(), "never hit: {unseen:?}");
}

#[test]
fn every_planted_bug_is_found() {
    let unfound: Vec<Bug> = Bug::ALL
        .into_iter()
        .filter(|bug| {
            let found = |seed: u64| {
                let setup = Setup { bug: Some(*bug), faults: true, ..setup_of(seed, 20) };
                !simulate(setup).violations.is_empty()
            };
            !(1..=40).any(found)
        })
        .collect();
    assert!(unfound.is_empty(), "not found: {unfound:?}");
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 1..=20 {
        assert_eq!(simulate(setup_of(seed, 30)), simulate(setup_of(seed, 30)), "seed {seed}");
    }
}

#[test]
fn what_once_failed_holds() {
    for (seed, executions, most_steps, faults) in FOUND_BEFORE.iter().copied() {
        let setup = Setup { seed, executions, most_steps, faults, bug: None };
        assert_eq!(simulate(setup).violations, Vec::<String>::new(), "{setup:?}");
    }
}
