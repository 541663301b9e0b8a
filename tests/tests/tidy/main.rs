//! Rules of the repository that no compiler checks: who may depend on whom, how long things get, which lists agree, and
//! that what is written in the docs exists. Each failure names every place, not just the first.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a tidy rule that cannot read a file fails")]

mod arrows;
mod docs;
mod lengths;
mod lists;
mod shape;
mod tree;
mod words;

/// Fails with all findings of a rule.
#[track_caller]
fn none(rule: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{rule}:\n  {}", findings.join("\n  "));
}
