//! Pieces of text: durations, values, and what comes from outside made harmless for a terminal.

use serde_json::Value as Json;

/// At most this much of a value or a message stands in a line.
const LONGEST: usize = 600;

/// A duration as people read it: `12 ms`, `3.4 s`, `2 min 5 s`.
pub(crate) fn duration(millis: u64) -> String {
    match millis {
        0..1000 => format!("{millis} ms"),
        1000..60_000 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        60_000..3_600_000 => format!("{} min {} s", millis / 60_000, millis / 1000 % 60),
        _ => format!("{} h {} min", millis / 3_600_000, millis / 60_000 % 60),
    }
}

/// Text from outside: control characters (which could move a terminal's cursor or change its title) are written out,
/// and what is too long for a line is shortened visibly.
pub(crate) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(LONGEST + 32));
    for (count, c) in text.chars().enumerate() {
        if count == LONGEST {
            out.push_str(&format!("... ({} more characters)", text.chars().count() - LONGEST));
            break;
        }
        match c {
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => {
                out.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

/// A name in one line.
pub(crate) fn name(text: &str) -> String {
    clean(text).replace('\n', "\\n").replace('\t', "\\t")
}

/// A value in one line.
pub(crate) fn value(value: &Json) -> String {
    clean(&value.to_string())
}

/// The text with each line after the first indented.
pub(crate) fn hang(text: &str, indent: usize) -> String {
    let mut lines = text.trim_end().lines();
    let mut out = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        out.push('\n');
        out.push_str(&" ".repeat(indent));
        out.push_str(line);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        let read = [0, 999, 1000, 3456, 60_000, 125_000, 3_600_000, 5_400_000].map(duration);
        assert_eq!(read, ["0 ms", "999 ms", "1.0 s", "3.4 s", "1 min 0 s", "2 min 5 s", "1 h 0 min", "1 h 30 min"]);
    }

    #[test]
    fn what_comes_from_outside_cannot_steer_a_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb\u{9b}1m\rc"), "a\\u{1b}[2Jb\\u{9b}1m\\u{d}c");
        assert_eq!(clean("a\nb\tc"), "a\nb\tc");
        assert_eq!(name("a\nb\tc"), "a\\nb\\tc");
        assert_eq!(clean("\u{202e}gnp"), "\\u{202e}gnp");
    }

    #[test]
    fn what_is_too_long_is_shortened_and_says_so() {
        let long = clean(&"x".repeat(LONGEST + 5));
        assert!(long.ends_with("x... (5 more characters)"), "{long}");
        assert_eq!(clean(&"x".repeat(LONGEST)).len(), LONGEST);
    }
}
