//! Assay's engine: flow text to plan, events to effects.
//!
//! It never reads a clock, a file, the network or the environment, never draws a random number, and never waits:
//! whatever it needs is an argument. The same events give the same effects, always.

pub mod admission;
pub mod bundle;
pub mod compile;
pub mod diagnostics;
pub mod duration;
pub mod execution;
pub mod expr;
pub mod id;
pub mod job;
pub mod plan;
pub mod record;
pub mod source;
pub mod status;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod types;
