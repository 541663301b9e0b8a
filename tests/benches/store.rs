//! How long one transition takes on each store: a load of the head and one part, and a save of both with one record.
//!
//! `cargo bench -p assay-tests --bench store`
#![expect(clippy::print_stdout, reason = "printing is what a bench is for")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on says so and ends")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use assay_adapters::Durability;
use assay_adapters::memory::MemoryExecutionStore;
use assay_adapters::sqlite::{SqliteExecutionStore, StoreOptions};
use assay_app::ports::{Claim, ClaimKey, Clock, ExecutionStore, NewExecution, Owner, Save, Saved};
use assay_engine::execution::{Event, Head, Part, PartId, StepState};
use assay_engine::job::{Fence, JobPhase};
use assay_engine::record::{Record, What};
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::json;
use tokio::time::Instant;

struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A head of twenty steps.
fn head(number: usize) -> Head {
    serde_json::from_value(json!({
        "format": 1, "id": format!("exe_{number:020x}"), "organization": "org_bench", "project": "prj_bench",
        "flowVersion": "flv_bench", "main": "flow.yaml", "flow": "bench", "attempt": 1, "status": "running",
        "phase": "main", "seed": 7, "createdAt": Timestamp::now(), "now": Timestamp::now(), "width": 4, "inFlight": 0,
        "transitions": 0, "lastSeq": 1, "steps": vec!["."; 20],
    }))
    .unwrap()
}

fn record(head: &Head, seq: u64) -> Arc<Record> {
    let what = What::Warned { step: Some("login".into()), message: "a record of about the usual size ".repeat(8) };
    Arc::new(Record { execution: head.id.clone(), seq, at: head.now, what })
}

async fn transition(store: &dyn ExecutionStore, head: &Head) {
    let loaded = store.load(&head.id, &[PartId::Step(3)]).await.unwrap().unwrap();
    let mut head = loaded.head;
    head.transitions += 1;
    head.last_seq += 1;
    let mut step = StepState::default();
    step.alone.attempt = 1;
    let save = Save {
        records: vec![record(&head, head.last_seq)],
        due: Some(head.now),
        parts: BTreeMap::from([(PartId::Step(3), Part::Step(step))]),
        settled: Vec::new(),
        expected: loaded.version,
        head,
    };
    assert!(matches!(store.save(save).await.unwrap(), Saved::Version(_)));
}

/// Claims and completes one attempt.
async fn act(store: &dyn ExecutionStore, head: &Head, process: &str, attempt: usize) {
    let fence = Fence { step: "login".into(), instance: None, phase: JobPhase::Run, attempt: attempt as u32, turn: 0 };
    let key = ClaimKey { execution: head.id.clone(), fence: fence.clone() };
    let owner = Owner { process: process.into(), delivery: attempt.to_string() };
    assert_eq!(store.claim(&key, &owner, Duration::from_secs(30)).await.unwrap(), Claim::Acquired);
    let report = Event::WorkerLost { fence, reason: "a report".into() };
    assert!(store.complete(&key, &owner, &report).await.unwrap());
}

async fn measure(name: &str, store: &dyn ExecutionStore, process: &str, times: usize) {
    let heads: Vec<_> = (0..50).map(head).collect();
    for head in &heads {
        let records = vec![record(head, 1)];
        let (parts, labels) = (BTreeMap::new(), BTreeMap::new());
        let new = NewExecution { head: head.clone(), parts, records, due: None, labels };
        assert!(store.create(new).await.unwrap());
    }
    let begin = Instant::now();
    for number in 0..times {
        transition(store, &heads[number % heads.len()]).await;
    }
    let transition = begin.elapsed().as_secs_f64() * 1e6 / times as f64;
    let begin = Instant::now();
    for number in 0..times {
        act(store, &heads[number % heads.len()], process, number).await;
    }
    let claim = begin.elapsed().as_secs_f64() * 1e6 / times as f64;
    println!("{name:14} load + save {transition:9.1} µs    claim + complete {claim:9.1} µs");
}

async fn measure_sqlite(name: &str, durability: Durability, times: usize) {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions { durability, ..StoreOptions::default() };
    let store = SqliteExecutionStore::open(folder.path(), options, Arc::new(SystemClock)).unwrap();
    measure(name, &store, store.process(), times).await;
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let memory = MemoryExecutionStore::new(Arc::new(SystemClock));
    measure("memory", &memory, memory.process(), 100_000).await;
    measure_sqlite("sqlite normal", Durability::Normal, 20_000).await;
    measure_sqlite("sqlite full", Durability::Full, 2_000).await;
}
