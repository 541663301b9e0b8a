//! The `assay` binary as people and CI systems use it: typed commands against a small server, and what comes back.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod aws;
mod environment;
mod first_steps;
mod inputs;
mod looking;
mod mistakes;
mod project;
mod reports;
mod rerun;
mod resources;
mod resume;
mod running;
mod secrets;
mod server;
mod several;
mod stopping;
mod terminal;
mod tutorial;
mod typed;
mod watching;
