//! `assay rerun`

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use assay_app::usecases::{Executions, RerunOf, RerunPlan};
use assay_app::view::ExecutionView;
use assay_engine::bundle::{Bundle, RunsAt};
use assay_engine::compile::compile;
use assay_engine::execution::RerunOptions;
use assay_engine::expr::Programs;
use assay_engine::job::Captured;
use assay_engine::plan::Plan;
use assay_engine::record::RerunHow;
use assay_engine::status::Phase;
use assay_host::{Embedded, Environment};
use assay_steps::registry::Types;
use serde_json::Map;
use tokio::time::Instant;

use super::report;
use super::run::{finish, gathered, kept_for, promise, told};
use super::store::{Opened, embedded, open};
use crate::args::{OutputArgs, RerunArgs};
use crate::drive::{Driving, Planned, Rules, drive};
use crate::error::CommandError;
use crate::home::{Entry, Home, lock, unique_key};
use crate::load::{Texts, Told, check_names, find, inputs_of, load_all, names, pairs, secrets};
use crate::local::organization;
use crate::out::Out;
use crate::project::{self, Project};
use crate::view::clean;

/// The flow to run: a file that has changed, or what is stored.
struct Chosen {
    file: Option<PathBuf>,
    bundle: Arc<Bundle>,
    plan: Arc<Plan>,
}

pub(super) async fn rerun(
    args: RerunArgs,
    project: Project,
    environment: &Environment,
    out: &mut Out,
) -> Result<u8, CommandError> {
    if args.store.on.is_some() {
        return Err(elsewhere());
    }
    let typed_secrets = secrets(&args.secrets.secrets, environment)?;
    out.mask(typed_secrets.values());
    let keep = args.keep.as_deref().map(kept_for).transpose()?;
    let (typed, labels) = (pairs("--input", &args.inputs)?, pairs("--label", &args.labels)?);
    let opened = open(&args.store, environment).await?;
    let Some(home) = opened.home.clone() else { return Err(elsewhere()) };
    let (rerun, earlier) = asked(&args, &opened).await?;
    let programs = Arc::new(Programs::default());
    let chosen = chosen(&args, &opened, &earlier, &project, environment, &programs, out).await?;
    let plan = chosen.plan.clone();
    check_names(&[&*plan], typed.keys())?;
    let given = inputs_of(&plan, &Map::new(), &typed)?;
    let held = hold(&home, &rerun)?;
    let key = unique_key();
    let start_key = format!("{key}-0");
    let execution = Executions::id_of(&organization(), &start_key);
    let output = project.output(args.output)?;
    report::check(&output)?;
    if rerun.how == RerunHow::FromFailed {
        let inputs = given.iter().map(|(name, value)| (name.clone(), Captured::Clear(value.clone()))).collect();
        let said = opened.embedded.executions().plan_rerun(&rerun, &execution, &chosen.bundle, &inputs).await?;
        out.note(&preview(&said, &earlier));
    }
    drop(opened);
    let place = chosen.file.clone().or_else(|| stored_file(&earlier, &project));
    let flow = place.clone().unwrap_or_else(|| PathBuf::from(&earlier.main));
    let texts = [(&*plan, Told { flow: &flow, project: &project })];
    let (values, places) = gathered(texts, &typed_secrets, environment, out)?;
    let entry = Entry {
        execution,
        start_key,
        version: plan.version.clone(),
        main: plan.main_path.clone(),
        inputs: given,
        labels: earlier.labels.clone().into_iter().chain(labels).collect(),
        secrets: names(&plan).into_iter().filter_map(|name| Some((name.clone(), places.get(&name)?.clone()))).collect(),
        rerun: Some(rerun),
        only: None,
        keep_ms: keep.map(|keep: Duration| u64::try_from(keep.as_millis()).unwrap_or(u64::MAX)),
        file: chosen.file.as_deref().map(|file| told(file, &project)).or(earlier.file.clone()),
    };
    let planned = Planned { entry, plan, bundle: chosen.bundle, exists: false, file: place, earlier: None };
    let embedded = embedded(Some(home.folder()), args.durability.into(), values, programs)?;
    let code = Box::pin(carry_on(planned, embedded, &home, &key, &output, out)).await;
    drop(held);
    code
}

fn elsewhere() -> CommandError {
    CommandError::wrong("a rerun is for executions kept here: run the flow again with `assay run --on aws`")
}

/// What is to run again, and what came of it before.
async fn asked(args: &RerunArgs, opened: &Opened) -> Result<(RerunOf, ExecutionView), CommandError> {
    let id = opened.find(&args.execution).await?;
    let from_failed = args.from_failed || !args.step.is_empty() || args.after_finally;
    let earlier = opened.embedded.executions().show(&id, false).await?;
    refuse_unfinished(&earlier, from_failed)?;
    let how = if from_failed { RerunHow::FromFailed } else { RerunHow::Whole };
    let steps = args.step.iter().map(|step| step.trim().to_owned()).collect();
    let options = RerunOptions { after_finally: args.after_finally, steps };
    Ok((RerunOf { execution: id, how, attempt: None, options }, earlier))
}

/// Two that go on from one execution would send the same references at the same time.
fn hold(home: &Home, rerun: &RerunOf) -> Result<Option<File>, CommandError> {
    if rerun.how != RerunHow::FromFailed {
        return Ok(None);
    }
    let id = &rerun.execution;
    let held = lock(home, id.as_str())?;
    let taken =
        || CommandError::wrong(format!("another process goes on from {id} right now: wait for it, or cancel it"));
    held.ok_or_else(taken).map(Some)
}

/// Runs it, and reports.
async fn carry_on(
    planned: Planned,
    mut embedded: Embedded,
    home: &Home,
    key: &str,
    output: &OutputArgs,
    out: &mut Out,
) -> Result<u8, CommandError> {
    let planned = vec![planned];
    let files = report::files(&planned);
    let began = Instant::now();
    let journal = promise(home, key, &planned, &embedded).await?;
    embedded.work();
    let driving = Driving {
        embedded: &embedded,
        out,
        json: output.json,
        plain: output.plain,
        jobs: 1,
        place: Some(home.folder()),
        rules: Rules::default(),
    };
    let driven = Box::pin(drive(planned, driving, None)).await?;
    finish(driven, output, files, embedded, began, Some(journal), out).await
}

/// What has no verdict yet is not run again beside itself.
fn refuse_unfinished(earlier: &ExecutionView, from_failed: bool) -> Result<(), CommandError> {
    let id = &earlier.id;
    if earlier.status.ended() || (from_failed && earlier.phase == Some(Phase::Kept)) {
        return Ok(());
    }
    Err(CommandError::wrong(match earlier.phase {
        Some(Phase::Kept) => {
            format!("{id} is kept, its `finally` has not run: --from-failed goes on from it, assay finish {id} ends it")
        }
        _ => format!(
            "{id} is still {}: wait for it (assay events {id} --follow), cancel it (assay cancel {id}), or go on with it \
             when its process is gone (assay resume {id})",
            earlier.status.word()
        ),
    }))
}

async fn chosen(
    args: &RerunArgs,
    opened: &Opened,
    earlier: &ExecutionView,
    project: &Project,
    environment: &Environment,
    programs: &Arc<Programs>,
    out: &Out,
) -> Result<Chosen, CommandError> {
    let store = opened.store();
    let stored = match &earlier.version {
        Some(version) => store.flow_version(version).await?,
        None => None,
    };
    if let Some(flow) = &args.flow {
        let files = find(std::slice::from_ref(flow), &mut |note| out.note(note))?;
        let before = stored.as_ref().and_then(|stored| stored.environment.clone());
        let word = args
            .env
            .env
            .clone()
            .or_else(|| Some(before.as_ref()?.file.clone()).filter(|file| Path::new(file).is_file()));
        let text = match word {
            None if before.is_some() => before,
            word => project::environment(word.as_deref(), project, &files, out)?,
        };
        let texts = Texts { programs, variables: environment, environment: text.as_ref(), runs_at: RunsAt::Laptop };
        let mut flows = load_all(&files, texts, out)?;
        return match (flows.pop(), flows.is_empty()) {
            (Some(flow), true) => Ok(Chosen { file: Some(flow.file), bundle: flow.bundle, plan: flow.plan }),
            _ => Err(CommandError::wrong(format!("{flow}: a rerun takes one flow"))),
        };
    }
    let stored = stored.ok_or_else(|| {
        CommandError::wrong(format!("the flow of {} is gone from the store: name its file", earlier.id))
    })?;
    note_changed(&stored, earlier, project, &args.execution, out);
    let mut bundle = (*stored).clone();
    if args.env.env.is_some() {
        bundle.environment = project::environment(args.env.env.as_deref(), project, &[], out)?;
    }
    let compiled = compile(&bundle, &Types, programs).map_err(|problems| {
        let text = problems.render(assay_engine::diagnostics::Style::Plain);
        CommandError::wrong(format!("this version does not read the stored flow: name its file\n{text}"))
    })?;
    Ok(Chosen { file: None, bundle: Arc::new(bundle), plan: compiled.plan })
}

/// The file that the earlier execution was started from, if it is still there.
fn stored_file(earlier: &ExecutionView, project: &Project) -> Option<PathBuf> {
    let told = earlier.file.as_ref()?;
    let below = project.folder.as_ref().map(|top| top.join(told));
    below.into_iter().chain([PathBuf::from(told)]).find(|path| path.is_file())
}

/// Who has mended the flow most likely wants to run what it is now.
fn note_changed(stored: &Bundle, earlier: &ExecutionView, project: &Project, word: &str, out: &Out) {
    let Some(file) = stored_file(earlier, project) else { return };
    let changed =
        std::fs::read(&file).is_ok_and(|bytes| stored.files.get(&stored.main).is_some_and(|was| **was != *bytes));
    if changed {
        let file = file.display();
        out.note(&format!(
            "note: {file} has changed since, and the flow runs as it was; to run it as it is now: assay rerun {word} ... {file}\n"
        ));
    }
}

/// What will be done, before it is.
fn preview(said: &RerunPlan, earlier: &ExecutionView) -> String {
    let standing = if said.kept { "kept" } else { earlier.status.word() };
    let mut text = format!("going on from {} ({standing})\n", earlier.id);
    if !said.carried.is_empty() {
        text.push_str(&format!("  carried over  {}\n", said.carried.join(", ")));
    }
    let width = said.runs.iter().map(|step| step.chars().count()).max().unwrap_or(0);
    let why: BTreeMap<&str, &str> = said.not_carried.iter().map(|one| (&*one.step, &*one.why)).collect();
    for (number, step) in said.runs.iter().enumerate() {
        let label = if number == 0 { "runs again" } else { "" };
        let was = match (why.get(step.as_str()), earlier.step(step)) {
            (Some(why), _) => format!("had passed, but {why}"),
            (None, Some(before)) => match before.place.status.word() {
                "skipped" => "was skipped".to_owned(),
                word => format!("was {word}"),
            },
            (None, None) => "is new".to_owned(),
        };
        text.push_str(&format!("  {label:<12}  {step:<width$}  {}\n", clean(&was)));
    }
    if said.instances > 0 {
        text.push_str(&format!(
            "  instances     {} that had passed are carried over where they send the same\n",
            said.instances
        ));
    }
    for one in &said.renewed {
        text.push_str(&format!("  made anew     vars.{}: {}\n", one.name, clean(&one.why)));
    }
    for child in &said.children {
        let what = match &child.carried {
            None => "begins anew: its own `finally` has cleaned up (--after-finally goes on all the same)".to_owned(),
            Some(steps) if steps.is_empty() => continue,
            Some(steps) => format!("goes on; carried over in it: {}", steps.join(", ")),
        };
        text.push_str(&format!("  sub-flow      {}: {what}\n", child.place));
    }
    if said.kept {
        text.push_str(&format!("  clean-up      {} was kept: its `finally` is left to this one\n", earlier.id));
    }
    text.push('\n');
    text
}
