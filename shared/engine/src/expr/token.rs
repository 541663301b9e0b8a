//! From text to tokens.

use super::error::ExprError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    Uint,
    Double,
    String,
    Bytes,
    /// A name; keywords and reserved words too.
    Name,
    /// A name in backquotes.
    Quoted,
    Sign(&'static str),
    End,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Signs, longest first.
const SIGNS: [&str; 24] = [
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",", "(", ")", "[", "]",
    "{", "}",
];

/// The tokens of `text`, with an end token last.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, ExprError> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next()?;
        tokens.push(token);
        if token.kind == Kind::End {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl Lexer<'_> {
    fn rest(&self) -> &[u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn next(&mut self) -> Result<Token, ExprError> {
        self.skip_blank();
        let start = self.at;
        let rest = self.rest();
        let kind = match rest.first() {
            None => Kind::End,
            Some(b'0'..=b'9') => self.number()?,
            Some(b'.') if rest.get(1).is_some_and(u8::is_ascii_digit) => self.number()?,
            Some(b'`') => self.quoted_name()?,
            Some(_) => {
                if let Some((prefix, raw, bytes)) = string_prefix(rest) {
                    self.string(prefix, raw)?;
                    if bytes { Kind::Bytes } else { Kind::String }
                } else if is_name_start(rest) {
                    self.at += rest.iter().take_while(|b| is_name(**b)).count();
                    Kind::Name
                } else {
                    self.sign()?
                }
            }
        };
        Ok(Token { kind, start, end: self.at })
    }

    fn skip_blank(&mut self) {
        loop {
            let rest = self.rest();
            let blank = rest.iter().take_while(|b| b" \t\r\n\x0c".contains(b)).count();
            let comment = if rest.get(blank..).is_some_and(|r| r.starts_with(b"//")) {
                rest.iter().skip(blank).take_while(|b| **b != b'\n').count()
            } else {
                0
            };
            if blank + comment == 0 {
                return;
            }
            self.at += blank + comment;
        }
    }

    fn digits(&mut self, digit: fn(&u8) -> bool) -> usize {
        let count = self.rest().iter().take_while(|b| digit(b)).count();
        self.at += count;
        count
    }

    fn number(&mut self) -> Result<Kind, ExprError> {
        let start = self.at;
        let mut double = false;
        if self.rest().starts_with(b"0x") || self.rest().starts_with(b"0X") {
            self.at += 2;
            if self.digits(u8::is_ascii_hexdigit) == 0 {
                return Err(ExprError::new("a hexadecimal number without digits", start..self.at));
            }
        } else {
            self.digits(u8::is_ascii_digit);
            if let [b'.', b'0'..=b'9', ..] = self.rest() {
                double = true;
                self.at += 1;
                self.digits(u8::is_ascii_digit);
            }
            if let [b'e' | b'E', ..] = self.rest() {
                double = true;
                self.at += 1;
                if let [b'+' | b'-', ..] = self.rest() {
                    self.at += 1;
                }
                if self.digits(u8::is_ascii_digit) == 0 {
                    return Err(ExprError::new("a number's exponent without digits", start..self.at));
                }
            }
        }
        let mut kind = if double { Kind::Double } else { Kind::Int };
        if let [b'u' | b'U', ..] = self.rest()
            && !double
        {
            kind = Kind::Uint;
            self.at += 1;
        }
        if self.rest().first().is_some_and(|b| is_name(*b)) {
            let end = self.at + 1;
            return Err(ExprError::new("a number runs into a name", start..end));
        }
        Ok(kind)
    }

    fn quoted_name(&mut self) -> Result<Kind, ExprError> {
        let start = self.at;
        let length = self.rest().iter().skip(1).position(|b| *b == b'`');
        let Some(length) = length else {
            return Err(ExprError::new("the name in backquotes has no end", start..self.text.len()));
        };
        self.at += length + 2;
        if length == 0 {
            return Err(ExprError::new("there is no name between the backquotes", start..self.at));
        }
        Ok(Kind::Quoted)
    }

    /// Moves past a string whose prefix is `prefix` bytes long.
    fn string(&mut self, prefix: usize, raw: bool) -> Result<(), ExprError> {
        match string_end(self.text.as_bytes(), self.at + prefix, raw) {
            Some(end) => {
                self.at = end;
                Ok(())
            }
            None => Err(ExprError::new("the text in quotes has no end", self.at..self.text.len())
                .hint("close it with the same quote; a line break needs triple quotes")),
        }
    }

    fn sign(&mut self) -> Result<Kind, ExprError> {
        let rest = self.rest();
        if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(sign.as_bytes())) {
            self.at += sign.len();
            return Ok(Kind::Sign(sign));
        }
        let character = self.text.get(self.at..).and_then(|rest| rest.chars().next());
        let end = self.at + character.map_or(1, char::len_utf8);
        let error = ExprError::new(format!("`{}` has no meaning here", character.unwrap_or(' ')), self.at..end);
        Err(match character {
            Some('=') => error.hint("write `==` to compare"),
            Some('&') => error.hint("write `&&`"),
            Some('|') => error.hint("write `||`"),
            Some('$') if self.text.get(end..).is_some_and(|rest| rest.starts_with('.')) => {
                error.hint("write the path without `$.`, as in `body.id`; JSONPath is `jsonpath(body, '$.id')`")
            }
            _ => error,
        })
    }
}

/// The end of the string whose quote is at `quote`, just behind its closing quote.
pub(super) fn string_end(text: &[u8], quote: usize, raw: bool) -> Option<usize> {
    let mark = *text.get(quote)?;
    let triple = [mark; 3];
    let long = text.get(quote..)?.starts_with(&triple);
    let mut at = quote + if long { 3 } else { 1 };
    loop {
        let byte = *text.get(at)?;
        if byte == b'\\' && !raw {
            at += 2;
        } else if long && text.get(at..)?.starts_with(&triple) {
            return Some(at + 3);
        } else if !long && byte == mark {
            return Some(at + 1);
        } else if !long && (byte == b'\n' || byte == b'\r') {
            return None;
        } else {
            at += 1;
        }
    }
}

/// Whether a string starts here: the length of its prefix, whether it is raw, whether it is bytes.
pub(super) fn string_prefix(text: &[u8]) -> Option<(usize, bool, bool)> {
    let mut raw = false;
    let mut bytes = false;
    for (at, byte) in text.iter().take(3).enumerate() {
        match byte {
            b'"' | b'\'' => return Some((at, raw, bytes)),
            b'r' | b'R' if !raw => raw = true,
            b'b' | b'B' if !bytes => bytes = true,
            _ => return None,
        }
    }
    None
}

fn is_name_start(rest: &[u8]) -> bool {
    rest.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
}

pub(super) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
