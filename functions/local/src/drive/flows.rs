//! The loop around a command that runs flows.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use assay_app::ports::Failing;
use assay_app::usecases::{ExecutionError, RerunOf, StartError, StartExecution};
use assay_engine::bundle::Bundle;
use assay_engine::execution::RerunOptions;
use assay_engine::id::ExecutionId;
use assay_engine::job::Captured;
use assay_engine::plan::{Plan, Step, StepKind};
use assay_engine::record::RerunHow;
use assay_engine::status::Phase;
use serde_json::Value as Json;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};

use super::again::Again;
use super::audience::Audience;
use super::signals::{Signals, Suspends};
use super::stage::Stage;
use crate::error::CommandError;
use crate::home::{Entry, Home, living, random};
use crate::local::{organization, project};
use crate::out::Out;
use crate::remote::Site;
use crate::view::Outcome;
use crate::watch::{Interrupt, Interrupts};

/// How often the store is read for what the messenger may have lost.
const CATCH_UP: Duration = Duration::from_secs(1);
/// How often a frame is drawn.
const FRAME: Duration = Duration::from_millis(100);
/// How long nothing could be saved before the command ends: when only somebody's help makes it pass, and when it may pass
/// by itself.
const LASTING: Duration = Duration::from_secs(5);
const PASSING: Duration = Duration::from_secs(30);
/// How long a second Ctrl-C leaves for saving that it ended.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// A flow to run, or to go on with.
#[derive(Clone)]
pub(crate) struct Planned {
    /// What was promised.
    pub(crate) entry: Entry,
    /// Its plan.
    pub(crate) plan: Arc<Plan>,
    /// Its text with everything that travels with it.
    pub(crate) bundle: Arc<Bundle>,
    /// The execution is in the store already.
    pub(crate) exists: bool,
    /// The flow's file as it was asked for, where that is known.
    pub(crate) file: Option<PathBuf>,
    /// The execution that it goes on from where that can be; else all of it runs.
    pub(crate) earlier: Option<ExecutionId>,
}

/// What became of the flows.
pub(crate) struct Driven {
    /// Those that have their verdict, in the order in which they were asked for.
    pub(crate) outcomes: Vec<Outcome>,
    /// Flows that were never started, as they were asked for.
    pub(crate) not_started: Vec<String>,
    /// Executions that were retried, each with the one that was run in its place.
    pub(crate) replaced: HashMap<ExecutionId, ExecutionId>,
    /// Executions that were left without a verdict.
    pub(crate) unfinished: usize,
    /// A signal has stopped it.
    pub(crate) stopped: bool,
}

/// What follows when a flow does not pass.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rules {
    /// Nothing else is started, and what runs is cancelled.
    pub(crate) fail_fast: bool,
    /// It is run again so often.
    pub(crate) retries: u32,
}

/// How the flows are run.
#[derive(Clone, Copy)]
pub(crate) struct Driving<'a> {
    /// Where they run.
    pub(crate) embedded: &'a dyn Site,
    pub(crate) out: &'a Out,
    /// Print records as JSON.
    pub(crate) json: bool,
    /// Print lines on a terminal too.
    pub(crate) plain: bool,
    /// At once.
    pub(crate) jobs: usize,
    /// Where state is kept; none: in memory.
    pub(crate) place: Option<&'a Path>,
    /// What follows when a flow does not pass.
    pub(crate) rules: Rules,
}

/// Runs the flows, at most `jobs` at once, and shows what happens. `interrupts` end it before its time, as Ctrl-C does.
///
/// # Errors
/// Also when nothing can be saved any more: what was saved stays, and can be resumed.
pub(crate) async fn drive(
    planned: Vec<Planned>,
    driving: Driving<'_>,
    interrupts: Option<&mut Interrupts>,
) -> Result<Driven, CommandError> {
    let store = driving.embedded.platform().store.clone();
    let driven = drive_on(planned, driving, interrupts).await;
    match store.failing() {
        Some(failing) if driven.is_err() => Err(unsaved(&driving, failing)),
        _ => driven,
    }
}

/// Ticks from now on; what was missed is not made up for.
fn every(period: Duration) -> Interval {
    let mut interval = interval_at(Instant::now() + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// Fails once the store could not be written for too long.
fn lose_patience(driving: &Driving<'_>, unsaved_since: &mut Option<Instant>) -> Result<(), CommandError> {
    let Some(failing) = driving.embedded.platform().store.failing() else {
        *unsaved_since = None;
        return Ok(());
    };
    let since = *unsaved_since.get_or_insert_with(Instant::now);
    let patience = if failing.lasting { LASTING } else { PASSING };
    if since.elapsed() >= patience { Err(unsaved(driving, failing)) } else { Ok(()) }
}

/// Starts what may start, tries after failures included.
async fn begin_more(
    waiting: &mut VecDeque<Planned>,
    again: &mut Again,
    going_on: bool,
    driving: &Driving<'_>,
    audience: &mut Audience,
) -> Result<(), CommandError> {
    waiting.extend(again.after(audience.outcomes(), going_on));
    if again.cut_now() {
        cut(driving, audience).await?;
    }
    while going_on && !again.is_cut() && audience.unfinished().len() < driving.jobs {
        let Some(next) = waiting.pop_front() else { break };
        begin(next, driving, audience).await?;
    }
    Ok(())
}

/// Stops what runs; from the second time on all is over within a moment.
async fn stop_within(
    stops: u32,
    by: &str,
    over: Option<Instant>,
    driving: &Driving<'_>,
    audience: &mut Audience,
) -> Result<Option<Instant>, CommandError> {
    stop(stops, by, driving, audience).await?;
    Ok((stops > 1).then(|| over.unwrap_or(Instant::now() + LAST_MOMENT)))
}

async fn drive_on(
    planned: Vec<Planned>,
    driving: Driving<'_>,
    mut interrupts: Option<&mut Interrupts>,
) -> Result<Driven, CommandError> {
    let mut signals = Signals::listen()?;
    let live = planned.len() == 1 || driving.jobs == 1;
    let platform = driving.embedded.platform();
    let mut subscription = platform.notifier.subscribe(None).await?;
    let draws = !driving.json && !driving.plain;
    let stage = draws.then(|| Stage::of(driving.out, driving.embedded.notes(), planned.len())).flatten();
    let mut suspends = Suspends::listen(stage.is_some());
    let mut audience = Audience::new(driving.out.clone(), driving.json, live, stage, platform.store.clone());
    let mut again = Again::of(&planned, driving.rules);
    let mut waiting: VecDeque<Planned> = planned.into();
    let (mut tick, mut frame) = (every(CATCH_UP), every(FRAME));
    let (mut stops, mut by_signal, mut unsaved_since) = (0, false, None);
    let mut over: Option<Instant> = None;
    loop {
        begin_more(&mut waiting, &mut again, stops == 0, &driving, &mut audience).await?;
        if audience.unfinished().is_empty() {
            break;
        }
        tokio::select! {
            records = subscription.next() => match records {
                Some(records) => audience.take(&records).await?,
                None => audience.catch_up_all().await?,
            },
            _ = tick.tick() => {
                lose_patience(&driving, &mut unsaved_since)?;
                audience.catch_up_all().await?;
                audience.still_running(platform.clock.now());
            }
            _ = frame.tick(), if audience.draws() => audience.draw(),
            () = suspends.next() => audience.suspend(),
            interrupt = interrupted(&mut interrupts) => {
                let (quits, by) = (interrupt == Interrupt::Quit, interrupt.by());
                if let Some(interrupts) = &mut interrupts {
                    interrupts.keep(interrupt);
                }
                // Only who wants to leave may hurry it.
                if stops == 0 || quits {
                    stops += 1;
                    over = stop_within(stops, &by, over, &driving, &mut audience).await?;
                }
            }
            by = signals.next() => {
                by_signal = true;
                stops += 1;
                over = stop_within(stops, by, over, &driving, &mut audience).await?;
                if stops > 2 { break; }
            }
            () = sleep_until(over.unwrap_or_else(Instant::now)), if over.is_some() => break,
        }
    }
    let unfinished = audience.unfinished().len();
    let (mut outcomes, not_started) = (audience.into_outcomes(), waiting.iter().map(named).collect());
    again.sort(&mut outcomes);
    Ok(Driven { outcomes, not_started, replaced: again.replaced(), unfinished, stopped: by_signal })
}

/// What had passed is carried over.
fn from_failed(execution: ExecutionId) -> RerunOf {
    RerunOf { execution, how: RerunHow::FromFailed, attempt: None, options: RerunOptions::default() }
}

/// What ends the round; never, where nothing can.
async fn interrupted(interrupts: &mut Option<&mut Interrupts>) -> Interrupt {
    match interrupts {
        Some(interrupts) => interrupts.next().await,
        None => std::future::pending().await,
    }
}

/// What a flow that never started is called.
fn named(planned: &Planned) -> String {
    planned.file.as_ref().map_or_else(|| planned.plan.name.clone(), |file| file.display().to_string())
}

/// `--fail-fast`: what runs is cancelled.
async fn cut(driving: &Driving<'_>, audience: &mut Audience) -> Result<(), CommandError> {
    let running = audience.unfinished();
    if !running.is_empty() {
        audience.warn("--fail-fast: a flow did not pass, the others are told to stop\n");
    }
    cancel(driving, running, "--fail-fast", false).await
}

/// Nothing can be saved: it ends here, and goes on from what was saved.
fn unsaved(driving: &Driving<'_>, failing: Failing) -> CommandError {
    let place = driving.place.map_or_else(|| "memory".to_owned(), |place| place.display().to_string());
    let help = "when it can be written again, `assay resume` goes on from what was saved";
    CommandError::fault(format!("save to the store {place}"), format!("{}; {help}", failing.why))
}

async fn begin(next: Planned, driving: &Driving<'_>, audience: &mut Audience) -> Result<(), CommandError> {
    let execution = next.entry.execution.clone();
    let repeated = next.earlier.is_some();
    let file = next.file.as_ref().map(|file| file.display().to_string());
    audience.expect(&execution, &next.plan, notes(&next.plan, execution.as_str()), file);
    let executions = driving.embedded.executions();
    if next.exists {
        audience.catch_up(&execution).await?;
        return match executions.resume(&execution).await {
            // It had its verdict, which nobody was told.
            Ok(()) | Err(ExecutionError::Ended { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        };
    }
    let entry = next.entry;
    if let Some(rerun) = entry.rerun.as_ref().filter(|rerun| rerun.how == RerunHow::FromFailed) {
        take_over(driving, &rerun.execution).await?;
    }
    // It was compiled to be checked: not once more to be started.
    driving.embedded.platform().plans.keep(next.plan);
    let start = StartExecution {
        organization: organization(),
        project: project(),
        key: entry.start_key,
        bundle: next.bundle,
        inputs: entry.inputs.into_iter().map(|(name, value)| (name, Captured::Clear(value))).collect(),
        labels: entry.labels,
        seed: random(),
        rerun: entry.rerun.or(next.earlier.map(from_failed)),
        only: entry.only,
        keep: entry.keep_ms.map(Duration::from_millis),
        file: entry.file,
    };
    match executions.start(start.clone()).await {
        Err(error @ (StartError::Rerun(_) | StartError::NothingLeft(_))) if repeated => {
            let why = match error {
                StartError::NothingLeft(_) => "no step has changed",
                _ => "`finally` has cleaned up",
            };
            audience.say(&format!("nothing is carried over: {why}, so every step runs\n"));
            executions.start(StartExecution { rerun: None, ..start }).await?;
        }
        started => {
            started?;
        }
    }
    Ok(())
}

async fn stop(stops: u32, by: &str, driving: &Driving<'_>, audience: &mut Audience) -> Result<(), CommandError> {
    let said = match stops {
        1 if in_phase(driving, audience, Phase::Kept).await? => "`finally` runs; Ctrl-C again ends at once",
        1 if in_phase(driving, audience, Phase::Finally).await? => {
            "the main steps have ended: the verdict stands, `finally` goes on; Ctrl-C again ends at once"
        }
        1 => "stopping: running steps are told to stop, then `finally` runs; Ctrl-C again ends at once",
        2 => "ending at once",
        _ => "",
    };
    audience.say_stopping(said);
    cancel(driving, audience.unfinished(), by, stops > 1).await
}

async fn cancel(
    driving: &Driving<'_>,
    executions: Vec<ExecutionId>,
    by: &str,
    forced: bool,
) -> Result<(), CommandError> {
    for execution in executions {
        match driving.embedded.executions().cancel(&execution, by, forced).await {
            Ok(()) | Err(ExecutionError::Ended { .. } | ExecutionError::Unknown(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// A kept execution that nobody runs any more is moved by who goes on from it.
async fn take_over(driving: &Driving<'_>, id: &ExecutionId) -> Result<(), CommandError> {
    let Some(place) = driving.place else { return Ok(()) };
    let loaded = driving.embedded.platform().store.load(id, &[]).await?;
    if loaded.is_none_or(|loaded| loaded.head.status.ended()) {
        return Ok(());
    }
    let running = living(&Home::open(place.to_owned())?)?;
    if running.iter().any(|kept| kept.entries.iter().any(|entry| entry.execution == *id)) {
        return Ok(());
    }
    match driving.embedded.executions().resume(id).await {
        Ok(()) | Err(ExecutionError::Ended { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether everything that runs is in this phase.
async fn in_phase(driving: &Driving<'_>, audience: &Audience, phase: Phase) -> Result<bool, CommandError> {
    for execution in audience.unfinished() {
        let loaded = driving.embedded.platform().store.load(&execution, &[]).await?;
        if loaded.is_none_or(|loaded| loaded.head.phase != phase) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What to say when a step begins that waits for somebody.
fn notes(plan: &Plan, execution: &str) -> BTreeMap<String, String> {
    let note = |step: &Step| {
        let StepKind::Wait { .. } = step.kind else { return None };
        let signal = step.with.tree().get("signal").and_then(Json::as_str).unwrap_or("NAME").to_owned();
        Some((step.id.to_string(), format!("waits for a signal: assay signal {execution} {signal}")))
    };
    plan.steps.iter().filter_map(note).collect()
}
