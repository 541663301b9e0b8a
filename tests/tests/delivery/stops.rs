//! A stop reaches a running step; clean-up waits for its answer, or for its lease.

use std::time::Duration;

use assay_engine::status::{ExecutionStatus, StepStatus};

use crate::flow::{flow, step, wait};
use crate::world::{Act, World};

#[tokio::test(start_paused = true)]
async fn a_cancel_reaches_a_running_step_within_five_seconds_and_finally_follows() {
    let world = World::new(flow(vec![step("a")]).finally(vec![step("z")]), |job| match job.fence.step.as_str() {
        "a" => Act::UntilStopped,
        _ => Act::Pass,
    });
    let id = world.start("one").await;
    let cancel = async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        let asked = world.clock.now();
        world.executions.cancel(&id, "somebody", false).await.unwrap();
        asked
    };
    let (view, asked) = tokio::join!(world.ends_within(&id, Duration::from_secs(70)), cancel);
    assert_eq!(view.status, ExecutionStatus::Cancelled);
    assert_eq!(view.step("a").map(|step| step.place.status), Some(StepStatus::Cancelled));
    assert_eq!(view.step("z").map(|step| step.place.status), Some(StepStatus::Passed));
    let stopped = world.runner.stopped_at.lock().unwrap().unwrap();
    assert!(stopped.duration_since(asked).as_secs() <= 5, "{stopped} after {asked}");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_claimed_after_its_stop_answers_without_acting() {
    let world = World::new(flow(vec![step("a")]), |_| Act::Pass);
    let id = world.start("one").await;
    world.dispatch().await;
    let jobs = world.jobs().await;
    world.executions.cancel(&id, "somebody", false).await.unwrap();
    world.dispatch().await;
    for job in jobs {
        world.worker.deal_with(job).await;
    }
    world.dispatch().await;
    let view = world.executions.show(&id, false).await.unwrap();
    assert_eq!((view.status, world.acts().len()), (ExecutionStatus::Cancelled, 0));
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_deaf_to_the_stop_does_not_hold_clean_up_for_longer_than_the_grace() {
    let world = World::new(flow(vec![step("a")]).finally(vec![step("z")]), |job| match job.fence.step.as_str() {
        "a" => Act::DeafFor(Duration::from_secs(3000)),
        _ => Act::Pass,
    });
    let id = world.start("one").await;
    let cancel = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        world.executions.cancel(&id, "somebody", false).await.unwrap();
    };
    let (view, ()) = tokio::join!(world.ends_within(&id, Duration::from_secs(60)), cancel);
    assert_eq!(view.status, ExecutionStatus::Cancelled);
    assert_eq!(view.step("z").map(|step| step.place.status), Some(StepStatus::Passed));
}

#[tokio::test(start_paused = true)]
async fn another_process_cancels_through_the_store_alone() {
    let world = World::new(flow(vec![step("a")]).finally(vec![step("z")]), |job| match job.fence.step.as_str() {
        "a" => Act::UntilStopped,
        _ => Act::Pass,
    });
    let id = world.start("one").await;
    let other = world.command(|_| Act::Pass);
    let cancel = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        other.executions.cancel(&id, "another process", false).await.unwrap();
    };
    let (view, ()) = tokio::join!(world.ends_within(&id, Duration::from_secs(30)), cancel);
    assert_eq!(view.status, ExecutionStatus::Cancelled);
    assert_eq!(view.step("z").map(|step| step.place.status), Some(StepStatus::Passed));
    assert!(other.acts().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_signal_counts_once_however_often_it_is_sent() {
    let world = World::new(flow(vec![wait("w", "go"), wait("v", "go").needs(&["w"])]), |_| Act::Pass);
    let id = world.start("one").await;
    world.dispatch().await;
    for _ in 0..2 {
        world.executions.signal(&id, "once", "go", serde_json::json!({"n": 1}), "ann").await.unwrap();
        world.dispatch().await;
    }
    let view = world.executions.show(&id, false).await.unwrap();
    let statuses: Vec<StepStatus> = view.steps.iter().map(|step| step.place.status).collect();
    assert_eq!(statuses, [StepStatus::Passed, StepStatus::Running]);
    world.executions.signal(&id, "another", "go", serde_json::json!(null), "ann").await.unwrap();
    let view = world.ends_within(&id, Duration::from_secs(5)).await;
    assert_eq!(view.status, ExecutionStatus::Passed);
}
