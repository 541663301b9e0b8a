//! What may stand in the `with` of a `redis` step. The doc comments here are its reference.

use schemars::JsonSchema;
use serde::Deserialize;

use super::command::Command;
use crate::http::Size;
use crate::tls::Tls;

/// One command, or a pipeline of them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RedisConfig {
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
    /// One command: a list of arguments, or a text that is split as redis-cli does.
    #[serde(default)]
    pub command: Option<Command>,
    /// Commands that are sent together, 1,000 at most.
    #[serde(default)]
    pub pipeline: Option<Vec<Command>>,
    /// The most that all replies together may take, 16 MiB unless given, at most 256 MiB; each value counts 16 bytes more
    /// than it has. More is an error.
    #[serde(default = "default_max_bytes")]
    #[schemars(extend("default" = "16MiB"))]
    pub max_bytes: Size,
}

/// The largest `maxBytes`.
pub(super) const LARGEST: Size = Size(256 << 20);

/// The longest pipeline.
pub(super) const MOST_COMMANDS: usize = 1000;

pub(super) fn default_max_bytes() -> Size {
    Size(16 << 20)
}
