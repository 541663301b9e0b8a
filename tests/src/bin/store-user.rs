//! Another process on a store in a file, for tests that kill it: `store-user claim|save FOLDER`.
//!
//! It works on the execution `exe_a`, says a line when it has begun, and goes on until it is killed.
#![expect(clippy::print_stdout, reason = "how the test knows that it has begun")]
#![expect(clippy::unwrap_used, reason = "a test's process that cannot go on says so and ends")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use assay_adapters::sqlite::{SqliteExecutionStore, StoreOptions};
use assay_app::ports::{Claim, ClaimKey, Clock, ExecutionStore, Owner, Save};
use assay_engine::id::ExecutionId;
use assay_engine::job::{Fence, JobPhase};
use assay_engine::record::{Record, What};
use async_trait::async_trait;
use jiff::Timestamp;

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

async fn claim(store: &SqliteExecutionStore, execution: ExecutionId) {
    let fence = Fence { step: "login".into(), instance: None, phase: JobPhase::Run, attempt: 1, turn: 0 };
    let owner = Owner { process: store.process().to_owned(), delivery: "1".into() };
    let key = ClaimKey { execution, fence };
    assert_eq!(store.claim(&key, &owner, Duration::from_secs(3600)).await.unwrap(), Claim::Acquired);
    println!("{}", store.process());
    // also when the test itself is gone
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

async fn save(store: &SqliteExecutionStore, execution: ExecutionId) {
    loop {
        let loaded = store.load(&execution, &[]).await.unwrap().unwrap();
        let (mut head, at) = (loaded.head, Timestamp::now());
        let record = |seq| {
            let what = What::Warned { step: None, message: format!("number {seq}") };
            Arc::new(Record { execution: execution.clone(), seq, at, what })
        };
        let records = vec![record(head.last_seq + 1), record(head.last_seq + 2)];
        head.last_seq += 2;
        let (parts, settled) = (BTreeMap::new(), Vec::new());
        store.save(Save { head, expected: loaded.version, parts, records, due: Some(at), settled }).await.unwrap();
        println!("saved");
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut words = std::env::args().skip(1);
    let (act, folder) = (words.next().unwrap(), words.next().unwrap());
    let store = SqliteExecutionStore::open(Path::new(&folder), StoreOptions::default(), Arc::new(SystemClock)).unwrap();
    let execution: ExecutionId = "exe_a".parse().unwrap();
    match act.as_str() {
        "claim" => claim(&store, execution).await,
        _ => save(&store, execution).await,
    }
}
