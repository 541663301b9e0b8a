//! `assay resume`

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;

use assay_app::plans::PlanError;
use assay_app::ports::ExecutionFilter;
use assay_engine::id::ExecutionId;
use assay_engine::plan::Plan;
use assay_engine::status::{ExecutionStatus, worst_exit_code};
use assay_host::{Durability, Embedded, Environment};
use tokio::time::Instant;

use super::report;
use super::run::{check_secrets, finish, jobs, note_unused};
use super::store::{embedded, open};
use crate::args::{OutputArgs, ResumeArgs};
use crate::drive::{Driving, Planned, Rules, drive};
use crate::error::CommandError;
use crate::home::{Entry, Home, Journal, Kept, folder, left_behind, living, unique_key};
use crate::load::{SecretPlace, Told, Values, names, secrets};
use crate::out::Out;
use crate::project::Project;

/// What is said when nothing was left behind.
const NOTHING: &str = "nothing to resume\n";
/// The exit code when something could not be gone on with: nobody found out.
const FAULT: u8 = 3;
/// Executions listed at once.
const PAGE: usize = 200;

/// What to go on with, and how.
pub(super) struct Resuming<'a> {
    /// Only this one; none: everything that was left behind.
    pub(super) only: Option<ExecutionId>,
    /// Values of secrets that were typed.
    pub(super) secrets: Values,
    /// Environment variables.
    pub(super) environment: &'a Environment,
    /// The nearest `assay.yaml`.
    pub(super) project: Project,
    /// What this version cannot read is ended instead of kept.
    pub(super) give_up: bool,
    /// At once.
    pub(super) jobs: usize,
    /// What is printed and reported.
    pub(super) output: &'a OutputArgs,
    /// What a save survives.
    pub(super) durability: Durability,
}

pub(super) async fn resume(args: ResumeArgs, environment: &Environment, out: &mut Out) -> Result<u8, CommandError> {
    if args.store.on.is_some() {
        return Err(CommandError::wrong(
            "what runs on a stack goes on by itself: `assay executions --on aws` lists it, `assay events ID --follow --on \
             aws` watches it",
        ));
    }
    let secrets = secrets(&args.secrets.secrets, environment)?;
    out.mask(secrets.values());
    if args.execution.is_none() && !folder(args.store.store.as_deref(), environment)?.is_dir() {
        out.note(NOTHING);
        return Ok(0);
    }
    let opened = open(&args.store, environment).await?;
    let only = match &args.execution {
        Some(word) => {
            let id = opened.find(word).await?;
            let top = opened.top(&id).await?;
            if let Some(process) = opened.runner_of(&top)? {
                return Err(CommandError::wrong(format!(
                    "process {process} runs {top}: watch it with assay events {top} --follow"
                )));
            }
            Some(top)
        }
        None => None,
    };
    let Some(home) = opened.home.clone() else { return Ok(0) };
    drop(opened);
    let project = Project::nearest()?;
    let jobs = jobs(args.jobs.or(project.file.jobs));
    let output = project.output(args.output)?;
    report::check(&output)?;
    let durability = args.durability.into();
    let resuming = Resuming { only, secrets, environment, project, give_up: false, jobs, output: &output, durability };
    Box::pin(go_on(&home, resuming, out)).await
}

/// Goes on with what was left behind; answers the exit code.
pub(super) async fn go_on(home: &Home, resuming: Resuming<'_>, out: &mut Out) -> Result<u8, CommandError> {
    let began = Instant::now();
    let stored = embedded(Some(home.folder()), resuming.durability, Values::new(), Arc::default())?;
    let left = left_behind(home)?;
    let (mine, mut others) = split(&left, resuming.only.as_ref());
    let Found { planned, broken } = planned(home, &stored, mine, resuming.only.as_ref()).await?;
    let fault = (!broken.is_empty()).then_some(FAULT);
    // What it was not asked for stays as it was left.
    others.extend(set_aside(broken, &stored, resuming.give_up, out).await?);
    if planned.is_empty() {
        if fault.is_none() {
            out.note(NOTHING);
        }
        let _rest = keep(home, others)?;
        for (journal, _) in left {
            journal.close()?;
        }
        return Ok(fault.unwrap_or(0));
    }
    let plans: Vec<&Plan> = planned.iter().map(|planned| &*planned.plan).collect();
    let secrets = values(&planned, &resuming, out)?;
    out.mask(secrets.values());
    check_secrets(&plans, &secrets)?;
    note_unused(&plans, &resuming.secrets, out);
    drop(stored);
    let mut embedded = embedded(Some(home.folder()), resuming.durability, secrets, Arc::default())?;
    // From now on they are this process's.
    let journal = Journal::write(home, &unique_key(), planned.iter().map(|planned| planned.entry.clone()).collect())?;
    let rest = keep(home, others)?;
    for (journal, _) in left {
        journal.close()?;
    }
    drop(rest);
    embedded.work();
    let place = Some(home.folder());
    let rules = Rules::default();
    let driving = Driving {
        embedded: &embedded,
        out,
        json: resuming.output.json,
        plain: resuming.output.plain,
        jobs: resuming.jobs,
        place,
        rules,
    };
    let files = report::files(&planned);
    let driven = Box::pin(drive(planned, driving, None)).await?;
    let code = finish(driven, resuming.output, files, embedded, began, Some(journal), out).await?;
    Ok(worst_exit_code(fault.into_iter().chain([code])))
}

/// The values that were typed, and those that are read again from where they were when the flows were started.
fn values(planned: &[Planned], resuming: &Resuming<'_>, out: &Out) -> Result<Values, CommandError> {
    let mut values = resuming.secrets.clone();
    for planned in planned {
        let mut places: BTreeMap<String, (SecretPlace, String)> = BTreeMap::new();
        let said = |place: &SecretPlace| (place.clone(), "as when it was started".to_owned());
        let wanted: BTreeSet<String> =
            names(&planned.plan).into_iter().filter(|name| !values.contains_key(name)).collect();
        let told = Told { flow: Path::new(""), project: &resuming.project };
        if planned.entry.secrets.is_empty() {
            places.extend(crate::load::places(&planned.plan, &wanted, &told)?);
        }
        places.extend(planned.entry.secrets.iter().map(|(name, place)| (name.clone(), said(place))));
        for (name, (place, said)) in places.into_iter().filter(|(name, _)| wanted.contains(name)) {
            let value = place.read(&name, &said, resuming.environment, out)?;
            values.insert(name, value);
        }
    }
    Ok(values)
}

/// Promises again what nobody goes on with now.
fn keep(home: &Home, entries: Vec<Entry>) -> Result<Option<Journal>, CommandError> {
    let some = !entries.is_empty();
    some.then(|| Journal::write(home, &unique_key(), entries)).transpose()
}

/// The entries that are asked for, and the others.
fn split(left: &[(Journal, Kept)], only: Option<&ExecutionId>) -> (Vec<Entry>, Vec<Entry>) {
    let entries = left.iter().flat_map(|(_, kept)| kept.entries.iter().cloned());
    entries.partition(|entry| only.is_none_or(|only| entry.execution == *only))
}

/// What to go on with: what journals promise, and what is unfinished in the store though no journal knows of it.
async fn planned(
    home: &Home,
    embedded: &Embedded,
    mut entries: Vec<Entry>,
    only: Option<&ExecutionId>,
) -> Result<Found, CommandError> {
    let alive: HashSet<ExecutionId> =
        living(home)?.into_iter().flat_map(|kept| kept.entries).map(|entry| entry.execution).collect();
    let mut known: HashSet<ExecutionId> = entries.iter().map(|entry| entry.execution.clone()).collect();
    for id in unfinished(embedded).await? {
        let wanted = only.is_none_or(|only| *only == id);
        if wanted && !alive.contains(&id) && known.insert(id.clone()) {
            entries.extend(entry_of(embedded, &id).await?);
        }
    }
    let mut found = Found::default();
    for entry in entries {
        let platform = embedded.platform();
        let exists = platform.store.load(&entry.execution, &[]).await?.is_some();
        let bundle = platform.store.flow_version(&entry.version).await?;
        let plan = platform.plans.get(platform.store.as_ref(), &entry.version, &entry.main).await;
        match (plan, bundle) {
            (Ok(plan), Some(bundle)) => {
                found.planned.push(Planned { entry, plan, bundle, exists, file: None, earlier: None })
            }
            (Err(PlanError::Store(error)), _) => return Err(error.into()),
            (Err(PlanError::Compile { fault, .. }), Some(_)) => {
                found.broken.push(Broken { entry, exists, unread: Some(fault.to_string()) });
            }
            (Ok(_) | Err(_), _) => found.broken.push(Broken { entry, exists, unread: None }),
        }
    }
    Ok(found)
}

/// What was left behind.
#[derive(Default)]
struct Found {
    /// What can be gone on with.
    planned: Vec<Planned>,
    /// What cannot.
    broken: Vec<Broken>,
}

/// An entry whose flow cannot be had.
struct Broken {
    entry: Entry,
    /// The execution is in the store.
    exists: bool,
    /// The flow is in the store, and this is why it does not compile; none: it is gone.
    unread: Option<String>,
}

/// Tells of each entry that cannot be gone on with, and ends those of which nothing is left to go on with. Answers the
/// entries that another version of this program could still read.
async fn set_aside(
    broken: Vec<Broken>,
    embedded: &Embedded,
    give_up: bool,
    out: &Out,
) -> Result<Vec<Entry>, CommandError> {
    let mut kept = Vec::new();
    for Broken { entry, exists, unread } in broken {
        let Entry { execution, main, .. } = &entry;
        let name = format!("{execution} ({main})");
        match unread {
            Some(fault) if !give_up => {
                out.error(&format!(
                    "{name} cannot be gone on with: this version does not read its flow: {fault}\n  \
                     resume it with the version that began it, or end it: assay cancel {execution} --force"
                ));
                kept.push(entry);
            }
            _ if exists => {
                embedded.executions().give_up(execution).await?;
                out.error(&format!(
                    "{name} cannot be gone on with: its flow is gone from the store; it has ended as errored, its \
                     clean-up was not run\n  see assay show {execution}; run {main} again"
                ));
            }
            _ => out.error(&format!(
                "{name} cannot be gone on with: the store has nothing of it; it is no longer listed\n  run {main} again"
            )),
        }
    }
    Ok(kept)
}

async fn unfinished(embedded: &Embedded) -> Result<Vec<ExecutionId>, CommandError> {
    let status = vec![ExecutionStatus::Queued, ExecutionStatus::Running];
    let mut filter = ExecutionFilter { status, limit: PAGE, ..ExecutionFilter::default() };
    let mut found = Vec::new();
    loop {
        let page = embedded.platform().store.list(&filter).await?;
        found.extend(page.executions.into_iter().map(|summary| summary.id));
        match page.next {
            Some(next) => filter.after = Some(next),
            None => return Ok(found),
        }
    }
}

/// An entry for an execution that is in the store; it is only gone on with, so its inputs are not needed.
async fn entry_of(embedded: &Embedded, id: &ExecutionId) -> Result<Option<Entry>, CommandError> {
    let loaded = embedded.platform().store.load(id, &[]).await?;
    Ok(loaded.map(|loaded| Entry {
        execution: id.clone(),
        start_key: String::new(),
        version: loaded.head.flow_version,
        main: loaded.head.main,
        inputs: BTreeMap::new(),
        labels: BTreeMap::new(),
        secrets: BTreeMap::new(),
        rerun: None,
        only: None,
        keep_ms: None,
        file: None,
    }))
}
