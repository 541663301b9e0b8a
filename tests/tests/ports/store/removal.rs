//! What may go, and what goes with it.

use std::time::Duration;

use assay_app::ports::{Claim, ExecutionFilter, FeedCursor};
use assay_engine::bundle::Bundle;
use assay_engine::execution::Parent;
use assay_engine::id::ExecutionId;
use assay_engine::status::ExecutionStatus;

use super::Opened;
use crate::samples::{execution_id, fence, head, key, loaded, new_execution, new_with, owner, save_of, second};

const LEASE: Duration = Duration::from_secs(30);

/// Creates one, perhaps below another, perhaps ended at this second.
async fn create(opened: &Opened, name: &str, parent: Option<&str>, ended: Option<i64>) {
    let mut head = head(name);
    head.parent = parent.map(|parent| Parent { execution: execution_id(parent), fence: fence("flow", 1) });
    if let Some(ended) = ended {
        head.status = ExecutionStatus::Passed;
        head.ended_at = Some(second(ended));
    }
    opened.store.create(new_with(head)).await.unwrap();
}

async fn prunable(opened: &Opened, before: i64, keep: usize, limit: usize) -> Vec<ExecutionId> {
    let found = opened.store.prunable(second(before), keep, limit).await.unwrap();
    assert!(found.iter().all(|(organization, _)| organization.as_str() == "org_one"));
    found.into_iter().map(|(_, id)| id).collect()
}

pub(super) async fn old_executions_may_go_the_newest_stay(opened: Opened) {
    for (name, ended) in [("b", Some(20)), ("a", Some(10)), ("c", Some(30)), ("d", None)] {
        create(&opened, name, None, ended).await;
    }
    let [a, b, c] = ["a", "b", "c"].map(execution_id);
    assert_eq!(prunable(&opened, 100, 0, 10).await, [a.clone(), b.clone(), c]);
    assert_eq!(prunable(&opened, 100, 1, 10).await, [a.clone(), b]);
    assert_eq!(prunable(&opened, 100, 1, 1).await, std::slice::from_ref(&a));
    assert_eq!(prunable(&opened, 20, 0, 10).await, [a]);
    assert_eq!(prunable(&opened, 100, 3, 10).await, []);
    assert_eq!(prunable(&opened, 10, 0, 10).await, []);
}

pub(super) async fn sub_flows_go_with_the_top(opened: Opened) {
    create(&opened, "top", None, Some(10)).await;
    create(&opened, "child", Some("top"), Some(9)).await;
    create(&opened, "grandchild", Some("child"), Some(8)).await;
    create(&opened, "next", None, Some(20)).await;
    let [top, child, grandchild, next] = ["top", "child", "grandchild", "next"].map(execution_id);
    assert_eq!(prunable(&opened, 100, 0, 1).await, [top.clone(), child.clone(), grandchild.clone()]);
    assert_eq!(prunable(&opened, 100, 0, 2).await, [top.clone(), child.clone(), grandchild.clone(), next]);
    assert_eq!(prunable(&opened, 100, 1, 2).await, [top, child, grandchild]);
}

pub(super) async fn nothing_goes_while_a_sub_flow_runs(opened: Opened) {
    create(&opened, "top", None, Some(10)).await;
    create(&opened, "child", Some("top"), Some(9)).await;
    create(&opened, "grandchild", Some("child"), None).await;
    create(&opened, "running", None, None).await;
    create(&opened, "ended", Some("running"), Some(5)).await;
    assert_eq!(prunable(&opened, 100, 0, 10).await, []);
}

pub(super) async fn a_removed_execution_leaves_nothing(opened: Opened) {
    let bundle = Bundle::of_text("flow.yaml", "steps: []");
    opened.store.put_flow_version(&bundle.id(), &bundle).await.unwrap();
    let mut new = new_execution("a");
    new.head.flow_version = bundle.id();
    opened.store.create(new).await.unwrap();
    let owner = owner(&opened.process, "one");
    assert_eq!(opened.store.claim(&key("a"), &owner, LEASE).await.unwrap(), Claim::Acquired);
    opened.clock.set(second(100_000));
    opened.store.remove(&[execution_id("a"), execution_id("unknown")]).await.unwrap();
    assert!(opened.store.load(&execution_id("a"), &[]).await.unwrap().is_none());
    assert!(opened.store.records(&execution_id("a"), 0, 10).await.unwrap().is_empty());
    assert!(opened.store.list(&ExecutionFilter::default()).await.unwrap().executions.is_empty());
    assert!(opened.store.due(second(1_000_000), None, 10).await.unwrap().is_empty());
    assert!(opened.store.expired_claims(second(1_000_000), None, 10).await.unwrap().is_empty());
    assert!(opened.feed.read(&FeedCursor::default(), 10).await.unwrap().records.is_empty());
    assert_eq!(opened.store.claim(&key("a"), &owner, LEASE).await.unwrap(), Claim::Held);
}

pub(super) async fn removing_one_leaves_the_others(opened: Opened) {
    let bundle = Bundle::of_text("flow.yaml", "steps: []");
    opened.store.put_flow_version(&bundle.id(), &bundle).await.unwrap();
    for name in ["a", "b"] {
        let mut new = new_execution(name);
        new.head.flow_version = bundle.id();
        opened.store.create(new).await.unwrap();
    }
    opened.clock.set(second(100_000));
    opened.store.remove(&[execution_id("a")]).await.unwrap();
    assert!(opened.store.flow_version(&bundle.id()).await.unwrap().is_some());
    assert_eq!(opened.store.records(&execution_id("b"), 0, 10).await.unwrap().len(), 1);
    let kept = loaded(&*opened.store, "b").await;
    assert_eq!(kept.parts.len(), 1);
    opened.store.save(save_of(&kept, 1)).await.unwrap();
}

pub(super) async fn a_removed_execution_can_be_created_again(opened: Opened) {
    create(&opened, "a", None, Some(1)).await;
    opened.store.remove(&[execution_id("a")]).await.unwrap();
    assert!(opened.store.create(new_execution("a")).await.unwrap());
    let kept = loaded(&*opened.store, "a").await;
    assert_eq!((kept.version, kept.parts.len()), (1, 1));
}
