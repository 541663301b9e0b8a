//! One flow: its headings, its names, its steps, in this order.

use std::cell::RefCell;
use std::collections::hash_map;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::children::{self, Started};
use super::context::Shared;
use super::graph::Graph;
use super::headings::{Group, Headings, group};
use super::inputs::{self, Declared};
use super::names::{Named, Names, Site, StepNames, Uses};
use super::path::folder;
use super::references::Check;
use super::step::{self, Kind, Raw};
use super::words::{FLOW_KEYS, MAX_STEPS};
use super::{captures, environment, merge, resources, secrets, vars, warnings};
use crate::diagnostics::Code;
use crate::plan::{Concurrency, Plan, Section, Step};
use crate::source::{Entry, Node, Problem, Span};
use crate::types::FlowKind;

/// What the steps of a flow are compiled with.
pub(super) struct Scene<'a> {
    pub(super) shared: &'a Shared<'a>,
    pub(super) names: &'a Names,
    pub(super) resources: &'a [Entry],
    /// Where resources stand whose fields were held against the schema already.
    pub(super) judged: &'a [Span],
    pub(super) defaults: Option<&'a Node>,
    pub(super) raws: &'a [Raw<'a>],
    /// By step: the flow that it starts.
    pub(super) started: &'a [Option<Started>],
    /// The longest time that a step waits by itself, and where it says so.
    pub(super) longest: RefCell<Option<(Duration, Span)>>,
}

/// Compiles the flow at `path`; `chain` are the flows that lead to it.
pub(super) fn compile(shared: &Shared<'_>, path: &str, chain: &[String]) -> Option<Arc<Plan>> {
    let Some(bytes) = shared.bundle.files.get(path) else {
        let message = format!("there is no file `{path}`");
        shared.report(Problem { span: None, ..Problem::new(Code::MissingFile, Span::default(), message) });
        return None;
    };
    let (start, root) = shared.read(path, bytes);
    let root = root?;
    shared.map(&root, "a flow", &FLOW_KEYS)?;
    let raws = steps(shared, &root, start)?;
    let started: Vec<Option<Started>> = raws.iter().map(|raw| children::started(shared, raw, path, chain)).collect();
    plan(shared, path, &root, &raws, &started).map(Arc::new)
}

/// The plan of a flow whose steps were read.
fn plan(shared: &Shared<'_>, path: &str, root: &Node, raws: &[Raw<'_>], started: &[Option<Started>]) -> Option<Plan> {
    let headings = Headings::read(shared, path, root);
    let declared = root.get("inputs").map(|node| inputs::read(shared, folder(path), node)).unwrap_or_default();
    let own = |key: &str| root.get(key).and_then(|node| shared.any_map(node, &format!("`{key}`"))).unwrap_or_default();
    let var_entries = environment::overlaid(own("vars"), &shared.environment.vars);
    let resources = environment::overlaid(own("resources"), &shared.environment.resources);
    let judged = resources::check(shared, &resources);
    let defaults = root.get("defaults");
    defaults.inspect(|node| merge::defaults(shared, node));
    let vars = vars::read(shared, &var_entries);
    let group = root.get("concurrency").and_then(|node| group(shared, node));
    let own_secrets = root.get("secrets").map(|node| secrets::read(shared, node)).unwrap_or_default();
    let names = names(shared, path, raws, started, &declared, &own_secrets, vars::secrets(&vars));
    vars::check(shared, &names, &vars);
    let longest = RefCell::default();
    let scene =
        Scene { shared, names: &names, resources: &resources, judged: &judged, defaults, raws, started, longest };
    let group = group.map(|group| checked_group(&scene, group));
    let steps: Vec<Option<Step>> = raws.iter().map(|raw| step::compile(&scene, raw)).collect();
    let compiled_resources = resources::compiled(&scene);
    warnings::timeout(&scene, &headings);
    warnings::unused(&scene, &declared, &own_secrets);
    let steps = finish(&names, steps.into_iter().collect::<Option<Vec<_>>>()?);
    let named = names.found.take();
    let secrets = secrets::all(&own_secrets, &named.secrets);
    Some(Plan {
        version: shared.version.clone(),
        main_path: path.to_owned(),
        kind: headings.kind.unwrap_or_else(|| default_kind(raws, started)),
        name: headings.name,
        description: headings.description,
        labels: headings.labels,
        inputs: declared.into_iter().map(|declared| declared.input).collect(),
        masked: secrets::masked(&secrets, &steps),
        secret_leavers: secrets::leavers(&steps),
        secrets,
        secret_references: secrets::references(shared, &own_secrets),
        resources: compiled_resources,
        vars: vars::compiled(&names, vars),
        timeout: headings.timeout,
        queue_timeout: headings.queue_timeout,
        finally_timeout: headings.finally_timeout,
        concurrency: group,
        priority: headings.priority,
        main_steps: raws.iter().filter(|raw| raw.section == Section::Main).count(),
        steps,
        environment: shared.environment.name.clone(),
        env: Arc::new(named.env),
        schemas: Arc::new(named.schemas),
    })
}

/// The steps of both sections; none when there is nothing to compile.
fn steps<'n>(shared: &Shared<'_>, root: &'n Node, start: Span) -> Option<Vec<Raw<'n>>> {
    let listed = |key: &str| root.get(key).map(|node| shared.list(node, &format!("`{key}`")));
    let (main, last) = (listed("steps"), listed("finally").flatten().unwrap_or_default());
    // What is no list has been said already.
    if main.as_ref().is_some_and(Option::is_none) {
        return None;
    }
    let Some(main) = main.flatten().filter(|steps| !steps.is_empty()) else {
        let at = root.entry("steps").map_or(start, |entry| entry.key_span);
        shared.error_hint(Code::NoSteps, at, "a flow has at least one step", "list them under `steps`");
        return None;
    };
    if main.len() + last.len() > MAX_STEPS {
        let span = main.iter().chain(last).nth(MAX_STEPS).map_or(root.span, |node| node.span);
        let message = format!("there are {} steps; {MAX_STEPS} are the most", main.len() + last.len());
        shared.error_hint(Code::TooManySteps, span, message, "move some into a flow of their own, or use `foreach`");
        return None;
    }
    Some(step::read_all(shared, main, last))
}

fn names(
    shared: &Shared<'_>,
    path: &str,
    raws: &[Raw<'_>],
    started: &[Option<Started>],
    declared: &[Declared],
    own_secrets: &[secrets::Declared],
    vars: BTreeMap<String, std::collections::BTreeSet<String>>,
) -> Names {
    let mut by_id = HashMap::new();
    for raw in raws {
        // The first one keeps its name: what names it must not be told of the other's place.
        match by_id.entry(raw.id.clone()) {
            hash_map::Entry::Vacant(place) => {
                place.insert(raw.index);
            }
            hash_map::Entry::Occupied(_) if raw.named => {
                let message = format!("another step has the id `{}`", raw.id);
                shared.error_hint(Code::DuplicateId, raw.id_span, message, "give each step its own");
            }
            hash_map::Entry::Occupied(_) => {}
        }
    }
    let main = raws.iter().filter(|raw| raw.section == Section::Main).count();
    let steps = raws.iter().zip(started).map(|(raw, started)| StepNames {
        id: raw.id.clone(),
        captures: captures::names(raw),
        outputs: step::outputs(raw, started.as_ref()),
        foreach: raw.get("foreach").is_some(),
    });
    Names {
        inputs: declared.iter().map(|declared| declared.input.name.clone()).collect(),
        vars,
        secrets: own_secrets.iter().chain(&shared.environment.secrets).map(|secret| secret.name.clone()).collect(),
        steps: steps.collect(),
        graph: Graph::of(shared, raws, &by_id, main),
        by_id,
        folder: folder(path).to_owned(),
        found: RefCell::<Named>::default(),
    }
}

fn checked_group(scene: &Scene<'_>, group: Group<'_>) -> Concurrency {
    let (shared, names) = (scene.shared, scene.names);
    let site = Site::outside("`group`").open();
    Check { shared, names, site: &site, node: group.node }.run(group.template.references(), &mut Uses::default());
    Concurrency { group: group.template, max: group.max, on_conflict: group.on_conflict }
}

/// Puts in what only all steps together tell.
fn finish(names: &Names, mut steps: Vec<Step>) -> Vec<Step> {
    let hidden = std::mem::take(&mut names.found.borrow_mut().hidden);
    for (step, paths) in hidden {
        steps[step].hidden = paths.into_iter().collect();
    }
    let armed: Vec<(usize, usize)> =
        steps.iter().enumerate().filter_map(|(at, step)| Some((at, step.arm_before?))).collect();
    for (armed, before) in armed {
        steps[before].arms.push(armed);
    }
    steps
}

/// The kind that the step types tell: the most special one, and `diagnostic` only when all steps ask.
fn default_kind(raws: &[Raw<'_>], started: &[Option<Started>]) -> FlowKind {
    let kind = |(raw, started): (&Raw<'_>, &Option<Started>)| match raw.kind {
        Kind::Job(spec) => Some(spec.kind()),
        _ => started.as_ref().and_then(|started| started.plan.as_ref()).map(|plan| plan.kind),
    };
    let kinds: Vec<FlowKind> = raws.iter().zip(started).filter_map(kind).collect();
    let special = [FlowKind::Chaos, FlowKind::Load, FlowKind::Ui, FlowKind::Event];
    match special.into_iter().find(|kind| kinds.contains(kind)) {
        Some(kind) => kind,
        None if !kinds.is_empty() && kinds.iter().all(|kind| *kind == FlowKind::Diagnostic) => FlowKind::Diagnostic,
        None => FlowKind::Api,
    }
}
