//! Starting, admission, clocks, pruning.

use std::sync::atomic::Ordering;
use std::time::Duration;

use assay_app::ports::ExecutionFilter;
use assay_app::usecases::{ExecutionError, StartError};
use assay_engine::admission::Quota;
use assay_engine::bundle::Bundle;
use assay_engine::plan::OnConflict;
use assay_engine::status::ExecutionStatus;

use crate::flow::{flow, step};
use crate::world::{Act, Setup, World, asked};

#[tokio::test(start_paused = true)]
async fn the_same_key_starts_once() {
    let world = World::new(flow(vec![step("a")]), |_| Act::Pass);
    let first = world.executions.start(asked("key")).await.unwrap();
    let second = world.executions.start(asked("key")).await.unwrap();
    assert_eq!((first.id.clone(), first.created, second.created), (second.id, true, false));
    world.ends_within(&first.id, Duration::from_secs(5)).await;
    assert_eq!(world.acts().len(), 1);
    assert_eq!(world.executions.list(&ExecutionFilter::default()).await.unwrap().executions.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_started_another_flow_is_refused() {
    let world = World::new(flow(vec![step("a")]), |_| Act::Pass);
    world.start("key").await;
    let mut other = asked("key");
    other.bundle = std::sync::Arc::new(Bundle::of_text("main.yaml", "another text"));
    assert!(matches!(world.executions.start(other).await, Err(StartError::KeyReused(_))));
}

#[tokio::test(start_paused = true)]
async fn inputs_that_do_not_fit_are_refused_and_nothing_is_created() {
    let world = World::new(flow(vec![step("a")]), |_| Act::Pass);
    let mut wrong = asked("key");
    wrong.inputs.insert("unknown".to_owned(), assay_engine::job::Captured::Clear(serde_json::json!(1)));
    let refused = world.executions.start(wrong).await.unwrap_err();
    assert_eq!(refused.problems().len(), 1, "{refused:?}");
    assert!(world.executions.list(&ExecutionFilter::default()).await.unwrap().executions.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_concurrency_group_lets_one_run_and_the_next_follows_its_end() {
    let world =
        World::new(flow(vec![step("a")]).group("db", OnConflict::Queue), |_| Act::Takes(Duration::from_secs(3)));
    let first = world.start("first").await;
    let second = world.start("second").await;
    let after = world.ends_within(&second, Duration::from_secs(10)).await;
    let before = world.executions.show(&first, false).await.unwrap();
    assert_eq!((before.status, after.status), (ExecutionStatus::Passed, ExecutionStatus::Passed));
    assert!(before.ended_at.unwrap() <= after.started_at.unwrap(), "one after the other");
}

#[tokio::test(start_paused = true)]
async fn a_full_organization_makes_the_rest_wait_and_lets_them_run_one_after_another() {
    let setup = Setup { quota: Quota { slots: 1, waiting: 10, width: 4 }, ..Setup::default() };
    let world = World::with(setup, flow(vec![step("a")]), |_| Act::Takes(Duration::from_secs(3)));
    let ids = [world.start("1").await, world.start("2").await, world.start("3").await];
    world.ends_within(&ids[2], Duration::from_secs(15)).await;
    let mut free = None;
    for id in &ids {
        let view = world.executions.show(id, false).await.unwrap();
        assert_eq!(view.status, ExecutionStatus::Passed);
        assert!(free <= view.started_at, "one after another");
        free = view.ended_at;
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_ended_can_neither_be_cancelled_nor_resumed() {
    let world = World::new(flow(vec![step("a")]), |_| Act::Pass);
    let id = world.start("key").await;
    world.ends_within(&id, Duration::from_secs(5)).await;
    assert!(matches!(world.executions.cancel(&id, "x", false).await, Err(ExecutionError::Ended { .. })));
    assert!(matches!(world.executions.resume(&id).await, Err(ExecutionError::Ended { .. })));
    let unknown = "exe_nobody".parse().unwrap();
    assert!(matches!(world.executions.cancel(&unknown, "x", false).await, Err(ExecutionError::Unknown(_))));
}

#[tokio::test(start_paused = true)]
async fn the_stores_clock_is_the_one_that_counts() {
    let world = World::new(flow(vec![step("a")]), |_| Act::Pass);
    world.store.ahead.store(7, Ordering::SeqCst);
    assert_eq!(world.platform.store_ahead().await.unwrap().as_secs(), 7);
    let ahead = world.platform.now().await.unwrap().duration_since(world.clock.now());
    assert_eq!(ahead.as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn pruning_removes_blobs_too_and_keeps_what_was_asked_to_be_kept() {
    let world = World::new(flow(vec![step("a")]), |_| Act::Pass);
    let mut ids = Vec::new();
    for key in ["1", "2", "3"] {
        let id = world.start(key).await;
        let blob = format!("org_test/{id}/evidence");
        world.platform.blobs.put(&blob, "text/plain", "x".into()).await.unwrap();
        world.ends_within(&id, Duration::from_secs(5)).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        ids.push(id);
    }
    let pruned = world.executions.prune(world.clock.now(), 1).await.unwrap();
    assert_eq!(pruned.executions, 2);
    let blob = |index: usize| format!("org_test/{}/evidence", ids[index]);
    assert!(world.platform.blobs.get(&blob(0)).await.unwrap().is_none());
    assert!(world.platform.blobs.get(&blob(2)).await.unwrap().is_some());
    assert!(matches!(world.executions.show(&ids[0], false).await, Err(ExecutionError::Unknown(_))));
}
