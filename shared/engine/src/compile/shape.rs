//! Checks `with` against its type's JSON Schema. A text with `${` may become anything and is not judged.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::Validator;
use jsonschema::error::{ValidationError, ValidationErrorKind};
use serde_json::Value as Json;

use super::context::Shared;
use super::fields::{advice, cut, mistyped};
use super::flow::Scene;
use super::step::Raw;
use crate::diagnostics::Code;
use crate::source::{Node, Problem, Span};
use crate::types::StepSpec;

/// Validators by the address of their schema, which lives as long as the process.
static VALIDATORS: Mutex<Option<HashMap<usize, Arc<Validator>>>> = Mutex::new(None);

fn validator(schema: &'static Json) -> Option<Arc<Validator>> {
    let key = std::ptr::from_ref(schema) as usize;
    let mut known = VALIDATORS.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    if let Some(validator) = known.get(&key) {
        return Some(validator.clone());
    }
    let validator = Arc::new(jsonschema::validator_for(schema).ok()?);
    known.insert(key, validator.clone());
    Some(validator)
}

/// Reports what the schema does not allow; true when nothing was found.
pub(super) fn check(scene: &Scene<'_>, raw: &Raw<'_>, spec: &'static dyn StepSpec, node: &Node, json: &Json) -> bool {
    let schema = spec.schema();
    let Some(validator) = validator(schema) else {
        let message = format!("the schema of `{}` is broken", spec.name());
        scene.shared.error(Code::InvalidValue, raw.id_span, message);
        return false;
    };
    let what = format!("`with` of `{}`", raw.type_name);
    let (shared, judged, outer) = (scene.shared, scene.judged, scene.with_span(raw));
    Shape { shared, judged, what: &what, outer, step: true, schema, node, json }.run(&validator)
}

/// Reports what the schema of a resource does not allow of its fields.
pub(super) fn check_fields(shared: &Shared<'_>, by: (&Json, &Validator), what: &str, outer: Span, node: &Node) {
    let (schema, json) = (by.0, &node.to_json());
    Shape { shared, judged: &[], what, outer, step: false, schema, node, json }.run(by.1);
}

struct Shape<'a> {
    shared: &'a Shared<'a>,
    /// What stands here was held against a schema before.
    judged: &'a [Span],
    /// How messages call the whole.
    what: &'a str,
    /// Where problems of the whole are shown.
    outer: Span,
    /// Whether it is the `with` of a step.
    step: bool,
    schema: &'a Json,
    node: &'a Node,
    json: &'a Json,
}

impl Shape<'_> {
    /// True when nothing was found.
    fn run(&self, validator: &Validator) -> bool {
        let before = self.shared.errors();
        for error in validator.iter_errors(self.json) {
            self.report(&error);
        }
        self.shared.errors() == before
    }

    /// Whether a template stands where the error is, so that nobody knows yet.
    fn lenient(&self, error: &ValidationError<'_>) -> bool {
        let at = error.instance_path().as_str();
        self.json.pointer(at).and_then(Json::as_str).is_some_and(|text| text.contains("${"))
    }

    /// The place of a value; of a map its key.
    fn span(&self, pointer: &str) -> Span {
        let (node, key) = self.node.at(pointer);
        match (pointer.is_empty(), key) {
            (true, _) => self.outer,
            (false, Some(key)) if node.entries().is_some() => key,
            _ => node.span,
        }
    }

    /// How messages call the value at a pointer.
    fn name(&self, pointer: &str) -> String {
        match pointer.rsplit('/').next().filter(|_| !pointer.is_empty()) {
            Some(last) => format!("`{}`", cut(&last.replace("~1", "/").replace("~0", "~"))),
            None => self.what.to_owned(),
        }
    }

    /// The part of the schema that holds the keyword which failed.
    fn around(&self, error: &ValidationError<'_>) -> Option<&Json> {
        let path = error.schema_path().as_str();
        self.schema.pointer(path.rsplit_once('/')?.0)
    }

    fn report(&self, error: &ValidationError<'_>) {
        if self.lenient(error) {
            return;
        }
        let pointer = error.instance_path().as_str();
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => self.unknown(error, pointer, unexpected),
            ValidationErrorKind::Required { property } => {
                let key = property.as_str().unwrap_or_default();
                self.problem(
                    Code::MissingKey,
                    self.span(pointer),
                    format!("{} has no `{key}`", self.name(pointer)),
                    None,
                );
            }
            ValidationErrorKind::Type { .. } => self.wrong_type(error, pointer),
            ValidationErrorKind::Enum { options } => {
                let options: Vec<String> = options.as_array().into_iter().flatten().map(shown).collect();
                self.not_one_of(pointer, &options);
            }
            ValidationErrorKind::Constant { expected_value } => self.not_one_of(pointer, &[shown(expected_value)]),
            ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
                self.alternatives(pointer, context);
            }
            ValidationErrorKind::OneOfMultipleValid { .. } if self.has_template(pointer) => {}
            _ => {
                let message = format!("{}: {}", self.name(pointer), cut(&error.to_string()));
                self.problem(Code::InvalidValue, self.span(pointer), message, None);
            }
        }
    }

    fn has_template(&self, pointer: &str) -> bool {
        self.json.pointer(pointer).is_some_and(|value| value.to_string().contains("${"))
    }

    fn problem(&self, code: Code, span: Span, message: String, hint: Option<String>) {
        let within = |place: &Span| place.source == span.source && place.start <= span.start && span.end <= place.end;
        if !self.judged.iter().any(within) {
            self.shared.report(Problem { hint, ..Problem::new(code, span, message) });
        }
    }

    fn unknown(&self, error: &ValidationError<'_>, pointer: &str, unexpected: &[String]) {
        let properties = self.around(error).and_then(|schema| schema.get("properties")).and_then(Json::as_object);
        let known: Vec<&str> = properties.into_iter().flat_map(|map| map.keys()).map(String::as_str).collect();
        for key in unexpected {
            let entry = self.node.at(pointer).0.entry(key);
            let span = entry.map_or_else(|| self.span(pointer), |entry| entry.key_span);
            let message = format!("`{}` is not a key of {}", cut(key), self.name(pointer));
            let hint = match super::words::STEP_KEYS.contains(&key.as_str()) && self.step && pointer.is_empty() {
                true => Some(format!("`{key}` belongs beside `with`, not below it")),
                false => self.shared.suggest(key, known.iter().copied()),
            };
            self.problem(Code::UnknownKey, span, message, hint);
        }
    }

    fn wrong_type(&self, error: &ValidationError<'_>, pointer: &str) {
        let wanted = self.schema.pointer(error.schema_path().as_str()).map(types).unwrap_or_default();
        let found = self.node.at(pointer).0;
        let message = mistyped(&self.name(pointer), found, &wanted);
        let scalar = matches!(found.value, crate::source::Value::Number(_) | crate::source::Value::Bool(_));
        let quote = (wanted == "a text" && scalar).then(|| "put it in quotes".to_owned());
        let hint = quote.or_else(|| advice(&self.name(pointer), found, &wanted));
        self.problem(Code::WrongType, self.span(pointer), message, hint);
    }

    fn not_one_of(&self, pointer: &str, options: &[String]) {
        let written = self.json.pointer(pointer).map(shown).unwrap_or_default();
        let message = format!("{} cannot be `{}`", self.name(pointer), cut(&written));
        let hint = self.shared.suggest(&written, options.iter().map(String::as_str));
        self.problem(Code::NotOneOf, self.span(pointer), message, hint);
    }

    /// Several shapes were possible and none fits: the one that was meant is the one that fits outwardly.
    fn alternatives(&self, pointer: &str, context: &[Vec<ValidationError<'static>>]) {
        if context.iter().any(|errors| errors.iter().all(|error| self.lenient(error))) {
            return;
        }
        let outward = |error: &ValidationError<'_>| {
            error.instance_path().as_str() == pointer
                && matches!(error.kind(), ValidationErrorKind::Type { .. } | ValidationErrorKind::Constant { .. })
        };
        let other_keys = |error: &ValidationError<'_>| {
            let keys = ["required", "additionalProperties"];
            error.instance_path().as_str() == pointer && keys.contains(&error.kind().keyword())
        };
        let inner: Vec<&Vec<_>> =
            context.iter().filter(|errors| !errors.iter().any(|error| outward(error) || other_keys(error))).collect();
        let meant: Vec<&Vec<_>> = context.iter().filter(|errors| !errors.iter().any(outward)).collect();
        if let ([errors], _) | (_, [errors]) = (inner.as_slice(), meant.as_slice()) {
            return errors.iter().for_each(|error| self.report(error));
        }
        let given = self.each_fits_one(pointer, context);
        if given.len() > 1 {
            let message = format!("{} takes one of {}, not several", self.name(pointer), given.join(", "));
            return self.problem(Code::InvalidValue, self.span(pointer), message, Some("keep one of them".to_owned()));
        }
        let constants: Vec<String> = context
            .iter()
            .flatten()
            .filter_map(|error| match error.kind() {
                ValidationErrorKind::Constant { expected_value } => Some(shown(expected_value)),
                _ => None,
            })
            .collect();
        if !constants.is_empty() && meant.is_empty() && self.json.pointer(pointer).is_some_and(Json::is_string) {
            return self.not_one_of(pointer, &constants);
        }
        let wanted: Vec<String> = context
            .iter()
            .flatten()
            .filter(|error| outward(error))
            .filter_map(|error| self.schema.pointer(error.schema_path().as_str()).map(types))
            .filter(|wanted| wanted != "nothing" && !wanted.is_empty())
            .collect();
        let (code, message) = match wanted.is_empty() || !meant.is_empty() {
            true => (Code::InvalidValue, format!("{} fits none of the shapes that it may have", self.name(pointer))),
            false => {
                let found = self.node.at(pointer).0;
                (Code::WrongType, mistyped(&self.name(pointer), found, &wanted.join(" or ")))
            }
        };
        self.problem(code, self.span(pointer), message, None);
    }

    /// The keys of a map when each of them has a shape of its own and they were given together.
    fn each_fits_one(&self, pointer: &str, context: &[Vec<ValidationError<'static>>]) -> Vec<String> {
        let Some(map) = self.json.pointer(pointer).and_then(Json::as_object) else { return Vec::new() };
        let others = |errors: &Vec<ValidationError<'static>>, key: &String| {
            errors.iter().any(|error| match error.kind() {
                ValidationErrorKind::AdditionalProperties { unexpected } => {
                    error.instance_path().as_str() == pointer && !unexpected.contains(key)
                }
                _ => false,
            })
        };
        let own = |key: &&String| context.iter().filter(|errors| others(errors, key)).count() == 1;
        let keys: Vec<String> = map.keys().filter(own).map(|key| format!("`{}`", cut(key))).collect();
        if keys.len() == map.len() { keys } else { Vec::new() }
    }
}

fn shown(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A schema's `type` in words.
fn types(kind: &Json) -> String {
    let word = |kind: &Json| match kind.as_str().unwrap_or_default() {
        "string" => "a text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a map",
        _ => "nothing",
    };
    match kind {
        Json::Array(kinds) => {
            let words: Vec<&str> = kinds.iter().map(word).filter(|word| *word != "nothing").collect();
            words.join(" or ")
        }
        kind => word(kind).to_owned(),
    }
}
