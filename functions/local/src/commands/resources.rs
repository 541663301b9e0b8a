//! `assay resources`: the named systems of an environment and of flows, listed or really connected to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use assay_engine::bundle::{Bundle, RunsAt};
use assay_engine::compile::compile;
use assay_engine::expr::{Evaluation, Programs, Scope, Value};
use assay_engine::plan::{Plan, Resource};
use assay_engine::source::read_data;
use assay_engine::status::StepStatus;
use assay_host::{BundleFiles, Environment, SystemClock};
use assay_steps::carry::{Probe, ProbeSurroundings, probe};
use assay_steps::registry::{Runners, Types};
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::shown_url::without_password;
use crate::args::{CheckArgs, EnvArgs, ListArgs, ResourcesArgs, ResourcesCommand};
use crate::error::CommandError;
use crate::home::random;
use crate::load::{Flow, Texts, Told, Values, beside, find, load_all, places, secrets, shown};
use crate::out::Out;
use crate::project::{Project, environment};

/// How long one check may take.
const WITHIN: Duration = Duration::from_secs(10);
/// What an environment without flows is compiled as.
const ALONE: &str = "resources.json";

pub(super) async fn resources(args: ResourcesArgs, variables: &Environment, out: &mut Out) -> Result<u8, CommandError> {
    match args.command {
        ResourcesCommand::Check(args) => check(args, variables, out).await,
        ResourcesCommand::List(args) => list(&args, variables, out),
    }
}

/// A resource, and the flow (or environment) that it was found in.
struct Named {
    flow: Arc<Flow>,
    at: usize,
}

impl Named {
    fn resource(&self) -> &Resource {
        &self.flow.plan.resources[self.at]
    }
}

/// The resources that are meant.
fn chosen(
    words: &[String],
    env: &EnvArgs,
    project: &Project,
    variables: &Environment,
    out: &Out,
) -> Result<Vec<Named>, CommandError> {
    let is_flow = |word: &&String| {
        Path::new(word).exists() || word.contains(['/', '*', '?', '[', '{']) || word.ends_with(".yaml")
    };
    let (flows, names): (Vec<&String>, Vec<&String>) = words.iter().partition(|word| is_flow(word));
    let files = find(&flows.into_iter().cloned().collect::<Vec<_>>(), &mut |note| out.note(note))?;
    let text = environment(env.env.as_deref(), project, &files, out)?;
    let programs = Programs::default();
    let texts = Texts { programs: &programs, variables, environment: text.as_ref(), runs_at: RunsAt::Laptop };
    let flows = match (files.is_empty(), &text) {
        (false, _) => load_all(&files, texts, out)?,
        (true, Some(_)) => vec![alone(texts, project, out)?],
        (true, None) => {
            return Err(CommandError::wrong("no resources are meant: name an environment with --env, or flows"));
        }
    };
    let mut found = distinct(flows);
    let known: BTreeSet<&str> = found.iter().map(|one| one.resource().name.as_str()).collect();
    for name in &names {
        if !known.contains(name.as_str()) {
            return Err(CommandError::wrong(unknown(name, &known)));
        }
    }
    found.retain(|one| names.is_empty() || names.iter().any(|name| **name == one.resource().name));
    Ok(found)
}

fn unknown(name: &str, known: &BTreeSet<&str>) -> String {
    let near = known.iter().max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
    match near {
        Some(near) if strsim::jaro_winkler(near, name) > 0.8 => {
            format!("there is no resource `{name}`; did you mean `{near}`?")
        }
        Some(_) => {
            let known: Vec<&str> = known.iter().copied().collect();
            format!("there is no resource `{name}`; resources: {}", known.join(", "))
        }
        None => format!("there is no resource `{name}`, nor any other"),
    }
}

/// An environment by itself, as a flow that does nothing: its inputs are those that the environment gives.
fn alone(texts: Texts<'_>, project: &Project, out: &Out) -> Result<Flow, CommandError> {
    let text = texts.environment.map(|environment| (environment.file.as_str(), environment.text.as_bytes()));
    let tree = text.and_then(|(file, text)| read_data(file, text).ok()).unwrap_or_default();
    let inputs: Map<String, Json> = match tree.get("inputs") {
        Some(Json::Object(inputs)) => inputs.keys().map(|name| (name.clone(), json!({}))).collect(),
        _ => Map::new(),
    };
    let flow = json!({"inputs": inputs, "steps": [{"type": "delay", "with": {"for": "0s"}}]});
    let folder = project.folder.clone().unwrap_or_else(|| PathBuf::from("."));
    let bundle = beside(&folder, Bundle::of_text(ALONE, flow.to_string()), texts)?;
    match compile(&bundle, &Types, texts.programs) {
        Ok(compiled) => {
            let file = folder.join(ALONE);
            Ok(Flow { file, bundle: Arc::new(bundle), plan: compiled.plan, warnings: compiled.warnings })
        }
        Err(problems) => {
            out.note(&shown(&problems, Path::new(ALONE), texts.environment, out));
            Err(CommandError::wrong("the environment is wrong"))
        }
    }
}

/// Every resource once: flows that share an environment share its resources.
fn distinct(flows: Vec<Flow>) -> Vec<Named> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for flow in flows.into_iter().map(Arc::new) {
        for (at, resource) in flow.plan.resources.iter().enumerate() {
            let templates: Vec<String> =
                resource.fields.templates().map(|(at, template)| format!("{at}={}", template.text())).collect();
            let key = (resource.name.clone(), resource.kind.clone(), resource.fields.tree().to_string(), templates);
            if seen.insert(key) {
                found.push(Named { flow: flow.clone(), at });
            }
        }
    }
    found.sort_by(|a, b| a.resource().name.cmp(&b.resource().name));
    found
}

/// Where a resource points, as it is written: what is made from a secret shows only the secret's name.
fn written(resource: &Resource) -> String {
    let keys = ["url", "baseUrl", "brokers"];
    let tree = resource.fields.tree();
    for key in keys {
        let template = resource.fields.templates().find(|(at, _)| *at == format!("/{key}"));
        if let Some((_, template)) = template {
            return template.text().to_string();
        }
        match tree.get(key) {
            Some(Json::String(text)) => return without_password(text),
            Some(Json::Array(items)) => {
                let items: Vec<&str> = items.iter().filter_map(Json::as_str).collect();
                return items.join(", ");
            }
            _ => {}
        }
    }
    String::new()
}

fn list(args: &ListArgs, variables: &Environment, out: &Out) -> Result<u8, CommandError> {
    let found = chosen(&args.words, &args.env, &Project::nearest()?, variables, out)?;
    let width = |of: fn(&Resource) -> &str| found.iter().map(|one| of(one.resource()).len()).max().unwrap_or(0);
    let (names, kinds) = (width(|resource| &resource.name), width(|resource| &resource.kind));
    for one in &found {
        let resource = one.resource();
        let place = written(resource);
        if args.json {
            let line = json!({
                "resource": resource.name, "type": resource.kind, "target": place, "secrets": resource.secrets,
            });
            out.print(&format!("{line}\n"));
        } else {
            let name = format!("{:<names$}", resource.name);
            let line = format!("{}  {:<kinds$}  {place}", out.paint().bold(&name), resource.kind);
            out.print(&format!("{}\n", line.trim_end()));
        }
    }
    if found.is_empty() {
        out.note("there are no resources\n");
    }
    Ok(0)
}

/// What came of one check.
pub(super) struct Checked {
    name: String,
    kind: String,
    millis: u64,
    came: Result<Option<String>, (String, String)>,
}

impl Checked {
    /// The resource's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// `(code, message)` when it cannot be used.
    pub(super) fn fault(&self) -> Option<&(String, String)> {
        self.came.as_ref().err()
    }
}

async fn check(args: CheckArgs, variables: &Environment, out: &mut Out) -> Result<u8, CommandError> {
    let done = checks(&args.words, &args.env, &args.secrets.secrets, variables, out).await?;
    Ok(tell(&done, args.json, out))
}

/// Connects to every resource that is meant; secrets are as they were typed.
pub(super) async fn checks(
    words: &[String],
    env: &EnvArgs,
    typed: &[String],
    variables: &Environment,
    out: &mut Out,
) -> Result<Vec<Checked>, CommandError> {
    let typed = secrets(typed, variables)?;
    out.mask(typed.values());
    let project = Project::nearest()?;
    let found = chosen(words, env, &project, variables, out)?;
    let mut secret_values = Vec::new();
    for one in &found {
        let values = values(one, &typed, &project, variables, out)?;
        secret_values.push(values);
    }
    out.mask(typed.values().chain(secret_values.iter().flat_map(BTreeMap::values)));
    let runners = Runners::built_in();
    let mut checks = JoinSet::new();
    for (number, (one, values)) in found.iter().zip(secret_values).enumerate() {
        let prepared = rendered(one, &values);
        let cx = ProbeSurroundings {
            egress: Arc::new(assay_host::open_egress()),
            files: Arc::new(BundleFiles(one.flow.bundle.clone())),
            clock: Arc::new(SystemClock),
        };
        let (name, kind) = (one.resource().name.clone(), one.resource().kind.clone());
        let runners = runners.clone();
        checks.spawn(async move {
            let start = Instant::now();
            let came = match prepared {
                Ok(fields) => {
                    let secrets = values.into_values().collect();
                    let asked = Probe { kind: kind.clone(), fields, secrets, within: WITHIN };
                    probe(asked, &runners, &cx).await.map_err(|error| (error.code, error.message))
                }
                Err(why) => Err(("resource.value".to_owned(), why)),
            };
            let millis = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
            (number, Checked { name, kind, millis, came })
        });
    }
    let mut done: Vec<(usize, Checked)> = Vec::new();
    while let Some(ended) = checks.join_next().await {
        done.push(ended.map_err(|error| CommandError::fault("check a resource", error))?);
    }
    done.sort_by_key(|(number, _)| *number);
    Ok(done.into_iter().map(|(_, checked)| checked).collect())
}

/// The values of the secrets that a resource names.
fn values(
    one: &Named,
    typed: &Values,
    project: &Project,
    variables: &Environment,
    out: &Out,
) -> Result<Values, CommandError> {
    let resource = one.resource();
    let wanted: BTreeSet<String> = resource.secrets.iter().cloned().collect();
    let told = Told { flow: &one.flow.file, project };
    let mut places = places(&one.flow.plan, &wanted, &told)?;
    let mut values = Values::new();
    for name in wanted {
        let value = match (typed.get(&name), places.remove(&name)) {
            (Some(value), _) => value.clone(),
            (None, Some((place, said))) => place.read(&name, &said, variables, out)?,
            (None, None) => {
                return Err(CommandError::wrong(format!(
                    "the resource {} needs the secret {name}: give --secret {name}=VALUE, or --secret {name} to take \
                     the environment variable",
                    resource.name
                )));
            }
        };
        values.insert(name, value);
    }
    Ok(values)
}

/// What an environment says, with everything filled in: the fields of resources and the values of inputs, by name.
#[derive(Default)]
pub(super) struct Filled {
    pub(super) resources: Map<String, Json>,
    pub(super) inputs: Map<String, Json>,
}

/// Reads an environment with its secrets.
pub(super) fn filled(env: &EnvArgs, variables: &Environment, out: &mut Out) -> Result<Filled, CommandError> {
    let (project, mut filled) = (Project::default(), Filled::default());
    for one in chosen(&[], env, &project, variables, out)? {
        let values = values(&one, &Values::new(), &project, variables, out)?;
        out.mask(values.values());
        let name = &one.resource().name;
        let fields =
            rendered(&one, &values).map_err(|why| CommandError::wrong(format!("the resource {name}: {why}")))?;
        filled.resources.insert(name.clone(), fields);
        filled.inputs = inputs(&one.flow.plan);
    }
    Ok(filled)
}

/// What templates of resources name.
struct Names(Arc<Json>);

impl Scope for Names {
    fn root(&self, name: &str) -> Option<Value> {
        match Value::json(self.0.clone()) {
            Value::Map(map) => map.root(name),
            _ => None,
        }
    }
}

/// What the environment, or else the flow, gives to inputs.
fn inputs(plan: &Plan) -> Map<String, Json> {
    plan.inputs.iter().map(|input| (input.name.clone(), input.default.clone().unwrap_or_default())).collect()
}

/// The resource's fields with everything filled in.
fn rendered(one: &Named, secrets: &Values) -> Result<Json, String> {
    let plan: &Plan = &one.flow.plan;
    let mut scope = json!({"inputs": inputs(plan), "vars": {}, "secrets": secrets});
    let mut cx = Evaluation::new(Timestamp::now(), random()).with_env(&plan.env).with_schemas(&plan.schemas);
    for var in &plan.vars {
        // A var that cannot be computed here is missed only by who names it.
        let names = Names(Arc::new(scope.clone()));
        if let Ok(value) = var.value.render(&names, &mut cx) {
            scope["vars"][&var.name] = value;
        }
    }
    let fields = one.resource().fields.render(&Names(Arc::new(scope)), &mut cx);
    fields.map_err(|placed| {
        let field = placed.pointer.trim_start_matches('/').to_owned();
        format!("`{field}` has no value here: {}", placed.error)
    })
}

fn tell(done: &[Checked], as_json: bool, out: &Out) -> u8 {
    let width = done.iter().map(|one| one.name.len()).max().unwrap_or(0);
    let kinds = done.iter().map(|one| one.kind.len()).max().unwrap_or(0);
    let mut bad = 0;
    for one in done {
        let (ok, text) = match &one.came {
            Ok(Some(facts)) => (true, facts.clone()),
            Ok(None) => (true, format!("not checked: nothing knows how to check a resource of type {}", one.kind)),
            Err((code, message)) => (false, format!("{message} [{code}]")),
        };
        bad += usize::from(!ok);
        if as_json {
            out.print(&format!("{}\n", line(one)));
            continue;
        }
        let paint = out.paint();
        let mark = match &one.came {
            Ok(Some(_)) => paint.step(StepStatus::Passed, "ok    "),
            Ok(None) => paint.faint("?     "),
            Err(_) => paint.red("failed"),
        };
        let name = format!("{:<width$}", one.name);
        out.print(&format!("{mark}  {}  {:<kinds$}  {text}\n", paint.bold(&name), one.kind));
    }
    if done.is_empty() {
        out.note("there are no resources\n");
    } else if !as_json && bad > 0 {
        out.print(&format!("{bad} of {} cannot be used\n", done.len()));
    }
    if bad == 0 { 0 } else { 3 }
}

/// What machines read: `ok` is null for what could not be checked.
fn line(one: &Checked) -> Json {
    let mut line = json!({"resource": one.name, "type": one.kind, "ok": null, "millis": one.millis});
    match &one.came {
        Ok(Some(facts)) => {
            line["ok"] = json!(true);
            line["facts"] = json!(facts);
        }
        Ok(None) => {}
        Err((code, message)) => {
            line["ok"] = json!(false);
            line["code"] = json!(code);
            line["message"] = json!(message);
        }
    }
    line
}
