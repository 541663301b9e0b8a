//! Writes YAML that people like to read: short values on one line, long ones below their key, quotes only where they are
//! needed.

use serde_json::Value as Json;

/// A value that fits into this many characters stands on the line of its key.
const WIDTH: usize = 96;

/// Words that some readers of YAML take for something else than a text.
const WORDS: [&str; 10] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan"];

/// A text as a scalar: plain where nobody could misread it, else in double quotes.
pub(super) fn text(text: &str) -> String {
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '/');
    let rest = text.chars().all(|c| c.is_ascii_alphanumeric() || "_./-".contains(c));
    let word = WORDS.iter().any(|word| text.eq_ignore_ascii_case(word));
    if first && rest && !word { text.to_owned() } else { quoted(text) }
}

/// A text for people, on one line: spaces and points need no quotes, and nothing in it is a template.
pub(super) fn prose(prose: &str) -> String {
    let prose = prose.replace("${", "{");
    let prose = prose.as_str();
    let first = prose.chars().next().is_some_and(char::is_alphabetic);
    let plain = prose.chars().all(|c| c.is_alphanumeric() || " _./-".contains(c));
    let word = WORDS.iter().any(|word| prose.eq_ignore_ascii_case(word));
    if first && plain && !word && !prose.ends_with(' ') { prose.to_owned() } else { quoted(prose) }
}

/// An expression as an item of a list below its key: plain where that is possible, since expressions are full of quotes.
pub(super) fn expression(text: &str) -> String {
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    let troubled = text.contains(": ") || text.contains(" #") || text.ends_with([':', ' ']);
    let control = text.chars().any(is_special);
    if first && !troubled && !control { text.to_owned() } else { quoted(text) }
}

fn is_special(c: char) -> bool {
    c.is_control() || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_special(c) => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A value on one line.
pub(super) fn inline(value: &Json) -> String {
    match value {
        Json::String(string) => text(string),
        Json::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Json::Object(map) => {
            let pairs: Vec<String> =
                map.iter().map(|(key, value)| format!("{}: {}", text(key), inline(value))).collect();
            format!("{{{}}}", pairs.join(", "))
        }
        other => other.to_string(),
    }
}

/// `key: value` as lines, indented by so many spaces.
pub(super) fn entry(out: &mut String, indent: usize, key: &str, value: &Json) {
    let key = text(key);
    let pad = " ".repeat(indent);
    let line = inline(value);
    let empty = line.len() <= 2;
    let long_text = matches!(value, Json::String(string) if is_block(string));
    if !long_text && (empty || indent + key.len() + 2 + line.len() <= WIDTH || !is_container(value)) {
        out.push_str(&format!("{pad}{key}: {line}\n"));
        return;
    }
    match value {
        Json::Object(map) => {
            out.push_str(&format!("{pad}{key}:\n"));
            map.iter().for_each(|(key, value)| entry(out, indent + 2, key, value));
        }
        Json::Array(items) => {
            out.push_str(&format!("{pad}{key}:\n"));
            items.iter().for_each(|value| item(out, indent + 2, value));
        }
        Json::String(string) => {
            out.push_str(&format!("{pad}{key}: |-\n"));
            for line in string.split('\n') {
                let filled = if line.is_empty() { String::new() } else { format!("{pad}  {line}") };
                out.push_str(&format!("{filled}\n"));
            }
        }
        _ => {}
    }
}

fn item(out: &mut String, indent: usize, value: &Json) {
    let pad = " ".repeat(indent);
    let line = inline(value);
    if line.len() <= 2 || indent + 2 + line.len() <= WIDTH || !is_container(value) {
        out.push_str(&format!("{pad}- {line}\n"));
        return;
    }
    let mut below = String::new();
    match value {
        Json::Object(map) => map.iter().for_each(|(key, value)| entry(&mut below, indent + 2, key, value)),
        Json::Array(items) => items.iter().for_each(|value| item(&mut below, indent + 2, value)),
        _ => {}
    }
    out.push_str(&format!("{pad}- {}", below.trim_start()));
}

fn is_container(value: &Json) -> bool {
    matches!(value, Json::Object(_) | Json::Array(_))
}

/// Whether a text of several lines can stand as they are below its key.
fn is_block(text: &str) -> bool {
    let lines = text.split('\n').count();
    let bad = |line: &str| line.ends_with(' ') || line.chars().any(|c| is_special(c) || c == '\t');
    lines > 1 && !text.starts_with([' ', '\n']) && !text.ends_with('\n') && !text.split('\n').any(bad)
}

/// A text as it stands, though it may look like a template.
pub(super) fn literal(text: &str) -> String {
    text.replace("${", "$${")
}

/// Every text of a value as it stands.
pub(super) fn literal_value(value: &Json) -> Json {
    match value {
        Json::String(string) => Json::String(literal(string)),
        Json::Array(items) => items.iter().map(literal_value).collect(),
        Json::Object(map) => Json::Object(map.iter().map(|(key, value)| (key.clone(), literal_value(value))).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use assay_engine::source::read_data;
    use serde_json::json;

    use super::*;

    fn round(value: &Json) -> Json {
        let mut out = String::new();
        for (key, value) in value.as_object().unwrap() {
            entry(&mut out, 0, key, value);
        }
        read_data("x.yaml", out.as_bytes()).unwrap_or_else(|wrong| {
            panic!("{out}\n{}", wrong.render(assay_engine::diagnostics::Style::Plain));
        })
    }

    #[test]
    fn what_is_written_is_read_back() {
        let long = "x".repeat(100);
        let value = json!({
            "words": ["yes", "No", "null", "~", "", "1", "1.5", "0x10", ".5", "a: b", "a #b", "- a", "#a", "&a", "*a", "!a", "<<", "NaN", ".nan"],
            "control": "a\u{7}b\u{7f}c\u{85}d\u{2028}e\u{feff}f",
            "lines": "one\n  two\n\nthree",
            "trailing": "one \ntwo\n",
            "deep": {"a": {"b": [{"c": long, "d": [long, {"e": long}]}, [[long], [1, null, true]]]}},
            "<<": 1, "": 2, "a b": 3, "quote\"s": "back\\slash",
            "empty": [{}, [], ""],
            "number": [1, -2.5, 1e300, 18_446_744_073_709_551_615_u64],
        });
        assert_eq!(round(&value), value);
    }

    #[test]
    fn expressions_are_quoted_only_where_they_must_be() {
        assert_eq!(expression("status == 200"), "status == 200");
        assert_eq!(expression("a ? b : c"), "\"a ? b : c\"");
        assert_eq!(expression("'a' in b"), "\"'a' in b\"");
        assert_eq!(literal("a ${b}"), "a $${b}");
    }
}
