//! Timestamps and durations: their ranges and their text.

use jiff::{SignedDuration, Timestamp};

use super::error::Fault;
use super::value::Value;

/// Seconds of 0001-01-01T00:00:00Z, before which CEL has no timestamps, and of 9999-12-31T23:59:59Z, after which it
/// has none. (`jiff` ends some 26 hours earlier, so that every time zone's date stays within the year 9999.)
const FIRST: i64 = -62_135_596_800;
const LAST: i64 = 253_402_300_799;

/// The longest duration, in seconds: about 10,000 years.
const LONGEST: i64 = 315_576_000_000;

pub(super) fn timestamp(time: Timestamp) -> Result<Value, Fault> {
    let second = time.as_second();
    if !(FIRST..=LAST).contains(&second) || (second == FIRST && time.subsec_nanosecond() < 0) {
        return Err(Fault::Overflow);
    }
    Ok(Value::Timestamp(time))
}

pub(super) fn duration(span: SignedDuration) -> Result<Value, Fault> {
    if span.as_secs().checked_abs().is_none_or(|seconds| seconds > LONGEST) {
        return Err(Fault::Overflow);
    }
    Ok(Value::Duration(span))
}

/// A duration in seconds with as many decimals as it has, e.g. `90s`, `-0.25s`.
pub(super) fn duration_text(span: SignedDuration) -> String {
    let sign = if span.is_negative() { "-" } else { "" };
    let seconds = span.as_secs().unsigned_abs();
    let nanos = span.subsec_nanos().unsigned_abs();
    if nanos == 0 {
        return format!("{sign}{seconds}s");
    }
    let fraction = format!("{nanos:09}");
    format!("{sign}{seconds}.{}s", fraction.trim_end_matches('0'))
}

/// Nanoseconds of each unit that a duration's text may use.
const UNITS: [(&str, i128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Reads `1h30m`, `-1.5s`, `250ms`.
pub(super) fn parse_duration(text: &str) -> Result<Value, Fault> {
    let bad = || {
        let shown = super::error::shortened(text, 60);
        Fault::Argument(format!("`{shown}` is not a duration such as 1h30m, 1.5s or 250ms"))
    };
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest.is_empty() || text.len() > 100 {
        return Err(bad());
    }
    if rest == "0" {
        return Ok(Value::Duration(SignedDuration::ZERO));
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let (number, behind) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(bad)?);
        let unit_end = behind.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(unit_end);
        let (_, nanos) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(bad)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || whole.len() > 18 || fraction.contains('.') {
            return Err(bad());
        }
        let fraction = fraction.get(..18).unwrap_or(fraction);
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| bad())? };
        let parts: i128 = if fraction.is_empty() { 0 } else { fraction.parse().map_err(|_| bad())? };
        let scale = 10_i128.pow(u32::try_from(fraction.len()).unwrap_or_default());
        total += whole * nanos + parts * nanos / scale;
        rest = behind;
    }
    let total = if negative { -total } else { total };
    let seconds = i64::try_from(total / 1_000_000_000).map_err(|_| Fault::Overflow)?;
    let nanos = i32::try_from(total % 1_000_000_000).map_err(|_| Fault::Overflow)?;
    duration(SignedDuration::new(seconds, nanos))
}
