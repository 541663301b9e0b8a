//! `assay run`

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use assay_app::usecases::Executions;
use assay_engine::bundle::RunsAt;
use assay_engine::execution::{Acceptance, Execution};
use assay_engine::expr::Programs;
use assay_engine::id::ExecutionId;
use assay_engine::job::{Captured, Mask};
use assay_engine::plan::Plan;
use assay_engine::status::{ExecutionStatus, worst_exit_code};
use assay_host::{Embedded, Environment};
use clap::CommandFactory as _;
use futures_util::future::try_join_all;
use jiff::Timestamp;
use serde_json::{Map, Value as Json};
use tokio::time::Instant;

use super::report::{self, Files};
use super::store::embedded;
use crate::args::{CommandLine, Durability, OutputArgs, RunArgs, StoreArgs};
use crate::drive::{Driven, Driving, Planned, Rules, drive};
use crate::error::CommandError;
use crate::home::{Entry, Home, Journal, folder, unique_key};
use crate::load::{
    Flow, Places, Shard, Texts, Told, Values, check_names, find, gather, inputs_file, inputs_of, load_all, name_below,
    names, only, pairs, secrets,
};
use crate::local::{organization, project};
use crate::out::Out;
use crate::project::Project;
use crate::remote::{self, Site};
use crate::view::{Next, Outcome, clean, summary};
use crate::watch::Round;

/// How long what was begun may take to end after the last verdict.
pub(super) const CLOSING: Duration = Duration::from_secs(2);

pub(super) async fn run(
    args: RunArgs,
    project: Project,
    environment: &Environment,
    out: &mut Out,
) -> Result<u8, CommandError> {
    Box::pin(run_round(args, project, environment, out, &mut Round::default())).await
}

/// One run, among others where it is repeated.
pub(crate) async fn run_round(
    args: RunArgs,
    project: Project,
    environment: &Environment,
    out: &mut Out,
    round: &mut Round,
) -> Result<u8, CommandError> {
    let typed_secrets = secrets(&args.secrets.secrets, environment)?;
    out.mask(typed_secrets.values());
    let output = project.output(args.output)?;
    report::check(&output)?;
    let labels = project.file.labels.clone().into_iter().chain(pairs("--label", &args.labels)?).collect();
    let typed = pairs("--input", &args.inputs)?;
    let from_file = args.inputs_file.as_deref().map(inputs_file).transpose()?.unwrap_or_default();
    let programs = Arc::new(Programs::default());
    let keep = args.keep.as_deref().map(kept_for).transpose()?;
    let mut files = find(&args.flows, &mut |note| out.note(note))?;
    if let Some(shard) = args.shard {
        files = part(shard, files, &project, out)?;
    }
    round.flows.clone_from(&files);
    let chosen = crate::project::environment(args.env.env.as_deref(), &project, &files, out)?;
    let runs_at = if args.store.on.is_some() { RunsAt::Server } else { RunsAt::Laptop };
    let texts = Texts { programs: &programs, variables: environment, environment: chosen.as_ref(), runs_at };
    let flows = load_all(&files, texts, out)?;
    round.note_read(&flows, chosen.as_ref(), args.inputs_file.iter().cloned().chain(project.own_file()));
    let steps = asked_steps(args.until.as_ref(), &args.only, &flows)?;
    keeps_one(keep, flows.len())?;
    let plans: Vec<&Plan> = flows.iter().map(|flow| &*flow.plan).collect();
    check_names(&plans, typed.keys().chain(from_file.keys()))?;
    let told = flows.iter().map(|flow| (&*flow.plan, Told { flow: &flow.file, project: &project }));
    let (secrets, places) = gathered(told, &typed_secrets, environment, out)?;
    let asked = Asked { only: steps, keep, labels };
    let jobs = jobs(args.jobs.or(project.file.jobs));
    let rules = Rules { fail_fast: args.fail_fast, retries: args.retry_failed };
    if args.store.on.is_some() {
        let remote = remote::connect(&args.store, environment, programs.clone()).await?;
        let flows = remote::sealed(flows, &secrets, &remote, &programs).await?;
        let (_, planned) = planned(&flows, &from_file, &typed, &asked, &places, &project)?;
        return Box::pin(remote::run(planned, &remote, (jobs, rules), &output, out)).await;
    }
    let (key, mut planned) = planned(&flows, &from_file, &typed, &asked, &places, &project)?;
    round.remember(&mut planned);
    let executions: Vec<_> = planned.iter().map(|planned| planned.entry.execution.clone()).collect();
    let began = Instant::now();
    let home = kept_in(args.no_store, &args.store, environment)?;
    let folder = home.as_ref().map(Home::folder);
    let mut embedded = embedded(folder, args.durability.into(), secrets, programs)?;
    let journal = match &home {
        Some(home) => Some(promise(home, &key, &planned, &embedded).await?),
        None => None,
    };
    embedded.work();
    let driving =
        Driving { embedded: &embedded, out, json: output.json, plain: output.plain, jobs, place: folder, rules };
    let files = report::files(&planned);
    let driven = Box::pin(drive(planned, driving, round.interrupts.as_mut())).await?;
    round.note_ended(&driven, flows.iter().map(|flow| flow.file.clone()).zip(executions));
    finish(driven, &output, files, embedded, began, journal, out).await
}

/// The values of the flows' secrets, checked and masked from now on, and where each comes from.
pub(super) fn gathered<'p>(
    told: impl IntoIterator<Item = (&'p Plan, Told<'p>)> + Clone,
    typed: &Values,
    environment: &Environment,
    out: &mut Out,
) -> Result<(Values, Places), CommandError> {
    let (values, places) = gather(told.clone(), typed, environment, out)?;
    out.mask(values.values());
    let plans: Vec<&Plan> = told.into_iter().map(|(plan, _)| plan).collect();
    check_secrets(&plans, &values)?;
    note_unused(&plans, typed, out);
    Ok((values, places))
}

fn kept_in(no_store: bool, store: &StoreArgs, environment: &Environment) -> Result<Option<Home>, CommandError> {
    match no_store {
        true => Ok(None),
        false => Ok(Some(Home::open_or_make(folder(store.store.as_deref(), environment)?)?)),
    }
}

fn keeps_one(keep: Option<Duration>, flows: usize) -> Result<(), CommandError> {
    match keep.is_some() && flows != 1 {
        true => Err(CommandError::wrong("--keep holds the `finally` of one flow back: give only that flow")),
        false => Ok(()),
    }
}

/// Writes down what is about to run, with all that a later process needs to run it.
pub(super) async fn promise(
    home: &Home,
    key: &str,
    planned: &[Planned],
    embedded: &Embedded,
) -> Result<Journal, CommandError> {
    let store = &embedded.platform().store;
    // all at once: a store can write them together
    try_join_all(planned.iter().map(|planned| store.put_flow_version(&planned.plan.version, &planned.bundle))).await?;
    Journal::write(home, key, planned.iter().map(|planned| planned.entry.clone()).collect())
}

/// How many flows run at once.
pub(super) fn jobs(asked: Option<u32>) -> usize {
    let processors = || std::thread::available_parallelism().map_or(1, NonZero::get);
    asked.map_or_else(processors, |jobs| jobs as usize)
}

impl From<Durability> for assay_host::Durability {
    fn from(asked: Durability) -> Self {
        match asked {
            Durability::Normal => Self::Normal,
            Durability::Full => Self::Full,
        }
    }
}

/// `--keep`: how long.
pub(super) fn kept_for(text: &str) -> Result<Duration, CommandError> {
    let keep = assay_engine::duration::parse(text).map_err(|error| CommandError::wrong(format!("--keep: {error}")))?;
    if keep.is_zero() {
        return Err(CommandError::wrong("--keep: hold `finally` back for how long? As in 30m"));
    }
    Ok(keep)
}

/// The flows of this machine, said once.
fn part(shard: Shard, files: Vec<PathBuf>, project: &Project, out: &Out) -> Result<Vec<PathBuf>, CommandError> {
    let here = PathBuf::from(".");
    let all = files.len();
    let mine = shard.pick(files, project.folder.as_deref().unwrap_or(&here))?;
    let names: Vec<String> = mine.iter().map(|file| format!("  {}\n", file.display())).collect();
    let rest = if mine.is_empty() { ": nothing to run" } else { "" };
    out.note(&format!("shard {shard}: {} of {all} flows{rest}\n{}", mine.len(), names.concat()));
    Ok(mine)
}

/// The steps after `--only` or `--until`; none: all.
fn asked_steps(
    until: Option<&String>,
    ids: &[String],
    flows: &[Flow],
) -> Result<Option<BTreeSet<String>>, CommandError> {
    let (option, wanted) = match until {
        Some(step) => ("--until", std::slice::from_ref(step)),
        None if ids.is_empty() => return Ok(None),
        None => ("--only", ids),
    };
    let [flow] = flows else {
        return Err(CommandError::wrong(format!("{option} names steps of one flow: give only that flow")));
    };
    only(option, &flow.plan, wanted).map(Some)
}

/// Every secret that a flow names must have a value.
pub(super) fn check_secrets(plans: &[&Plan], given: &Values) -> Result<(), CommandError> {
    for plan in plans {
        let missing: Vec<String> = names(plan).into_iter().filter(|name| !given.contains_key(name)).collect();
        if let [first, ..] = missing.as_slice() {
            return Err(CommandError::wrong(format!(
                "{} needs the secret{} {}: give --secret {first}=VALUE, or --secret {first} to take the environment variable",
                plan.name,
                if missing.len() == 1 { "" } else { "s" },
                missing.join(", "),
            )));
        }
    }
    Ok(())
}

/// A value that no flow names is a slip worth a word.
pub(super) fn note_unused(plans: &[&Plan], typed: &Values, out: &Out) {
    let named: BTreeSet<String> = plans.iter().flat_map(|plan| names(plan)).collect();
    for name in typed.keys().filter(|name| !named.contains(*name)) {
        out.note(&format!("note: no flow has a secret {name} under `secrets`\n"));
    }
}

/// What holds for all flows of a call.
struct Asked {
    only: Option<BTreeSet<String>>,
    keep: Option<Duration>,
    labels: BTreeMap<String, String>,
}

/// What will run, and a key that no other call has.
fn planned(
    flows: &[Flow],
    from_file: &Map<String, Json>,
    typed: &BTreeMap<String, String>,
    asked: &Asked,
    places: &Places,
    project: &Project,
) -> Result<(String, Vec<Planned>), CommandError> {
    let key = unique_key();
    let mut planned = Vec::new();
    for (number, flow) in flows.iter().enumerate() {
        let start_key = format!("{key}-{number}");
        let inputs = inputs_of(&flow.plan, from_file, typed)?;
        let execution = Executions::id_of(&organization(), &start_key);
        acceptable(flow, &execution, &inputs)?;
        let entry = Entry {
            execution,
            start_key,
            version: flow.plan.version.clone(),
            main: flow.plan.main_path.clone(),
            inputs,
            labels: asked.labels.clone(),
            secrets: names(&flow.plan)
                .into_iter()
                .filter_map(|name| places.get(&name).map(|place| (name.clone(), place.clone())))
                .collect(),
            rerun: None,
            only: asked.only.clone(),
            keep_ms: asked.keep.map(|keep| u64::try_from(keep.as_millis()).unwrap_or(u64::MAX)),
            file: Some(told(&flow.file, project)),
        };
        let (plan, bundle, file) = (flow.plan.clone(), flow.bundle.clone(), Some(flow.file.clone()));
        planned.push(Planned { entry, plan, bundle, exists: false, file, earlier: None });
    }
    Ok((key, planned))
}

/// Where a flow is, for people and for a later rerun: below the project, where it lies there.
pub(super) fn told(file: &Path, project: &Project) -> String {
    let below = project.folder.as_deref().filter(|top| {
        let (file, top) = (file.canonicalize(), top.canonicalize());
        matches!((file, top), (Ok(file), Ok(top)) if file.starts_with(&top))
    });
    below.and_then(|top| name_below(file, top).ok()).unwrap_or_else(|| file.display().to_string())
}

/// Whether the flow takes these inputs, before any flow runs.
fn acceptable(flow: &Flow, id: &ExecutionId, inputs: &BTreeMap<String, Json>) -> Result<(), CommandError> {
    let acceptance = Acceptance {
        id: id.clone(),
        organization: organization(),
        project: project(),
        parent: None,
        depth: 0,
        seed: 0,
        mask: Mask::default(),
        inputs: inputs.iter().map(|(name, value)| (name.clone(), Captured::Clear(value.clone()))).collect(),
        labels: BTreeMap::new(),
        rerun: None,
        attempt: 1,
        carried: None,
        only: None,
        keep: None,
        file: None,
        now: Timestamp::now(),
    };
    match Execution::accept(&flow.plan, acceptance) {
        Ok(_) => Ok(()),
        Err(refusal) => Err(CommandError::wrong(format!("{}: {}", flow.file.display(), refusal.problems.join("\n  ")))),
    }
}

/// What can be typed next: who sits at a terminal is told of all of it.
fn next_commands(stored: bool, out: &Out) -> Vec<Next> {
    let mut next = Vec::new();
    if stored {
        next.push(("show", ""));
        if out.drawable() && CommandLine::command().find_subcommand("rerun").is_some() {
            next.push(("rerun", " --from-failed"));
        }
    }
    next
}

/// Says what came out, writes the reports, closes the journal, and answers the exit code.
pub(super) async fn finish(
    driven: Driven,
    output: &OutputArgs,
    files: Files,
    embedded: Embedded,
    began: Instant,
    journal: Option<Journal>,
    out: &Out,
) -> Result<u8, CommandError> {
    let unfinished = driven.unfinished;
    let code = tell(driven, output, (&files, &embedded), began, journal.is_some(), out).await?;
    if unfinished > 0 && journal.is_some() {
        out.note("not everything has ended: `assay resume` goes on with it\n");
    }
    embedded.close(CLOSING).await;
    if let Some(journal) = journal.filter(|_| unfinished == 0) {
        journal.close()?;
    }
    Ok(code)
}

/// Says what came out and writes the reports; answers the exit code. `stored`: the executions can be shown again here.
pub(crate) async fn tell(
    driven: Driven,
    output: &OutputArgs,
    (files, site): (&Files, &dyn Site),
    began: Instant,
    stored: bool,
    out: &Out,
) -> Result<u8, CommandError> {
    let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let ids: Vec<ExecutionId> = driven.outcomes.iter().map(|outcome| outcome.execution.clone()).collect();
    // Of a flow that was retried the last execution counts.
    let (counting, replaced): (Vec<Outcome>, Vec<Outcome>) =
        driven.outcomes.into_iter().partition(|outcome| !driven.replaced.contains_key(&outcome.execution));
    let anything = !counting.is_empty() || !driven.not_started.is_empty();
    if anything && !output.json {
        let next = next_commands(stored, out);
        out.print(&summary(&counting, driven.not_started.len(), millis, &next, out.paint()));
        out.print(&retried(&counting, &replaced, &driven.replaced));
    }
    if !driven.not_started.is_empty() {
        out.note(&format!("not started: {}\n", driven.not_started.join(", ")));
    }
    report::write(&output.reports, &ids, files, site, out).await?;
    let codes = counting.iter().map(|outcome| outcome.status.exit_code());
    let cut = driven.stopped && (driven.unfinished > 0 || !driven.not_started.is_empty());
    Ok(worst_exit_code(codes.chain(cut.then_some(ExecutionStatus::Cancelled.exit_code()))))
}

/// A line for each flow that was retried: what each time came to.
fn retried(counting: &[Outcome], replaced: &[Outcome], by: &HashMap<ExecutionId, ExecutionId>) -> String {
    let mut lines = String::new();
    for last in counting {
        let mut times: Vec<&Outcome> = vec![last];
        while let Some(before) = times
            .last()
            .and_then(|one| replaced.iter().find(|earlier| by.get(&earlier.execution) == Some(&one.execution)))
        {
            times.push(before);
        }
        if times.len() < 2 {
            continue;
        }
        times.reverse();
        let told: Vec<String> = times.iter().map(|one| format!("{} ({})", one.status.word(), one.execution)).collect();
        let word = if last.status == ExecutionStatus::Passed { "flaky" } else { "retried" };
        lines.push_str(&format!("{word}: {} was {}\n", clean(&last.flow), told.join(", then ")));
    }
    lines
}
