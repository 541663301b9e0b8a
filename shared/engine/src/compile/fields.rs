//! Reading the keys of a map: each value typed, each mistake reported, none fatal.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::context::Shared;
use crate::diagnostics::Code;
use crate::duration;
use crate::expr::Template;
use crate::source::{Entry, Node, Problem, Span, Value};

impl Shared<'_> {
    /// The entries of a map that takes these keys; others are reported.
    pub(super) fn map<'n>(&self, node: &'n Node, what: &str, known: &[&str]) -> Option<&'n [Entry]> {
        let entries = self.any_map(node, what)?;
        for entry in entries.iter().filter(|entry| !known.contains(&&*entry.key) && &*entry.key != "<<") {
            let message = format!("`{}` is not a key of {what}", cut(&entry.key));
            let problem = Problem::new(Code::UnknownKey, entry.key_span, message);
            self.report(Problem { hint: self.suggest(&entry.key, known.iter().copied()), ..problem });
        }
        Some(entries)
    }

    /// The entries of a map that takes any key.
    pub(super) fn any_map<'n>(&self, node: &'n Node, what: &str) -> Option<&'n [Entry]> {
        if node.entries().is_none() {
            self.wrong_type(node, what, "a map");
        }
        node.entries()
    }

    pub(super) fn list<'n>(&self, node: &'n Node, what: &str) -> Option<&'n [Node]> {
        match &node.value {
            Value::List(items) => Some(items),
            _ => {
                self.wrong_type(node, what, "a list");
                None
            }
        }
    }

    pub(super) fn wrong_type(&self, node: &Node, what: &str, wanted: &str) {
        let message = mistyped(what, node, wanted);
        match advice(what, node, wanted) {
            Some(hint) => self.error_hint(Code::WrongType, node.span, message, hint),
            None => self.error(Code::WrongType, node.span, message),
        }
    }

    /// A text without templates; `$${` is a literal `${`.
    pub(super) fn literal(&self, node: &Node, what: &str) -> Option<String> {
        let Some(text) = node.text() else {
            self.wrong_type(node, what, "a text");
            return None;
        };
        match Template::compile(text) {
            Ok(template) if template.is_literal() => Some(template.literal().unwrap_or(text).to_owned()),
            _ => {
                let message = format!("{what} takes no `${{...}}`");
                self.error_hint(Code::LiteralOnly, node.span, message, "write it out; `$${` writes a literal `${`");
                None
            }
        }
    }

    /// A scalar as the text that was written: `1.10` stays `1.10`.
    pub(super) fn scalar_text(&self, node: &Node, what: &str) -> Option<String> {
        match &node.value {
            Value::Number(_) | Value::Bool(_) => Some(self.written(node.span).trim().to_owned()),
            _ => self.literal(node, what),
        }
    }

    pub(super) fn boolean(&self, node: &Node, what: &str) -> Option<bool> {
        match node.value {
            Value::Bool(truth) => Some(truth),
            _ => {
                self.wrong_type(node, what, "true or false");
                None
            }
        }
    }

    /// A whole number within a range.
    pub(super) fn count(&self, node: &Node, what: &str, range: RangeInclusive<u32>) -> Option<u32> {
        let Value::Number(number) = &node.value else {
            self.wrong_type(node, what, "a whole number");
            return None;
        };
        let count = number.as_u64().and_then(|number| u32::try_from(number).ok()).filter(|count| range.contains(count));
        if count.is_none() {
            let message = format!("{what} is {number}, not a whole number from {} to {}", range.start(), range.end());
            self.error(Code::InvalidValue, node.span, message);
        }
        count
    }

    pub(super) fn duration(&self, node: &Node, what: &str) -> Option<Duration> {
        if let Value::Number(number) = &node.value {
            let message = format!("{what} has no unit");
            self.error_hint(Code::BadDuration, node.span, message, format!("write `{number}s` or `{number}ms`"));
            return None;
        }
        let text = self.literal(node, what)?;
        match duration::parse(&text) {
            Ok(read) => Some(read),
            Err(error) => {
                self.error(Code::BadDuration, node.span, format!("{what}: {error}"));
                None
            }
        }
    }

    /// One of several words.
    pub(super) fn word<T: Copy>(&self, node: &Node, what: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.literal(node, what)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let problem = Problem::new(Code::NotOneOf, node.span, format!("{what} cannot be `{}`", cut(&text)));
            let hint = self.suggest(&text, words.iter().map(|(word, _)| *word));
            self.report(Problem { hint, ..problem });
        }
        found
    }

    /// A name: letters, digits and `_`, not beginning with a digit.
    pub(super) fn name(&self, name: &str, span: Span, what: &str) -> bool {
        let rest = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let first = name.bytes().next().is_some_and(|byte| rest(byte) && !byte.is_ascii_digit());
        let good = first && name.len() <= 100 && name.bytes().all(rest);
        if !good {
            let hint = "use letters, digits and `_`, not beginning with a digit, 100 at most";
            self.error_hint(Code::BadName, span, format!("`{}` cannot be {what}", cut(name)), hint);
        }
        good
    }

    /// The nodes of something that takes one or a list.
    pub(super) fn one_or_list<'n>(&self, node: &'n Node) -> &'n [Node] {
        match &node.value {
            Value::List(items) => items,
            _ => std::slice::from_ref(node),
        }
    }
}

/// What is said of a value of another type.
pub(super) fn mistyped(what: &str, node: &Node, wanted: &str) -> String {
    format!("expected {wanted} for {what}, found {}", node.type_name())
}

/// How to write what was most likely meant.
pub(super) fn advice(what: &str, node: &Node, wanted: &str) -> Option<String> {
    Some(match (what, &node.value, wanted) {
        ("a flow", Value::List(_), _) => "put the steps below `steps:`".to_owned(),
        ("a step", Value::Text(_), _) => "begin with its type, as in `type: http`".to_owned(),
        ("an input", Value::Null | Value::List(_), _) => "write `{default: ...}`".to_owned(),
        ("an input", value, _) => match value.scalar_text() {
            Some(text) => format!("write `{{default: {}}}`", cut(&text)),
            None => return None,
        },
        ("`retry`", Value::Number(_), _) => "as in `retry: {maxAttempts: 3}`".to_owned(),
        ("`eventually`", ..) => "as in `eventually: {timeout: 30s, interval: 1s}`".to_owned(),
        ("`throughout`", ..) => "as in `throughout: {window: 30s, interval: 1s}`".to_owned(),
        (_, Value::List(_), "a map") => "write `name: value`, without dashes or brackets".to_owned(),
        (_, Value::Map(_), "a list") => "begin each item with `- `".to_owned(),
        _ => return None,
    })
}

/// A text cut to what a message can hold.
pub(super) fn cut(text: &str) -> String {
    match text.chars().count() > 60 {
        true => format!("{}...", text.chars().take(60).collect::<String>()),
        false => text.to_owned(),
    }
}
