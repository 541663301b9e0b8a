//! Step types: one folder each, with a pure spec that is always built and a runner behind a feature.

#[cfg(feature = "http")]
mod answer;
pub mod carry;
pub mod contract;
pub mod expect;
pub mod http;
pub mod kafka;
pub mod loki;
pub mod mask;
#[cfg(any(feature = "http", feature = "redis", feature = "sql"))]
mod probe;
pub mod prometheus;
pub mod redis;
pub mod registry;
pub mod schema;
pub mod sql;
pub mod telemetry;
pub mod tls;
