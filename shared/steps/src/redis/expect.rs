//! What the engine must know of the `redis.expect` step, and what may stand in its `with`.

use std::time::Duration;

use assay_engine::types::{Arming, FlowKind, OutputField, Problem};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::check;
use super::config::default_max_bytes;
use super::spec::Redis;
use crate::contract::StepType;
use crate::expect::{self, Count, Span};
use crate::http::Size;
use crate::tls::{self, Tls};

/// Waits for entries of a stream.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RedisExpectConfig {
    /// Where: `redis://user:password@host:port/db`, or `rediss://` for TLS. The port is 6379 unless given.
    #[serde(default)]
    pub url: Option<String>,
    /// The ACL user; wins over the one in `url`.
    #[serde(default)]
    pub username: Option<String>,
    /// The password; wins over the one in `url`.
    #[serde(default)]
    pub password: Option<String>,
    /// The number of the database; wins over the one in `url`, 0 unless given.
    #[serde(default)]
    pub db: Option<u32>,
    /// How the target is trusted under `rediss://`, and how this side shows who it is.
    #[serde(default)]
    pub tls: Tls,
    /// The stream's key.
    pub stream: String,
    /// Which entries count, an expression over `id fields timestamp stream`; all of them unless given.
    #[serde(default, rename = "match")]
    pub matches: Option<String>,
    /// How many must match: `>= 1` unless given, `== 2`, `<= 3`, or a number for exactly so many.
    #[serde(default)]
    #[schemars(extend("default" = ">= 1"))]
    pub count: Count,
    /// How long they may take, 30 s unless given: from the end of the step that this one is armed before, else from its
    /// own start.
    #[serde(default = "default_within")]
    #[schemars(extend("default" = "30s"))]
    pub within: Span,
    /// With `== n` or `<= n`: how long it must have been quiet to decide before the end of `within`.
    #[serde(default)]
    pub settle: Option<Span>,
    /// What must not decrease from match to match, an expression.
    #[serde(default)]
    pub ordered_by: Option<String>,
    /// What makes two matches count once, an expression.
    #[serde(default)]
    pub distinct_by: Option<String>,
    /// How many matches are kept in `messages`; 20 unless given.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000), extend("default" = 20))]
    pub collect: Option<u32>,
    /// The largest reply that is read, 16 MiB unless given, at most 256 MiB: an entry must fit in it.
    #[serde(default = "default_max_bytes")]
    #[schemars(extend("default" = "16MiB"))]
    pub max_bytes: Size,
}

const DEFAULT_WITHIN: Duration = Duration::from_secs(30);

fn default_within() -> Span {
    Span(DEFAULT_WITHIN)
}

/// The `redis.expect` step. One value serves a process: it keeps connections and TLS settings.
#[derive(Default)]
pub struct RedisExpect {
    #[cfg(feature = "redis")]
    pub(super) client: super::run::Client,
    /// How long a wait stays in one turn; none: as its place says.
    pub(super) turn: Option<Duration>,
}

impl RedisExpect {
    /// The same with turns of about this length.
    #[must_use]
    pub fn with_turns_of(self, turn: Duration) -> Self {
        Self { turn: Some(turn), ..self }
    }
}

impl StepType for RedisExpect {
    const NAME: &'static str = "redis.expect";
    const SUMMARY: &'static str = "Waits for entries of a Redis stream, counts those that match and keeps them.";
    const OUTPUTS: &'static [OutputField] = &[
        OutputField {
            name: "messages",
            doc: "the first `collect` matches: id, fields (an object of texts), timestamp (milliseconds since 1970), stream",
        },
        OutputField { name: "count", doc: "how many entries matched; with `distinctBy`, how many different ones" },
        OutputField { name: "seen", doc: "how many entries were looked at" },
    ];
    const CONNECTION: &'static [&'static str] = Redis::CONNECTION;
    const EXPRESSIONS: &'static [&'static str] = &["match", "orderedBy", "distinctBy"];
    const ARMING: Option<Arming> = Some(Arming::Position);
    // Also a step that is armed before nothing keeps its position over retries and lost attempts.
    const PREPARES: bool = true;
    const KIND: FlowKind = FlowKind::Event;
    type Config = RedisExpectConfig;

    fn check(with: &Json) -> Vec<Problem> {
        let mut problems = Vec::new();
        check::connection(with, &mut problems);
        check::size(with, &mut problems);
        problems.extend(expect::check(with));
        problems
    }

    fn repeatable(_: &Json) -> bool {
        true
    }

    fn files(with: &Json) -> Vec<String> {
        tls::named_files(with).map(str::to_owned).collect()
    }

    fn waits(with: &Json) -> Option<Duration> {
        Some(expect::waits(with, DEFAULT_WITHIN))
    }
}
