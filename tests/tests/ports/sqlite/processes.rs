//! Two openings of one store, in one process and in two.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use assay_app::ports::{Claim, ExecutionFilter, ExecutionStore, Saved};

use super::open;
use crate::samples::{execution_id, key, loaded, new_execution, owner, report, save_of, second};

const LEASE: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn two_openings_see_and_fence_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (open(folder.path()), open(folder.path()));
    assert_ne!(one.process(), other.process());
    one.create(new_execution("a")).await.unwrap();
    assert!(!other.create(new_execution("a")).await.unwrap());
    let seen = loaded(&*other, "a").await;
    assert_eq!(one.save(save_of(&seen, 1)).await.unwrap(), Saved::Version(2));
    assert_eq!(other.save(save_of(&seen, 1)).await.unwrap(), Saved::Conflict);
    assert_eq!(other.records(&execution_id("a"), 0, 10).await.unwrap().len(), 2);
    assert_eq!(one.claim(&key("a"), &owner(one.process(), "1"), LEASE).await.unwrap(), Claim::Acquired);
    assert_eq!(other.claim(&key("a"), &owner(other.process(), "1"), LEASE).await.unwrap(), Claim::Held);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn saves_of_two_openings_at_once_all_count() {
    let folder = tempfile::tempdir().unwrap();
    let stores = [open(folder.path()), open(folder.path())];
    stores[0].create(new_execution("a")).await.unwrap();
    let mut savers = tokio::task::JoinSet::new();
    for store in stores.iter().cycle().take(4).cloned() {
        savers.spawn(async move {
            let mut saved = 0;
            while saved < 25 {
                let save = save_of(&loaded(&*store, "a").await, 1);
                saved += usize::from(store.save(save).await.unwrap() != Saved::Conflict);
            }
        });
    }
    savers.join_all().await;
    let kept = loaded(&*stores[1], "a").await;
    assert_eq!((kept.version, kept.head.last_seq), (101, 101));
}

#[tokio::test]
async fn what_a_closed_opening_held_is_lost_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (open(folder.path()), open(folder.path()));
    one.create(new_execution("a")).await.unwrap();
    one.claim(&key("a"), &owner(one.process(), "1"), LEASE).await.unwrap();
    assert_eq!(other.expired_claims(second(1), None, 10).await.unwrap(), []);
    drop(one);
    assert_eq!(other.expired_claims(second(1), None, 10).await.unwrap(), [(key("a"), None)]);
    assert_eq!(other.claim(&key("a"), &owner(other.process(), "1"), LEASE).await.unwrap(), Claim::Lost);
}

#[tokio::test]
async fn a_result_that_a_closed_opening_kept_is_reported_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (open(folder.path()), open(folder.path()));
    one.create(new_execution("a")).await.unwrap();
    let owner = owner(one.process(), "1");
    one.claim(&key("a"), &owner, LEASE).await.unwrap();
    assert!(one.complete(&key("a"), &owner, &report("one")).await.unwrap());
    assert_eq!(other.expired_claims(second(1), None, 10).await.unwrap(), []);
    drop(one);
    assert_eq!(other.expired_claims(second(1), None, 10).await.unwrap(), [(key("a"), Some(report("one")))]);
}

#[tokio::test]
async fn an_opening_leaves_no_owner_behind() {
    let folder = tempfile::tempdir().unwrap();
    let owners = || std::fs::read_dir(folder.path().join("owners")).unwrap().count();
    let one = open(folder.path());
    let other = open(folder.path());
    assert_eq!(owners(), 2);
    drop(one);
    assert_eq!(owners(), 1);
    // one that died leaves its file, and the next opening removes it
    std::fs::write(folder.path().join("owners").join("123-abc"), "").unwrap();
    let third = open(folder.path());
    assert_eq!(owners(), 2);
    drop((other, third));
    assert_eq!(owners(), 0);
}

/// Another process on the store, when it has said its first word. See `src/bin/store-user.rs`.
fn user(act: &str, folder: &Path) -> (Child, String) {
    let mut user = Command::new(env!("CARGO_BIN_EXE_store-user"))
        .arg(act)
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(user.stdout.as_mut().unwrap()).lines().next();
    (user, said.unwrap().unwrap())
}

#[tokio::test]
async fn a_killed_process_has_lost_its_claim_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.create(new_execution("a")).await.unwrap();
    let (mut child, process) = user("claim", folder.path());
    let ours = owner(store.process(), "2");
    // it lives: its lease does not end
    assert_eq!(store.claim(&key("a"), &ours, LEASE).await.unwrap(), Claim::Held);
    assert_eq!(store.expired_claims(second(1), None, 10).await.unwrap(), []);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(store.expired_claims(second(1), None, 10).await.unwrap(), [(key("a"), None)]);
    assert_eq!(store.claim(&key("a"), &ours, LEASE).await.unwrap(), Claim::Lost);
    assert!(!folder.path().join("owners").join(process).exists());
}

#[tokio::test]
async fn what_a_killed_process_saved_is_there() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).create(new_execution("a")).await.unwrap();
    let (mut child, _) = user("save", folder.path());
    child.kill().unwrap();
    child.wait().unwrap();
    let store = open(folder.path());
    let kept = loaded(&*store, "a").await;
    let records = store.records(&execution_id("a"), 0, usize::MAX).await.unwrap();
    assert!(kept.version > 1);
    assert_eq!(kept.head.last_seq, records.len() as u64);
    assert_eq!(kept.head.last_seq, 1 + 2 * (kept.version - 1));
    assert_eq!(store.save(save_of(&kept, 1)).await.unwrap(), Saved::Version(kept.version + 1));
    assert_eq!(store.list(&ExecutionFilter::default()).await.unwrap().executions.len(), 1);
}
