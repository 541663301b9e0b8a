//! `assert` and `capture`.

use std::collections::BTreeMap;

use super::flow::Scene;
use super::names::{Site, Uses};
use super::references::Check;
use super::step::Raw;
use crate::diagnostics::Code;
use crate::expr::Program;
use crate::plan::{Assertion, Capture};
use crate::source::{Node, Value};

/// The names of a step's captures, and whether each is secret.
pub(super) fn names(raw: &Raw<'_>) -> BTreeMap<String, bool> {
    let entries = raw.get("capture").and_then(Node::entries).unwrap_or_default();
    let secret = |node: &Node| matches!(node.get("secret").map(|node| &node.value), Some(Value::Bool(true)));
    entries.iter().map(|entry| (entry.key.to_string(), secret(&entry.value))).collect()
}

/// The captures, in the order of the text.
pub(super) fn captures(scene: &Scene<'_>, raw: &Raw<'_>, uses: &mut Uses) -> Vec<Capture> {
    let shared = scene.shared;
    let Some(node) = raw.get("capture") else { return Vec::new() };
    let mut captures = Vec::new();
    for entry in shared.any_map(node, "`capture`").unwrap_or_default() {
        shared.name(&entry.key, entry.key_span, "a capture's name");
        if matches!(&*entry.key, "output" | "status") {
            let message = format!("`steps.{}.{}` already means something else", raw.id, entry.key);
            shared.error_hint(Code::ReservedName, entry.key_span, message, "choose another name");
        }
        let what = format!("the capture `{}`", entry.key);
        let (value, secret) = match entry.value.entries() {
            None => (Some(&entry.value), false),
            Some(_) => {
                shared.map(&entry.value, &what, &["value", "secret"]);
                let secret = entry.value.get("secret").and_then(|node| shared.boolean(node, "`secret`"));
                (entry.value.get("value"), secret.unwrap_or(false))
            }
        };
        let Some(value) = value else {
            shared.error_hint(Code::MissingKey, entry.key_span, format!("{what} has no `value`"), "give an expression");
            continue;
        };
        if let Some(program) = after(scene, raw, value, "`capture`", uses) {
            captures.push(Capture { name: entry.key.to_string(), value: program, secret });
        }
    }
    captures
}

/// The assertions, in the order of the text.
pub(super) fn assertions(scene: &Scene<'_>, raw: &Raw<'_>, uses: &mut Uses) -> Vec<Assertion> {
    let shared = scene.shared;
    let Some(node) = raw.get("assert") else { return Vec::new() };
    let mut assertions = Vec::new();
    for node in shared.one_or_list(node) {
        let described = node.entries().is_some();
        if described {
            shared.map(node, "an assertion", &["that", "message", "soft"]);
        }
        let that = if described { node.get("that") } else { Some(node) };
        let Some(that) = that else {
            shared.error_hint(Code::MissingKey, node.span, "an assertion has no `that`", "give an expression");
            continue;
        };
        let message = node.get("message").and_then(|node| shared.literal(node, "`message`"));
        let soft = node.get("soft").and_then(|node| shared.boolean(node, "`soft`")).unwrap_or(false);
        let line = shared.line(that.span);
        if let Some(that) = after(scene, raw, that, "`assert`", uses) {
            assertions.push(Assertion { that, message, soft, line });
        }
    }
    assertions
}

/// An expression that is evaluated where the output is.
fn after(scene: &Scene<'_>, raw: &Raw<'_>, node: &Node, what: &str, uses: &mut Uses) -> Option<Program> {
    let (shared, names) = (scene.shared, scene.names);
    let program = shared.program(node, what)?;
    let site = Site::after(what, raw.index);
    Check { shared, names, site: &site, node }.run(program.references(), uses);
    Some(program)
}
