//! The `sql` step: a query, or several statements in one transaction, against Postgres, MySQL, MariaDB or SQLite.
//!
//! `spec` says what may stand in `with` and what comes out; `run`, behind the feature of the same name as the step, acts.

mod address;
mod check;
mod config;
#[cfg(feature = "sql")]
mod run;
mod spec;
mod words;

pub use config::{SqlConfig, Statement, StatementText};
pub use spec::Sql;
