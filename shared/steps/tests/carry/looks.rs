//! `eventually` and `throughout`.

use std::time::Duration;

use assay_engine::job::{Captured, ErrorClass, Outcome};
use assay_steps::contract::{StepError, StepErrorClass};
use serde_json::{Value as Json, json};

use crate::script::{Act, Outside, Script, World, done, error_of, job, refused};

fn eventually(timeout_ms: u64, interval_ms: u64, assertion: &str) -> Json {
    json!({
        "looks": {"kind": "eventually", "timeoutMs": timeout_ms, "intervalMs": interval_ms},
        "assertions": [{"that": assertion}], "timeoutMs": timeout_ms + 30_000,
    })
}

fn throughout(window_ms: u64, interval_ms: u64, assertion: &str) -> Json {
    json!({
        "looks": {"kind": "throughout", "windowMs": window_ms, "intervalMs": interval_ms},
        "assertions": [{"that": assertion}], "timeoutMs": window_ms + 30_000,
    })
}

fn world(script: Script) -> World {
    World::new(script, Outside::default())
}

#[tokio::test(start_paused = true)]
async fn eventually_looks_until_the_assertions_hold() {
    let world = world(Script::of(|call| done(json!({"n": call.number}))));
    let started = tokio::time::Instant::now();
    let mut keys = eventually(30_000, 1000, "n == 4");
    keys["captures"] = json!([{"name": "n", "value": "n"}]);
    let result = world.result(job(keys)).await;
    assert_eq!(result.outcome, Outcome::Passed);
    assert_eq!(started.elapsed(), Duration::from_secs(3));
    assert_eq!(result.captures["n"], Captured::Clear(json!(4)));
    let looks = result.looks.unwrap();
    assert_eq!((looks.count, looks.kept.len()), (4, 4));
    assert_eq!(looks.kept[0].outcome, Outcome::Failed);
    assert_eq!(looks.kept[0].note.as_deref(), Some("n == 4 with n = 1"));
    assert_eq!(looks.kept[3].outcome, Outcome::Passed);
    assert!(result.assertions[0].passed);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_errors_means_not_yet() {
    let world = world(Script::of(|call| if call.number < 3 { refused("nobody there") } else { done(json!({"n": 1})) }));
    let result = world.result(job(eventually(30_000, 1000, "n == 1"))).await;
    assert_eq!((result.outcome, result.error), (Outcome::Passed, None));
    let looks = result.looks.unwrap();
    // The second is like the first, and not kept.
    let kept: Vec<_> = looks.kept.iter().map(|look| (look.number, look.outcome)).collect();
    assert_eq!((looks.count, kept), (3, vec![(1, Outcome::Errored), (3, Outcome::Passed)]));
    assert_eq!(world.outside.notes()[0], "not yet: nobody there");
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_in_the_step_itself_is_not_looked_at_again() {
    let wrong =
        |code| Script::of(move |_| Act::Error(StepError::new(StepErrorClass::Permanent, code, "the URL has no host")));
    for (code, looks) in [("http.request", 1), ("http.tls", 31)] {
        let result = world(wrong(code)).result(job(eventually(30_000, 1000, "n == 1"))).await;
        assert_eq!((result.outcome, error_of(&result).0), (Outcome::Errored, code));
        assert_eq!(result.looks.unwrap().count, looks, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn eventually_ends_failed_when_the_last_look_had_an_output() {
    let world = world(Script::of(|call| if call.number == 2 { refused("gone") } else { done(json!({"n": 0})) }));
    let started = tokio::time::Instant::now();
    let result = world.result(job(eventually(2500, 1000, "n == 1"))).await;
    assert_eq!((result.outcome, &result.error), (Outcome::Failed, &None));
    // At 0, 1, 2 and, for the last time, at the very end.
    assert_eq!((result.looks.unwrap().count, started.elapsed()), (4, Duration::from_millis(2500)));
    assert_eq!(result.assertions[0].parts[0].value, Some(json!(0)));
}

#[tokio::test(start_paused = true)]
async fn eventually_ends_errored_when_the_last_look_had_none() {
    let world = world(Script::of(|call| if call.number == 1 { done(json!({"id": 7})) } else { refused("gone") }));
    let mut keys = eventually(2000, 1000, "id == 1");
    keys["captures"] = json!([{"name": "id", "value": "id"}]);
    let result = world.result(job(keys)).await;
    assert_eq!(result.outcome, Outcome::Errored);
    assert_eq!(error_of(&result), ("script.refused", "gone"));
    assert_eq!(result.error.unwrap().class, ErrorClass::Connect);
    // What an earlier look has seen is kept for clean-up.
    assert_eq!(result.captures["id"], Captured::Clear(json!(7)));
}

#[tokio::test(start_paused = true)]
async fn eventually_waits_for_captures_too() {
    let world = world(Script::of(|call| done(json!({"rows": vec![7; call.number as usize - 1]}))));
    let mut keys = eventually(5000, 1000, "true");
    keys["captures"] = json!([{"name": "id", "value": "rows[0]"}]);
    let result = world.result(job(keys)).await;
    assert_eq!((result.outcome, result.looks.unwrap().count), (Outcome::Passed, 2));
    assert_eq!(result.captures["id"], Captured::Clear(json!(7)));
}

#[tokio::test(start_paused = true)]
async fn a_slow_last_look_is_not_cut_by_the_time_of_eventually() {
    let world = world(Script::timed(|call| {
        let took = if call.number == 1 { 1 } else { 10 };
        (Duration::from_secs(took), done(json!({"n": call.number})))
    }));
    let result = world.result(job(eventually(3000, 1000, "n == 2"))).await;
    assert_eq!(result.outcome, Outcome::Passed);
}

#[tokio::test(start_paused = true)]
async fn the_attempts_own_timeout_is_over_the_looks() {
    let world = world(Script::of(|_| done(json!({"n": 0}))));
    let mut keys = eventually(60_000, 1000, "n == 1");
    keys["timeoutMs"] = json!(5500);
    let result = world.result(job(keys)).await;
    assert_eq!(result.outcome, Outcome::TimedOut);
    let (code, message) = error_of(&result);
    assert_eq!(code, "step.timeout");
    assert!(message.contains("5.5s") && message.contains("n = 0"), "{message}");
    assert_eq!(result.looks.unwrap().count, 6);
    assert_eq!(result.evidence.unwrap().preview, json!({"n": 0}));
}

#[tokio::test(start_paused = true)]
async fn throughout_holds_at_every_look_until_the_end_of_the_window() {
    let world = world(Script::of(|_| done(json!({"n": 0}))));
    let started = tokio::time::Instant::now();
    let result = world.result(job(throughout(2500, 1000, "n == 0"))).await;
    assert_eq!((result.outcome, started.elapsed()), (Outcome::Passed, Duration::from_millis(2500)));
    let looks = result.looks.unwrap();
    let kept: Vec<_> = looks.kept.iter().map(|look| look.number).collect();
    assert_eq!((looks.count, kept), (4, vec![1, 4]));
    assert_eq!(world.outside.notes()[0], "holds, 2.5s to go");
}

#[tokio::test(start_paused = true)]
async fn throughout_ends_at_the_first_look_that_does_not_hold() {
    let world = world(Script::of(|call| done(json!({"n": call.number}))));
    let started = tokio::time::Instant::now();
    let result = world.result(job(throughout(10_000, 1000, "n < 3"))).await;
    assert_eq!((result.outcome, started.elapsed()), (Outcome::Failed, Duration::from_secs(2)));
    assert_eq!(result.looks.unwrap().count, 3);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_errors_ends_throughout_errored() {
    let slow = || Act::Error(StepError::new(StepErrorClass::Timeout, "script.slow", "no answer in time"));
    let world = world(Script::of(move |call| if call.number == 2 { slow() } else { done(json!({"n": 0})) }));
    let result = world.result(job(throughout(10_000, 1000, "n == 0"))).await;
    assert_eq!((result.outcome, error_of(&result).0), (Outcome::Errored, "script.slow"));
    assert_eq!(result.error.unwrap().class, ErrorClass::Timeout);
}

#[tokio::test(start_paused = true)]
async fn first_last_and_changes_are_kept_at_most_twenty() {
    let world = world(Script::of(|call| done(json!({"n": call.number}))));
    let result = world.result(job(eventually(100_000, 1000, "n == 60"))).await;
    let looks = result.looks.unwrap();
    assert_eq!((looks.count, looks.kept.len()), (60, 20));
    assert_eq!((looks.kept[0].number, looks.kept[19].number), (1, 60));
    assert_eq!(looks.kept[19].outcome, Outcome::Passed);
}

#[tokio::test(start_paused = true)]
async fn an_interval_of_zero_lets_others_work() {
    let world = world(Script::of(|_| done(json!({"n": 0}))));
    let result = world.result(job(eventually(100, 0, "n == 1"))).await;
    assert_eq!(result.outcome, Outcome::Failed);
    assert!(result.looks.unwrap().count > 50);
}

#[tokio::test(start_paused = true)]
async fn at_most_five_notes_a_second_tell_how_it_goes() {
    let world = world(Script::of(|_| done(json!({"n": 0}))));
    world.result(job(eventually(10_000, 10, "n == 1"))).await;
    let notes = world.outside.notes.lock().unwrap();
    assert!(notes.len() > 40 && notes.len() <= 50, "{}", notes.len());
    for pair in notes.windows(2) {
        assert!(pair[1].0 - pair[0].0 >= Duration::from_millis(200));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_between_two_looks_is_immediate() {
    let world = world(Script::of(|_| done(json!({"n": 0}))));
    let started = tokio::time::Instant::now();
    let result =
        world.result_stopped_after(Duration::from_millis(1500), job(eventually(600_000, 60_000, "n == 1"))).await;
    assert_eq!((result.outcome, started.elapsed()), (Outcome::Cancelled, Duration::from_millis(1500)));
    assert_eq!(result.looks.unwrap().count, 1);
}

#[tokio::test(start_paused = true)]
async fn a_config_that_cannot_be_read_is_no_look() {
    let world = world(Script::of(|_| done(json!({}))));
    let mut keys = eventually(60_000, 1000, "true");
    keys["with"] = json!({"times": "many"});
    let started = tokio::time::Instant::now();
    let result = world.result(job(keys)).await;
    assert_eq!(
        (result.outcome, error_of(&result).0, started.elapsed()),
        (Outcome::Errored, "step.config", Duration::ZERO)
    );
}

#[tokio::test(start_paused = true)]
async fn a_look_cannot_go_on_in_another_turn() {
    let world = world(Script::of(|_| Act::Continue(json!(1), Duration::from_secs(1))));
    let result = world.result(job(eventually(60_000, 1000, "true"))).await;
    assert_eq!((result.outcome, error_of(&result).0), (Outcome::Errored, "step.bug"));
}
