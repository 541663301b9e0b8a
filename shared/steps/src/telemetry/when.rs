//! Instants as queries name them: fixed, or relative to now or to the start of the execution.

use std::borrow::Cow;

use assay_engine::duration;
use assay_engine::types::Problem;
use jiff::{SignedDuration, Timestamp};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

use crate::http::check::{is_template, problem};

/// What is said when a text is no instant.
const HOW: &str = "write now, start (of the execution), either with `+ 5s` or `- 5m`, -5m for five minutes ago, \
                   RFC 3339 with a zone, or seconds since 1970";

/// An instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    base: Base,
    offset: SignedDuration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Base {
    Now,
    Start,
    Fixed(Timestamp),
}

impl When {
    /// The time of the look.
    pub const NOW: Self = Self { base: Base::Now, offset: SignedDuration::ZERO };
    /// When the execution started.
    pub const START: Self = Self { base: Base::Start, offset: SignedDuration::ZERO };

    /// Reads `now`, `start`, `now - 5m`, `start+1s`, `-5m`, RFC 3339, or a number of seconds since 1970 (of milli-, micro-
    /// or nanoseconds when it is too large for that).
    ///
    /// # Errors
    /// What is wrong with the text, and how to write it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let named = [("now", Base::Now), ("start", Base::Start), ("", Base::Now)];
        for (name, base) in named {
            let Some(rest) = text.strip_prefix(name) else { continue };
            let rest = rest.trim_start();
            if rest.is_empty() && !name.is_empty() {
                return Ok(Self { base, offset: SignedDuration::ZERO });
            }
            let sign = if name.is_empty() { rest.strip_prefix('-') } else { rest.strip_prefix(['+', '-']) };
            let Some(span) = sign else { continue };
            let span = duration::parse(span).map_err(|error| error.to_string())?;
            let span = SignedDuration::try_from(span).map_err(|error| error.to_string())?;
            return Ok(Self { base, offset: if rest.starts_with('-') { -span } else { span } });
        }
        let fixed = match epoch(text) {
            Some(instant) => Some(instant),
            None => text.parse().ok(),
        };
        let wrong = || format!("`{}` is no instant: {HOW}", text.chars().take(60).collect::<String>());
        fixed.map(|instant| Self { base: Base::Fixed(instant), offset: SignedDuration::ZERO }).ok_or_else(wrong)
    }

    /// Whether this is just now, which the target knows best by its own clock.
    #[must_use]
    pub fn is_now(self) -> bool {
        self == Self::NOW
    }

    /// The instant; none when it is out of all range.
    #[must_use]
    pub fn resolve(self, now: Timestamp, start: Timestamp) -> Option<Timestamp> {
        let base = match self.base {
            Base::Now => now,
            Base::Start => start,
            Base::Fixed(instant) => instant,
        };
        base.checked_add(self.offset).ok()
    }
}

/// A number since 1970. The unit follows from the size: no two units meet between 1973 and 5138.
fn epoch(text: &str) -> Option<Timestamp> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 19 || !digits(whole) || !digits(part) {
        return None;
    }
    let number: i128 = whole.parse().ok()?;
    let units: [(i128, i128); 3] =
        [(100_000_000_000, 1_000_000_000), (100_000_000_000_000, 1_000_000), (100_000_000_000_000_000, 1_000)];
    let scale = units.into_iter().find(|(below, _)| number < *below).map_or(1, |(_, scale)| scale);
    let fraction: i128 = format!("{part:0<9}").get(..9)?.parse().ok()?;
    Timestamp::from_nanosecond(number * scale + fraction * scale / 1_000_000_000).ok()
}

/// The text of a JSON text or number.
fn text_of(value: &Json) -> Option<Cow<'_, str>> {
    match value {
        Json::String(text) => Some(Cow::Borrowed(text)),
        Json::Number(number) => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Json::deserialize(deserializer)?;
        let text = text_of(&value).ok_or_else(|| D::Error::custom(format!("not an instant: {HOW}")))?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

impl JsonSchema for When {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "When".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "number"]})
    }
}

/// Since when: an instant, or a duration before now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since(pub When);

impl Since {
    /// Reads `5m`, or what [`When`] reads.
    ///
    /// # Errors
    /// What is wrong with the text, and how to write it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Ok(span) = duration::parse(text) else { return When::parse(text).map(Self) };
        if span.is_zero() {
            return Err(format!("`{text}` is a window in which nothing can be"));
        }
        let offset = SignedDuration::try_from(span).map_err(|error| error.to_string())?;
        Ok(Self(When { base: Base::Now, offset: -offset }))
    }
}

impl<'de> Deserialize<'de> for Since {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Json::deserialize(deserializer)?;
        let text =
            text_of(&value).ok_or_else(|| D::Error::custom(format!("not a duration and not an instant: {HOW}")))?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

impl JsonSchema for Since {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Since".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "number"]})
    }
}

/// A positive length of time, as in `15s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub std::time::Duration);

impl Span {
    /// Reads a duration of at least a millisecond.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let span = duration::parse(text).map_err(|error| error.to_string())?;
        if span < std::time::Duration::from_millis(1) {
            return Err(format!("`{text}` is shorter than a millisecond"));
        }
        Ok(Self(span))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for Span {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string"})
    }
}

/// Judges the literal instants of these keys.
pub(crate) fn check_instants(with: &Json, keys: &[&str], problems: &mut Vec<Problem>) {
    check_texts(with, keys, |text| When::parse(text).map(|_| ()), problems);
}

/// Judges the literal texts and numbers of these keys.
pub(crate) fn check_texts(
    with: &Json,
    keys: &[&str],
    judge: impl Fn(&str) -> Result<(), String>,
    problems: &mut Vec<Problem>,
) {
    for key in keys {
        let Some(text) = with.get(key).and_then(text_of).filter(|text| !is_template(text)) else { continue };
        if let Err(message) = judge(&text) {
            problem(problems, &format!("/{key}"), message, "see the step's page for the ways to write it");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> String {
        let (now, start) = ("2026-06-01T12:00:00Z".parse().unwrap(), "2026-06-01T11:00:00Z".parse().unwrap());
        When::parse(text).map_or_else(|wrong| wrong, |when| when.resolve(now, start).unwrap().to_string())
    }

    #[test]
    fn instants_read_as_people_write_them() {
        for (text, expected) in [
            ("now", "2026-06-01T12:00:00Z"),
            (" start ", "2026-06-01T11:00:00Z"),
            ("now-5m", "2026-06-01T11:55:00Z"),
            ("start + 1h30m", "2026-06-01T12:30:00Z"),
            ("-90s", "2026-06-01T11:58:30Z"),
            ("2026-01-02T03:04:05.000000006+01:00", "2026-01-02T02:04:05.000000006Z"),
            ("1700000000", "2023-11-14T22:13:20Z"),
            ("1700000000.5", "2023-11-14T22:13:20.5Z"),
            ("1700000000123", "2023-11-14T22:13:20.123Z"),
            ("1700000000123456", "2023-11-14T22:13:20.123456Z"),
            ("1700000000123456789", "2023-11-14T22:13:20.123456789Z"),
        ] {
            assert_eq!(at(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_instant_says_how_to_write_one() {
        for text in [
            "",
            "5m",
            "tomorrow",
            "now 5m",
            "start * 2",
            "2026-06-01T12:00:00",
            "1.2.3",
            "nowadays",
            "99999999999999999999",
        ] {
            assert!(at(text).contains("RFC 3339"), "{text}: {}", at(text));
        }
        assert!(at("now - 5").contains("unit"), "{}", at("now - 5"));
    }

    #[test]
    fn since_takes_a_duration_before_now() {
        assert_eq!(Since::parse("5m"), When::parse("-5m").map(Since));
        assert_eq!(Since::parse("start"), Ok(Since(When::START)));
        assert!(Since::parse("0s").is_err() && Since::parse("5").is_ok() && Since::parse("x").is_err());
        assert!(Span::parse("15s").is_ok() && Span::parse("0s").is_err() && Span::parse("15").is_err());
    }
}
