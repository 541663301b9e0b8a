//! Save first, act second: what is saved and not sent is sent; what was sent and lost is sent again, late.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use assay_app::ports::{Message, WorkQueue as _};
use assay_engine::execution::Event;
use assay_engine::status::ExecutionStatus;

use crate::faults::Fate;
use crate::flow::{NoFlow, flow, step};
use crate::world::{Act, World, asked, verdicts};

fn once(fate: Fate, wanted: impl Fn(&Message) -> bool + Send + 'static) -> impl FnMut(&Message) -> Fate + Send {
    let mut left = 1;
    move |message| {
        if left > 0 && wanted(message) {
            left -= 1;
            return fate;
        }
        Fate::Arrives
    }
}

fn is_job(message: &Message) -> bool {
    matches!(message, Message::Job(_))
}

#[tokio::test(start_paused = true)]
async fn a_flow_runs_to_its_verdict() {
    let world = World::new(flow(vec![step("a"), step("b").needs(&["a"])]).finally(vec![step("z")]), |_| Act::Pass);
    let id = world.start("one").await;
    let view = world.ends_within(&id, Duration::from_secs(5)).await;
    assert_eq!(view.status, ExecutionStatus::Passed);
    assert_eq!(world.acts(), ["a#1", "b#1", "z#1"]);
    let due = world.store.dues.lock().unwrap()[&id];
    assert_eq!(due, None, "nobody needs to look at an execution whose end was told");
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_sent_is_sent_when_the_message_comes_again() {
    let world = World::new(flow(vec![step("a")]), |_| Act::Pass);
    world.queue.judge(once(Fate::Refused, is_job));
    let id = world.start("one").await;
    let view = world.ends_within(&id, Duration::from_secs(5)).await;
    assert_eq!((view.status, world.acts().len()), (ExecutionStatus::Passed, 1));
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_process_saved_and_did_not_send_is_sent_by_a_round_of_the_watchdog() {
    let dying = World::new(flow(vec![step("a")]), |_| Act::Pass);
    dying.queue.judge(|message| if is_job(message) { Fate::Refused } else { Fate::Arrives });
    let id = dying.start("one").await;
    let deliveries = dying.queue.receive(&assay_app::ports::QueueName::Dispatcher, 9, Duration::ZERO).await.unwrap();
    // It saves the admission, cannot send the job, and is gone together with its messages.
    dying.dispatcher.handle(deliveries).await;
    let heir = dying.restarted(|_| Act::Pass);
    let view = heir.ends_within(&id, Duration::from_secs(60)).await;
    assert_eq!((view.status, heir.acts().len()), (ExecutionStatus::Passed, 1));
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_and_lost_is_sent_again_after_fifteen_minutes_and_not_before() {
    let world = World::new(flow(vec![step("a")]), |_| Act::Pass);
    world.queue.judge(once(Fate::Lost, is_job));
    let id = world.start("one").await;
    world.runs_for(Duration::from_secs(14 * 60)).await;
    assert_eq!(world.acts(), Vec::<String>::new());
    let view = world.ends_within(&id, Duration::from_secs(3 * 60)).await;
    assert_eq!((view.status, world.acts().len()), (ExecutionStatus::Passed, 1));
}

#[tokio::test(start_paused = true)]
async fn after_a_start_with_an_empty_queue_everything_outstanding_is_sent_at_once() {
    let dying = World::new(flow(vec![step("a"), step("b")]), |_| Act::Pass);
    let id = dying.start("one").await;
    dying.dispatch().await;
    assert_eq!(dying.jobs().await.len(), 2);
    let heir = dying.restarted(|_| Act::Pass);
    assert_eq!(heir.dispatcher.resume_all().await.unwrap(), 1);
    let view = heir.ends_within(&id, Duration::from_secs(3)).await;
    assert_eq!((view.status, heir.acts().len()), (ExecutionStatus::Passed, 2));
}

#[tokio::test(start_paused = true)]
async fn an_execution_that_waited_for_its_place_when_the_process_died_gets_it() {
    let dying = World::new(flow(vec![step("a")]), |_| Act::Pass);
    dying.queue.judge(|_| Fate::Lost);
    let id = dying.start("one").await;
    let heir = dying.restarted(|_| Act::Pass);
    let view = heir.ends_within(&id, Duration::from_secs(60)).await;
    assert_eq!(view.status, ExecutionStatus::Passed);
}

#[tokio::test(start_paused = true)]
async fn saves_that_were_made_but_denied_neither_lose_nor_double_anything() {
    let world = World::new(flow(vec![step("a"), step("b").needs(&["a"])]), |_| Act::Pass);
    world.store.made_but_denied.store(3, Ordering::SeqCst);
    let id = world.start("one").await;
    let view = world.ends_within(&id, Duration::from_secs(20)).await;
    assert_eq!((view.status, world.acts().len()), (ExecutionStatus::Passed, 2));
    assert!(verdicts(&world.records(&id).await).values().all(|count| *count == 1));
}

#[tokio::test(start_paused = true)]
async fn an_ignored_event_still_makes_the_dispatcher_perform_what_is_unsent() {
    let dying = World::new(flow(vec![step("a")]), |_| Act::Pass);
    dying.queue.judge(|message| if is_job(message) { Fate::Refused } else { Fate::Arrives });
    let id = dying.start("one").await;
    let deliveries = dying.queue.receive(&assay_app::ports::QueueName::Dispatcher, 9, Duration::ZERO).await.unwrap();
    dying.dispatcher.handle(deliveries).await;
    let heir = dying.restarted(|_| Act::Pass);
    let stale = Message::Event { execution: id.clone(), event: Box::new(Event::Admitted { width: 8 }) };
    heir.queue.send(&assay_app::ports::QueueName::Dispatcher, stale, Duration::ZERO).await.unwrap();
    heir.dispatch().await;
    assert_eq!(heir.jobs().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn two_dispatchers_on_one_execution_keep_one_history() {
    let flow = flow((0..8).map(|n| step(["a", "b", "c", "d", "e", "f", "g", "h"][n])).collect());
    let one = World::new(flow, |_| Act::Pass);
    let two = one.restarted(|_| Act::Pass);
    let id = one.start("one").await;
    one.dispatch().await;
    let jobs = one.jobs().await;
    // Each reports half of the results to its own dispatcher, which keeps a state that the other one makes old.
    for (index, job) in jobs.into_iter().enumerate() {
        let world = if index % 2 == 0 { &one } else { &two };
        world.worker.deal_with(job).await;
        world.dispatch().await;
    }
    let view = one.ends_within(&id, Duration::from_secs(5)).await;
    assert_eq!(view.status, ExecutionStatus::Passed);
    assert_eq!(verdicts(&one.records(&id).await).len(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_state_kept_at_hand_is_not_believed_when_it_makes_an_event_look_stale() {
    let one = World::new(flow(vec![step("a"), step("b").needs(&["a"])]), |_| Act::Pass);
    let two = one.restarted(|_| Act::Pass);
    let id = one.start("one").await;
    one.dispatch().await;
    for job in one.jobs().await {
        two.worker.deal_with(job).await;
    }
    two.dispatch().await;
    // The first dispatcher has not heard that `a` ended: to it, the result of `b` is about nothing.
    for job in two.jobs().await {
        one.worker.deal_with(job).await;
    }
    one.dispatch().await;
    assert_eq!(one.executions.show(&id, false).await.unwrap().status, ExecutionStatus::Passed);
}

#[tokio::test(start_paused = true)]
async fn a_flow_that_cannot_be_read_any_more_is_set_aside_and_its_clean_up_is_listed() {
    let world = World::new(flow(vec![step("a")]).finally(vec![step("z")]), |_| Act::Pass);
    let id = world.executions.start(asked("one")).await.unwrap().id;
    let newer = world.beside_with(Arc::new(NoFlow), |_| Act::Pass);
    newer.dispatch().await;
    let view = newer.executions.show(&id, false).await.unwrap();
    assert_eq!(view.status, ExecutionStatus::Errored);
    let reason = view.reason.clone().unwrap_or_default();
    assert!(reason.starts_with("engine fault") && reason.contains("does not know the flow"), "{reason}");
    assert!(view.warnings.iter().any(|warning| warning.message.contains("clean-up was not run")), "{view:#?}");
    assert_eq!(world.store.dues.lock().unwrap()[&id], None);
}

#[tokio::test(start_paused = true)]
async fn an_execution_whose_head_cannot_be_read_ends_and_takes_nobody_along() {
    let world = World::new(flow(vec![step("a")]), |_| Act::Pass);
    let broken = world.start("broken").await;
    let sound = world.start("sound").await;
    *world.store.unreadable.lock().unwrap() = Some(broken.clone());
    world.dispatch().await;
    *world.store.unreadable.lock().unwrap() = None;
    let view = world.executions.show(&broken, false).await.unwrap();
    assert_eq!(view.status, ExecutionStatus::Errored);
    assert!(
        view.reason.clone().is_some_and(|why| why.contains("newer format") && why.contains("not run")),
        "{view:#?}"
    );
    let view = world.ends_within(&sound, Duration::from_secs(5)).await;
    assert_eq!(view.status, ExecutionStatus::Passed);
}

#[tokio::test(start_paused = true)]
async fn a_command_leaves_the_executions_of_other_processes_alone_until_it_resumes_them() {
    let dead = World::new(flow(vec![step("a")]), |_| Act::Pass);
    let id = dead.start("one").await;
    let command = dead.command(|_| Act::Pass);
    let own = command.start("own").await;
    command.ends_within(&own, Duration::from_secs(5)).await;
    command.runs_for(Duration::from_secs(3600)).await;
    assert_eq!(command.executions.show(&id, false).await.unwrap().status, ExecutionStatus::Queued);
    command.executions.resume(&id).await.unwrap();
    let view = command.ends_within(&id, Duration::from_secs(5)).await;
    assert_eq!(view.status, ExecutionStatus::Passed);
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_is_not_sent_again_with_each_try_after_a_failed_save() {
    let world = World::new(flow(vec![step("a"), step("b")]), |_| Act::Pass);
    let id = world.start("one").await;
    world.dispatch().await;
    world.store.refused.store(12, Ordering::SeqCst);
    let view = world.ends_within(&id, Duration::from_secs(15 * 60)).await;
    assert_eq!(view.status, ExecutionStatus::Passed);
    assert_eq!(world.store.refused.load(Ordering::SeqCst), 0, "saves were refused");
    let sent = world.queue.delays.lock().unwrap().iter().filter(|(message, _)| is_job(message)).count();
    assert_eq!(sent, 2, "each job once, however often the save after it was refused");
}
