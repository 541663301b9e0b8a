//! Values as JSON, from how Postgres prints them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use sqlx::TypeInfo as _;
use sqlx::postgres::{PgTypeInfo, PgTypeKind};

use super::array;
use super::param::{base, delimiter};
use crate::sql::run::answer::{float, integer, json_value};
use crate::sql::run::time::{offset, timestamp};

/// A value of this type. What has no form of its own in JSON is its text.
pub(super) fn value(text: &str, kind: &PgTypeInfo) -> Json {
    let kind = base(kind);
    if let PgTypeKind::Array(element) = kind.kind() {
        let element = base(element);
        return array::read(text, delimiter(element), &|item| value(item, element)).unwrap_or_else(|| text.into());
    }
    match kind.name().to_ascii_lowercase().as_str() {
        "bool" => (text == "t").into(),
        "int2" | "int4" | "int8" | "oid" => integer(text),
        "float4" | "float8" => float(text),
        "json" | "jsonb" => json_value(text),
        "timestamptz" | "timestamp" => timestamp(text).into(),
        "timetz" => offset(text).into(),
        "bytea" => bytes(text),
        _ => text.into(),
    }
}

fn bytes(text: &str) -> Json {
    let decoded = text.strip_prefix("\\x").and_then(|digits| hex::decode(digits).ok());
    decoded.map_or_else(|| text.into(), |bytes| STANDARD.encode(bytes).into())
}
