//! The `http` step: one request, its whole answer.
//!
//! `spec` says what may stand in `with` and what comes out; `run`, behind the feature of the same name as the step, acts.

pub(crate) mod check;
mod config;
#[cfg(feature = "http")]
mod run;
mod spec;
mod values;

pub use crate::tls::Tls;
pub use config::{Auth, Basic, ClientCredentials, DescribedFile, FileBody, Graphql, HttpConfig, Part, Parts, Version};
#[cfg(any(feature = "loki", feature = "prometheus"))]
pub(crate) use run::{Client, Fetched};
pub use spec::Http;
pub use values::{Pairs, Scalar, Size};
