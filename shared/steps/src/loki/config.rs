//! What may stand in the `with` of a `loki` step. The doc comments here are its reference.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::http::Pairs;
use crate::telemetry::{Auth, Since, Span, When};
use crate::tls::Tls;

/// One LogQL query.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LokiConfig {
    /// Where Loki is: `https://host:3100`, with a path prefix if it is behind one.
    pub url: String,
    /// The query, in LogQL: of entries, or of numbers made of them.
    pub query: String,
    /// Entries from then until now: `5m` before now, `start` of the execution, or another instant; `start` unless given.
    #[serde(default)]
    pub since: Option<Since>,
    /// Entries from this instant on, with it; the start of the execution unless given.
    #[serde(default)]
    pub start: Option<When>,
    /// Entries before this instant, without it; now unless given.
    #[serde(default)]
    pub end: Option<When>,
    /// For a query of numbers: the one instant it is evaluated at.
    #[serde(default)]
    pub at: Option<When>,
    /// For a query of numbers over a range: how far its instants are apart, as in `15s`; Loki's choice unless given.
    #[serde(default)]
    pub step: Option<Span>,
    /// How many entries are kept, 1000 unless given, at most 5000. All are counted.
    #[serde(default = "default_limit")]
    #[schemars(range(min = 1, max = 5000), extend("default" = 1000))]
    pub limit: u32,
    /// `forward`: the oldest entry is the first; `backward`: the newest. Forward unless given.
    #[serde(default)]
    pub direction: Direction,
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

/// The largest `limit`.
pub(super) const LARGEST_LIMIT: u32 = 5000;

fn default_limit() -> u32 {
    1000
}

/// The order of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// The oldest first.
    #[default]
    Forward,
    /// The newest first.
    Backward,
}
