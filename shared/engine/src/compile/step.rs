//! One step.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde_json::json;

use super::children::Started;
use super::context::Shared;
use super::data::{digest, file_ref};
use super::fields::cut;
use super::flow::Scene;
use super::names::{Site, Uses};
use super::references::Check;
use super::words::{STEP_KEYS, keys_of};
use super::{arming, attempts, captures, engine_words, foreach, warnings, with};
use crate::diagnostics::Code;
use crate::expr::JsonTemplate;
use crate::plan::{Condition, OnLost, Plan, Section, Step, StepKind};
use crate::source::{Node, Problem, Span};
use crate::types::{ENGINE_WORDS, StepSpec};

/// A step's text, with what must be known before any step is compiled.
pub(super) struct Raw<'n> {
    pub(super) index: usize,
    pub(super) id: Arc<str>,
    /// Whether the text gives the id.
    pub(super) named: bool,
    pub(super) id_span: Span,
    pub(super) section: Section,
    pub(super) node: &'n Node,
    pub(super) type_node: Option<&'n Node>,
    pub(super) type_name: String,
    pub(super) kind: Kind,
}

/// What a step's type is.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Job(&'static dyn StepSpec),
    Delay,
    Flow,
    Wait,
    /// Already reported.
    Unknown,
}

impl<'n> Raw<'n> {
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.node.get(key)
    }
}

/// So much of an id that is too long is kept, in characters.
const LONGEST_SAID: usize = 100;

/// Reads ids and types of all steps.
pub(super) fn read_all<'n>(shared: &Shared<'_>, main: &'n [Node], last: &'n [Node]) -> Vec<Raw<'n>> {
    let given = |node: &'n Node| node.get("id").and_then(Node::text);
    let taken: HashSet<&str> = main.iter().chain(last).filter_map(given).collect();
    let sections =
        main.iter().map(|node| (node, Section::Main)).chain(last.iter().map(|node| (node, Section::Finally)));
    let read = sections.enumerate().map(|(index, (node, section))| {
        shared.any_map(node, "a step");
        let type_node = node.get("type");
        let (type_name, kind) = kind(shared, node, type_node);
        let id_node = node.get("id");
        let id = id_node.and_then(|node| {
            let id = shared.literal(node, "`id`")?;
            // One that cannot be is kept for what else is said of the flow.
            shared.name(&id, node.span, "a step's id");
            Some(id.chars().take(LONGEST_SAID).collect::<String>()).filter(|id| !id.is_empty())
        });
        let named = id.is_some();
        let id = id.unwrap_or_else(|| {
            let mut made = format!("{}{}", type_name.replace(|c: char| !c.is_ascii_alphanumeric(), "_"), index + 1);
            while taken.contains(made.as_str()) {
                made.push('_');
            }
            made
        });
        let id_span = id_node.or(type_node).unwrap_or(node).span;
        Raw { index, id: id.into(), named, id_span, section, node, type_node, type_name, kind }
    });
    read.collect()
}

fn kind(shared: &Shared<'_>, node: &Node, type_node: Option<&Node>) -> (String, Kind) {
    let unknown = ("step".to_owned(), Kind::Unknown);
    let Some(type_node) = type_node else {
        if node.entries().is_some() {
            shared.error_hint(
                Code::MissingKey,
                node.span,
                "a step has a `type`",
                "say what it does, as in `type: http`",
            );
        }
        return unknown;
    };
    let Some(name) = shared.literal(type_node, "`type`") else { return unknown };
    let kind = match name.as_str() {
        "delay" => Kind::Delay,
        "flow" => Kind::Flow,
        "wait" => Kind::Wait,
        name => match shared.types.get(name) {
            Some(spec) => Kind::Job(spec),
            None => {
                let message = format!("there is no step type `{}`", cut(name));
                let names = shared.types.names();
                let hint = shared.suggest(name, names.iter().copied().chain(ENGINE_WORDS));
                shared.report(Problem { hint, ..Problem::new(Code::UnknownType, type_node.span, message) });
                return unknown;
            }
        },
    };
    (name, kind)
}

/// The names of a step's output; none when they cannot be told.
pub(super) fn outputs(raw: &Raw<'_>, started: Option<&Started>) -> Option<Vec<String>> {
    match raw.kind {
        Kind::Job(spec) => Some(spec.outputs().iter().map(|field| field.name.to_owned()).collect()),
        Kind::Delay => Some(Vec::new()),
        Kind::Wait => Some(vec!["payload".into(), "by".into()]),
        Kind::Flow => started.and_then(|started| started.plan.as_ref()).map(|plan| {
            let main = plan.steps.iter().filter(|step| step.section == Section::Main);
            let captures = main.flat_map(|step| step.captures.iter().map(|capture| capture.name.clone()));
            captures.chain(["verdict".into()]).collect()
        }),
        Kind::Unknown => None,
    }
}

/// Compiles a step; none when it cannot be a part of any plan.
pub(super) fn compile(scene: &Scene<'_>, raw: &Raw<'_>) -> Option<Step> {
    let shared = scene.shared;
    check_keys(shared, raw);
    let mut uses = Uses::default();
    let text = |key: &str| raw.get(key).and_then(|node| shared.scalar_text(node, &format!("`{key}`")));
    let flag = |key: &str| raw.get(key).and_then(|node| shared.boolean(node, &format!("`{key}`"))).unwrap_or(false);
    let arm_before = arming::before(scene, raw);
    let parts = match raw.kind {
        Kind::Job(spec) => with::job(scene, raw, spec, arm_before, &mut uses),
        Kind::Delay => engine_words::delay(scene, raw),
        Kind::Wait => engine_words::wait(scene, raw),
        Kind::Flow => engine_words::flow(scene, raw, &mut uses),
        Kind::Unknown => None,
    };
    let condition = condition(scene, raw);
    let foreach = raw.get("foreach").and_then(|node| foreach::read(scene, raw, node));
    let retry = attempts::retry(scene, raw, &mut uses);
    let looks = attempts::looks(scene, raw, parts.as_ref().and_then(|parts| parts.waits));
    let assertions = captures::assertions(scene, raw, &mut uses);
    let captures = captures::captures(scene, raw, &mut uses);
    let on_lost = on_lost(shared, raw);
    let rerun = raw.get("rerun").and_then(|node| shared.word(node, "`rerun`", &[("always", true)]));
    warnings::step(scene, raw, assertions.len(), looks);
    let parts = parts?;
    let mut files: BTreeMap<String, String> = parts.files;
    files.extend(uses.files);
    let file = |(name, path): (String, String)| shared.bundle.files.get(&path).map(|bytes| (name, file_ref(bytes)));
    let graph = &scene.names.graph;
    let mut step = Step {
        id: raw.id.clone(),
        name: text("name"),
        line: shared.line(raw.node.span),
        section: raw.section,
        timeout: attempts::timeout(scene, raw, parts.waits, looks),
        kind: parts.kind,
        needs: graph.needs[raw.index].clone(),
        dependents: graph.dependents[raw.index].clone(),
        transitive: graph.transitive(raw.index),
        condition,
        foreach,
        with: parts.with,
        retry,
        looks,
        assertions,
        captures,
        hidden: Vec::new(),
        continue_on_error: flag("continueOnError"),
        arm_before,
        arms: Vec::new(),
        runs_on: text("runsOn"),
        on_lost,
        rerun_always: rerun.unwrap_or(false),
        scope: uses.scope,
        secrets: uses.secrets.into_iter().collect(),
        files: files.into_iter().filter_map(file).collect(),
        definition_hash: String::new(),
    };
    step.definition_hash = hash(&step, raw, &parts.definition);
    Some(step)
}

fn on_lost(shared: &Shared<'_>, raw: &Raw<'_>) -> OnLost {
    let words = [("retry", OnLost::Retry), ("error", OnLost::Error)];
    raw.get("onLost").and_then(|node| shared.word(node, "`onLost`", &words)).unwrap_or(OnLost::Judge)
}

fn check_keys(shared: &Shared<'_>, raw: &Raw<'_>) {
    let known = keys_of(&raw.type_name);
    let looks = |key: &str| matches!(raw.kind, Kind::Wait | Kind::Delay) && matches!(key, "eventually" | "throughout");
    let others = raw.node.entries().unwrap_or_default().iter().filter(|entry| !known.contains(&&*entry.key));
    for entry in others.filter(|entry| !looks(&entry.key)) {
        let key = cut(&entry.key);
        if STEP_KEYS.contains(&&*entry.key) {
            let message = format!("`{key}` is not taken by `{}` steps", raw.type_name);
            let hint = format!("they take: {}", known.join(", "));
            shared.error_hint(Code::KeyNotTaken, entry.key_span, message, hint);
        } else if &*entry.key != "<<" {
            let problem = Problem::new(Code::UnknownKey, entry.key_span, format!("`{key}` is not a key of a step"));
            let hint = match raw.kind {
                Kind::Job(spec) if spec.schema().pointer(&format!("/properties/{key}")).is_some() => {
                    Some(format!("`{key}` belongs under `with`"))
                }
                _ => shared.suggest(&entry.key, known.iter().copied()),
            };
            shared.report(Problem { hint, ..problem });
        }
    }
}

/// `if`. In `finally` a step runs whatever happened unless its condition says otherwise.
fn condition(scene: &Scene<'_>, raw: &Raw<'_>) -> Condition {
    let shared = scene.shared;
    let finally = raw.section == Section::Finally;
    let Some(node) = raw.get("if") else {
        let always = finally.then(|| shared.programs.get("always()").ok()).flatten();
        return Condition { program: always, explicit: finally };
    };
    let Some(program) = shared.program(node, "`if`") else { return Condition::default() };
    let site = Site { status: true, item: false, ..Site::before("`if`", raw.index).open() };
    Check { shared, names: scene.names, site: &site, node }.run(program.references(), &mut Uses::default());
    let explicit = finally || program.references().asks_status();
    Condition { program: Some(program), explicit }
}

/// What a rerun compares: everything the text says of the step, defaults and files put in.
fn hash(step: &Step, raw: &Raw<'_>, with: &serde_json::Value) -> String {
    let mut own = raw.node.to_json();
    if let Some(map) = own.as_object_mut() {
        for key in ["id", "name", "needs", "with"] {
            map.remove(key);
        }
    }
    let items = step.foreach.as_ref().map(foreach::definition);
    let child = match &step.kind {
        StepKind::Flow { plan, .. } => definition_of(plan),
        _ => Vec::new(),
    };
    digest(json!([own, with, items, step.files, child]).to_string())
}

/// What a flow step's definition says of the flow that it starts.
fn definition_of(plan: &Plan) -> Vec<String> {
    let inputs = plan.inputs.iter().map(|input| format!("{}={:?}", input.name, input.default));
    let vars = plan.vars.iter().map(|var| format!("{}={}", var.name, var.value.tree()));
    plan.steps.iter().map(|step| step.definition_hash.clone()).chain(inputs).chain(vars).collect()
}

/// What `with` becomes, by type.
pub(super) struct Parts {
    pub(super) kind: StepKind,
    pub(super) with: JsonTemplate,
    /// The merged `with` as text, for the hash.
    pub(super) definition: serde_json::Value,
    /// The time for which the step waits by itself.
    pub(super) waits: Option<std::time::Duration>,
    /// Files: the name used, and the path.
    pub(super) files: BTreeMap<String, String>,
}
