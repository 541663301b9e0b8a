//! What may stand in the `with` of a `sql` step. The doc comments here are its reference.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::http::Size;
use crate::tls::Tls;

/// A query, or statements in one transaction.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SqlConfig {
    /// The database: `postgres://user@host:5432/name`, `mysql://...`, `mariadb://...`, `sqlite:path`.
    pub url: String,
    /// Who connects; wins over the user in `url`.
    #[serde(default)]
    pub username: Option<String>,
    /// Their password; wins over the one in `url`, and may hold any character as it is.
    #[serde(default)]
    pub password: Option<String>,
    /// TLS is insisted on when this is given: how the server is trusted, and how this side shows who it is.
    #[serde(default)]
    pub tls: Option<Tls>,
    /// One statement of SQL. Values belong in `params`, never in the text.
    #[serde(default)]
    pub query: Option<String>,
    /// The values of `query`'s placeholders, in order: `$1`, `$2` in Postgres, `?` elsewhere. Any JSON.
    #[serde(default)]
    pub params: Vec<Json>,
    /// Statements that are carried out one after the other in one transaction: all of them, or none.
    #[serde(default)]
    pub statements: Vec<Statement>,
    /// The most rows that the last statement may return, 10,000 unless given. More is an error.
    #[serde(default = "default_rows")]
    #[schemars(range(max = 1_000_000), extend("default" = 10_000))]
    pub max_rows: u64,
    /// The most that the database may answer, 16 MiB unless given, at most 256 MiB. More is an error.
    #[serde(default = "default_bytes")]
    #[schemars(extend("default" = "16MiB"))]
    pub max_bytes: Size,
}

/// The largest `maxRows`.
pub(super) const MOST_ROWS: u64 = 1_000_000;
/// The largest `maxBytes`.
pub(super) const MOST_BYTES: Size = Size(256 << 20);
/// How many statements a step may have.
pub(super) const MOST_STATEMENTS: usize = 1_000;

fn default_rows() -> u64 {
    10_000
}

fn default_bytes() -> Size {
    Size(16 << 20)
}

/// One statement of a transaction.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Statement {
    /// Its text.
    Text(String),
    /// Its text and the values of its placeholders.
    Bound(StatementText),
}

/// A statement and its values.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementText {
    /// One statement of SQL.
    pub query: String,
    /// The values of its placeholders, in order.
    #[serde(default)]
    pub params: Vec<Json>,
}

impl Statement {
    /// The text.
    #[must_use]
    pub fn query(&self) -> &str {
        match self {
            Self::Text(query) | Self::Bound(StatementText { query, .. }) => query,
        }
    }

    /// The values of the placeholders.
    #[must_use]
    pub fn params(&self) -> &[Json] {
        match self {
            Self::Text(_) => &[],
            Self::Bound(bound) => &bound.params,
        }
    }
}
