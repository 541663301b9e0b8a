//! How fast Assay is, measured against a limit or against a peer. `scripts/bench NAME` runs one of these; nothing here
//! fails because a machine was slow.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench that cannot measure stops")]
#![allow(clippy::print_stdout, reason = "its figures are its output")]

mod apply;
mod compile;
mod figures;
mod flows;
mod process;
mod steps;
mod target;

/// What it is called, and what it does.
type Bench = (&'static str, fn(&Tools));

const BENCHES: [Bench; 5] = [
    ("steps", steps::light),
    ("compile", compile::large),
    ("apply", apply::growing),
    ("one-request", flows::one_request),
    ("flows", flows::many),
];

/// The binaries that are measured.
struct Tools {
    assay: String,
    /// Not there: only ours is measured.
    hurl: Option<String>,
}

fn main() {
    let mut words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if words.first().is_some_and(|word| word == process::WORD) {
        return process::measured(&words[1..]);
    }
    let option = |words: &mut Vec<String>, name: &str| {
        let at = words.iter().position(|word| word == name)?;
        let value = words.get(at + 1).cloned();
        words.drain(at..(at + 2).min(words.len()));
        value
    };
    let hurl = option(&mut words, "--hurl");
    let assay = option(&mut words, "--assay").expect("scripts/bench says --assay PATH");
    let tools = Tools { assay, hurl };
    let known = || BENCHES.map(|(name, _)| name).join(", ");
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| word == name);
    if let Some(word) = words.iter().find(|word| !BENCHES.iter().any(|(name, _)| name == word)) {
        panic!("there is no bench {word}: {}", known());
    }
    for (_, bench) in BENCHES.iter().filter(|(name, _)| wanted(name)) {
        bench(&tools);
    }
}
