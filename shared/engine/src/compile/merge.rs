//! What stands in `with` at last: the flow's defaults, then a resource's fields, then the step's own keys.

use serde_json::Value as Json;

use super::context::Shared;
use super::fields::cut;
use super::flow::Scene;
use super::resources;
use super::step::{Kind, Raw};
use crate::diagnostics::Code;
use crate::source::{Entry, Node, Problem, Value};

/// The merged `with`, `resource` replaced by what it stands for.
pub(super) fn with_of(scene: &Scene<'_>, raw: &Raw<'_>) -> Node {
    let shared = scene.shared;
    let own = match raw.get("with") {
        Some(node) if node.entries().is_some() => node.clone(),
        Some(node) => {
            if !matches!(node.value, Value::Null) {
                shared.wrong_type(node, "`with`", "a map");
            }
            empty(node)
        }
        None => empty(raw.type_node.unwrap_or(raw.node)),
    };
    let schema = match raw.kind {
        Kind::Job(spec) => spec.schema(),
        _ => &Json::Null,
    };
    let mut base = Node { value: Value::Map(Vec::new()), ..own };
    let family = raw.type_name.split('.').next().unwrap_or_default();
    for key in [family, raw.type_name.as_str()] {
        if let Some(defaults) = scene.defaults.and_then(|defaults| defaults.get(key)) {
            base = merged(&base, defaults, schema);
        }
        if key == raw.type_name {
            break;
        }
    }
    let named = own.get("resource").or_else(|| base.get("resource"));
    if let Some(fields) = named.and_then(|node| resources::fields(scene, raw, node)) {
        base = merged(&base, &fields, schema);
    }
    let mut with = merged(&base, &own, schema);
    if let Value::Map(entries) = &mut with.value {
        entries.retain(|entry| &*entry.key != "resource");
    }
    with
}

fn empty(at: &Node) -> Node {
    Node { span: at.span, value: Value::Map(Vec::new()) }
}

/// Reads `defaults`: maps by step type.
pub(super) fn defaults(shared: &Shared<'_>, node: &Node) {
    let names = shared.types.names();
    for entry in shared.any_map(node, "`defaults`").unwrap_or_default() {
        let family = |name: &&str| name.split('.').next() == Some(&*entry.key);
        if !names.contains(&&*entry.key) && !names.iter().any(family) {
            let problem = Problem::new(
                Code::UnknownType,
                entry.key_span,
                format!("there is no step type `{}` to give defaults to", cut(&entry.key)),
            );
            let hint = shared.suggest(&entry.key, names.iter().copied());
            shared.report(Problem { hint, ..problem });
        }
        shared.any_map(&entry.value, &format!("the defaults of `{}`", cut(&entry.key)));
    }
}

/// Maps key by key, `over` winning; a null in `over` takes the key away that it would have replaced. Where the schema
/// allows one of several maps, a whole map replaces another: together they would be neither.
fn merged(base: &Node, over: &Node, schema: &Json) -> Node {
    let (Value::Map(base_entries), Value::Map(over_entries)) = (&base.value, &over.value) else { return over.clone() };
    let mut entries = base_entries.clone();
    for entry in over_entries {
        match entries.iter().position(|mine| mine.key == entry.key) {
            Some(at) if matches!(entry.value.value, Value::Null) => {
                entries.remove(at);
            }
            Some(at) => {
                let below = schema.get("properties").and_then(|keys| keys.get(&*entry.key)).unwrap_or(&Json::Null);
                if !one_of_several(below) {
                    let value = merged(&entries[at].value, &entry.value, below);
                    entries[at] = Entry { value, ..entry.clone() };
                } else {
                    entries[at] = entry.clone();
                }
            }
            None => entries.push(entry.clone()),
        }
    }
    Node { span: over.span, value: Value::Map(entries) }
}

/// Whether a schema allows several kinds of maps.
fn one_of_several(schema: &Json) -> bool {
    ["oneOf", "anyOf"].iter().filter_map(|key| schema.get(*key)?.as_array()).any(|branches| {
        let maps = branches.iter().filter(|branch| branch.get("type").is_some_and(|kind| kind == "object"));
        maps.count() > 1 || branches.iter().any(one_of_several)
    })
}
