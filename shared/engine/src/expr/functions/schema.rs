//! `matchesSchema`: JSON Schema, without ever fetching anything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jsonschema::{PatternOptions, Validator};
use serde_json::{Map as JsonMap, Value as Json};

use super::super::error::{Fault, shortened};
use super::super::evaluation::Evaluation;
use super::super::value::Value;
use super::jsonpath::weigh;
use super::registry::{Function, Outcome, arg, global, literal, string};

pub(super) const FUNCTIONS: &[Function] = &[literal(global("matchesSchema", (2, 2), matches_schema))];

fn matches_schema(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    let file = string(args, 1)?;
    let schemas = cx.schemas;
    let schema = schemas.and_then(|schemas| schemas.get(file));
    let schema = schema.ok_or_else(|| Fault::Argument(format!("there is no schema `{file}`")))?;
    let value = arg(args, 0)?.as_json();
    let before = cx.budget_left();
    let (_, depth) = weigh(&value, cx)?;
    let weight = usize::try_from(before - cx.budget_left()).unwrap_or(usize::MAX);
    let rounds = Extent::of(schema, depth).map_err(|why| Fault::Argument(format!("the schema `{file}` {why}")))?;
    cx.charge(weight.saturating_mul(rounds))?;
    let validator = compiled(cx, file, schema)?;
    Ok(Value::Bool(validator.is_valid(&value)))
}

/// Largest compiled pattern of a schema, in bytes.
const PATTERN_SIZE: usize = 256 << 10;

fn compiled(cx: &mut Evaluation<'_>, file: &str, schema: &Json) -> Result<Arc<Validator>, Fault> {
    if let Some(known) = cx.validators.get(file) {
        return Ok(known.clone());
    }
    weigh(schema, cx)?;
    cx.charge(1000)?;
    let patterns = PatternOptions::regex().size_limit(PATTERN_SIZE);
    let validator = jsonschema::options().with_pattern_options(patterns).build(schema);
    let validator = Arc::new(validator.map_err(|error| {
        let why = shortened(&error.to_string(), 200);
        Fault::Argument(format!("the schema `{file}` is not valid: {why}"))
    })?);
    cx.validators.insert(file.to_owned(), validator.clone());
    Ok(validator)
}

/// How often a schema may look at each part of a value: an upper bound found before anything is validated, since
/// schemas that refer to each other can look at one value exponentially often.
struct Extent<'a> {
    root: &'a Json,
    known: BTreeMap<(usize, usize), usize>,
    /// Schemas being looked through at the same place of the value.
    open: BTreeSet<(usize, usize)>,
}

type Bound<T> = Result<T, &'static str>;

/// Deepest nesting of schemas within each other, references followed.
const DEEPEST: usize = 400;

impl<'a> Extent<'a> {
    fn of(root: &'a Json, depth: usize) -> Bound<usize> {
        let mut extent = Self { root, known: BTreeMap::new(), open: BTreeSet::new() };
        extent.rounds(root, depth.min(128))
    }

    fn rounds(&mut self, schema: &'a Json, depth: usize) -> Bound<usize> {
        let Json::Object(keywords) = schema else {
            return Ok(1);
        };
        let place = (std::ptr::from_ref(schema).addr(), depth);
        if let Some(known) = self.known.get(&place) {
            return Ok(*known);
        }
        if self.open.len() > DEEPEST {
            return Err("is nested too deeply");
        }
        if !self.open.insert(place) {
            return Err("refers to itself without going deeper into the value");
        }
        let rounds = self.sum(keywords, depth)?;
        self.open.remove(&place);
        self.known.insert(place, rounds);
        Ok(rounds)
    }

    fn sum(&mut self, keywords: &'a JsonMap<String, Json>, depth: usize) -> Bound<usize> {
        let mut sum = 1_usize;
        for (keyword, value) in keywords {
            let added = match keyword.as_str() {
                "$ref" => {
                    let target = self.target(value)?;
                    self.rounds(target, depth)?
                }
                "$dynamicRef" | "$recursiveRef" => return Err("has a dynamic reference, which is not supported"),
                "$id" if !std::ptr::eq(keywords, self.root.as_object().unwrap_or(keywords)) && value.is_string() => {
                    return Err("has an $id below its top, which is not supported");
                }
                "not" | "if" | "then" | "else" => self.rounds(value, depth)?,
                "allOf" | "anyOf" | "oneOf" | "dependentSchemas" | "dependencies" => self.each(value, depth)?,
                "properties" | "prefixItems" => self.largest(value, depth)?,
                "items" if value.is_array() => self.largest(value, depth)?,
                "patternProperties" if depth > 0 => self.each(value, depth - 1)?,
                "items"
                | "additionalItems"
                | "additionalProperties"
                | "contains"
                | "propertyNames"
                | "unevaluatedItems"
                | "unevaluatedProperties"
                    if depth > 0 =>
                {
                    self.rounds(value, depth - 1)?
                }
                "enum" | "required" => value.as_array().map_or(1, |list| list.len() / 16),
                "pattern" => 4,
                _ => 0,
            };
            sum = sum.saturating_add(added);
        }
        Ok(sum)
    }

    /// The schema that a reference within the file points to.
    fn target(&self, reference: &Json) -> Bound<&'a Json> {
        let pointer = reference.as_str().and_then(|reference| reference.strip_prefix('#'));
        let target = pointer.and_then(|pointer| self.root.pointer(pointer));
        target.ok_or("has a $ref that is not a pointer within the file (#/...)")
    }

    /// Schemas that all apply: a list or a map of them.
    fn each(&mut self, value: &'a Json, depth: usize) -> Bound<usize> {
        let mut sum = 0_usize;
        for schema in parts(value) {
            sum = sum.saturating_add(self.rounds(schema, depth)?);
        }
        Ok(sum)
    }

    /// Schemas of which one applies to a part of the value.
    fn largest(&mut self, value: &'a Json, depth: usize) -> Bound<usize> {
        let Some(depth) = depth.checked_sub(1) else {
            return Ok(0);
        };
        let mut largest = 0;
        for schema in parts(value) {
            largest = largest.max(self.rounds(schema, depth)?);
        }
        Ok(largest)
    }
}

fn parts(value: &Json) -> Vec<&Json> {
    match value {
        Json::Array(schemas) => schemas.iter().collect(),
        Json::Object(schemas) => schemas.values().collect(),
        _ => Vec::new(),
    }
}
