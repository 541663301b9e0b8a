//! Executions, records, claims and jobs to keep, and a clock that only moves when it is told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assay_app::ports::{ClaimKey, Clock, ExecutionStore, Loaded, NewExecution, Owner, Save};
use assay_engine::execution::{Event, Head, Part, PartId, Start, StepState};
use assay_engine::id::{ExecutionId, OrganizationId};
use assay_engine::job::{Fence, Job, JobPhase};
use assay_engine::record::{Record, What};
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::json;

/// 2026-01-01T00:00:00Z and this many seconds.
pub(crate) fn second(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + seconds).unwrap()
}

pub(crate) struct TestClock(Mutex<Timestamp>);

impl TestClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(second(0))))
    }

    pub(crate) fn set(&self, now: Timestamp) {
        *self.0.lock().unwrap() = now;
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

pub(crate) fn execution_id(name: &str) -> ExecutionId {
    format!("exe_{name}").parse().unwrap()
}

pub(crate) fn organization() -> OrganizationId {
    "org_one".parse().unwrap()
}

/// A queued execution.
pub(crate) fn head(name: &str) -> Head {
    serde_json::from_value(json!({
        "format": 1, "id": format!("exe_{name}"), "organization": "org_one", "project": "prj_one",
        "flowVersion": "flv_one", "main": "flow.yaml", "flow": "checkout", "attempt": 1, "status": "queued",
        "phase": "main", "seed": 7, "createdAt": second(0), "now": second(0), "width": 4, "inFlight": 0,
        "transitions": 0, "lastSeq": 1, "steps": [".", "."],
    }))
    .unwrap()
}

pub(crate) fn record(name: &str, seq: u64) -> Arc<Record> {
    let what = What::Warned { step: None, message: format!("number {seq} of {name}") };
    Arc::new(Record { execution: execution_id(name), seq, at: second(0), what })
}

pub(crate) fn step(attempt: u32) -> Part {
    let mut state = StepState::default();
    state.alone.attempt = attempt;
    Part::Step(state)
}

pub(crate) fn new_execution(name: &str) -> NewExecution {
    new_with(head(name))
}

/// With a start part and one record.
pub(crate) fn new_with(head: Head) -> NewExecution {
    let name = head.id.as_str().trim_start_matches("exe_").to_owned();
    NewExecution {
        head,
        parts: BTreeMap::from([(PartId::Start, Part::Start(Start::default()))]),
        records: vec![record(&name, 1)],
        due: None,
        labels: BTreeMap::new(),
    }
}

/// A save of what was loaded, with this many new records.
pub(crate) fn save_of(loaded: &Loaded, records: u64) -> Save {
    let mut head = loaded.head.clone();
    let name = head.id.as_str().trim_start_matches("exe_").to_owned();
    let records: Vec<_> = (1..=records).map(|number| record(&name, head.last_seq + number)).collect();
    head.last_seq += records.len() as u64;
    head.transitions += 1;
    Save {
        head,
        expected: loaded.version,
        parts: BTreeMap::new(),
        records,
        due: Some(second(600)),
        settled: Vec::new(),
    }
}

pub(crate) async fn loaded(store: &dyn ExecutionStore, name: &str) -> Loaded {
    store.load_whole(&execution_id(name)).await.unwrap().unwrap()
}

pub(crate) fn fence(step: &str, attempt: u32) -> Fence {
    Fence { step: step.into(), instance: None, phase: JobPhase::Run, attempt, turn: 0 }
}

pub(crate) fn key(name: &str) -> ClaimKey {
    ClaimKey { execution: execution_id(name), fence: fence("login", 1) }
}

pub(crate) fn owner(process: &str, delivery: &str) -> Owner {
    Owner { process: process.into(), delivery: delivery.into() }
}

pub(crate) fn report(name: &str) -> Event {
    Event::WorkerLost { fence: fence("login", 1), reason: format!("a report of {name}") }
}

pub(crate) fn job(name: &str) -> Job {
    serde_json::from_value(json!({
        "contract": 1, "organization": "org_one", "project": "prj_one", "execution": format!("exe_{name}"),
        "flowVersion": "flv_one", "fence": fence("login", 1), "stepType": "http", "with": {"url": "http://a"},
        "timeoutMs": 1000, "renderedAt": second(0), "seed": 7, "executionStartedAt": second(0),
    }))
    .unwrap()
}
