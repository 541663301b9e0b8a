//! Sub-flows: started once, told as often as anybody asks.

use std::time::Duration;

use assay_app::ports::Message;
use assay_engine::execution::Event;
use assay_engine::status::{ExecutionStatus, StepStatus};

use crate::faults::Fate;
use crate::flow::{child, flow, step};
use crate::world::{Act, World};

fn family() -> crate::flow::Flow {
    flow(vec![child("c", "child.yaml", flow(vec![step("x")])), step("after").needs(&["c"])])
}

#[tokio::test(start_paused = true)]
async fn a_child_runs_and_its_parent_hears_of_it() {
    let world = World::new(family(), |_| Act::Pass);
    let id = world.start("one").await;
    let view = world.ends_within(&id, Duration::from_secs(5)).await;
    assert_eq!(view.status, ExecutionStatus::Passed);
    assert_eq!(view.children[0].status, ExecutionStatus::Passed);
    assert_eq!(view.children[0].parent.as_ref(), Some(&id));
    assert_eq!(world.acts(), ["x#1", "after#1"]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_child_fails_its_step() {
    let world = World::new(family(), |_| Act::Fail);
    let id = world.start("one").await;
    let view = world.ends_within(&id, Duration::from_secs(5)).await;
    assert_eq!((view.status, view.steps[0].place.status), (ExecutionStatus::Failed, StepStatus::Failed));
}

#[tokio::test(start_paused = true)]
async fn a_verdict_that_got_lost_is_told_again_when_the_parent_asks() {
    let world = World::new(family(), |_| Act::Pass);
    let mut lost = 0;
    world.queue.judge(move |message| match message {
        Message::Event { event, .. } if matches!(**event, Event::ChildFinished { .. }) && lost == 0 => {
            lost += 1;
            Fate::Lost
        }
        _ => Fate::Arrives,
    });
    let id = world.start("one").await;
    let view = world.ends_within(&id, Duration::from_secs(60)).await;
    assert_eq!(view.status, ExecutionStatus::Passed);
    assert_eq!(world.acts(), ["x#1", "after#1"], "the child ran once");
}

#[tokio::test(start_paused = true)]
async fn a_child_that_never_heard_of_its_place_hears_of_it_again() {
    let world = World::new(family(), |_| Act::Pass);
    let mut seen = 0;
    world.queue.judge(move |message| match message {
        Message::Event { event, .. } if matches!(**event, Event::Admitted { .. }) => {
            seen += 1;
            if seen == 2 { Fate::Lost } else { Fate::Arrives }
        }
        _ => Fate::Arrives,
    });
    let id = world.start("one").await;
    let view = world.ends_within(&id, Duration::from_secs(60)).await;
    assert_eq!(view.status, ExecutionStatus::Passed);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_reaches_the_child() {
    let world = World::new(family(), |_| Act::UntilStopped);
    let id = world.start("one").await;
    let cancel = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        world.executions.cancel(&id, "somebody", false).await.unwrap();
    };
    let (view, ()) = tokio::join!(world.ends_within(&id, Duration::from_secs(30)), cancel);
    assert_eq!(view.status, ExecutionStatus::Cancelled);
    assert_eq!(view.children[0].status, ExecutionStatus::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn who_resumes_a_parent_resumes_its_running_children() {
    let dying = World::new(family(), |_| Act::Pass);
    let id = dying.start("one").await;
    dying.dispatch().await;
    assert_eq!(dying.jobs().await.len(), 1, "the child's job is sent, and nobody has claimed it");
    let heir = dying.command(|_| Act::Pass);
    heir.executions.resume(&id).await.unwrap();
    let view = heir.ends_within(&id, Duration::from_secs(3)).await;
    assert_eq!(view.status, ExecutionStatus::Passed);
    assert_eq!(heir.acts(), ["x#1", "after#1"]);
}
