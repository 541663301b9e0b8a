//! `secrets`: names, or names with the place where a value is read from.

use std::collections::{BTreeMap, BTreeSet};

use super::context::Shared;
use super::fields::cut;
use crate::diagnostics::Code;
use crate::plan::{Plan, SecretFrom, SecretReference, Step, StepKind};
use crate::source::{Entry, Node, Span, Value};

/// A declared secret.
#[derive(Debug, Clone)]
pub(super) struct Declared {
    pub(super) name: String,
    pub(super) span: Span,
    /// Where its value is read from, when that is said.
    pub(super) from: Option<SecretFrom>,
}

/// Reads `secrets`: a list of names, or a map from names to where their values are.
pub(super) fn read(shared: &Shared<'_>, node: &Node) -> Vec<Declared> {
    let mut declared: Vec<Declared> = Vec::new();
    let mut add = |secret: Declared| {
        if !shared.name(&secret.name, secret.span, "a secret's name") {
            return;
        }
        if declared.iter().any(|known| known.name == secret.name) {
            shared.error(Code::DuplicateKey, secret.span, format!("the secret `{}` stands twice", secret.name));
        } else {
            declared.push(secret);
        }
    };
    match &node.value {
        Value::List(items) => {
            for item in items {
                if let Some(name) = shared.literal(item, "a secret's name") {
                    add(Declared { name, span: item.span, from: None });
                }
            }
        }
        Value::Map(entries) => {
            for entry in entries {
                let (name, span) = (entry.key.to_string(), entry.key_span);
                add(Declared { name, span, from: from(shared, entry) });
            }
        }
        _ => shared.wrong_type(node, "`secrets`", "a list of names or a map"),
    }
    declared
}

/// `{env: NAME}` or `{file: path}`; null says nothing.
fn from(shared: &Shared<'_>, entry: &Entry) -> Option<SecretFrom> {
    let what = format!("the secret `{}`", cut(&entry.key));
    let node = &entry.value;
    if matches!(node.value, Value::Null) {
        return None;
    }
    if node.text().is_some() {
        let hint = "say where the value is: `{env: NAME}` or `{file: path}`; a value itself never stands in a file";
        shared.error_hint(Code::WrongType, node.span, format!("expected a map for {what}, found a text"), hint);
        return None;
    }
    let entries = shared.map(node, &what, &["env", "file"])?;
    if shared.on_server() {
        let hint = "list its name: on a server values are kept with the project";
        shared.error_hint(Code::ServerOnly, node.span, format!("a server reads {what} from no file or variable"), hint);
        return None;
    }
    let [one] = entries else {
        let message = format!("{what} needs one of `env` and `file`");
        shared.error_hint(Code::InvalidValue, entry.key_span, message, "write `{env: NAME}` or `{file: path}`");
        return None;
    };
    let key = format!("`{}`", one.key);
    let text = shared.literal(&one.value, &key)?;
    if text.trim().is_empty() {
        shared.error(Code::InvalidValue, one.value.span, format!("{key} is empty"));
        return None;
    }
    match &*one.key {
        "env" => Some(SecretFrom::Variable(text)),
        "file" => Some(SecretFrom::File(text)),
        _ => None,
    }
}

/// Where values are read from: what the environment says, else what the flow says.
pub(super) fn references(shared: &Shared<'_>, own: &[Declared]) -> BTreeMap<String, SecretReference> {
    let own = own.iter().map(|secret| (secret, false));
    let all = own.chain(shared.environment.secrets.iter().map(|secret| (secret, true)));
    all.filter_map(|(secret, environment)| Some((secret.name.clone(), reference(shared, secret, environment)?)))
        .collect()
}

fn reference(shared: &Shared<'_>, secret: &Declared, environment: bool) -> Option<SecretReference> {
    let from = secret.from.clone()?;
    let place = shared.source(secret.span)?.place(secret.span);
    Some(SecretReference { from, environment, file: place.file, line: place.line, column: place.column })
}

/// The names of a flow's secrets: its own, then those of the environment that it names.
pub(super) fn all<'n>(own: &[Declared], named: impl IntoIterator<Item = &'n String>) -> Vec<String> {
    let mut names: Vec<String> = own.iter().map(|secret| secret.name.clone()).collect();
    for name in named {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// These, and those of the flows that the steps start.
pub(super) fn masked(own: &[String], steps: &[Step]) -> Vec<String> {
    let below = steps.iter().filter_map(below).flat_map(|plan| plan.masked.iter());
    own.iter().chain(below).cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

/// The steps that leave secrets to later ones: those that capture one, and flows in which one is captured.
pub(super) fn leavers(steps: &[Step]) -> Vec<usize> {
    let leaves = |step: &Step| {
        step.captures.iter().any(|capture| capture.secret)
            || below(step).is_some_and(|plan| !plan.secret_leavers.is_empty())
    };
    steps.iter().enumerate().filter(|(_, step)| leaves(step)).map(|(index, _)| index).collect()
}

/// The plan of the flow that a step starts.
fn below(step: &Step) -> Option<&Plan> {
    match &step.kind {
        StepKind::Flow { plan, .. } => Some(plan),
        _ => None,
    }
}
