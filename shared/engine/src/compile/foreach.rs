//! `foreach`.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::fields::cut;
use super::flow::Scene;
use super::names::{Site, Uses};
use super::references::Check;
use super::step::Raw;
use super::with::check_templates;
use super::words::MAX_ITEMS;
use crate::diagnostics::Code;
use crate::plan::{DataFile, Foreach, ForeachSource};
use crate::source::{Node, Span, Value};

/// Reads `foreach` and the keys that go with it.
pub(super) fn read(scene: &Scene<'_>, raw: &Raw<'_>, node: &Node) -> Option<Foreach> {
    let shared = scene.shared;
    let source = source(scene, raw, node);
    let count = |key: &str, least: u32| {
        raw.get(key).and_then(|node| shared.count(node, &format!("`{key}`"), least..=MAX_ITEMS as u32))
    };
    let fail_fast = raw.get("failFast").and_then(|node| shared.boolean(node, "`failFast`")).unwrap_or(false);
    let (max_parallel, min_items) = (count("maxParallel", 1), count("minItems", 1).unwrap_or(0));
    Some(Foreach { source: source?, max_parallel, min_items, fail_fast })
}

fn source(scene: &Scene<'_>, raw: &Raw<'_>, node: &Node) -> Option<ForeachSource> {
    let (shared, names) = (scene.shared, scene.names);
    let site = Site { item: false, ..Site::before("`foreach`", raw.index).open() };
    match &node.value {
        Value::List(items) => {
            bounded(scene, items.len(), node.span);
            let template = shared.json_template(node, &node.to_json())?;
            check_templates(scene, &site, node, &template, &mut Uses::default());
            Some(ForeachSource::List(template))
        }
        Value::Text(_) => {
            let template = shared.template(node, "`foreach`")?;
            if template.lone().is_none() {
                let hint = "write `${...}` around an expression, or a list";
                shared.error_hint(Code::WrongType, node.span, "expected a list for `foreach`, found a text", hint);
                return None;
            }
            Check { shared, names, site: &site, node }.run(template.references(), &mut Uses::default());
            Some(ForeachSource::Expression(template))
        }
        Value::Map(_) => data(scene, node).map(ForeachSource::Data),
        _ => {
            shared.wrong_type(node, "`foreach`", "a list, `${...}` or `{csv: file}`");
            None
        }
    }
}

fn data(scene: &Scene<'_>, node: &Node) -> Option<DataFile> {
    let shared = scene.shared;
    shared.map(node, "`foreach`", &["csv", "json"])?;
    let (name_node, csv) = match (node.get("csv"), node.get("json")) {
        (Some(name), None) => (name, true),
        (None, Some(name)) => (name, false),
        _ => {
            shared.error(Code::MissingKey, node.span, "`foreach` takes either `csv` or `json`");
            return None;
        }
    };
    let name = shared.literal(name_node, "the file's name")?;
    let (path, bytes) = shared.file(&scene.names.folder, &name, name_node.span)?;
    let items = match csv {
        true => shared.rows(&path, &bytes, name_node.span)?,
        false => match shared.data(&path, &bytes, name_node.span)? {
            Json::Array(items) => items,
            _ => {
                shared.error(Code::BadData, name_node.span, format!("`{}` holds no list", cut(&name)));
                return None;
            }
        },
    };
    bounded(scene, items.len(), name_node.span);
    Some(DataFile { name, items: Arc::new(items) })
}

fn bounded(scene: &Scene<'_>, items: usize, span: Span) {
    if items > MAX_ITEMS {
        let message = format!("{items} items are more than the {MAX_ITEMS} instances that an execution may have");
        scene.shared.error(Code::TooManyItems, span, message);
    }
}

/// What a rerun compares of it besides the text.
pub(super) fn definition(foreach: &Foreach) -> Json {
    match &foreach.source {
        ForeachSource::Data(data) => json!(super::data::digest(Json::from(data.items.to_vec()).to_string())),
        ForeachSource::List(_) | ForeachSource::Expression(_) => Json::Null,
    }
}
