//! `with` of a step that is a job: merged, files put in, checked against the type's schema, its templates compiled.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::flow::Scene;
use super::merge;
use super::names::{Outputs, Site, Uses};
use super::references::Check;
use super::shape;
use super::step::{Parts, Raw};
use super::words::MAX_INLINED;
use crate::diagnostics::Code;
use crate::expr::JsonTemplate;
use crate::plan::StepKind;
use crate::source::{Node, Problem, Value};
use crate::types::StepSpec;

/// Everything that `with` of a job tells.
pub(super) fn job(
    scene: &Scene<'_>,
    raw: &Raw<'_>,
    spec: &'static dyn StepSpec,
    arm_before: Option<usize>,
    uses: &mut Uses,
) -> Option<Parts> {
    let shared = scene.shared;
    let mut node = merge::with_of(scene, raw);
    inline_files(scene, spec, &mut node, 0);
    let json = node.to_json();
    expressions(scene, raw, spec, &node, uses);
    let mut escaped = json.clone();
    for key in spec.expressions() {
        // A bare expression is no template: what looks like one in it stays as it is written.
        if let Some(Json::String(text)) = escaped.get_mut(key) {
            *text = text.replace("${", "$${");
        }
    }
    let template = shared.json_template(&node, &escaped);
    if let Some(template) = &template {
        let site = Site { armed: arm_before, ..Site::before("`with`", raw.index) };
        check_templates(scene, &site, &node, template, uses);
    }
    if shape::check(scene, raw, spec, &node, &json) {
        for problem in spec.check(&json) {
            let (at, key_span) = node.at(&problem.at);
            let span = if at.entries().is_some() { key_span.unwrap_or(scene.with_span(raw)) } else { at.span };
            let found = Problem::new(Code::InvalidValue, span, problem.message);
            shared.report(Problem { hint: problem.hint, ..found });
        }
    }
    not_on_servers(scene, &node);
    let files = files(scene, raw, spec, &json, &node);
    let waits = spec.waits(&json);
    if let Some(waits) = waits {
        scene.note_wait(waits, node.get("within").map_or(raw.id_span, |node| node.span));
    }
    Some(Parts { kind: StepKind::Job { spec }, with: template?, definition: json, waits, files })
}

/// Checks the names in templates; secrets and files join `uses`.
pub(super) fn check_templates(
    scene: &Scene<'_>,
    site: &Site<'_>,
    node: &Node,
    template: &JsonTemplate,
    uses: &mut Uses,
) {
    for (pointer, template) in template.templates() {
        let mut named = Uses::default();
        let node = node.at(pointer).0;
        Check { shared: scene.shared, names: scene.names, site, node }.run(template.references(), &mut named);
        uses.secrets.extend(named.secrets);
        uses.files.extend(named.files);
    }
}

/// The keys that hold bare expressions.
fn expressions(scene: &Scene<'_>, raw: &Raw<'_>, spec: &dyn StepSpec, with: &Node, uses: &mut Uses) {
    let (shared, names) = (scene.shared, scene.names);
    for key in spec.expressions() {
        let what = format!("`{key}`");
        let Some(node) = with.get(key) else { continue };
        if let Some(program) = shared.program(node, &what) {
            let site = Site { outputs: Outputs::Open, ..Site::before(&what, raw.index) };
            Check { shared, names, site: &site, node }.run(program.references(), uses);
        }
    }
}

/// Puts in the contents of `{file: name}` directly below `with`, and of `{file: name, template: true}` anywhere.
fn inline_files(scene: &Scene<'_>, spec: &dyn StepSpec, node: &mut Node, depth: usize) {
    let span = node.span;
    let children: Vec<(Option<String>, &mut Node)> = match &mut node.value {
        Value::Map(entries) => {
            entries.iter_mut().map(|entry| (Some(entry.key.to_string()), &mut entry.value)).collect()
        }
        Value::List(items) => items.iter_mut().map(|item| (None, item)).collect(),
        _ => return,
    };
    for (key, child) in children {
        let Some(entries) = child.entries() else {
            inline_files(scene, spec, child, depth + 1);
            continue;
        };
        let named = child.get("file").and_then(Node::text).map(str::to_owned);
        let keys = entries.iter().all(|entry| matches!(&*entry.key, "file" | "template"));
        let template = child.get("template").and_then(|flag| match flag.value {
            Value::Bool(truth) => Some(truth),
            _ => None,
        });
        // `file` itself is a key of some types, whose value they read on their own.
        let own = key.as_deref() == Some("file");
        match named {
            Some(name) if keys && (template.is_some() || depth == 0 && !own) => {
                let at = child.get("file").map_or(span, |file| file.span);
                let text = key.as_deref().is_some_and(|key| depth == 0 && takes_text(spec, key));
                if let Some(content) = content(scene, &name, text, template == Some(true), at) {
                    *child = content;
                }
            }
            _ => inline_files(scene, spec, child, depth + 1),
        }
    }
}

fn takes_text(spec: &dyn StepSpec, key: &str) -> bool {
    let kind = spec.schema().pointer(&format!("/properties/{key}/type"));
    match kind {
        Some(Json::String(kind)) => kind == "string",
        Some(Json::Array(kinds)) => kinds.iter().all(|kind| kind == "string" || kind == "null"),
        _ => false,
    }
}

fn content(scene: &Scene<'_>, name: &str, text: bool, template: bool, span: crate::source::Span) -> Option<Node> {
    let shared = scene.shared;
    let (path, bytes) = shared.file(&scene.names.folder, name, span)?;
    if bytes.len() > MAX_INLINED {
        let message =
            format!("`{name}` has {} bytes; {MAX_INLINED} are the most that are put into a step", bytes.len());
        shared.error_hint(Code::FileTooLarge, span, message, "let the step read it: `file: name`, where its type can");
        return None;
    }
    let data = [".json", ".yaml", ".yml"].iter().any(|ending| path.ends_with(ending));
    let mut value = match data && !text {
        true => shared.data(&path, &bytes, span)?,
        false => Json::String(shared.file_text(&path, &bytes, span)?),
    };
    if !template {
        escape(&mut value);
    }
    Some(Node::of_json(&value, span))
}

/// Makes texts that look like templates literal.
pub(super) fn escape(value: &mut Json) {
    match value {
        Json::String(text) if text.contains("${") => *text = text.replace("${", "$${"),
        Json::Array(items) => items.iter_mut().for_each(escape),
        Json::Object(map) => map.values_mut().for_each(escape),
        _ => {}
    }
}

/// The files that the type reads itself.
fn files(scene: &Scene<'_>, raw: &Raw<'_>, spec: &dyn StepSpec, json: &Json, node: &Node) -> BTreeMap<String, String> {
    let shared = scene.shared;
    let mut found = BTreeMap::new();
    for name in spec.files(json) {
        let certificate = node.get("tls").and_then(|tls| find_text(tls, &name));
        let span = certificate.or_else(|| find_text(node, &name)).unwrap_or_else(|| scene.with_span(raw));
        if name.contains("${") {
            let message = "which file is meant must be written out";
            shared.error_hint(Code::LiteralOnly, span, message, "files travel with the flow: name one");
        } else if let Some((path, _)) = shared.file_of(&scene.names.folder, &name, span, certificate.is_some()) {
            found.insert(name, path);
        }
    }
    found
}

/// The place of a text value.
fn find_text(node: &Node, text: &str) -> Option<crate::source::Span> {
    match &node.value {
        Value::Text(found) if **found == *text => Some(node.span),
        Value::List(items) => items.iter().find_map(|item| find_text(item, text)),
        Value::Map(entries) => entries.iter().find_map(|entry| find_text(&entry.value, text)),
        _ => None,
    }
}

/// What only works on the user's own machine.
fn not_on_servers(scene: &Scene<'_>, with: &Node) {
    let Some(url) = with.get("url").filter(|_| scene.shared.on_server()) else { return };
    if url.text().is_some_and(|url| url.trim_start().to_ascii_lowercase().starts_with("sqlite:")) {
        let hint = "use a database server";
        scene.shared.error_hint(Code::ServerOnly, url.span, "a server opens no SQLite file", hint);
    }
}
