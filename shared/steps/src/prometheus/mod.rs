//! The `prometheus` step: one PromQL query, instant or over a range, and what it comes to.
//!
//! `spec` says what may stand in `with` and what comes out; `run`, behind the feature of the same name as the step, acts.

mod config;
#[cfg(feature = "prometheus")]
mod run;
mod spec;

pub use config::PrometheusConfig;
pub use spec::Prometheus;
