//! The inputs of a flow.

use regex::Regex;
use serde_json::Value as Json;

use super::context::Shared;
use super::fields::cut;
use crate::diagnostics::Code;
use crate::expr::Template;
use crate::plan::{Input, InputType};
use crate::source::{Entry, Node, Span, Value};

pub(super) const INPUT_KEYS: [&str; 7] = ["type", "default", "required", "enum", "pattern", "description", "fromFile"];

const TYPES: [(&str, InputType); 6] = [
    ("string", InputType::String),
    ("integer", InputType::Integer),
    ("number", InputType::Number),
    ("boolean", InputType::Boolean),
    ("array", InputType::Array),
    ("object", InputType::Object),
];

impl InputType {
    /// The word as users write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        TYPES.iter().find(|(_, kind)| *kind == self).map_or("string", |(word, _)| word)
    }

    /// Whether a value is of this type; a whole number is a number too.
    #[must_use]
    pub fn fits(self, value: &Json) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Integer => {
                value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
            }
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
        }
    }

    fn of(value: &Json) -> Self {
        TYPES.iter().map(|(_, kind)| *kind).find(|kind| kind.fits(value)).unwrap_or(Self::String)
    }
}

/// An input with the place of its name.
pub(super) struct Declared {
    pub(super) input: Input,
    pub(super) span: Span,
}

/// Reads `inputs`; the environment's values are put in.
pub(super) fn read(shared: &Shared<'_>, folder: &str, node: &Node) -> Vec<Declared> {
    let mut declared = Vec::new();
    for entry in shared.any_map(node, "`inputs`").unwrap_or_default() {
        shared.name(&entry.key, entry.key_span, "an input's name");
        if let Some(input) = input(shared, folder, entry) {
            declared.push(Declared { input, span: entry.key_span });
        }
    }
    declared
}

fn input(shared: &Shared<'_>, folder: &str, entry: &Entry) -> Option<Input> {
    let name = entry.key.to_string();
    let node = &entry.value;
    if matches!(node.value, Value::Null) {
        return Some(Input { kind: InputType::String, required: false, ..empty(name) });
    }
    shared.map(node, "an input", &INPUT_KEYS)?;
    let kind = node.get("type").and_then(|kind| shared.word(kind, "`type`", &TYPES));
    let given = shared.environment.inputs.iter().find(|given| given.key == entry.key).map(|given| &given.value);
    let file = node.get("fromFile").and_then(|file| from_file(shared, folder, file, kind));
    let default = file.or_else(|| node.get("default").and_then(|node| Some((literal_json(shared, node)?, node.span))));
    let given = given.and_then(|node| Some((literal_json(shared, node)?, node.span)));
    let guess = given.as_ref().or(default.as_ref()).map(|(value, _)| InputType::of(value));
    let kind = kind.or(guess).unwrap_or(InputType::String);
    let pattern = node.get("pattern").and_then(|pattern| read_pattern(shared, pattern));
    let choices = node.get("enum").and_then(|list| shared.list(list, "`enum`")).unwrap_or_default();
    for choice in choices.iter().filter(|choice| !kind.fits(&choice.to_json())) {
        shared.wrong_type(choice, &format!("a value of `{name}`"), kind.word());
    }
    let input = Input {
        kind,
        required: node.get("required").and_then(|node| shared.boolean(node, "`required`")).unwrap_or(false),
        choices: choices.iter().map(Node::to_json).collect(),
        pattern,
        description: node.get("description").and_then(|node| shared.literal(node, "`description`")),
        ..empty(name)
    };
    for (value, span) in given.iter().chain(&default) {
        if let Err(why) = input.check(value) {
            shared.error(Code::InvalidValue, *span, format!("the default of `{}` {why}", input.name));
        }
    }
    Some(Input { default: given.or(default).map(|(value, _)| value), ..input })
}

fn empty(name: String) -> Input {
    let kind = InputType::String;
    Input { name, kind, default: None, required: false, choices: Vec::new(), pattern: None, description: None }
}

impl Input {
    /// Why a value cannot be given to this input, as a fragment after its name.
    ///
    /// # Errors
    /// When the type, the choices or the pattern do not fit.
    pub fn check(&self, value: &Json) -> Result<(), String> {
        if !self.kind.fits(value) {
            return Err(format!("is not of type {}", self.kind.word()));
        }
        if !self.choices.is_empty() && !self.choices.contains(value) {
            let choices: Vec<String> = self.choices.iter().take(10).map(Json::to_string).collect();
            return Err(format!("is none of {}", choices.join(", ")));
        }
        if let (Some(pattern), Some(text)) = (&self.pattern, value.as_str())
            && !Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text))
        {
            return Err(format!("does not match `{}`", cut(pattern)));
        }
        Ok(())
    }
}

/// A value without templates.
fn literal_json(shared: &Shared<'_>, node: &Node) -> Option<Json> {
    fn unescape(value: &mut Json) -> bool {
        match value {
            Json::String(text) => match Template::compile(text).map(|template| template.literal().map(str::to_owned)) {
                Ok(Some(literal)) => {
                    *text = literal;
                    true
                }
                _ => false,
            },
            Json::Array(items) => items.iter_mut().all(unescape),
            Json::Object(map) => map.values_mut().all(unescape),
            _ => true,
        }
    }
    let mut value = node.to_json();
    if unescape(&mut value) {
        return Some(value);
    }
    let message = "the value of an input takes no `${...}`";
    shared.error_hint(Code::LiteralOnly, node.span, message, "compute it under `vars`; `$${` writes a literal `${`");
    None
}

fn from_file(shared: &Shared<'_>, folder: &str, node: &Node, kind: Option<InputType>) -> Option<(Json, Span)> {
    let name = shared.literal(node, "`fromFile`")?;
    let (path, bytes) = shared.file(folder, &name, node.span)?;
    let value = match kind {
        Some(InputType::String) => Json::String(shared.file_text(&path, &bytes, node.span)?),
        _ => shared.data(&path, &bytes, node.span)?,
    };
    Some((value, node.span))
}

fn read_pattern(shared: &Shared<'_>, node: &Node) -> Option<String> {
    let text = node.text().map(str::to_owned);
    let Some(pattern) = text else {
        shared.wrong_type(node, "`pattern`", "a text");
        return None;
    };
    match Regex::new(&pattern) {
        Ok(_) => Some(pattern),
        Err(error) => {
            let why = error.to_string();
            let why = why.lines().last().unwrap_or_default();
            shared.error(Code::InvalidValue, node.span, format!("`pattern` is no regular expression: {}", cut(why)));
            None
        }
    }
}
