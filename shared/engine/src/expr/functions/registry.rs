//! The one list of functions.

use std::fmt;

use super::super::error::Fault;
use super::super::evaluation::Evaluation;
use super::super::tree::LOOPS;
use super::super::value::{Type, Value};

pub(super) type Outcome = Result<Value, Fault>;
pub(super) type Body = fn(&mut Evaluation<'_>, &[Value]) -> Outcome;

/// An argument count without an upper bound.
pub(in super::super) const MANY: usize = usize::MAX;

/// How a function is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Style {
    /// `f(x)`
    Global,
    /// `x.f()`
    Method,
    /// Both.
    Either,
}

/// A function of the language.
pub(in super::super) struct Function {
    /// Its name, with its namespace.
    pub(in super::super) name: &'static str,
    style: Style,
    /// Fewest and most arguments, the receiver of a method counted.
    pub(in super::super) arguments: (usize, usize),
    /// Whether the last argument must be a string literal.
    pub(in super::super) literal: bool,
    pub(in super::super) body: Body,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// `name(...)`
pub(super) const fn global(name: &'static str, arguments: (usize, usize), body: Body) -> Function {
    Function { name, style: Style::Global, arguments, literal: false, body }
}

/// `receiver.name(...)`; the receiver is the first argument.
pub(super) const fn method(name: &'static str, arguments: (usize, usize), body: Body) -> Function {
    Function { style: Style::Method, ..global(name, arguments, body) }
}

/// Both ways.
pub(super) const fn either(name: &'static str, arguments: (usize, usize), body: Body) -> Function {
    Function { style: Style::Either, ..global(name, arguments, body) }
}

/// A function whose last argument is read before the flow starts.
pub(super) const fn literal(function: Function) -> Function {
    Function { literal: true, ..function }
}

const TABLES: [&[Function]; 14] = [
    super::convert::FUNCTIONS,
    super::css::FUNCTIONS,
    super::encode::FUNCTIONS,
    super::fake::FUNCTIONS,
    super::instant::FUNCTIONS,
    super::jsonpath::FUNCTIONS,
    super::list::FUNCTIONS,
    super::math::FUNCTIONS,
    super::optional::FUNCTIONS,
    super::outside::FUNCTIONS,
    super::schema::FUNCTIONS,
    super::text::FUNCTIONS,
    super::text_format::FUNCTIONS,
    super::xpath::FUNCTIONS,
];

fn all() -> impl Iterator<Item = &'static Function> {
    TABLES.iter().flat_map(|table| table.iter())
}

/// The function of this name that can be called this way.
pub(in super::super) fn find(name: &str, style: Style) -> Option<&'static Function> {
    all().find(|function| function.name == name && (function.style == style || function.style == Style::Either))
}

/// Whether names such as `math.abs` start with this.
pub(in super::super) fn is_namespace(name: &str) -> bool {
    all().any(|function| {
        let rest = function.name.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with('.'))
    })
}

/// What may have been meant by a name that is no function.
pub(in super::super) fn nearest(name: &str) -> Option<String> {
    if let Some(function) = all().find(|function| function.name == name) {
        return Some(match function.style {
            Style::Method => format!("write it behind its value: x.{name}()"),
            _ => format!("write it with its value in the parentheses: {name}(x)"),
        });
    }
    if LOOPS.iter().any(|(known, ..)| *known == name) {
        return Some(format!("write it behind its list: list.{name}(x, ...)"));
    }
    let macros = LOOPS.iter().map(|(name, ..)| *name);
    let known = macros.chain(["has", "cel.bind", "orValue", "optMap", "optFlatMap"]).chain(all().map(|f| f.name));
    let lower = name.to_ascii_lowercase();
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let nearest = known
        .map(|known| {
            let distance = strsim::damerau_levenshtein(&lower, &known.to_ascii_lowercase());
            let behind = strsim::damerau_levenshtein(&last(name), &last(known)) + 1;
            (distance.min(behind), known)
        })
        .min_by_key(|(distance, _)| *distance)?;
    let allowed = (name.len() / 3).clamp(1, 4);
    (name.len() < 60 && nearest.0 <= allowed).then(|| format!("did you mean `{}`?", nearest.1))
}

/// The fault of an argument whose type the function cannot take.
pub(super) fn wrong(value: &Value, wanted: &str) -> Fault {
    Fault::Type(format!("expected {wanted}, this is {}", value.kind().article()))
}

/// The argument at `index`.
pub(super) fn arg(args: &[Value], index: usize) -> Result<&Value, Fault> {
    args.get(index).ok_or_else(|| Fault::Argument("an argument is missing".to_owned()))
}

pub(super) fn string(args: &[Value], index: usize) -> Result<&str, Fault> {
    match arg(args, index)? {
        Value::String(text) => Ok(text),
        other => Err(wrong(other, Type::String.article())),
    }
}

pub(super) fn int(args: &[Value], index: usize) -> Result<i64, Fault> {
    match arg(args, index)? {
        Value::Int(number) => Ok(*number),
        other => Err(wrong(other, Type::Int.article())),
    }
}

pub(super) fn items(args: &[Value], index: usize) -> Result<&super::super::value::List, Fault> {
    match arg(args, index)? {
        Value::List(list) => Ok(list),
        other => Err(wrong(other, Type::List.article())),
    }
}

/// A number that must not be negative and at most `most`.
pub(super) fn position(number: i64, most: usize) -> Result<usize, Fault> {
    usize::try_from(number)
        .ok()
        .filter(|number| *number <= most)
        .ok_or_else(|| Fault::Argument(format!("{number} is out of range, it can be 0 to {most}")))
}

/// A size as an int.
pub(super) fn count(size: usize) -> Value {
    Value::Int(i64::try_from(size).unwrap_or(i64::MAX))
}
