//! The `kafka` steps: `kafka.publish` writes one record, `kafka.expect` waits for records.
//!
//! `spec` says what may stand in `with` and what comes out; `run`, behind the feature `kafka`, acts.

mod check;
mod config;
#[cfg(feature = "kafka")]
mod run;
mod spec;

pub use config::{Brokers, Decode, ExpectConfig, Instant, Mechanism, PublishConfig, Sasl};
pub use spec::{KafkaExpect, KafkaPublish};
