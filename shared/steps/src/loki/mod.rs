//! The `loki` step: one LogQL query, its entries counted to the last one.
//!
//! `spec` says what may stand in `with` and what comes out; `run`, behind the feature of the same name as the step, acts.

mod config;
#[cfg(feature = "loki")]
mod run;
mod spec;

pub use config::{Direction, LokiConfig};
pub use spec::Loki;
