//! How fast Assay is, measured against a limit or against a peer, and how steady (`flake`). `scripts/bench NAME` runs one of
//! these; nothing here fails because a machine was slow.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench that cannot measure stops")]
#![allow(clippy::print_stdout, reason = "its figures are its output")]

mod alone;
mod apply;
mod compile;
mod everywhere;
mod figures;
mod flake;
mod flows;
mod latency;
mod process;
mod report;
mod runs;
mod scan;
mod shop;
mod sql;
mod start;
mod steps;
mod target;
mod topic;
mod view;

/// What it is called, and what it does.
type Bench = (&'static str, fn(&Tools));

const BENCHES: [Bench; 12] = [
    ("steps", steps::light),
    ("compile", compile::large),
    ("apply", apply::growing),
    ("start", start::at_the_prompt),
    ("one-request", flows::one_request),
    ("flows", flows::many),
    ("report", report::page),
    ("view", view::thousand_steps),
    ("kafka-latency", latency::to_verdict),
    ("kafka-scan", scan::through),
    ("sql", sql::many),
    ("everywhere", everywhere::beside_its_delays),
];

/// Only when it is named: it measures nothing, and takes minutes.
const FLAKE: Bench = ("flake", flake::hunt);

/// What is measured, and how much of it.
struct Tools {
    assay: String,
    /// Not there: only ours is measured.
    hurl: Option<String>,
    /// Messages of `kafka-scan`.
    messages: u64,
    /// Runs of each flow of `flake`.
    count: usize,
}

fn option(words: &mut Vec<String>, name: &str) -> Option<String> {
    let at = words.iter().position(|word| word == name)?;
    let value = words.get(at + 1).cloned();
    words.drain(at..(at + 2).min(words.len()));
    value
}

fn number(words: &mut Vec<String>, name: &str, otherwise: u64) -> u64 {
    let given = option(words, name);
    given.map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} takes a number, not {text}")))
}

fn main() {
    let mut words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match words.first().map(String::as_str) {
        Some(process::WORD) => return process::measured(&words[1..]),
        Some(scan::WORD) => return scan::consume(&words[1..]),
        _ => {}
    }
    let hurl = option(&mut words, "--hurl");
    let messages = number(&mut words, "--messages", scan::MESSAGES);
    let count = usize::try_from(number(&mut words, "--count", 100)).unwrap();
    let assay = option(&mut words, "--assay").expect("scripts/bench says --assay PATH");
    let tools = Tools { assay, hurl, messages, count };
    let all = || BENCHES.iter().chain([&FLAKE]);
    if let Some(word) = words.iter().find(|word| !all().any(|(name, _)| name == word)) {
        panic!("there is no bench {word}: {}", all().map(|(name, _)| *name).collect::<Vec<_>>().join(", "));
    }
    let wanted = |name: &str| words.iter().any(|word| word == name) || (words.is_empty() && name != FLAKE.0);
    for (_, bench) in all().filter(|(name, _)| wanted(name)) {
        bench(&tools);
    }
}
