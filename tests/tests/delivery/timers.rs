//! Timers: short ones are waited for, middle ones are one delayed message, long ones an entry in the due index.

use std::time::Duration;

use assay_app::ports::{Message, QueueName, WorkQueue as _};
use assay_engine::execution::{Event, Token};
use assay_engine::status::ExecutionStatus;

use crate::flow::{delay, flow, step};
use crate::world::{Act, Setup, World};

fn delays_of_timers(world: &World) -> Vec<Duration> {
    let delays = world.queue.delays.lock().unwrap();
    let timer = |message: &Message| match message {
        Message::Event { event, .. } => {
            matches!(&**event, Event::TimerFired { token: Token::Step { .. } })
        }
        _ => false,
    };
    delays.iter().filter(|(message, _)| timer(message)).map(|(_, delay)| *delay).collect()
}

#[tokio::test(start_paused = true)]
async fn under_a_second_whoever_applied_the_transition_waits() {
    let setup = Setup { outlives: true, ..Setup::default() };
    let retried = step("a").retried(2, Duration::from_millis(400));
    let world =
        World::with(setup, flow(vec![retried]), |job| if job.fence.attempt == 1 { Act::Fail } else { Act::Pass });
    let id = world.start("one").await;
    let view = world.ends_within(&id, Duration::from_secs(2)).await;
    assert_eq!(view.status, ExecutionStatus::Passed);
    assert_eq!(
        delays_of_timers(&world),
        [Duration::ZERO],
        "a queue with delays in whole seconds is not asked for less"
    );
}

#[tokio::test(start_paused = true)]
async fn up_to_fifteen_minutes_a_timer_is_one_delayed_message() {
    let world = World::new(flow(vec![delay("d", "10m")]), |_| Act::Pass);
    let id = world.start("one").await;
    world.dispatch().await;
    assert_eq!(delays_of_timers(&world), [Duration::from_secs(600)]);
    let view = world.ends_within(&id, Duration::from_secs(602)).await;
    assert_eq!(view.status, ExecutionStatus::Passed);
}

#[tokio::test(start_paused = true)]
async fn a_longer_timer_waits_in_the_due_index_and_comes_in_time() {
    let mut flow = flow(vec![step("a"), delay("d", "6h").needs(&["a"])]);
    flow.timeout = Duration::from_secs(8 * 3600);
    let world = World::new(flow, |_| Act::Pass);
    let id = world.start("one").await;
    world.runs_for(Duration::from_secs(5 * 3600)).await;
    assert_eq!(delays_of_timers(&world), [Duration::ZERO; 0]);
    let view = world.ends_within(&id, Duration::from_secs(3602)).await;
    assert_eq!(view.status, ExecutionStatus::Passed);
}

#[tokio::test(start_paused = true)]
async fn a_timer_whose_message_was_lost_fires_by_a_round_of_the_watchdog() {
    let world = World::new(flow(vec![step("a"), delay("d", "5m").needs(&["a"])]), |_| Act::Pass);
    world.queue.judge(|message| match message {
        Message::Event { event, .. } if matches!(**event, Event::TimerFired { .. }) => crate::faults::Fate::Lost,
        _ => crate::faults::Fate::Arrives,
    });
    let id = world.start("one").await;
    let view = world.ends_within(&id, Duration::from_secs(5 * 60 + 36)).await;
    assert_eq!(view.status, ExecutionStatus::Passed);
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_comes_early_is_armed_again() {
    let world = World::new(flow(vec![delay("d", "60s")]), |_| Act::Pass);
    let id = world.start("one").await;
    world.dispatch().await;
    let token = {
        let delays = world.queue.delays.lock().unwrap();
        let found = delays.iter().find_map(|(message, _)| match message {
            Message::Event { event, .. } => match &**event {
                Event::TimerFired { token: token @ Token::Step { .. } } => Some(token.clone()),
                _ => None,
            },
            _ => None,
        });
        found.unwrap()
    };
    let early = Message::Event { execution: id.clone(), event: Box::new(Event::TimerFired { token }) };
    world.queue.send(&QueueName::Dispatcher, early, Duration::ZERO).await.unwrap();
    world.dispatch().await;
    assert_eq!(delays_of_timers(&world), [Duration::from_secs(60), Duration::ZERO, Duration::from_secs(60)]);
}
