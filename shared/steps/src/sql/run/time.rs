//! Points in time as RFC 3339 writes them, from how databases print them.

/// `2026-01-02 03:04:05.6+00` becomes `2026-01-02T03:04:05.6Z`, without an offset `2026-01-02T03:04:05.6`. What is no such
/// point (`infinity`, years before Christ) stays as it is.
pub(super) fn timestamp(text: &str) -> String {
    if !text.starts_with(|c: char| c.is_ascii_digit()) || text.ends_with("BC") {
        return text.to_owned();
    }
    match text.split_once(' ') {
        Some((date, time)) => format!("{date}T{}", offset(time)),
        None => text.to_owned(),
    }
}

/// `03:04:05+00` becomes `03:04:05Z`, `+05` becomes `+05:00`.
pub(super) fn offset(time: &str) -> String {
    let Some(at) = time.find(['+', '-']) else { return time.to_owned() };
    let (clock, offset) = time.split_at(at);
    match offset {
        "+00" | "+00:00" => format!("{clock}Z"),
        _ if offset.len() == 3 => format!("{clock}{offset}:00"),
        _ => time.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_in_time_read_as_rfc_3339() {
        for (printed, expected) in [
            ("2026-01-02 03:04:05+00", "2026-01-02T03:04:05Z"),
            ("2026-01-02 03:04:05.123456+05:30", "2026-01-02T03:04:05.123456+05:30"),
            ("2026-01-02 03:04:05-07", "2026-01-02T03:04:05-07:00"),
            ("2026-01-02 03:04:05", "2026-01-02T03:04:05"),
            ("infinity", "infinity"),
            ("-infinity", "-infinity"),
            ("0044-03-15 00:00:00+00 BC", "0044-03-15 00:00:00+00 BC"),
        ] {
            assert_eq!(timestamp(printed), expected);
        }
        assert_eq!(offset("03:04:05.5+00"), "03:04:05.5Z");
    }
}
