//! `kill -9` at any instant, then `assay resume`: nothing is lost, and nothing is doubled but as a recorded attempt.
//!
//! A hundred rounds, each with a store of its own. What happened is judged by what the target saw and by the records.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod flow;
mod history;
mod judge;
mod random;
mod round;
mod target;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use round::{Bench, Round};

const ROUNDS: u64 = 100;
/// Rounds that run side by side: a process spends much of its time waiting for the target.
const SIDE_BY_SIDE: usize = 3;
/// Round n follows from this and n alone: a number is enough to repeat its kills.
const SEED: u64 = 0x5eed_0a55;

#[test]
fn a_hundred_kills_lose_nothing_and_double_nothing() {
    let bench = Bench::new();
    println!("a whole run takes {} ms", bench.whole);
    let next = AtomicU64::new(0);
    let rounds: Mutex<Vec<Round>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= ROUNDS {
                        return;
                    }
                    let round = bench.round(number, SEED ^ number);
                    println!("{}", round.line());
                    rounds.lock().unwrap_or_else(PoisonError::into_inner).push(round);
                }
            });
        }
    });
    let rounds = rounds.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(rounds.len() as u64, ROUNDS);
    let bad: Vec<String> =
        rounds.iter().filter(|round| !round.complaints.is_empty()).map(|round| round.story()).collect();
    assert!(bad.is_empty(), "{} of {ROUNDS} rounds went wrong\n{}", bad.len(), bad.join("\n"));
    // Kills that all came too early or too late would prove nothing.
    let came_to = |word: &str| rounds.iter().filter(|round| round.came_to == word).count();
    assert!(came_to("passed") >= 5, "only {} rounds passed", came_to("passed"));
    assert!(came_to("errored") >= 5, "only {} rounds lost an attempt", came_to("errored"));
}
