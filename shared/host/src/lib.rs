//! Process glue: configuration read once, the clock, log lines, what a step function is given, every function in one
//! process, and each in a process of its own.

mod clock;
mod compiler;
#[cfg(feature = "embedded")]
mod embedded;
mod environment;
#[cfg(feature = "lambda")]
pub mod lambda;
mod log;
mod notes;
#[cfg(feature = "embedded")]
mod options;
#[cfg(feature = "aws")]
mod remote;
mod runner;
mod step;

pub use clock::SystemClock;
pub use compiler::BuiltInCompiler;
#[cfg(feature = "embedded")]
pub use embedded::Embedded;
pub use environment::Environment;
pub use log::start_log;
pub use notes::Notes;
#[cfg(feature = "embedded")]
pub use options::{Access, Durability, EmbeddedOptions, State};
#[cfg(feature = "aws")]
pub use remote::{Remote, RemoteError, RemoteOptions, STACK_QUOTA};
pub use runner::{StepJobRunner, open_egress};
pub use step::BundleFiles;
