//! The `redis` steps: a command or a pipeline and the replies with their types; waiting for entries of a stream.
//!
//! `spec` says what may stand in `with` and what comes out; `run`, behind the feature of the same name as the step, acts.
#![cfg_attr(
    not(feature = "redis"),
    allow(dead_code, reason = "some of what stands beside the spec only the runner asks")
)]

mod check;
mod command;
mod config;
mod expect;
#[cfg(feature = "redis")]
mod run;
mod spec;
mod target;

pub use command::Command;
pub use config::RedisConfig;
pub use expect::{RedisExpect, RedisExpectConfig};
pub use spec::Redis;
