//! The keys of a flow besides its steps, inputs and vars.

use std::collections::BTreeMap;
use std::time::Duration;

use super::context::Shared;
use super::words::{EXECUTION_TIMEOUT, FINALLY_TIMEOUT};
use crate::diagnostics::Code;
use crate::expr::Template;
use crate::plan::{OnConflict, Priority};
use crate::source::Node;
use crate::types::FlowKind;

pub(super) const KINDS: [(&str, FlowKind); 6] = [
    ("api", FlowKind::Api),
    ("ui", FlowKind::Ui),
    ("load", FlowKind::Load),
    ("event", FlowKind::Event),
    ("chaos", FlowKind::Chaos),
    ("diagnostic", FlowKind::Diagnostic),
];

/// What the flow says about itself.
pub(super) struct Headings {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) kind: Option<FlowKind>,
    pub(super) timeout: Duration,
    pub(super) timeout_given: bool,
    pub(super) queue_timeout: Option<Duration>,
    pub(super) finally_timeout: Duration,
    pub(super) priority: Priority,
}

/// A concurrency group whose template is not checked yet.
pub(super) struct Group<'n> {
    pub(super) node: &'n Node,
    pub(super) template: Template,
    pub(super) max: u32,
    pub(super) on_conflict: OnConflict,
}

impl Headings {
    pub(super) fn read(shared: &Shared<'_>, path: &str, root: &Node) -> Self {
        let text = |key: &str| root.get(key).and_then(|node| shared.scalar_text(node, &format!("`{key}`")));
        let time = |key: &str| root.get(key).and_then(|node| positive(shared, node, &format!("`{key}`")));
        let timeout = time("timeout");
        let words = [("p0", Priority::P0), ("p1", Priority::P1), ("p2", Priority::P2)];
        Self {
            name: text("name").unwrap_or_else(|| file_stem(path).to_owned()),
            description: text("description"),
            labels: root.get("labels").map(|node| labels(shared, node)).unwrap_or_default(),
            kind: root.get("kind").and_then(|node| shared.word(node, "`kind`", &KINDS)),
            timeout: timeout.unwrap_or(EXECUTION_TIMEOUT),
            timeout_given: root.get("timeout").is_some(),
            queue_timeout: time("queueTimeout"),
            finally_timeout: time("finallyTimeout").unwrap_or(FINALLY_TIMEOUT),
            priority: root
                .get("priority")
                .and_then(|node| shared.word(node, "`priority`", &words))
                .unwrap_or(Priority::P1),
        }
    }
}

/// `checks/order.flow.yaml` is `order`.
pub(super) fn file_stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or(name)
}

/// A duration that is not zero.
pub(super) fn positive(shared: &Shared<'_>, node: &Node, what: &str) -> Option<Duration> {
    let duration = shared.duration(node, what)?;
    if duration.is_zero() {
        shared.error(Code::InvalidValue, node.span, format!("{what} is zero: nothing could run"));
        return None;
    }
    Some(duration)
}

pub(super) fn labels(shared: &Shared<'_>, node: &Node) -> BTreeMap<String, String> {
    let entries = shared.any_map(node, "`labels`").unwrap_or_default();
    let label = |entry: &crate::source::Entry| {
        Some((entry.key.to_string(), shared.scalar_text(&entry.value, &format!("the label `{}`", entry.key))?))
    };
    entries.iter().filter_map(label).collect()
}

/// Reads `concurrency`.
pub(super) fn group<'n>(shared: &Shared<'_>, node: &'n Node) -> Option<Group<'n>> {
    shared.map(node, "`concurrency`", &["group", "max", "onConflict"])?;
    let words =
        [("queue", OnConflict::Queue), ("cancelRunning", OnConflict::CancelRunning), ("reject", OnConflict::Reject)];
    let max = node.get("max").and_then(|max| shared.count(max, "`max`", 1..=10_000));
    let on_conflict = node.get("onConflict").and_then(|word| shared.word(word, "`onConflict`", &words));
    let Some(group) = node.get("group") else {
        shared.error_hint(Code::MissingKey, node.span, "`concurrency` has no `group`", "name the group");
        return None;
    };
    let template = shared.template(group, "`group`")?;
    if template.literal().is_some_and(|name| name.trim().is_empty()) {
        shared.error(Code::InvalidValue, group.span, "`group` is empty");
    }
    let on_conflict = on_conflict.unwrap_or(OnConflict::Queue);
    Some(Group { node: group, template, max: max.unwrap_or(1), on_conflict })
}
