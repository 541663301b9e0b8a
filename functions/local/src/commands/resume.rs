//! `assay resume`

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;

use assay_app::ports::ExecutionFilter;
use assay_engine::id::ExecutionId;
use assay_engine::plan::Plan;
use assay_engine::status::ExecutionStatus;
use assay_host::{Durability, Embedded, Environment};
use tokio::time::Instant;

use super::run::{check_secrets, finish, jobs, note_unused};
use super::store::{embedded, open};
use crate::args::{OutputArgs, ResumeArgs};
use crate::drive::{Driving, Planned, drive};
use crate::error::CommandError;
use crate::home::{Entry, Home, Journal, Kept, folder, left_behind, living, unique_key};
use crate::load::{SecretPlace, Told, Values, names, secrets};
use crate::out::Out;
use crate::project::Project;

/// What is said when nothing was left behind.
const NOTHING: &str = "nothing to resume\n";
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
    /// At once.
    pub(super) jobs: usize,
    /// What is printed and reported.
    pub(super) output: &'a OutputArgs,
    /// What a save survives.
    pub(super) durability: Durability,
}

pub(super) async fn resume(args: ResumeArgs, environment: &Environment, out: &mut Out) -> Result<u8, CommandError> {
    let secrets = secrets(&args.secrets.secrets, environment)?;
    out.mask(secrets.values());
    if args.execution.is_none() && !folder(args.store.store.as_deref(), environment)?.is_dir() {
        out.note(NOTHING);
        return Ok(0);
    }
    let opened = open(&args.store, environment)?;
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
    let home = opened.home.clone();
    drop(opened);
    let project = Project::nearest()?;
    let jobs = jobs(args.jobs.or(project.file.jobs));
    let output = project.output(args.output)?;
    let durability = args.durability.into();
    go_on(&home, Resuming { only, secrets, environment, project, jobs, output: &output, durability }, out).await
}

/// Goes on with what was left behind; answers the exit code.
pub(super) async fn go_on(home: &Home, resuming: Resuming<'_>, out: &mut Out) -> Result<u8, CommandError> {
    let began = Instant::now();
    let stored = embedded(Some(home.folder()), resuming.durability, Values::new(), Arc::default())?;
    let left = left_behind(home)?;
    let (mine, others) = split(&left, resuming.only.as_ref());
    let planned = planned(home, &stored, mine, resuming.only.as_ref()).await?;
    if planned.is_empty() {
        out.note(NOTHING);
        for (journal, _) in left {
            journal.close()?;
        }
        return Ok(0);
    }
    let plans: Vec<&Plan> = planned.iter().map(|planned| &*planned.plan).collect();
    let secrets = values(&planned, &resuming, out)?;
    out.mask(secrets.values());
    check_secrets(&plans, &secrets)?;
    note_unused(&plans, &resuming.secrets, out);
    drop(stored);
    let mut embedded = embedded(Some(home.folder()), resuming.durability, secrets, Arc::default())?;
    // From now on they are this process's; what it was not asked for stays as it was left.
    let journal = Journal::write(home, &unique_key(), planned.iter().map(|planned| planned.entry.clone()).collect())?;
    let rest = if others.is_empty() { None } else { Some(Journal::write(home, &unique_key(), others)?) };
    for (journal, _) in left {
        journal.close()?;
    }
    drop(rest);
    embedded.work();
    let driving = Driving { embedded: &embedded, out, json: resuming.output.json, jobs: resuming.jobs };
    let driven = drive(planned, driving).await?;
    finish(driven, resuming.output, embedded, began, Some(journal), out).await
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
) -> Result<Vec<Planned>, CommandError> {
    let alive: HashSet<ExecutionId> =
        living(home)?.into_iter().flat_map(|kept| kept.entries).map(|entry| entry.execution).collect();
    let mut known: HashSet<ExecutionId> = entries.iter().map(|entry| entry.execution.clone()).collect();
    for id in unfinished(embedded).await? {
        let wanted = only.is_none_or(|only| *only == id);
        if wanted && !alive.contains(&id) && known.insert(id.clone()) {
            entries.extend(entry_of(embedded, &id).await?);
        }
    }
    let mut planned = Vec::new();
    for entry in entries {
        let platform = embedded.platform();
        let exists = platform.store.load(&entry.execution, &[]).await?.is_some();
        let plan = platform.plans.get(platform.store.as_ref(), &entry.version, &entry.main).await?;
        let bundle = platform.store.flow_version(&entry.version).await?;
        let lost = || CommandError::wrong(format!("the flow of {} is gone from the store", entry.execution));
        let bundle = bundle.ok_or_else(lost)?;
        planned.push(Planned { entry, plan, bundle, exists });
    }
    Ok(planned)
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
    }))
}
