//! What may stand in the `with` of the `kafka` steps. The doc comments here are its reference.

use std::borrow::Cow;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

use crate::expect::{Count, Span};
use crate::http::{Pairs, Scalar};
use crate::tls::Tls;

/// One record to write.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PublishConfig {
    /// Where to begin: `host:port`, several in a list or separated by commas.
    pub brokers: Brokers,
    /// Credentials.
    #[serde(default)]
    pub sasl: Option<Sasl>,
    /// How the brokers are trusted, and how this side shows who it is. Without it the connection is not encrypted.
    #[serde(default)]
    pub tls: Option<Tls>,
    /// The topic; it must exist.
    pub topic: String,
    /// The record's key; none unless given.
    #[serde(default)]
    #[schemars(with = "Option<Scalar>")]
    pub key: Option<Scalar>,
    /// The record's value as text; null is a tombstone.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<Scalar>")]
    pub value: Option<Option<Scalar>>,
    /// The record's value as JSON.
    #[serde(default, deserialize_with = "given")]
    pub json: Option<Json>,
    /// Record headers; a list repeats the header.
    #[serde(default)]
    pub headers: Pairs,
    /// The partition; unless given, told from the key as Java clients do, and any when there is no key.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub partition: Option<u32>,
    /// The record's own time: an instant such as `2026-01-01T00:00:00Z`, or milliseconds since 1970. Now, unless given.
    #[serde(default)]
    pub timestamp: Option<Instant>,
}

/// A wait for records.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ExpectConfig {
    /// Where to begin: `host:port`, several in a list or separated by commas.
    pub brokers: Brokers,
    /// Credentials.
    #[serde(default)]
    pub sasl: Option<Sasl>,
    /// How the brokers are trusted, and how this side shows who it is. Without it the connection is not encrypted.
    #[serde(default)]
    pub tls: Option<Tls>,
    /// The topic; it must exist.
    pub topic: String,
    /// Which records count: an expression over `key`, `value`, `headers`, `partition`, `offset`, `timestamp` and `size`. All of
    /// them unless given.
    #[serde(default, rename = "match")]
    pub matches: Option<String>,
    /// How many must match: `>= n` passes at once; `== n`, `<= n` and a number alone are decided at the end. `>= 1` unless given.
    #[serde(default)]
    #[schemars(extend("default" = ">= 1"))]
    pub count: Count,
    /// How long it may take, from the end of the step that it is armed before, or else from its own start.
    #[serde(default = "default_within")]
    #[schemars(extend("default" = "30s"))]
    pub within: Span,
    /// Decides `== n` and `<= n` before the end, once the count is reached and no further match has come for so long.
    #[serde(default)]
    pub settle: Option<Span>,
    /// An expression by which matches must not decrease within a partition.
    #[serde(default)]
    pub ordered_by: Option<String>,
    /// An expression; matches for which it is equal count once.
    #[serde(default)]
    pub distinct_by: Option<String>,
    /// How many matches are kept in `messages`; 20 unless given.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    pub collect: Option<u32>,
    /// How values are read: `json` (null for what is not JSON), `text` (null for what is not UTF-8), or `bytes`.
    #[serde(default)]
    pub decode: Decode,
}

/// The window of a wait, unless `within` says otherwise.
pub(super) const DEFAULT_WITHIN: std::time::Duration = std::time::Duration::from_secs(30);

fn default_within() -> Span {
    Span(DEFAULT_WITHIN)
}

/// Null is a value here.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// How values are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum Decode {
    /// The value that the bytes are as JSON, else null.
    #[default]
    Json,
    /// The text that they are as UTF-8, else null.
    Text,
    /// As they are.
    Bytes,
}

/// Credentials.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sasl {
    /// How they are shown.
    pub mechanism: Mechanism,
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
}

/// How credentials are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Mechanism {
    /// As they are: only over TLS, or in a test.
    #[serde(rename = "PLAIN")]
    Plain,
    /// By a challenge, SHA-256.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// By a challenge, SHA-512.
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

/// Where a cluster is reached first: hosts with ports, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brokers(pub Vec<(String, u16)>);

impl Brokers {
    /// Reads `host:port`, separated by commas; the port is 9092 unless given, an IPv6 address stands in brackets.
    ///
    /// # Errors
    /// A lowercase fragment that says which part is none.
    pub fn parse<'a>(parts: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let texts = parts.into_iter().flat_map(|part| part.split(',')).map(str::trim).filter(|part| !part.is_empty());
        let brokers = texts.map(broker).collect::<Result<Vec<_>, _>>()?;
        if brokers.is_empty() { Err("there is no broker: write host:port".into()) } else { Ok(Self(brokers)) }
    }
}

fn broker(text: &str) -> Result<(String, u16), String> {
    let wrong = || format!("`{}` is no broker: write host:port", text.chars().take(80).collect::<String>());
    if text.contains("://") || text.contains(['/', '@', ' ']) {
        return Err(wrong());
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        Some(_) if !text.starts_with('[') => return Err(wrong()),
        _ => (text, None),
    };
    let port = port.map_or(Ok(9092), |port| port.parse().map_err(|_| wrong()))?;
    if host.is_empty() || port == 0 { Err(wrong()) } else { Ok((host.to_owned(), port)) }
}

impl<'de> Deserialize<'de> for Brokers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parts = match Json::deserialize(deserializer)? {
            Json::String(text) => vec![text],
            Json::Array(items) => {
                let text = |item: Json| item.as_str().map(str::to_owned);
                let texts: Option<Vec<String>> = items.into_iter().map(text).collect();
                texts.ok_or_else(|| D::Error::custom("a broker is a text: write host:port"))?
            }
            _ => return Err(D::Error::custom("brokers are a text or a list: write host:port")),
        };
        Self::parse(parts.iter().map(String::as_str)).map_err(D::Error::custom)
    }
}

impl JsonSchema for Brokers {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Brokers".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]})
    }
}

/// A point in time, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instant(pub i64);

impl Instant {
    /// Reads an instant with its zone, or milliseconds.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let millis = text.parse::<i64>().ok().or_else(|| text.parse().ok().map(Timestamp::as_millisecond))?;
        (millis >= 0).then_some(Self(millis))
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Scalar::deserialize(deserializer)?;
        let wrong = "not a time: write 2026-01-01T00:00:00Z, or milliseconds since 1970";
        Self::parse(&text.text()).ok_or_else(|| D::Error::custom(wrong))
    }
}

impl JsonSchema for Instant {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Instant".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string"}]})
    }
}
