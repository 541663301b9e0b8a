//! One function in a process of its own, called by AWS Lambda: the dispatcher, the watchdog, a step type.
//!
//! The work is the same as in one process that runs everything ([`crate::Embedded`]); here it comes in invocations. An
//! invocation answers for each of its messages and never fails as a whole, ends before its deadline, and leaves nothing
//! running: between two of them the process is frozen. Clients are built once, before the first.

mod answer;
mod batch;
mod dispatcher;
mod guard;
mod invocation;
mod metrics;
mod platform;
mod settings;
mod source;
mod start;
mod step;
mod watchdog;

pub use dispatcher::dispatcher;
pub use settings::{Missing, Settings};
pub use step::step;
pub use watchdog::watchdog;
