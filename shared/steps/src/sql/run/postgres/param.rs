//! JSON values as Postgres reads them, by the type that the statement asks for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use sqlx::encode::{Encode, IsNull};
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo, PgTypeKind};
use sqlx::{Postgres, Type, TypeInfo as _};

use super::array;

/// A value as text; none is NULL.
pub(super) struct Param(Option<String>);

impl Type<Postgres> for Param {
    fn type_info() -> PgTypeInfo {
        <str as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for Param {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        match &self.0 {
            None => Ok(IsNull::Yes),
            Some(text) => {
                buffer.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
        }
    }
}

impl Param {
    /// The value for a placeholder of this type.
    pub(super) fn of(value: &Json, kind: &PgTypeInfo) -> Result<Self, String> {
        if value.is_null() {
            return Ok(Self(None));
        }
        let kind = base(kind);
        match (kind.kind(), value) {
            (PgTypeKind::Array(element), Json::Array(items)) => {
                let mut text = String::new();
                array::write(&mut text, items, delimiter(element), &|item| one(item, base(element)))?;
                Ok(Self(Some(text)))
            }
            _ => one(value, kind).map(|text| Self(Some(text))),
        }
    }
}

/// The type below a domain.
pub(super) fn base(kind: &PgTypeInfo) -> &PgTypeInfo {
    match kind.kind() {
        PgTypeKind::Domain(inner) => base(inner),
        _ => kind,
    }
}

/// What stands between the elements of an array's text.
pub(super) fn delimiter(element: &PgTypeInfo) -> char {
    if element.name().eq_ignore_ascii_case("box") { ';' } else { ',' }
}

fn one(value: &Json, kind: &PgTypeInfo) -> Result<String, String> {
    let name = kind.name().to_ascii_lowercase();
    if matches!(name.as_str(), "json" | "jsonb") {
        return Ok(value.to_string());
    }
    match value {
        Json::String(text) if text.contains('\0') => Err("a text in Postgres holds no zero character".into()),
        Json::String(text) if name == "bytea" => bytes(text),
        Json::String(text) => Ok(text.clone()),
        Json::Bool(boolean) => Ok(boolean.to_string()),
        Json::Number(number) => Ok(whole(number, &name)),
        Json::Array(_) | Json::Object(_) if matches!(name.as_str(), "text" | "varchar" | "unknown") => {
            Ok(value.to_string())
        }
        Json::Array(_) => Err(format!("the statement takes {name} here, not a list")),
        Json::Object(_) => Err(format!("the statement takes {name} here, not an object")),
        Json::Null => Err("NULL has no text".into()),
    }
}

/// `5.0`, as a calculation may leave it, is the integer 5 where an integer is asked for.
fn whole(number: &serde_json::Number, name: &str) -> String {
    let text = number.to_string();
    match (name, text.strip_suffix(".0")) {
        ("int2" | "int4" | "int8" | "oid", Some(whole)) => whole.to_owned(),
        _ => text,
    }
}

/// Bytes are base64 on both ways; what begins with `\x` is as Postgres itself writes them.
fn bytes(text: &str) -> Result<String, String> {
    if text.starts_with("\\x") {
        return Ok(text.to_owned());
    }
    let bytes = STANDARD.decode(text).map_err(|error| format!("bytes are written in base64: {error}"))?;
    Ok(format!("\\x{}", hex::encode(bytes)))
}
