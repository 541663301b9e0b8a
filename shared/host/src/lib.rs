//! Process glue: configuration read once, the clock, log lines, what a step function is given, and every function in
//! one process.

mod clock;
mod compiler;
mod embedded;
mod environment;
mod log;
mod notes;
mod options;
mod runner;
mod step;

pub use clock::SystemClock;
pub use compiler::BuiltInCompiler;
pub use embedded::Embedded;
pub use environment::Environment;
pub use log::start_log;
pub use notes::Notes;
pub use options::{Access, Durability, EmbeddedOptions, State};
pub use runner::{StepJobRunner, open_egress};
pub use step::BundleFiles;
