//! `assay steps`: the reference, made from what the step types declare.

use assay_engine::types::{StepSpec, StepTypes as _};
use assay_steps::registry::Types;
use serde_json::{Value as Json, json};

use crate::args::StepsArgs;
use crate::error::CommandError;
use crate::out::Out;
use crate::view::Paint;

/// Keys of keys of keys: deeper ones are on the type's page.
const DEEPEST: usize = 3;

/// A key of `with` or a field of the output.
struct Field<'a> {
    depth: usize,
    name: &'a str,
    kind: String,
    /// Whether it must be there: empty, `required`, or `one of them`.
    must: &'static str,
    doc: &'a str,
}

/// The engine's own words: their name, what they do, their page.
const ENGINE_WORDS: [(&str, &str, &str); 3] = [
    ("delay", "Waits for a while, or until an instant.", include_str!("../../../../docs/steps/delay.md")),
    ("flow", "Runs another flow and waits for its verdict.", include_str!("../../../../docs/steps/flow.md")),
    ("wait", "Waits for a signal from outside.", include_str!("../../../../docs/steps/wait.md")),
];

pub(super) fn steps(args: &StepsArgs, out: &Out) -> Result<u8, CommandError> {
    let Some(name) = &args.step_type else {
        out.print(&if args.json { all_json()? } else { all(out.paint()) });
        return Ok(0);
    };
    if let Some(spec) = Types.get(name) {
        out.print(&if args.json { pretty(&described(spec))? } else { reference(spec, out.paint()) });
        return Ok(0);
    }
    if let Some((_, summary, page)) = ENGINE_WORDS.iter().find(|(word, ..)| word == name) {
        let json = json!({"name": name, "summary": summary, "page": page});
        out.print(&if args.json { pretty(&json)? } else { format!("{}\n", page.trim_end()) });
        return Ok(0);
    }
    let names = names();
    let near = names.iter().max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
    let hint = match near.filter(|near| strsim::jaro_winkler(near, name) > 0.75) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("step types: {}", names.join(", ")),
    };
    Err(CommandError::wrong(format!("there is no step type `{name}`; {hint}")))
}

fn names() -> Vec<&'static str> {
    let mut names = Types.names();
    names.extend(ENGINE_WORDS.iter().map(|(word, ..)| *word));
    names.sort_unstable();
    names
}

fn summary_of(name: &str) -> &'static str {
    match Types.get(name) {
        Some(spec) => spec.summary(),
        None => ENGINE_WORDS.iter().find(|(word, ..)| *word == name).map_or("", |(_, summary, _)| summary),
    }
}

fn all(paint: Paint) -> String {
    let names = names();
    let width = names.iter().map(|name| name.len()).max().unwrap_or(0);
    let line = |name: &&str| {
        let padded = format!("{name:<width$}");
        format!("{}  {}\n", paint.bold(&padded), summary_of(name))
    };
    format!("{}\nassay steps TYPE shows one of them.\n", names.iter().map(line).collect::<String>())
}

fn all_json() -> Result<String, CommandError> {
    let all: Vec<Json> = names().iter().map(|name| json!({"name": name, "summary": summary_of(name)})).collect();
    pretty(&json!(all))
}

fn described(spec: &dyn StepSpec) -> Json {
    let outputs: Vec<Json> =
        spec.outputs().iter().map(|output| json!({"name": output.name, "description": output.doc})).collect();
    json!({
        "name": spec.name(),
        "summary": spec.summary(),
        "with": spec.schema(),
        "outputs": outputs,
        "expressions": spec.expressions(),
    })
}

fn pretty(json: &Json) -> Result<String, CommandError> {
    let text = serde_json::to_string_pretty(json).map_err(|error| CommandError::fault("write the reference", error))?;
    Ok(format!("{text}\n"))
}

fn reference(spec: &dyn StepSpec, paint: Paint) -> String {
    let mut out = format!("{}: {}\n\n{}\n", paint.bold(spec.name()), spec.summary(), paint.bold("with"));
    let mut fields = Vec::new();
    collect(spec.schema(), 0, false, &mut fields);
    out.push_str(&table(&fields, paint));
    out.push_str(&format!("\n{}\n", paint.bold("output, in scope of its own expressions and as steps.<id>.output")));
    let outputs: Vec<Field<'_>> = spec
        .outputs()
        .iter()
        .map(|output| Field { depth: 0, name: output.name, kind: String::new(), must: "", doc: output.doc })
        .collect();
    out.push_str(&table(&outputs, paint));
    out
}

/// The fields of a schema; `alternative`: it is one of several, of which a value fits one.
fn collect<'a>(schema: &'a Json, depth: usize, alternative: bool, fields: &mut Vec<Field<'a>>) {
    let required: Vec<&str> =
        schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
    for (name, inner) in schema.get("properties").and_then(Json::as_object).into_iter().flatten() {
        let doc = inner.get("description").and_then(Json::as_str).unwrap_or_default();
        let must = match (required.contains(&name.as_str()), alternative) {
            (true, true) => "one of them",
            (true, false) => "required",
            (false, _) => "",
        };
        fields.push(Field { depth, name, kind: kind(inner), must, doc });
        if depth < DEEPEST {
            collect(inner, depth + 1, false, fields);
        }
    }
    let keyed = |option: &&Json| option.get("properties").is_some();
    let several = options(schema).filter(keyed).count() > 1;
    for option in options(schema) {
        collect(option, depth, several, fields);
    }
}

/// The shapes that a value may have, where there are several.
fn options(schema: &Json) -> impl Iterator<Item = &Json> {
    schema.get("anyOf").or(schema.get("oneOf")).and_then(Json::as_array).into_iter().flatten()
}

/// `string`, `string | integer`, `1.1 | 2`; empty: anything.
fn kind(schema: &Json) -> String {
    let mut kinds = Vec::new();
    kinds_of(schema, &mut kinds);
    kinds.join(" | ")
}

fn kinds_of(schema: &Json, kinds: &mut Vec<String>) {
    let word = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let list = |key: &str| schema.get(key).and_then(Json::as_array).into_iter().flatten().map(word);
    let mut found: Vec<String> = list("enum").chain(schema.get("const").map(word)).collect();
    if found.is_empty() {
        found.extend(schema.get("type").filter(|kind| kind.is_string()).map(word).into_iter().chain(list("type")));
    }
    for kind in found {
        if kind != "null" && !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    for option in options(schema) {
        kinds_of(option, kinds);
    }
}

fn table(fields: &[Field<'_>], paint: Paint) -> String {
    let width = fields.iter().map(|field| field.depth * 2 + field.name.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for field in fields {
        let name = format!("{:<width$}", format!("{}{}", "  ".repeat(field.depth), field.name));
        let mut about: Vec<String> = Vec::new();
        if !field.must.is_empty() {
            about.push(field.must.to_owned());
        }
        if !field.kind.is_empty() {
            about.push(field.kind.clone());
        }
        let about = if about.is_empty() { String::new() } else { format!("({}) ", about.join(", ")) };
        let doc = field.doc.split_whitespace().collect::<Vec<_>>().join(" ");
        out.push_str(&format!("  {}  {}{doc}\n", paint.bold(&name), paint.faint(&about)));
    }
    out
}
