//! What may stand in the `with` of a `prometheus` step. The doc comments here are its reference.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::http::Pairs;
use crate::telemetry::{Auth, Span, When};
use crate::tls::Tls;

/// One PromQL query.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrometheusConfig {
    /// Where Prometheus, or what speaks its API, is: `https://host:9090`, with a path prefix if it is behind one.
    pub url: String,
    /// The query, in PromQL.
    pub query: String,
    /// For an instant query: when it is evaluated; now, by the target's own clock, unless given.
    #[serde(default)]
    pub at: Option<When>,
    /// For a range query: its first instant; the start of the execution unless given.
    #[serde(default)]
    pub start: Option<When>,
    /// For a range query: its last instant; now unless given.
    #[serde(default)]
    pub end: Option<When>,
    /// For a range query: how far its instants are apart, as in `15s`; a 250th of the range, at least 1s, unless given.
    #[serde(default)]
    pub step: Option<Span>,
    /// The tenant, sent as `X-Scope-OrgID`; several are separated by `|`.
    #[serde(default)]
    pub tenant: Option<String>,
    /// Credentials.
    #[serde(default)]
    pub auth: Option<Auth>,
    /// More request headers.
    #[serde(default)]
    pub headers: Pairs,
    /// How the target is trusted, and how this side shows who it is.
    #[serde(default)]
    pub tls: Tls,
}
