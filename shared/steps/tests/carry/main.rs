//! What a step function does around a runner, shown with a runner that follows a script.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod canaries;
mod endings;
mod looks;
mod opening;
mod phases;
mod script;
mod turns;
mod verdicts;
