//! Secrets planted in every step type, end to end: what a command prints, keeps and reports betrays none of them.
//!
//! Each step type has its cases in `cases.rs`; one without is named by `every_step_type_has_its_cases`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod canary;
mod cases;
mod echo;
mod place;
mod search;
