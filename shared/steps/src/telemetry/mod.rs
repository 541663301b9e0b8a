//! What the step types share that put queries to a store of logs or numbers: when, to whom, and how answers are read.

pub(crate) mod target;
pub(crate) mod when;

#[cfg(any(feature = "loki", feature = "prometheus"))]
pub(crate) mod run;

pub use target::Auth;
pub use when::{Since, Span, When};
