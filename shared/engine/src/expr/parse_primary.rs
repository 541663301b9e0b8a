//! From tokens to the values that operators join: literals, names, calls, lists, maps, and what is in parentheses.

use std::sync::Arc;

use super::error::ExprError;
use super::literal;
use super::parse::{Parsed, Parser, Placed};
use super::syntax::{Entry, Form, Item};
use super::token::{Kind, Token};
use super::value::Value;

/// Words that cannot be names.
const RESERVED: [&str; 18] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
    "in",
];

/// Whether a word has a meaning of its own, so that it cannot be a name.
fn is_word(text: &str) -> bool {
    RESERVED.contains(&text) || matches!(text, "true" | "false" | "null")
}

impl Parser<'_> {
    pub(super) fn primary(&mut self, negative: bool) -> Parsed<Placed> {
        let token = self.next();
        match token.kind {
            Kind::Name | Kind::Sign(".") => {
                if let Some(name) = self.called(token).or_else(|| self.rooted_call(token)) {
                    let (args, end) = self.arguments()?;
                    return Ok(self.add(Form::Call { name, args }, token.start..end));
                }
                self.name(token)
            }
            Kind::Sign("(") => {
                let inner = self.expression()?.0;
                let close = self.expect(")")?;
                Ok((inner, token.start..close.end))
            }
            Kind::Sign("[") => self.list(token.start),
            Kind::Sign("{") => self.map(token.start),
            _ => self.literal(token, negative),
        }
    }

    fn literal(&mut self, token: Token, negative: bool) -> Parsed<Placed> {
        let text = self.slice(token);
        let value = match token.kind {
            Kind::Int => literal::int(text, negative),
            Kind::Uint => literal::uint(text),
            Kind::Double => literal::double(text, negative),
            Kind::String => literal::string(text),
            Kind::Bytes => literal::bytes(text),
            _ => return Err(self.unexpected(token, "a value")),
        };
        let value = value.map_err(|why| ExprError::new(why, token.start..token.end))?;
        let start = token.start - usize::from(negative);
        Ok(self.add(Form::Literal(value), start..token.end))
    }

    /// The name of a function whose call starts with this token; its parenthesis is then behind.
    fn called(&mut self, token: Token) -> Option<Arc<str>> {
        let text = self.slice(token);
        let name = token.kind == Kind::Name && !is_word(text);
        (name && self.eat("(")).then(|| text.into())
    }

    /// As `called`, for a name behind a leading dot.
    fn rooted_call(&mut self, dot: Token) -> Option<Arc<str>> {
        if dot.kind != Kind::Sign(".") {
            return None;
        }
        let before = self.at;
        let token = self.next();
        let name = self.called(token);
        if name.is_none() {
            self.at = before;
        }
        name
    }

    fn name(&mut self, first: Token) -> Parsed<Placed> {
        let rooted = first.kind == Kind::Sign(".");
        let token = if rooted { self.next() } else { first };
        let text = self.slice(token);
        let range = first.start..token.end;
        if token.kind != Kind::Name {
            return Err(self.unexpected(token, "a name"));
        }
        let form = match text {
            "true" => Form::Literal(Value::Bool(true)),
            "false" => Form::Literal(Value::Bool(false)),
            "null" => Form::Literal(Value::Null),
            _ if is_word(text) => {
                let message = format!("`{text}` is a reserved word");
                return Err(ExprError::new(message, range).into());
            }
            _ => Form::Name { name: text.into(), rooted },
        };
        Ok(self.add(form, range))
    }

    fn list(&mut self, start: usize) -> Parsed<Placed> {
        let mut items = Vec::new();
        while self.peek().kind != Kind::Sign("]") {
            let optional = self.eat("?");
            let of = self.expression()?.0;
            items.push(Item { of, optional });
            if !self.eat(",") {
                break;
            }
        }
        let end = self.expect("]")?.end;
        Ok(self.add(Form::List(items), start..end))
    }

    fn map(&mut self, start: usize) -> Parsed<Placed> {
        let mut entries = Vec::new();
        while self.peek().kind != Kind::Sign("}") {
            let optional = self.eat("?");
            let key = self.expression()?.0;
            self.expect(":")?;
            let value = self.expression()?.0;
            entries.push(Entry { key, value, optional });
            if !self.eat(",") {
                break;
            }
        }
        let end = self.expect("}")?.end;
        Ok(self.add(Form::Map(entries), start..end))
    }
}
