//! Writes of one moment share a transaction, and each is answered for itself.

use std::path::Path;

use assay_adapters::sqlite::{SqliteExecutionStore, StoreOptions};
use assay_app::ports::{ExecutionStore as _, PortErrorClass};
use assay_engine::execution::{Part, PartId, Start};
use assay_engine::job::Captured;
use futures_util::future::{join_all, poll_immediate};
use rusqlite::Connection;
use tokio::task::JoinSet;

use super::open;
use crate::samples::{TestClock, execution_id, key, loaded, new_execution, save_of};

/// Commits in the log: each frame that ends one says how large the file is after it.
fn commits(folder: &Path) -> usize {
    const HEAD: usize = 32;
    const FRAME: usize = 24 + 4096;
    let log = std::fs::read(folder.join("assay.db-wal")).unwrap();
    log[HEAD..].chunks_exact(FRAME).filter(|frame| frame[4..8] != [0; 4]).count()
}

#[tokio::test]
async fn many_at_once_are_one_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let before = commits(folder.path());
    let names: Vec<String> = (0..20).map(|number| format!("n{number}")).collect();
    let created = join_all(names.iter().map(|name| store.create(new_execution(name)))).await;
    assert!(created.into_iter().all(|created| created.unwrap()));
    assert_eq!(commits(folder.path()), before + 1);
    for name in names {
        assert_eq!(loaded(&*store, &name).await.version, 1);
    }
}

#[tokio::test]
async fn one_that_fails_takes_back_only_what_it_did() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.create(new_execution("b")).await.unwrap();
    // a save writes the head first and settles claims last
    Connection::open(folder.path().join("assay.db")).unwrap().execute_batch("DROP TABLE settled_claims").unwrap();
    let mut failing = save_of(&loaded(&*store, "b").await, 1);
    failing.settled.push(key("b"));
    let (a, b, c) =
        tokio::join!(store.create(new_execution("a")), store.save(failing), store.create(new_execution("c")));
    assert!(a.unwrap() && c.unwrap());
    assert_eq!(b.unwrap_err().class, PortErrorClass::Bug);
    assert_eq!(store.failing(), None, "it is about that one write");
    for name in ["a", "b", "c"] {
        assert_eq!(loaded(&*store, name).await.version, 1, "{name}");
        assert_eq!(store.records(&execution_id(name), 0, 9).await.unwrap().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn what_is_told_of_a_full_store_is_so() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions { max_size: Some(512 << 10), ..StoreOptions::default() };
    let store = SqliteExecutionStore::open(folder.path(), options, TestClock::new()).unwrap();
    store.create(new_execution("large")).await.unwrap();
    assert_eq!(store.failing(), None);
    let mut large = Start::default();
    large.inputs.insert("text".into(), Captured::Clear("x".repeat(1 << 20).into()));
    let mut save = save_of(&loaded(&store, "large").await, 1);
    save.parts.insert(PartId::Start, Part::Start(large));
    let (before, saved, after) =
        tokio::join!(store.create(new_execution("before")), store.save(save), store.create(new_execution("after")));
    assert!(matches!(saved.unwrap_err().class, PortErrorClass::Retry { after: Some(_) }));
    let failing = store.failing().unwrap();
    assert!(failing.lasting && failing.why.starts_with("no space left"), "{failing:?}");
    for (name, told) in [("before", before), ("after", after)] {
        let there = store.load(&execution_id(name), &[]).await.unwrap().is_some();
        assert_eq!(there, told.is_ok(), "{name}");
    }
    store.create(new_execution("later")).await.unwrap();
    assert_eq!(store.failing(), None, "a write that goes through says that it can be written again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writes_of_many_threads_are_all_answered() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut writers = JoinSet::new();
    for thread in 0..8 {
        let store = store.clone();
        writers.spawn(async move {
            for number in 0..50 {
                assert!(store.create(new_execution(&format!("t{thread}n{number}"))).await.unwrap());
            }
        });
    }
    while let Some(written) = writers.join_next().await {
        written.unwrap();
    }
    let one = loaded(&*store, "t7n49").await;
    assert_eq!(one.version, 1);
}

#[tokio::test]
async fn who_goes_away_keeps_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for number in 0..20 {
        let mut dropped = Box::pin(store.create(new_execution(&format!("dropped{number}"))));
        assert!(poll_immediate(&mut dropped).await.is_none(), "it lets others go first");
        drop(dropped);
        assert!(store.create(new_execution(&format!("kept{number}"))).await.unwrap());
    }
    assert!(store.load(&execution_id("dropped0"), &[]).await.unwrap().is_none());
}
