//! What can be wrong with an expression: when it is compiled (`ExprError`) and when it is evaluated (`EvalError`).

use std::ops::Range;

use thiserror::Error;

/// The bounds an expression's text must keep to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest text, in bytes.
    pub bytes: usize,
    /// Deepest nesting of brackets of any kind.
    pub levels: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 16 * 1024, levels: 200 }
    }
}

/// Why a text is not an expression. `range` is in bytes of the text that was compiled.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct ExprError {
    /// What is wrong, without the place.
    pub message: String,
    /// Where, as byte offsets into the text.
    pub range: Range<usize>,
    /// What to write instead, where that is known.
    pub hint: Option<String>,
}

impl ExprError {
    pub(super) fn new(message: impl Into<String>, range: Range<usize>) -> Self {
        Self { message: message.into(), range, hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same error, told of a longer text in which this one starts at `offset`.
    pub(super) fn shifted(mut self, offset: usize) -> Self {
        self.range = self.range.start + offset..self.range.end + offset;
        self
    }
}

/// Why an expression has no value. Each says which part of the text failed, in the text's own words.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EvalError {
    /// A map without the field that was asked for.
    #[error("{path}: {why}")]
    NoSuchField {
        /// The part that was asked for, e.g. `body.order.id`.
        path: String,
        /// What was there instead.
        why: String,
    },
    /// A list without the index, or a map without the key, that was asked for.
    #[error("{path}: {why}")]
    NoSuchKey {
        /// The part that was asked for, e.g. `body.items[3]`.
        path: String,
        /// What was there instead.
        why: String,
    },
    /// A part has a type that the operator or function around it cannot take.
    #[error("{part}: {why}")]
    TypeMismatch {
        /// The part that failed.
        part: String,
        /// Which types met.
        why: String,
    },
    /// A number left the range of its type.
    #[error("{part}: the result is out of range")]
    Overflow {
        /// The part that failed.
        part: String,
    },
    /// A division or remainder by zero.
    #[error("{part}: division by zero")]
    DivideByZero {
        /// The part that failed.
        part: String,
    },
    /// The counted work is used up.
    #[error("the expression does more work than its budget allows")]
    Budget,
    /// A function that cannot work with the value it was given.
    #[error("{part}: {why}")]
    BadArgument {
        /// The function's name, e.g. `base64.decode`.
        function: String,
        /// The part that failed.
        part: String,
        /// What is wrong with the argument.
        why: String,
    },
    /// A `${...}` within a longer text whose value is null.
    #[error("${{{culprit}}} is null and cannot be part of a longer text")]
    NullInText {
        /// The expression whose value is null.
        culprit: String,
    },
    /// A name that the scope does not have.
    #[error("{name}: there is nothing of this name here")]
    UnknownName {
        /// The name.
        name: String,
    },
}

impl EvalError {
    /// The same error without anything of the values that were at hand: which part of the text, and what kind of fault.
    /// For expressions over what must not be shown.
    #[must_use]
    pub fn without_values(self) -> Self {
        match self {
            Self::NoSuchField { path, .. } => Self::NoSuchField { path, why: "no such field".to_owned() },
            Self::NoSuchKey { path, .. } => Self::NoSuchKey { path, why: "there is nothing".to_owned() },
            Self::BadArgument { function, part, .. } => {
                let why = match function.is_empty() {
                    true => "it cannot be made of this value, which is not shown".to_owned(),
                    false => format!("`{function}` cannot take this value, which is not shown"),
                };
                Self::BadArgument { function, part, why }
            }
            // These name types, or nothing.
            Self::TypeMismatch { .. }
            | Self::Overflow { .. }
            | Self::DivideByZero { .. }
            | Self::Budget
            | Self::NullInText { .. }
            | Self::UnknownName { .. } => self,
        }
    }
}

/// What an operator or function reports; the evaluator adds which part of the text it was.
#[derive(Debug)]
pub(super) enum Fault {
    Field(String),
    Key(String),
    Type(String),
    Argument(String),
    Overflow,
    DivideByZero,
    Budget,
}

impl Fault {
    pub(super) fn at(self, part: &str, function: &str) -> Box<EvalError> {
        let part = shortened(part, 200);
        Box::new(match self {
            Self::Field(why) => EvalError::NoSuchField { path: part, why },
            Self::Key(why) => EvalError::NoSuchKey { path: part, why },
            Self::Type(why) => EvalError::TypeMismatch { part, why },
            Self::Argument(why) => EvalError::BadArgument { function: function.to_owned(), part, why },
            Self::Overflow => EvalError::Overflow { part },
            Self::DivideByZero => EvalError::DivideByZero { part },
            Self::Budget => EvalError::Budget,
        })
    }
}

/// `text` cut to about `bytes` bytes, saying so with an ellipsis.
pub(super) fn shortened(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(bytes)])
}
