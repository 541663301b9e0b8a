//! Values as JSON, from the binary form that MySQL gives the rows of a prepared statement, and from its text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use crate::sql::run::answer::{float, integer, json_value};
use crate::sql::run::time::timestamp;

/// A value in its binary form (MySQL internals, "Binary Protocol Value").
pub(super) fn binary(bytes: &[u8], kind: &str) -> Json {
    match kind {
        "FLOAT" => <[u8; 4]>::try_from(bytes).map_or(Json::Null, |bytes| float(&f32::from_le_bytes(bytes).to_string())),
        "DOUBLE" => {
            <[u8; 8]>::try_from(bytes).map_or(Json::Null, |bytes| float(&f64::from_le_bytes(bytes).to_string()))
        }
        "DATE" => moment(bytes).0.into(),
        "DATETIME" => moment(bytes).1.into(),
        "TIMESTAMP" => format!("{}Z", moment(bytes).1).into(),
        "TIME" => duration(bytes).into(),
        kind if is_integer(kind) => number(bytes, kind.ends_with("UNSIGNED") || kind == "YEAR"),
        _ => either(bytes, kind),
    }
}

/// A value in its text.
pub(super) fn printed(bytes: &[u8], kind: &str) -> Json {
    let text = String::from_utf8_lossy(bytes);
    match kind {
        "FLOAT" | "DOUBLE" => float(&text),
        "DATETIME" => timestamp(&text).into(),
        "TIMESTAMP" => format!("{}Z", timestamp(&text)).into(),
        "DATE" | "TIME" => text.into(),
        kind if is_integer(kind) => integer(&text),
        _ => either(bytes, kind),
    }
}

fn is_integer(kind: &str) -> bool {
    kind.contains("INT") || matches!(kind, "BOOLEAN" | "YEAR")
}

/// What looks the same in both forms.
fn either(bytes: &[u8], kind: &str) -> Json {
    match kind {
        "BIT" => integer(&bytes.iter().take(8).fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)).to_string()),
        "JSON" => json_value(&String::from_utf8_lossy(bytes)),
        "BINARY" | "VARBINARY" | "TINYBLOB" | "BLOB" | "MEDIUMBLOB" | "LONGBLOB" | "GEOMETRY" => {
            STANDARD.encode(bytes).into()
        }
        _ => std::str::from_utf8(bytes).map_or_else(|_| STANDARD.encode(bytes).into(), Json::from),
    }
}

/// An integer of any length, lowest byte first.
fn number(bytes: &[u8], unsigned: bool) -> Json {
    let value = bytes.iter().take(8).rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    if unsigned {
        return integer(&value.to_string());
    }
    let spare = 64 - 8 * bytes.len().clamp(1, 8) as u32;
    ((value << spare).cast_signed() >> spare).into()
}

/// The date, and the date with its time. Their first byte is their length; parts at the end that are zero are left out.
fn moment(bytes: &[u8]) -> (String, String) {
    let at = |index: usize| bytes.get(index).copied().unwrap_or(0);
    let year = u16::from_le_bytes([at(1), at(2)]);
    let date = format!("{year:04}-{:02}-{:02}", at(3), at(4));
    let full = format!("{date}T{:02}:{:02}:{:02}{}", at(5), at(6), at(7), fraction(bytes, 8));
    (date, full)
}

/// A time, which may be negative and longer than a day.
fn duration(bytes: &[u8]) -> String {
    let at = |index: usize| bytes.get(index).copied().unwrap_or(0);
    let sign = if at(1) == 1 { "-" } else { "" };
    let days = u32::from_le_bytes([at(2), at(3), at(4), at(5)]);
    let hours = u64::from(days) * 24 + u64::from(at(6));
    format!("{sign}{hours:02}:{:02}:{:02}{}", at(7), at(8), fraction(bytes, 9))
}

fn fraction(bytes: &[u8], at: usize) -> String {
    let micros = bytes.get(at..at + 4).and_then(|part| part.try_into().ok()).map_or(0, u32::from_le_bytes);
    if micros == 0 {
        return String::new();
    }
    format!(".{}", format!("{micros:06}").trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn integers_keep_their_sign_and_their_size() {
        assert_eq!(binary(&[0xff], "TINYINT"), json!(-1));
        assert_eq!(binary(&[0xff], "TINYINT UNSIGNED"), json!(255));
        assert_eq!(binary(&i64::MIN.to_le_bytes(), "BIGINT"), json!(i64::MIN));
        assert_eq!(binary(&u64::MAX.to_le_bytes(), "BIGINT UNSIGNED"), json!("18446744073709551615"));
        assert_eq!(binary(&[1, 0], "BIT"), json!(256));
    }

    #[test]
    fn times_are_written_out() {
        assert_eq!(binary(&[4, 0xea, 0x07, 1, 2], "DATE"), json!("2026-01-02"));
        assert_eq!(binary(&[0], "DATETIME"), json!("0000-00-00T00:00:00"));
        assert_eq!(
            binary(&[11, 0xea, 0x07, 1, 2, 3, 4, 5, 0x20, 0xa1, 0x07, 0], "TIMESTAMP"),
            json!("2026-01-02T03:04:05.5Z")
        );
        assert_eq!(binary(&[8, 1, 1, 0, 0, 0, 2, 3, 4], "TIME"), json!("-26:03:04"));
    }
}
