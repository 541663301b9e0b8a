//! `resources`: named systems, held against the fields that their step types share.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value as Json, json};

use super::context::Shared;
use super::fields::cut;
use super::flow::Scene;
use super::names::{Site, Uses};
use super::references::Check;
use super::shape;
use super::step::Raw;
use crate::diagnostics::Code;
use crate::plan::Resource;
use crate::source::{Entry, Node, Problem, Span, Value};
use crate::types::{StepSpec, StepTypes};

/// The part of a step type's name before the dot: what resources are of.
pub(super) fn family(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// The step types that a resource of this kind serves.
fn served(types: &dyn StepTypes, kind: &str) -> Vec<&'static dyn StepSpec> {
    let names = types.names();
    let whole = names.iter().any(|name| family(name) == kind);
    let serves = |name: &&str| if whole { family(name) == kind } else { *name == kind };
    names.into_iter().filter(serves).filter_map(|name| types.get(name)).collect()
}

/// The JSON Schema of a resource of this kind, `type` aside: the fields that all step types it serves take, nothing
/// required. None for a kind that no step type has.
pub(super) fn schema_of(types: &dyn StepTypes, kind: &str) -> Option<Json> {
    let served = served(types, kind);
    let first = served.first()?;
    let properties = first.schema().get("properties").and_then(Json::as_object)?;
    let taken = |spec: &&'static dyn StepSpec, key: &str| match spec.connection() {
        [] => spec.schema().get("properties").is_some_and(|keys| keys.get(key).is_some()),
        keys => keys.contains(&key),
    };
    let shared = properties.iter().filter(|(key, _)| served.iter().all(|spec| taken(spec, key)));
    let shared: Map<String, Json> = shared.map(|(key, schema)| (key.clone(), schema.clone())).collect();
    Some(json!({"type": "object", "additionalProperties": false, "properties": shared}))
}

/// The kinds that resources can have.
pub(super) fn kinds(types: &dyn StepTypes) -> BTreeSet<&'static str> {
    types.names().into_iter().flat_map(|name| [family(name), name]).collect()
}

type Judge = Arc<(Json, jsonschema::Validator)>;

/// Schemas of resources with their validators, by the addresses of the schemas they were made from.
static JUDGES: Mutex<Option<HashMap<Vec<usize>, Option<Judge>>>> = Mutex::new(None);

fn judge(types: &dyn StepTypes, kind: &str) -> Option<Judge> {
    let key = served(types, kind).iter().map(|spec| std::ptr::from_ref(spec.schema()) as usize).collect();
    let mut known = JUDGES.lock().unwrap_or_else(PoisonError::into_inner);
    let made = || {
        let schema = schema_of(types, kind)?;
        let validator = jsonschema::validator_for(&schema).ok()?;
        Some(Arc::new((schema, validator)))
    };
    known.get_or_insert_default().entry(key).or_insert_with(made).clone()
}

/// Reads `resources`: maps with a known type and the fields that it takes. Answers where those stand that were judged.
pub(super) fn check(shared: &Shared<'_>, entries: &[Entry]) -> Vec<Span> {
    let mut judged = Vec::new();
    for entry in entries {
        let what = format!("the resource `{}`", cut(&entry.key));
        let Some(_) = shared.any_map(&entry.value, &what) else { continue };
        let Some(node) = entry.value.get("type") else {
            let hint = "say what it is, as in `type: sql`";
            shared.error_hint(Code::MissingKey, entry.key_span, format!("{what} has no `type`"), hint);
            continue;
        };
        let Some(kind) = shared.literal(node, "`type`") else { continue };
        let Some(judge) = judge(shared.types, &kind) else {
            let message = format!("there is no step type `{}` that could use {what}", cut(&kind));
            let families: BTreeSet<&str> = shared.types.names().into_iter().map(family).collect();
            let hint = shared.suggest(&kind, families);
            shared.report(Problem { hint, ..Problem::new(Code::UnknownType, node.span, message) });
            continue;
        };
        let fields = without_type(&entry.value);
        shape::check_fields(shared, (&judge.0, &judge.1), &what, entry.key_span, &fields);
        judged.push(entry.value.span);
    }
    judged
}

fn without_type(node: &Node) -> Node {
    let fields = node.entries().unwrap_or_default().iter().filter(|field| &*field.key != "type").cloned().collect();
    Node { span: node.span, value: Value::Map(fields) }
}

/// The fields of the resource that a step names.
pub(super) fn fields(scene: &Scene<'_>, raw: &Raw<'_>, node: &Node) -> Option<Node> {
    let shared = scene.shared;
    let name = shared.literal(node, "`resource`")?;
    let Some(entry) = scene.resources.iter().find(|entry| *entry.key == *name) else {
        let problem = Problem::new(Code::UnknownResource, node.span, format!("there is no resource `{}`", cut(&name)));
        let hint = shared.suggest(&name, scene.resources.iter().map(|entry| &*entry.key));
        let hint = hint.or_else(|| Some("declare it under `resources`, in the flow or in the environment".into()));
        shared.report(Problem { hint, ..problem });
        return None;
    };
    let kind = entry.value.get("type").and_then(Node::text).unwrap_or_default();
    let family = family(&raw.type_name);
    if kind != family && kind != raw.type_name {
        let message =
            format!("the resource `{}` is of type `{}`, the step of `{}`", entry.key, cut(kind), raw.type_name);
        shared.error_hint(Code::ResourceType, node.span, message, format!("name a resource of type `{family}`"));
        return None;
    }
    entry.value.entries()?;
    Some(without_type(&entry.value))
}

/// The resources as a plan holds them. What the flow itself declares and no step uses is checked here; what an
/// environment declares may name inputs of other flows.
pub(super) fn compiled(scene: &Scene<'_>) -> Vec<Resource> {
    let (shared, names) = (scene.shared, scene.names);
    let mut compiled = Vec::new();
    for entry in scene.resources {
        let Some(kind) = entry.value.get("type").and_then(Node::text) else { continue };
        let node = without_type(&entry.value);
        let Some(fields) = shared.json_template(&node, &node.to_json()) else { continue };
        let elsewhere = shared.environment.resources.iter().any(|other| other.key == entry.key);
        if !elsewhere && !used(scene, &entry.key) {
            let site = Site::outside("`resources`");
            for (pointer, template) in fields.templates() {
                let node = node.at(pointer).0;
                Check { shared, names, site: &site, node }.run(template.references(), &mut Uses::default());
            }
        }
        let secrets = secrets_of(scene, fields.references());
        compiled.push(Resource { name: entry.key.to_string(), kind: kind.to_owned(), fields, secrets });
    }
    compiled
}

/// Whether a step, or what steps of a type begin with, names the resource.
fn used(scene: &Scene<'_>, name: &str) -> bool {
    let names = |with: &Node| with.get("resource").and_then(Node::text) == Some(name);
    scene.raws.iter().any(|raw| raw.get("with").is_some_and(names))
        || scene.defaults.and_then(Node::entries).unwrap_or_default().iter().any(|entry| names(&entry.value))
}

/// The secrets that expressions lead to.
fn secrets_of(scene: &Scene<'_>, references: &crate::expr::References) -> Vec<String> {
    use crate::expr::PathPart;
    let mut secrets = BTreeSet::new();
    for one in &references.roots {
        let name = match one.path.first() {
            Some(PathPart::Field(name)) => Some(&**name),
            _ => None,
        };
        match (&*one.root, name) {
            ("secrets", Some(name)) => {
                secrets.insert(name.to_owned());
            }
            ("vars", Some(name)) => secrets.extend(scene.names.vars.get(name).into_iter().flatten().cloned()),
            ("vars", None) => secrets.extend(scene.names.vars.values().flatten().cloned()),
            _ => {}
        }
    }
    secrets.into_iter().collect()
}
