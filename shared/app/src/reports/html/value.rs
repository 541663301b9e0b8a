//! Values: as they are when they are short, folded when they are not.

use serde_json::Value as Json;

use super::super::text::{bytes, counted};
use super::markup::Markup;

/// A text with more lines or bytes is folded.
const LINES: usize = 24;
const BYTES: usize = 2000;

/// A value as text: a text as it is, else JSON over several lines.
pub(super) fn shown(value: &Json) -> String {
    match value {
        Json::String(text) => pretty(text).unwrap_or_else(|| text.clone()),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    }
}

/// Text that is JSON itself, over several lines.
fn pretty(text: &str) -> Option<String> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let value: Json = serde_json::from_str(text).ok()?;
    serde_json::to_string_pretty(&value).ok()
}

/// A titled block of text, folded when it is long.
pub(super) fn block(out: &mut Markup, title: &str, text: &str) {
    let lines = text.lines().count();
    if lines <= LINES && text.len() <= BYTES {
        out.raw("<div class=\"block\"><p class=\"cap\">").text(title).raw("</p><pre>").text(text).raw("</pre></div>");
        return;
    }
    out.raw("<details class=\"block fold\"><summary>").text(title).raw(" <span class=\"faint\">");
    out.text(&format!("{}, {}", bytes(text.len() as u64), counted(lines, "line")));
    out.raw("</span></summary><pre>").text(text).raw("</pre></details>");
}

/// A value in one line where it fits, for a cell of a table.
pub(super) fn inline(out: &mut Markup, value: &Json) {
    let text = match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.len() <= 400 {
        out.element("code", "", &text);
    } else {
        block(out, "value", &shown(value));
    }
}

/// Names and values, a line each; values that are not short in blocks below.
pub(super) fn pairs<'a>(out: &mut Markup, pairs: impl Iterator<Item = (&'a str, &'a Json)>) {
    let mut long = Vec::new();
    let mut open = false;
    for (name, value) in pairs {
        let short = match value {
            Json::Array(items) => items.is_empty(),
            Json::Object(map) => map.is_empty(),
            Json::String(text) => text.len() <= 120 && !text.contains('\n'),
            _ => true,
        };
        if !short {
            long.push((name, value));
            continue;
        }
        if !open {
            out.raw("<table class=\"pairs\"><tbody>");
            open = true;
        }
        out.raw("<tr><th scope=\"row\">").text(name).raw("</th><td>");
        inline(out, value);
        out.raw("</td></tr>");
    }
    if open {
        out.raw("</tbody></table>");
    }
    for (name, value) in long {
        block(out, name, &shown(value));
    }
}
