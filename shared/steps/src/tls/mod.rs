//! TLS as steps speak it: what `tls` in `with` says, and the settings that it makes.
//!
//! Shared by the step types whose connections this crate makes itself.

mod config;
#[cfg(any(feature = "http", feature = "redis", feature = "sql"))]
mod settings;
#[cfg(any(feature = "http", feature = "redis", feature = "sql"))]
mod verify;

pub use config::Tls;
pub(crate) use config::{halves, is_pem, named_files};
#[cfg(any(feature = "http", feature = "redis", feature = "sql"))]
pub(crate) use settings::{TlsError, TlsId, TlsOptions, TlsSettings};
#[cfg(any(feature = "http", feature = "redis", feature = "sql"))]
pub(crate) use verify::what_is_wrong;
