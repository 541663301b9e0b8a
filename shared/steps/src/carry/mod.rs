//! What a step function does around a runner: from a job to what came of it.
//!
//! [`carry_out`] opens what only a step function may see, finishes the templates that name secrets, runs the runner
//! under the attempt's time and stop signal, looks again where the step asks for it, evaluates assertions and captures
//! where the whole output is at hand, and hands back a result in which no secret's value is left.

mod artifacts;
mod attempt;
mod evaluate;
mod evidence;
mod guard;
mod looks;
mod open;
mod path;
mod probe;
mod progress;
mod scope;
mod settle;
mod surroundings;
mod turns;

pub use attempt::carry_out;
pub use probe::{Probe, ProbeSurroundings, probe};
pub use surroundings::{CarriedOut, Surroundings};
pub use turns::Turns;
