//! Claim, act, keep, report; lost is not failed.

use std::time::Duration;

use assay_app::delivery::Settle;
use assay_app::ports::Message;
use assay_engine::execution::Event;
use assay_engine::status::{ExecutionStatus, StepStatus};

use crate::faults::Fate;
use crate::flow::{flow, step, wait};
use crate::world::{Act, World, again, verdicts};

#[tokio::test(start_paused = true)]
async fn a_job_delivered_again_after_its_result_is_reported_again_and_not_carried_out() {
    let world = World::new(flow(vec![step("a")]), |_| Act::Pass);
    world.queue.judge(|message| match message {
        Message::Event { event, .. } if matches!(**event, Event::StepFinished { .. }) => Fate::Lost,
        _ => Fate::Arrives,
    });
    let id = world.start("one").await;
    world.dispatch().await;
    let jobs = world.jobs().await;
    assert_eq!(world.worker.deal_with(again(&jobs[0], "first")).await, Settle::Acknowledge);
    world.queue.judge(|_| Fate::Arrives);
    assert_eq!(world.worker.deal_with(again(&jobs[0], "second")).await, Settle::Acknowledge);
    world.dispatch().await;
    let view = world.executions.show(&id, false).await.unwrap();
    assert_eq!((view.status, world.acts().len()), (ExecutionStatus::Passed, 1));
    // Known to the state: nothing is reported any more.
    assert_eq!(world.worker.deal_with(again(&jobs[0], "third")).await, Settle::Acknowledge);
    assert_eq!(world.acts().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_somebody_holds_is_dropped() {
    let world = World::new(flow(vec![step("a")]), |_| Act::Takes(Duration::from_secs(20)));
    world.start("one").await;
    world.dispatch().await;
    let jobs = world.jobs().await;
    let (first, second) = tokio::join!(
        world.worker.deal_with(again(&jobs[0], "first")),
        world.worker.deal_with(again(&jobs[0], "second"))
    );
    assert_eq!((first, second), (Settle::Acknowledge, Settle::Acknowledge));
    assert_eq!(world.acts().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_worker_is_gone_is_reported_lost_and_never_carried_out_again() {
    let world = World::new(flow(vec![step("a")]), |_| Act::Takes(Duration::from_secs(600)));
    let id = world.start("one").await;
    world.dispatch().await;
    let jobs = world.jobs().await;
    // The worker dies while it acts.
    let dead = tokio::time::timeout(Duration::from_secs(1), world.worker.deal_with(again(&jobs[0], "first"))).await;
    assert!(dead.is_err());
    tokio::time::sleep(Duration::from_secs(40)).await;
    assert_eq!(world.worker.deal_with(again(&jobs[0], "second")).await, Settle::Acknowledge);
    world.dispatch().await;
    assert_eq!(world.acts().len(), 1);
    let view = world.executions.show(&id, false).await.unwrap();
    assert_eq!((view.status, view.steps[0].place.status), (ExecutionStatus::Errored, StepStatus::Errored));
}

#[tokio::test(start_paused = true)]
async fn a_lost_attempt_is_found_within_a_lease_and_a_round_and_repeated_once_if_it_may_be() {
    let world = World::new(flow(vec![step("a").repeatable()]), |job| match job.fence.attempt {
        1 => Act::Takes(Duration::from_secs(600)),
        _ => Act::Pass,
    });
    let id = world.start("one").await;
    world.dispatch().await;
    let jobs = world.jobs().await;
    let dead = tokio::time::timeout(Duration::from_secs(1), world.worker.deal_with(again(&jobs[0], "first"))).await;
    assert!(dead.is_err());
    let view = world.ends_within(&id, Duration::from_secs(36)).await;
    assert_eq!(view.status, ExecutionStatus::Passed);
    assert_eq!(world.acts(), ["a#1", "a#2"]);
}

#[tokio::test(start_paused = true)]
async fn a_result_that_was_kept_and_not_told_is_told_by_the_watchdog() {
    let world = World::new(flow(vec![step("a")]), |_| Act::Pass);
    let mut lost = 0;
    world.queue.judge(move |message| match message {
        Message::Event { event, .. } if matches!(**event, Event::StepFinished { .. }) && lost == 0 => {
            lost += 1;
            Fate::Lost
        }
        _ => Fate::Arrives,
    });
    let id = world.start("one").await;
    let view = world.ends_within(&id, Duration::from_secs(36)).await;
    assert_eq!((view.status, world.acts().len()), (ExecutionStatus::Passed, 1));
}

#[tokio::test(start_paused = true)]
async fn a_long_attempt_keeps_its_lease() {
    let world = World::new(flow(vec![step("a")]), |_| Act::Takes(Duration::from_secs(300)));
    let id = world.start("one").await;
    let view = world.ends_within(&id, Duration::from_secs(310)).await;
    assert_eq!((view.status, world.acts().len()), (ExecutionStatus::Passed, 1));
    assert!(view.steps[0].place.attempts[0].started_at.is_some(), "a long attempt is announced");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_goes_on_in_turns_each_with_a_claim_of_its_own() {
    let world = World::new(flow(vec![step("a")]), |_| Act::Turns(3, Duration::from_secs(40)));
    let id = world.start("one").await;
    let view = world.ends_within(&id, Duration::from_secs(130)).await;
    assert_eq!(view.status, ExecutionStatus::Passed);
    let turns: Vec<u32> = world.runner.acts.lock().unwrap().iter().map(|fence| fence.turn).collect();
    assert_eq!(turns, [0, 1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_breaks_off_errs_its_own_step_only() {
    let world = World::new(flow(vec![step("a"), step("b")]), |job| match job.fence.step.as_str() {
        "a" => Act::Panic,
        _ => Act::Pass,
    });
    let id = world.start("one").await;
    let view = world.ends_within(&id, Duration::from_secs(5)).await;
    assert_eq!(view.steps[0].place.status, StepStatus::Errored);
    assert_eq!(view.steps[1].place.status, StepStatus::Passed);
    assert!(view.steps[0].place.reason().is_some_and(|why| why.contains("broke off")));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_nobody_can_claim_errs_its_step_instead_of_hanging_the_execution() {
    let world = World::new(flow(vec![step("a")]), |_| Act::Pass);
    world.store.no_claims.lock().unwrap().push("a".to_owned());
    let id = world.start("one").await;
    let view = world.ends_within(&id, Duration::from_secs(120)).await;
    assert_eq!(view.status, ExecutionStatus::Errored);
    let why = view.steps[0].place.reason().unwrap_or_default();
    assert!(why.contains("could not be delivered") || why.contains("lost"), "{why}");
    assert!(verdicts(&world.records(&id).await).values().all(|count| *count == 1));
}

#[tokio::test(start_paused = true)]
async fn a_result_that_the_state_has_seen_is_never_told_again() {
    let world = World::new(flow(vec![step("a"), wait("w", "go").needs(&["a"])]), |_| Act::Pass);
    world.start("one").await;
    world.runs_for(Duration::from_secs(1)).await;
    tokio::time::sleep(Duration::from_secs(300)).await;
    let round = world.watchdog.round().await.unwrap();
    assert_eq!((round.lost, round.reported), (0, 0));
}
