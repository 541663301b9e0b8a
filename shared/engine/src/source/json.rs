//! JSON (RFC 8259) with exact places.

use serde_json::Number;

use super::build::Builder;
use super::node::{Node, Value};
use super::problem::Problem;
use super::text::Span;
use crate::diagnostics::Code;

/// What JSON text comes to: its root and what is wrong with a text that is JSON, or why it is none.
pub(super) fn read(text: &str, source: u32) -> Result<(Option<Node>, Vec<Problem>), Problem> {
    let mut reader = Reader { text, source, at: 0, builder: Builder::default(), closers: Vec::new() };
    reader.read()?;
    Ok(reader.builder.finish())
}

struct Reader<'a> {
    text: &'a str,
    source: u32,
    at: usize,
    builder: Builder,
    closers: Vec<u8>,
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    CommaOrEnd,
}

impl Reader<'_> {
    fn read(&mut self) -> Result<(), Problem> {
        let mut next = Next::Value;
        loop {
            self.skip_blanks();
            if next == Next::CommaOrEnd && self.closers.is_empty() {
                break;
            }
            let byte = self.peek();
            next = match (next, byte) {
                (Next::ValueOrEnd | Next::KeyOrEnd | Next::CommaOrEnd, Some(close))
                    if self.closers.last() == Some(&close) =>
                {
                    self.close();
                    Next::CommaOrEnd
                }
                (Next::CommaOrEnd, Some(b',')) => {
                    self.at += 1;
                    if self.closers.last() == Some(&b'}') { Next::Key } else { Next::Value }
                }
                (Next::CommaOrEnd, _) => return Err(self.unexpected("`,` or the end of the list or map")),
                (Next::Key | Next::KeyOrEnd, _) => {
                    self.key()?;
                    Next::Value
                }
                (Next::Value | Next::ValueOrEnd, _) => self.value()?,
            };
        }
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.unexpected("the end of the text")),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn span(&self, start: usize) -> Span {
        Span::new(self.source, start, self.at)
    }

    fn unexpected(&self, wanted: &str) -> Problem {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let found = match rest.chars().next() {
            Some(found) => format!("`{}`", found.escape_debug()),
            None => "the end of the text".into(),
        };
        let end = self.at + rest.chars().next().map_or(0, char::len_utf8);
        Problem::new(
            Code::BadSyntax,
            Span::new(self.source, self.at, end),
            format!("{found} where {wanted} is expected"),
        )
    }

    fn close(&mut self) {
        let start = self.at;
        self.at += 1;
        self.closers.pop();
        self.builder.close(self.span(start));
    }

    fn key(&mut self) -> Result<(), Problem> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a key in double quotes"));
        }
        let key = self.string()?;
        self.builder.key(&key, self.span(start));
        self.skip_blanks();
        if self.peek() != Some(b':') {
            return Err(self.unexpected("`:`"));
        }
        self.at += 1;
        Ok(())
    }

    fn value(&mut self) -> Result<Next, Problem> {
        let start = self.at;
        match self.peek() {
            Some(b'{') => {
                self.at += 1;
                self.closers.push(b'}');
                self.builder.open_map(self.span(start), 0)?;
                return Ok(Next::KeyOrEnd);
            }
            Some(b'[') => {
                self.at += 1;
                self.closers.push(b']');
                self.builder.open_list(self.span(start), 0)?;
                return Ok(Next::ValueOrEnd);
            }
            Some(b'"') => {
                let text = self.string()?;
                self.builder.scalar(Value::Text(text.into()), self.span(start), 0);
            }
            Some(b'-' | b'0'..=b'9') => {
                let number = self.number()?;
                self.builder.scalar(number, self.span(start), 0);
            }
            _ => {
                let word = self.word()?;
                self.builder.scalar(word, self.span(start), 0);
            }
        }
        Ok(Next::CommaOrEnd)
    }

    fn word(&mut self) -> Result<Value, Problem> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let words = [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))];
        let Some((word, value)) = words.into_iter().find(|(word, _)| rest.starts_with(word)) else {
            return Err(self.unexpected("a value"));
        };
        self.at += word.len();
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, Problem> {
        let start = self.at;
        while matches!(self.peek(), Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')) {
            self.at += 1;
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        let span = self.span(start);
        let whole = !text.contains(['.', 'e', 'E']);
        match serde_json::from_str::<Number>(text) {
            Ok(number) if !(whole && number.is_f64()) => Ok(Value::Number(number)),
            Ok(_) => {
                let message = "a whole number beyond 64 bits";
                self.builder.problems.push(Problem::new(Code::NumberRange, span, message).hint("write it as a text"));
                Ok(Value::Null)
            }
            Err(error) if error.to_string().contains("out of range") => {
                let problem = Problem::new(Code::NumberRange, span, "a number that is too large");
                self.builder.problems.push(problem.hint("write it as a text"));
                Ok(Value::Null)
            }
            Err(_) => Err(Problem::new(Code::BadSyntax, span, "a malformed number")),
        }
    }

    fn string(&mut self) -> Result<String, Problem> {
        let start = self.at;
        self.at += 1;
        let mut escaped = false;
        loop {
            match self.peek() {
                None => {
                    return Err(Problem::new(Code::BadSyntax, self.span(start), "a text without its closing quote"));
                }
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.at += 2;
                }
                Some(0..=0x1f) => return Err(self.unexpected("a character of a text, or its closing quote,")),
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        let quoted = self.text.get(start..self.at).unwrap_or_default();
        if !escaped {
            return Ok(quoted.trim_matches('"').to_owned());
        }
        serde_json::from_str(quoted).map_err(|_| {
            Problem::new(Code::BadSyntax, self.span(start), "a text with an escape that JSON does not know")
        })
    }
}
