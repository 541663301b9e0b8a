//! Scenarios of the engine as text: a flow, what happens, and what must follow.
//!
//! ```text
//! What the case shows, in a sentence.
//! --- flow
//! steps:
//!   - {id: a, type: act}
//! --- events
//! > admitted 4
//! dispatch a#1
//! > a passed
//! a passed
//! finish passed
//! ```
//!
//! Before `--- flow` may stand `inputs: {json}`, `only: a, b` and `keep: 30m`; before `--- events` the flow as it was edited
//! for a rerun, below `--- edited`.
//!
//! A line with `>` is an event; the lines below it are everything that it makes the engine do, effects and records, and
//! nothing else. `UPDATE=1` writes what was found into the file.

mod command;
mod play;
mod told;

pub use play::{Asked, Scenario, play_file};
