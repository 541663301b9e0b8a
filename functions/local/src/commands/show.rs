//! `assay show` and `assay events`

use std::collections::BTreeMap;
use std::time::Duration;

use assay_engine::id::ExecutionId;
use assay_engine::record::{Record, What};
use assay_host::Environment;
use serde_json::json;

use super::store::{Opened, open};
use crate::args::{EventsArgs, ShowArgs};
use crate::error::CommandError;
use crate::out::Out;
use crate::view::{FlowView, clean};

/// Records read at once.
const PAGE: usize = 1000;
/// How often a store is read that another process writes.
const POLL: Duration = Duration::from_millis(150);

pub(super) async fn show(args: ShowArgs, environment: &Environment, out: &Out) -> Result<u8, CommandError> {
    let opened = open(&args.store, environment).await?;
    let id = opened.find(&args.execution).await?;
    if args.json {
        let view = opened.embedded.executions().show(&id, true).await?;
        let text = serde_json::to_string_pretty(&json!(view))
            .map_err(|error| CommandError::fault("write the execution", error))?;
        out.print(&format!("{text}\n"));
        return Ok(0);
    }
    let records = tree(&opened, &id).await?;
    let mut view = FlowView::new(id, BTreeMap::new(), out.paint());
    for record in &records {
        out.print(&view.record(record));
    }
    if view.outcome().is_none() {
        out.print(&view.unfinished());
    }
    Ok(0)
}

/// The records of an execution and of its sub-flows, in the order in which they came.
async fn tree(opened: &Opened, id: &ExecutionId) -> Result<Vec<Record>, CommandError> {
    let mut found: Vec<Record> = Vec::new();
    let mut next = vec![id.clone()];
    while let Some(id) = next.pop() {
        let records = all(opened, &id).await?;
        next.extend(records.iter().filter_map(|record| match &record.what {
            What::StepStarted { child, .. } => child.clone(),
            _ => None,
        }));
        found.extend(records);
    }
    found.sort_by_key(|record| record.at);
    Ok(found)
}

async fn all(opened: &Opened, id: &ExecutionId) -> Result<Vec<Record>, CommandError> {
    let mut found: Vec<Record> = Vec::new();
    loop {
        let after = found.last().map_or(0, |record| record.seq);
        let page = opened.store().records(id, after, PAGE).await?;
        let last = page.len() < PAGE;
        found.extend(page);
        if last {
            return Ok(found);
        }
    }
}

pub(super) async fn events(args: EventsArgs, environment: &Environment, out: &Out) -> Result<u8, CommandError> {
    let opened = open(&args.store, environment).await?;
    let id = opened.find(&args.execution).await?;
    let mut after = args.after;
    loop {
        let records = opened.store().records(&id, after, PAGE).await?;
        for record in &records {
            out.print(&if args.json { json_line(record)? } else { line(record)? });
            after = record.seq;
        }
        let ended = records.iter().any(|record| matches!(record.what, What::Finished { .. }));
        if ended || out.closed() || (!args.follow && records.len() < PAGE) {
            return Ok(0);
        }
        if records.is_empty() {
            if opened
                .store()
                .load(&id, &[])
                .await?
                .is_none_or(|loaded| loaded.head.status.ended() && loaded.head.last_seq <= after)
            {
                return Ok(0);
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

fn json_line(record: &Record) -> Result<String, CommandError> {
    let line = serde_json::to_string(record).map_err(|error| CommandError::fault("write a record", error))?;
    Ok(format!("{line}\n"))
}

/// Number, time, kind, and what tells it apart, in one line.
fn line(record: &Record) -> Result<String, CommandError> {
    let mut what = serde_json::to_value(&record.what).map_err(|error| CommandError::fault("write a record", error))?;
    let mut take = |key: &str| what.as_object_mut().and_then(|map| map.shift_remove(key));
    let kind = take("kind").and_then(|kind| kind.as_str().map(str::to_owned)).unwrap_or_default();
    let step = take("step").and_then(|step| step.as_str().map(str::to_owned)).unwrap_or_default();
    let instance = take("instance").map(|index| format!("[{index}]")).unwrap_or_default();
    let result = take("result");
    let outcome = result.and_then(|result| result.get("outcome").and_then(|it| it.as_str().map(str::to_owned)));
    let rest: Vec<String> = what
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| match value.as_str() {
            Some(text) => format!("{key}={text}"),
            None => format!("{key}={value}"),
        })
        .chain(outcome.map(|outcome| format!("outcome={outcome}")))
        .collect();
    let said = format!("{step}{instance} {}", rest.join(" "));
    Ok(format!("{:>5}  {}  {kind:<23}  {}\n", record.seq, record.at, clean(said.trim())))
}
