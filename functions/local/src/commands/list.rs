//! `assay executions` and `assay prune`

use assay_app::ports::{ExecutionFilter, ExecutionSummary};
use assay_engine::duration;
use assay_engine::status::ExecutionStatus;
use assay_host::Environment;
use jiff::{SignedDuration, Timestamp, Unit};

use super::store::open;
use crate::args::{ExecutionsArgs, PruneArgs};
use crate::error::CommandError;
use crate::load::pairs;
use crate::out::Out;
use crate::view::{self, Paint};

const STATES: [ExecutionStatus; 7] = [
    ExecutionStatus::Queued,
    ExecutionStatus::Running,
    ExecutionStatus::Passed,
    ExecutionStatus::Failed,
    ExecutionStatus::Errored,
    ExecutionStatus::Cancelled,
    ExecutionStatus::TimedOut,
];

pub(super) async fn executions(args: ExecutionsArgs, environment: &Environment, out: &Out) -> Result<u8, CommandError> {
    let status = args.status.iter().map(|word| state(word)).collect::<Result<_, _>>()?;
    let labels = pairs("--label", &args.labels)?;
    let opened = open(&args.store, environment).await?;
    let wanted = args.limit as usize;
    let mut filter =
        ExecutionFilter { status, labels, flow: args.flow.clone(), limit: wanted.min(200), ..Default::default() };
    let mut listed: Vec<ExecutionSummary> = Vec::new();
    while listed.len() < wanted {
        filter.limit = (wanted - listed.len()).min(200);
        let page = opened.store().list(&filter).await?;
        listed.extend(page.executions);
        match page.next {
            Some(next) => filter.after = Some(next),
            None => break,
        }
    }
    if args.json {
        for summary in &listed {
            let line = serde_json::to_string(summary).map_err(|e| CommandError::fault("write an execution", e))?;
            out.print(&format!("{line}\n"));
        }
        return Ok(0);
    }
    if listed.is_empty() {
        out.note("no execution matches\n");
    }
    out.print(&table(&listed, Timestamp::now(), out.paint()));
    Ok(0)
}

fn state(word: &str) -> Result<ExecutionStatus, CommandError> {
    STATES.into_iter().find(|status| status.word().eq_ignore_ascii_case(word)).ok_or_else(|| {
        let known = STATES.map(ExecutionStatus::word).join(" ");
        CommandError::wrong(format!("--status {word}: there is no such state; states: {known}"))
    })
}

fn table(listed: &[ExecutionSummary], now: Timestamp, paint: Paint) -> String {
    let width = listed.iter().map(|one| one.flow.chars().count()).max().unwrap_or(0).min(40);
    let line = |one: &ExecutionSummary| {
        let status = paint.execution(one.status, &format!("{:<9}", one.status.word()));
        let took = one.ended_at.unwrap_or(now).duration_since(one.created_at);
        let took = view::duration(u64::try_from(took.as_millis()).unwrap_or(0));
        let at = one.created_at.round(Unit::Second).unwrap_or(one.created_at);
        let labels: Vec<String> = one.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let labels = paint.faint(&view::clean(&labels.join(" ")));
        let flow = view::clean(&one.flow);
        format!("{}  {status}  {at}  {took:>9}  {flow:<width$}  {labels}", one.id).trim_end().to_owned() + "\n"
    };
    listed.iter().map(line).collect()
}

pub(super) async fn prune(args: PruneArgs, environment: &Environment, out: &Out) -> Result<u8, CommandError> {
    let age =
        duration::parse(&args.older_than).map_err(|error| CommandError::wrong(format!("--older-than: {error}")))?;
    let age = SignedDuration::try_from(age).map_err(|error| CommandError::wrong(format!("--older-than: {error}")))?;
    let opened = open(&args.store, environment).await?;
    let before = Timestamp::now().checked_sub(age).unwrap_or(Timestamp::MIN);
    let removed = opened.embedded.executions().prune(before, args.keep).await?.executions;
    let executions = if removed == 1 { "execution" } else { "executions" };
    out.print(&format!("removed {removed} {executions}\n"));
    Ok(0)
}
