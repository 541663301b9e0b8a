//! `delay`, `wait` and `flow`: what the engine does itself.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::attempts::child_time;
use super::children::Started;
use super::context::Shared;
use super::fields::cut;
use super::flow::Scene;
use super::names::{Site, Uses};
use super::step::{Parts, Raw};
use super::with::check_templates;
use crate::diagnostics::Code;
use crate::expr::JsonTemplate;
use crate::plan::{Plan, StepKind};
use crate::source::{Entry, Node, Problem, Value};

/// The `with` of an engine word; a missing one is reported.
fn with<'n>(scene: &Scene<'_>, raw: &Raw<'n>, keys: &[&str]) -> Option<&'n Node> {
    let Some(node) = raw.get("with") else {
        let message = format!("`{}` has no `with`", raw.type_name);
        scene.shared.error_hint(Code::MissingKey, raw.id_span, message, format!("it takes: {}", keys.join(", ")));
        return None;
    };
    scene.shared.map(node, &format!("`with` of `{}`", raw.type_name), keys).map(|_| node)
}

fn parts(kind: StepKind, with: JsonTemplate, definition: Json, waits: Option<std::time::Duration>) -> Parts {
    Parts { kind, with, definition, waits, files: BTreeMap::new() }
}

/// `delay`: `for` a time or `until` a point in time.
pub(super) fn delay(scene: &Scene<'_>, raw: &Raw<'_>) -> Option<Parts> {
    let shared = scene.shared;
    let node = with(scene, raw, &["for", "until"])?;
    let (key, value) = match (node.get("for"), node.get("until")) {
        (Some(value), None) => ("`for`", value),
        (None, Some(value)) => ("`until`", value),
        _ => {
            let message = "`delay` takes either `for` or `until`";
            shared.error_hint(Code::MissingKey, node.span, message, "as in `for: 5s`");
            return None;
        }
    };
    let template = shared.json_template(node, &node.to_json())?;
    let site = Site::before(key, raw.index).open();
    check_templates(scene, &site, node, &template, &mut Uses::default());
    let mut waits = None;
    if template.is_literal() {
        if key == "`for`" {
            waits = Some(shared.duration(value, key)?);
            waits.inspect(|time| scene.note_wait(*time, value.span));
        } else if shared.literal(value, key)?.trim().parse::<Timestamp>().is_err() {
            let hint = "write date, time and zone, as in 2026-01-31T08:00:00Z";
            shared.error_hint(Code::InvalidValue, value.span, "`until` is no point in time", hint);
            return None;
        }
    } else if value.text().is_none() {
        shared.wrong_type(value, key, "a text");
    }
    Some(parts(StepKind::Delay, template, node.to_json(), waits))
}

/// `wait`: for a signal.
pub(super) fn wait(scene: &Scene<'_>, raw: &Raw<'_>) -> Option<Parts> {
    let shared = scene.shared;
    let node = with(scene, raw, &["signal", "within"])?;
    let within = node.get("within").map(|within| {
        let time = super::headings::positive(shared, within, "`within`");
        time.inspect(|time| scene.note_wait(*time, within.span))
    });
    let Some(signal) = node.get("signal") else {
        shared.error_hint(Code::MissingKey, raw.id_span, "`wait` has no `signal`", "name the signal");
        return None;
    };
    shared.template(signal, "`signal`")?;
    let definition = json!({ "signal": signal.to_json() });
    let template = shared.json_template(node, &definition)?;
    check_templates(scene, &Site::before("`signal`", raw.index).open(), node, &template, &mut Uses::default());
    let within = within.flatten();
    Some(parts(StepKind::Wait { within }, template, node.to_json(), within))
}

/// `flow`: a child execution.
pub(super) fn flow(scene: &Scene<'_>, raw: &Raw<'_>, uses: &mut Uses) -> Option<Parts> {
    let shared = scene.shared;
    let node = with(scene, raw, &["flow", "inputs"])?;
    if node.get("flow").is_none() {
        shared.error_hint(Code::MissingKey, raw.id_span, "`flow` has no `flow`", "name the flow to start");
    }
    let inputs = node.get("inputs");
    let given = inputs.and_then(|node| shared.any_map(node, "`inputs`")).unwrap_or_default();
    let definition = json!({ "inputs": inputs.map_or_else(|| json!({}), Node::to_json) });
    let template = shared.json_template(node, &definition)?;
    check_templates(scene, &Site::before("`inputs`", raw.index), node, &template, uses);
    let Started { path, plan } = scene.started[raw.index].as_ref()?;
    let plan = plan.clone()?;
    check_inputs(shared, raw, &plan, given);
    let kind = StepKind::Flow { path: path.clone(), plan };
    let waits = child_time(&kind);
    Some(parts(kind, template, node.to_json(), waits))
}

fn check_inputs(shared: &Shared<'_>, raw: &Raw<'_>, child: &Plan, given: &[Entry]) {
    for entry in given {
        let Some(input) = child.inputs.iter().find(|input| *input.name == *entry.key) else {
            let message = format!("`{}` has no input `{}`", cut(&child.main_path), cut(&entry.key));
            let hint = shared.suggest(&entry.key, child.inputs.iter().map(|input| input.name.as_str()));
            shared.report(Problem { hint, ..Problem::new(Code::UnknownFlowInput, entry.key_span, message) });
            continue;
        };
        if !has_template(&entry.value)
            && let Err(why) = input.check(&entry.value.to_json())
        {
            shared.error(Code::InvalidValue, entry.value.span, format!("`{}` {why}", input.name));
        }
    }
    let missing = |name: &str| !given.iter().any(|entry| *entry.key == *name);
    for input in child.inputs.iter().filter(|input| input.required && input.default.is_none() && missing(&input.name)) {
        let message = format!("`{}` needs the input `{}`", cut(&child.main_path), input.name);
        shared.error_hint(Code::MissingKey, raw.id_span, message, "give it under `inputs`");
    }
}

fn has_template(node: &Node) -> bool {
    match &node.value {
        Value::Text(text) => text.contains("${"),
        Value::List(items) => items.iter().any(has_template),
        Value::Map(entries) => entries.iter().any(|entry| has_template(&entry.value)),
        _ => false,
    }
}
