//! The simulator: the real engine, admission and delivery over simulated ports, in virtual time, from a seed.

mod bugs;
mod campaign;
mod cells;
mod check;
mod flow;
mod hits;
mod queue;
mod run;
mod runner;
mod setup;
mod store;
mod types;
mod world;

pub use bugs::Bug;
pub use campaign::{Report, campaign, flow_texts_of, setup_of, shrink};
pub use cells::{Cell, EVENTS, STATES, out_of_reach};
pub use hits::{Counts, Coverage, Fault};
pub use run::simulate;
pub use setup::{Outcome, Setup};
pub use types::SimTypes;
