//! The `redis` step: a command or a pipeline, and the replies with their types.
//!
//! `spec` says what may stand in `with` and what comes out; `run`, behind the feature of the same name as the step, acts.

mod check;
mod command;
mod config;
#[cfg(feature = "redis")]
mod run;
mod spec;
mod target;

pub use command::Command;
pub use config::RedisConfig;
pub use spec::Redis;
