//! Errors, time, stops and panics.

use std::time::Duration;

use assay_engine::job::{Captured, ErrorClass, Outcome};
use assay_steps::contract::{StepError, StepErrorClass};
use serde_json::json;

use crate::script::{Act, Outside, Script, World, done, error_of, job, output, refused, start};

fn world(script: Script) -> World {
    World::new(script, Outside::default())
}

#[tokio::test(start_paused = true)]
async fn an_error_is_no_result() {
    let result = world(Script::of(|_| refused("127.0.0.1:1 refused the connection"))).result(job(json!({}))).await;
    assert_eq!(result.outcome, Outcome::Errored);
    assert_eq!(error_of(&result), ("script.refused", "127.0.0.1:1 refused the connection"));
    assert_eq!(result.error.as_ref().unwrap().class, ErrorClass::Connect);
    assert!(result.assertions.is_empty() && result.evidence.is_none() && result.looks.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_is_out_of_its_own_time_is_timed_out() {
    let slow =
        |_: crate::script::Call<'_>| Act::Error(StepError::new(StepErrorClass::Timeout, "script.slow", "too slow"));
    let result = world(Script::of(slow)).result(job(json!({}))).await;
    assert_eq!((result.outcome, error_of(&result).0), (Outcome::TimedOut, "script.slow"));
}

#[tokio::test(start_paused = true)]
async fn the_timeout_bounds_an_attempt_that_hangs() {
    let world = world(Script::of(|_| Act::Hang));
    let result = world.result(job(json!({"timeoutMs": 2000}))).await;
    assert_eq!(result.outcome, Outcome::TimedOut);
    assert_eq!(error_of(&result), ("step.timeout", "not done within its timeout of 2s"));
    assert_eq!(result.error.as_ref().unwrap().class, ErrorClass::Timeout);
    assert_eq!(result.ended_at.duration_since(result.started_at).as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_later_turn_is_the_attempts() {
    let world = world(Script::of(|_| Act::Hang));
    let deadline = start() + jiff::SignedDuration::from_millis(700);
    let started = tokio::time::Instant::now();
    let result = world.result(job(json!({"timeoutMs": 60_000, "deadline": deadline}))).await;
    assert_eq!((result.outcome, started.elapsed()), (Outcome::TimedOut, Duration::from_millis(700)));
    let past = start() - jiff::SignedDuration::from_millis(700);
    assert_eq!(world.result(job(json!({"deadline": past}))).await.outcome, Outcome::TimedOut);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_runner_may_return_what_it_has() {
    let world = world(Script::of(|_| Act::UntilStopped(output(json!({"id": 7})))));
    let keys = json!({"captures": [{"name": "id", "value": "id"}], "assertions": [{"that": "id == 8"}]});
    let started = tokio::time::Instant::now();
    let result = world.result_stopped_after(Duration::from_secs(3), job(keys)).await;
    assert_eq!((result.outcome, started.elapsed()), (Outcome::Cancelled, Duration::from_secs(3)));
    assert_eq!(error_of(&result), ("step.stopped", "stopped on request"));
    assert_eq!(result.captures["id"], Captured::Clear(json!(7)));
    assert!(result.assertions.is_empty(), "what a stop cut short is not judged");
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_ignores_the_stop_is_left_behind() {
    let started = tokio::time::Instant::now();
    let world = world(Script::of(|_| Act::Hang));
    let result = world.result_stopped_after(Duration::from_secs(1), job(json!({}))).await;
    assert_eq!((result.outcome, started.elapsed()), (Outcome::Cancelled, Duration::from_secs(6)));
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_came_first_prevents_the_act() {
    let world = world(Script::of(|_| Act::Panic("it must not act")));
    world.stop.cancel();
    assert_eq!(world.result(job(json!({}))).await.outcome, Outcome::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_runner_is_an_error_of_ours() {
    let result = world(Script::of(|_| Act::Panic("index out of bounds"))).result(job(json!({}))).await;
    assert_eq!(result.outcome, Outcome::Errored);
    assert_eq!(error_of(&result), ("step.bug", "the step type `script` panicked: index out of bounds"));
}

#[tokio::test(start_paused = true)]
async fn a_config_of_another_shape_is_told_with_its_place() {
    let world = world(Script::of(|_| done(json!({}))));
    let result = world.result(job(json!({"with": {"list": [{}, {"times": "3"}]}}))).await;
    let (code, message) = error_of(&result);
    assert_eq!((result.outcome, code), (Outcome::Errored, "step.config"));
    assert!(message.starts_with("`with/list/1/times` does not fit `script`: "), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_nobody_here_can_do_says_so() {
    let world = world(Script::of(|_| done(json!({}))));
    let unknown = world.result(job(json!({"stepType": "telepathy"}))).await;
    assert_eq!(error_of(&unknown), ("step.unknown", "there is no runner for `telepathy` here"));
    let newer = world.result(job(json!({"contract": 99}))).await;
    assert_eq!(error_of(&newer).0, "step.contract");
}

#[tokio::test(start_paused = true)]
async fn cookies_of_the_needs_are_seen_and_new_ones_are_handed_back() {
    let world = world(Script::of(|call| {
        let mut cookies = call.cx.cookies.lock().unwrap();
        assert_eq!(cookies.seen[0].0, "sid=1; Path=/");
        cookies.added.push(("b=2".into(), "http://a/".into(), start()));
        done(json!({}))
    }));
    let cookie = json!({"setCookie": "sid=1; Path=/", "url": "http://a/", "at": start()});
    let result = world.result(job(json!({"cookies": [cookie]}))).await;
    assert_eq!(result.cookies.len(), 1);
    assert_eq!(result.cookies[0].set_cookie, Captured::Clear(json!("b=2")));
}

#[tokio::test(start_paused = true)]
async fn too_many_cookies_are_an_error() {
    let world = world(Script::of(|call| {
        let line = format!("a={}", "x".repeat(4000));
        let mut cookies = call.cx.cookies.lock().unwrap();
        cookies.added.extend((0..20).map(|_| (line.clone(), "http://a/".to_owned(), start())));
        done(json!({}))
    }));
    let result = world.result(job(json!({}))).await;
    assert_eq!((result.outcome, error_of(&result).0), (Outcome::Errored, "step.cookies"));
    assert!(result.cookies.is_empty());
}
