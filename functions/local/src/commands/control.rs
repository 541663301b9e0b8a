//! `assay cancel` and `assay signal`

use std::collections::BTreeSet;

use assay_engine::id::ExecutionId;
use assay_engine::plan::StepKind;
use assay_engine::status::ExecutionStatus;
use assay_host::{Durability, Environment};
use serde_json::Value as Json;

use super::resume::{Resuming, go_on};
use super::store::{Opened, open};
use crate::args::{CancelArgs, OutputArgs, SignalArgs};
use crate::error::CommandError;
use crate::load::secrets;
use crate::out::Out;
use crate::project::Project;

pub(super) async fn cancel(args: CancelArgs, environment: &Environment, out: &mut Out) -> Result<u8, CommandError> {
    let secrets = secrets(&args.secrets.secrets, environment)?;
    out.mask(secrets.values());
    let opened = open(&args.store, environment).await?;
    let id = opened.find(&args.execution).await?;
    if let Some(status) = ended(&opened, &id).await? {
        out.print(&format!("{id} has ended already: {}\n", status.word()));
        return Ok(0);
    }
    opened.embedded.executions().cancel(&id, &environment.user, args.force).await?;
    let Some(home) = &opened.home else {
        out.print(&format!("{id} was told to stop; {} runs it\n", opened.place()));
        return Ok(0);
    };
    let top = opened.top(&id).await?;
    if let Some(process) = opened.runner_of(&top)? {
        out.print(&format!("{id} was told to stop; process {process} runs it\n"));
        return Ok(0);
    }
    out.note(&format!("no process runs {id}: it is stopped and cleaned up here\n"));
    let output = OutputArgs { json: false, plain: false, reports: Vec::new() };
    let (project, durability, give_up) = (Project::nearest()?, Durability::Normal, args.force);
    let resuming =
        Resuming { only: Some(top), secrets, environment, project, give_up, jobs: 1, output: &output, durability };
    let code = Box::pin(go_on(home, resuming, out)).await?;
    // To have cancelled it is what was asked for.
    Ok(if code == ExecutionStatus::Cancelled.exit_code() { 0 } else { code })
}

pub(super) async fn signal(args: SignalArgs, environment: &Environment, out: &Out) -> Result<u8, CommandError> {
    let payload = serde_json::from_str(&args.payload)
        .map_err(|error| CommandError::wrong(format!("--payload is no JSON: {error}")))?;
    let opened = open(&args.store, environment).await?;
    let id = opened.find(&args.execution).await?;
    if let Some(status) = ended(&opened, &id).await? {
        return Err(CommandError::wrong(format!("{id} has ended already: {}", status.word())));
    }
    let by = args.by.unwrap_or_else(|| environment.user.clone());
    note_unknown(&opened, &id, &args.name, out).await?;
    let key = crate::home::unique_key();
    opened.embedded.executions().signal(&id, &key, &args.name, payload, &by).await?;
    if opened.home.is_none() {
        out.print(&format!("{id} has the signal {}; {} runs it\n", args.name, opened.place()));
        return Ok(0);
    }
    let top = opened.top(&id).await?;
    match opened.runner_of(&top)? {
        Some(process) => out.print(&format!("{id} has the signal {}; process {process} runs it\n", args.name)),
        None => out.print(&format!("{id} has the signal {}; no process runs it: assay resume {top}\n", args.name)),
    }
    Ok(0)
}

/// A signal that no `wait` step of the flow is for is kept all the same; most likely its name was mistyped.
async fn note_unknown(opened: &Opened, id: &ExecutionId, name: &str, out: &Out) -> Result<(), CommandError> {
    let platform = opened.embedded.platform();
    let Some(loaded) = platform.store.load(id, &[]).await? else { return Ok(()) };
    let plan = platform.plans.get(opened.store(), &loaded.head.flow_version, &loaded.head.main).await;
    let Ok(plan) = plan else { return Ok(()) };
    let waits = plan.steps.iter().filter(|step| matches!(step.kind, StepKind::Wait { .. }));
    let names: BTreeSet<&str> =
        waits.filter_map(|step| step.with.tree().get("signal").and_then(Json::as_str)).collect();
    // What a template makes of its name is not known here.
    if names.contains(name) || names.iter().any(|name| name.contains("${")) {
        return Ok(());
    }
    let known = match names.is_empty() {
        true => "it has no `wait` step".to_owned(),
        false => format!("it waits for: {}", names.into_iter().collect::<Vec<_>>().join(", ")),
    };
    out.note(&format!("note: {} has no step that waits for the signal {name}; {known}\n", plan.name));
    Ok(())
}

async fn ended(opened: &Opened, id: &ExecutionId) -> Result<Option<ExecutionStatus>, CommandError> {
    let loaded = opened.store().load(id, &[]).await?;
    Ok(loaded.map(|loaded| loaded.head.status).filter(|status| status.ended()))
}
