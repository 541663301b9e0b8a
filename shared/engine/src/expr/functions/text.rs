//! Strings. Positions count code points.

use regex::{Regex, RegexBuilder};

use super::super::error::Fault;
use super::super::evaluation::Evaluation;
use super::super::value::Value;
use super::list;
use super::registry::{Function, Outcome, arg, count, either, global, int, items, method, position, string, wrong};

pub(super) const FUNCTIONS: &[Function] = &[
    method("contains", (2, 2), |cx, args| test(cx, args, |text, part| text.contains(part))),
    method("startsWith", (2, 2), |cx, args| test(cx, args, |text, part| text.starts_with(part))),
    method("endsWith", (2, 2), |cx, args| test(cx, args, |text, part| text.ends_with(part))),
    either("matches", (2, 2), matches),
    method("charAt", (2, 2), char_at),
    method("indexOf", (2, 3), index_of),
    method("lastIndexOf", (2, 3), last_index_of),
    method("substring", (2, 3), substring),
    method("join", (1, 2), join),
    method("split", (2, 3), split),
    method("replace", (3, 4), replace),
    method("trim", (1, 1), |cx, args| change(cx, args, |text| text.trim().to_owned())),
    method("lowerAscii", (1, 1), |cx, args| change(cx, args, str::to_ascii_lowercase)),
    method("upperAscii", (1, 1), |cx, args| change(cx, args, str::to_ascii_uppercase)),
    method("reverse", (1, 1), reverse),
    global("strings.quote", (1, 1), |cx, args| change(cx, args, quoted)),
];

fn test(cx: &mut Evaluation<'_>, args: &[Value], holds: fn(&str, &str) -> bool) -> Outcome {
    let (text, part) = (string(args, 0)?, string(args, 1)?);
    cx.bytes(text.len())?;
    Ok(Value::Bool(holds(text, part)))
}

fn change(cx: &mut Evaluation<'_>, args: &[Value], changed: fn(&str) -> String) -> Outcome {
    let text = string(args, 0)?;
    cx.bytes(text.len() * 2)?;
    Ok(Value::text(changed(text)))
}

/// A compiled pattern, and how many units scanning 4 bytes with it counts for.
#[derive(Debug, Clone)]
pub(in super::super) struct Pattern {
    regex: Regex,
    weight: usize,
}

/// Sizes that a compiled pattern may have; scanning with a larger one counts for more.
const SIZES: [(usize, usize); 4] = [(8 << 10, 1), (32 << 10, 4), (128 << 10, 16), (512 << 10, 64)];

/// Longest pattern, in bytes.
const LONGEST_PATTERN: usize = 4096;

/// How many compiled patterns an evaluation keeps.
const KEPT_PATTERNS: usize = 32;

fn pattern(cx: &mut Evaluation<'_>, text: &str) -> Result<Pattern, Fault> {
    if let Some(known) = cx.patterns.get(text) {
        return Ok(known.clone());
    }
    if text.len() > LONGEST_PATTERN {
        let why = format!("the pattern is longer than {LONGEST_PATTERN} bytes");
        return Err(Fault::Argument(why));
    }
    let mut last = None;
    for (size, weight) in SIZES {
        cx.charge(100 * weight + text.len())?;
        match RegexBuilder::new(text).size_limit(size).nest_limit(50).build() {
            Ok(regex) => {
                let pattern = Pattern { regex, weight };
                if cx.patterns.len() < KEPT_PATTERNS {
                    cx.patterns.insert(text.to_owned(), pattern.clone());
                }
                return Ok(pattern);
            }
            Err(regex::Error::CompiledTooBig(_)) => last = Some("the pattern is too large".to_owned()),
            Err(regex::Error::Syntax(report)) => {
                let why = report.lines().last().unwrap_or_default();
                let why = why.trim_start_matches("error: ");
                last = Some(format!("not a regular expression: {why}"));
                break;
            }
            Err(other) => {
                last = Some(format!("not a regular expression: {other}"));
                break;
            }
        }
    }
    Err(Fault::Argument(last.unwrap_or_default()))
}

fn matches(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    let text = string(args, 0)?;
    let pattern = pattern(cx, string(args, 1)?)?;
    cx.charge((text.len() / 4 + 1).saturating_mul(pattern.weight))?;
    Ok(Value::Bool(pattern.regex.is_match(text)))
}

/// The byte at which the code point of this number starts; the number of code points is the end.
fn byte_at(cx: &mut Evaluation<'_>, text: &str, index: i64) -> Result<usize, Fault> {
    cx.bytes(text.len())?;
    let length = text.chars().count();
    let index = position(index, length)?;
    Ok(text.char_indices().nth(index).map_or(text.len(), |(at, _)| at))
}

fn char_at(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    let text = string(args, 0)?;
    let at = byte_at(cx, text, int(args, 1)?)?;
    let rest = text.get(at..).unwrap_or_default();
    Ok(Value::text(rest.chars().next().map(String::from).unwrap_or_default()))
}

fn index_of(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    let (text, part) = (string(args, 0)?, string(args, 1)?);
    let from = if args.len() > 2 { byte_at(cx, text, int(args, 2)?)? } else { 0 };
    cx.bytes(text.len())?;
    let found = text.get(from..).and_then(|rest| rest.find(part)).map(|at| at + from);
    Ok(code_point(text, found))
}

fn last_index_of(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    let (text, part) = (string(args, 0)?, string(args, 1)?);
    cx.bytes(text.len())?;
    let end = if args.len() > 2 {
        let start = byte_at(cx, text, int(args, 2)?)?;
        (start + part.len()).min(text.len())
    } else {
        text.len()
    };
    let end = text.ceil_char_boundary(end);
    let found = text.get(..end).and_then(|head| head.rfind(part));
    Ok(code_point(text, found))
}

/// The number of the code point that starts at a byte, -1 for none.
fn code_point(text: &str, byte: Option<usize>) -> Value {
    match byte.and_then(|byte| text.get(..byte)) {
        Some(before) => count(before.chars().count()),
        None => Value::Int(-1),
    }
}

fn substring(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    let text = string(args, 0)?;
    let start = byte_at(cx, text, int(args, 1)?)?;
    let end = if args.len() > 2 { byte_at(cx, text, int(args, 2)?)? } else { text.len() };
    if start > end {
        return Err(Fault::Argument("the start lies behind the end".to_owned()));
    }
    Ok(Value::text(text.get(start..end).unwrap_or_default()))
}

fn join(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    let list = items(args, 0)?;
    let separator = if args.len() > 1 { string(args, 1)? } else { "" };
    let mut joined = String::new();
    for (index, item) in list.iter().enumerate() {
        let Value::String(text) = &item else {
            return Err(wrong(&item, "a list of strings"));
        };
        cx.bytes(text.len() + separator.len())?;
        if index > 0 {
            joined.push_str(separator);
        }
        joined.push_str(text);
    }
    Ok(Value::text(joined))
}

fn split(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    let (text, separator) = (string(args, 0)?, string(args, 1)?);
    let limit = if args.len() > 2 { int(args, 2)? } else { -1 };
    cx.bytes(text.len())?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if limit == 0 {
        return Value::list(Vec::new());
    }
    let mut parts = Vec::new();
    let push = |cx: &mut Evaluation<'_>, parts: &mut Vec<Value>, part: &str| {
        cx.charge(2)?;
        parts.push(Value::text(part));
        Ok::<_, Fault>(())
    };
    if separator.is_empty() {
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let cut = if parts.len() + 1 == limit { rest.len() } else { first.len_utf8() };
            let (part, behind) = rest.split_at(cut);
            push(cx, &mut parts, part)?;
            rest = behind;
        }
    } else {
        for part in text.splitn(limit, separator) {
            push(cx, &mut parts, part)?;
        }
    }
    Value::list(parts)
}

fn replace(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    let (text, from, to) = (string(args, 0)?, string(args, 1)?, string(args, 2)?);
    let limit = if args.len() > 3 { int(args, 3)? } else { -1 };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    cx.bytes(text.len() * 2)?;
    let hits = text.matches(from).count().min(limit);
    cx.bytes(hits.saturating_mul(to.len()))?;
    Ok(Value::text(text.replacen(from, to, limit)))
}

fn reverse(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    match arg(args, 0)? {
        Value::List(list) => list::reversed(cx, list),
        Value::String(_) => change(cx, args, |text| text.chars().rev().collect()),
        other => Err(wrong(other, "a string or a list")),
    }
}

/// A text in double quotes with what is special escaped, so that it stays on one line.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '\u{07}' => quoted.push_str("\\a"),
            '\u{08}' => quoted.push_str("\\b"),
            '\u{0c}' => quoted.push_str("\\f"),
            '\u{0b}' => quoted.push_str("\\v"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
