//! Texts with `${...}`.

use std::sync::Arc;

use serde_json::Value as Json;

use super::error::{EvalError, ExprError, Limits};
use super::evaluation::{Evaluation, Scope};
use super::program::Program;
use super::references::References;
use super::token::{is_name, string_end, string_prefix};
use super::value::Value;

/// A text with expressions in `${...}`. `$${` stands for a literal `${`.
#[derive(Debug, Clone)]
pub struct Template(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    text: Arc<str>,
    pieces: Vec<Piece>,
    references: References,
}

#[derive(Debug)]
enum Piece {
    Text(String),
    /// The program, and where its text starts within the template's.
    Expression(Program, usize),
}

impl Template {
    /// Compiles a text; every text without `${` is a template of itself.
    ///
    /// # Errors
    ///
    /// All of its expressions' errors, their ranges told of the whole text.
    pub fn compile(text: &str) -> Result<Self, Vec<ExprError>> {
        let mut pieces = Vec::new();
        let mut references = References::default();
        let mut errors = Vec::new();
        let mut literal = String::new();
        let mut rest = 0;
        while let Some(found) = text[rest..].find("${") {
            let at = rest + found;
            if text[rest..at].ends_with('$') {
                literal.push_str(&text[rest..at]);
                literal.push('{');
                rest = at + 2;
                continue;
            }
            literal.push_str(&text[rest..at]);
            let Some(end) = closing_brace(text.as_bytes(), at + 2) else {
                errors.push(ExprError::new("`${` without its `}`", at..text.len()).hint("`$${` writes a literal `${`"));
                break;
            };
            match Program::compile(&text[at + 2..end], Limits::default()) {
                Ok(program) => {
                    if !literal.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut literal)));
                    }
                    references.merge(program.references(), at + 2);
                    pieces.push(Piece::Expression(program, at + 2));
                }
                Err(error) => errors.push(error.shifted(at + 2)),
            }
            rest = end + 1;
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        literal.push_str(&text[rest..]);
        if !literal.is_empty() || pieces.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Ok(Self(Arc::new(Compiled { text: Arc::from(text), pieces, references })))
    }

    /// The text it was compiled from.
    pub fn text(&self) -> &Arc<str> {
        &self.0.text
    }

    /// What its expressions name, with places in the whole text.
    pub fn references(&self) -> &References {
        &self.0.references
    }

    /// Whether it has no expression.
    pub fn is_literal(&self) -> bool {
        self.literal().is_some()
    }

    /// The text it always renders to, when it has no expression.
    pub fn literal(&self) -> Option<&str> {
        match self.0.pieces.as_slice() {
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Its expressions, each with the byte offset of its text.
    pub fn expressions(&self) -> impl Iterator<Item = (&Program, usize)> {
        self.0.pieces.iter().filter_map(|piece| match piece {
            Piece::Expression(program, offset) => Some((program, *offset)),
            Piece::Text(_) => None,
        })
    }

    /// The expression, when the whole text is one `${...}`.
    pub fn lone(&self) -> Option<&Program> {
        match self.0.pieces.as_slice() {
            [Piece::Expression(program, _)] => Some(program),
            _ => None,
        }
    }

    /// Its value: of a lone `${...}` the expression's own value as JSON, else a text.
    ///
    /// # Errors
    ///
    /// When an expression has no value, or is null within a longer text.
    pub fn render(&self, scope: &dyn Scope, cx: &mut Evaluation<'_>) -> Result<Json, EvalError> {
        let value = self.value(scope, cx)?;
        let json = value.to_json();
        Ok(json)
    }

    /// As [`Template::render`], before it is made JSON.
    ///
    /// # Errors
    ///
    /// As [`Template::render`].
    pub fn value(&self, scope: &dyn Scope, cx: &mut Evaluation<'_>) -> Result<Value, EvalError> {
        if let [Piece::Expression(program, offset)] = self.0.pieces.as_slice() {
            cx.base = *offset;
            return program.evaluate(scope, cx);
        }
        let mut text = String::new();
        for piece in &self.0.pieces {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Expression(program, offset) => {
                    cx.base = *offset;
                    let value = program.evaluate(scope, cx)?;
                    let shown = value
                        .to_text()
                        .ok_or_else(|| EvalError::NullInText { culprit: program.text().trim().to_owned() })?;
                    cx.bytes(shown.len()).map_err(|_| EvalError::Budget)?;
                    text.push_str(&shown);
                }
            }
        }
        cx.base = 0;
        Ok(Value::text(text))
    }
}

/// The brace that closes an expression which starts at `at`: not one within a text, a comment or other braces.
fn closing_brace(text: &[u8], mut at: usize) -> Option<usize> {
    let mut open = 0_usize;
    loop {
        let rest = text.get(at..)?;
        let word_before = at > 0 && text.get(at - 1).is_some_and(|b| is_name(*b));
        let string =
            if word_before && !rest.starts_with(b"\"") && !rest.starts_with(b"'") { None } else { string_prefix(rest) };
        if let Some((prefix, raw, _)) = string {
            at = string_end(text, at + prefix, raw)?;
            continue;
        }
        match rest.first()? {
            b'{' => open += 1,
            b'}' if open == 0 => return Some(at),
            b'}' => open -= 1,
            b'`' => at += 1 + rest.iter().skip(1).position(|b| *b == b'`')?,
            b'/' if rest.starts_with(b"//") => at += rest.iter().position(|b| *b == b'\n')?,
            _ => {}
        }
        at += 1;
    }
}
