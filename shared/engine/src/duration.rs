//! Durations as users write them: a number and a unit, always both.

use std::time::Duration;

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// The number stands alone.
    #[error("`{0}` has no unit: write `{0}s` or another of ms, s, m, h, d")]
    NoUnit(String),
    /// No number, or one that does not fit.
    #[error("`{0}` is no duration: write a number and a unit, as in 200ms, 10s, 5m, 1h30m, 2d")]
    Malformed(String),
    /// More than 366 days.
    #[error("`{0}` is longer than 366 days")]
    TooLong(String),
}

/// The longest duration that is understood: 366 days.
pub const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// Reads `200ms`, `10s`, `1.5s`, `5m`, `1h30m`, `2d`; zero is a duration when it has a unit.
///
/// # Errors
/// When the unit is missing, the text is no duration, or it is over 366 days.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let short = || text.chars().take(40).collect::<String>();
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(DurationError::Malformed(short()));
    }
    let mut nanos: f64 = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let value: f64 = number.parse().map_err(|_| DurationError::Malformed(short()))?;
        let end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let scale = match unit {
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3600e9,
            "d" => 86_400e9,
            "" => return Err(DurationError::NoUnit(short())),
            _ => return Err(DurationError::Malformed(short())),
        };
        nanos += value * scale;
        rest = after;
    }
    if nanos > LONGEST.as_nanos() as f64 {
        return Err(DurationError::TooLong(short()));
    }
    Ok(Duration::from_nanos(nanos as u64))
}

/// The shortest text that reads back as this duration: `1h30m`, `1.5s`, `200ms`, `0s`.
#[must_use]
pub fn text(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis == 0 {
        return "0s".into();
    }
    if millis < 1000 {
        return format!("{millis}ms");
    }
    let mut seconds = duration.as_secs();
    let rest = millis % 1000;
    let mut out = String::new();
    for (unit, length) in [("d", 86_400), ("h", 3600), ("m", 60)] {
        if seconds >= length {
            out.push_str(&format!("{}{unit}", seconds / length));
            seconds %= length;
        }
    }
    match (seconds, rest) {
        (0, 0) => {}
        (_, 0) => out.push_str(&format!("{seconds}s")),
        _ => out.push_str(format!("{seconds}.{rest:03}").trim_end_matches('0')),
    }
    if rest != 0 {
        out.push('s');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        for (text, millis) in
            [("200ms", 200), ("10s", 10_000), ("1.5s", 1500), ("1h30m", 5_400_000), ("2d", 172_800_000), ("0s", 0)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn a_duration_needs_its_unit() {
        assert_eq!(parse("10"), Err(DurationError::NoUnit("10".into())));
        for bad in ["", "s", "10x", "-1s", "1e3s", "1..5s", "1s 2"] {
            assert!(matches!(parse(bad), Err(DurationError::Malformed(_))), "{bad}");
        }
        assert!(matches!(parse("99999d"), Err(DurationError::TooLong(_))));
    }

    #[test]
    fn text_reads_back_as_the_same_duration() {
        for millis in [0, 1, 999, 1000, 1500, 60_000, 61_250, 5_400_000, 86_400_000] {
            let duration = Duration::from_millis(millis);
            assert_eq!(parse(&text(duration)), Ok(duration), "{}", text(duration));
        }
    }
}
