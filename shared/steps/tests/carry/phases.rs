//! Prepare, undo, and turns.

use std::time::Duration;

use assay_engine::job::{JobPhase, Outcome};
use assay_steps::carry::CarriedOut;
use assay_steps::contract::Prepared;
use serde_json::{Value as Json, json};

use crate::script::{Act, Outside, Script, World, done, error_of, job, start};

fn phase(phase: &str, mut keys: Json) -> assay_engine::job::Job {
    keys["fence"] = json!({"step": "pay", "phase": phase, "attempt": 1, "turn": 0});
    job(keys)
}

#[tokio::test(start_paused = true)]
async fn prepare_hands_back_its_state_and_its_undo() {
    let prepared = Prepared { state: json!({"offset": 7}), undo: Some(json!({"drop": "x"})) };
    let world = World::new(Script::of(|_| Act::Hang).preparing(prepared), Outside::default());
    let carried = world.carry_out(phase("prepare", json!({}))).await;
    assert_eq!(carried, CarriedOut::Prepared { state: json!({"offset": 7}), undo: Some(json!({"drop": "x"})) });
}

#[tokio::test(start_paused = true)]
async fn a_prepare_that_goes_wrong_has_a_result() {
    let world = World::new(Script::of(|_| Act::Hang), Outside::default());
    let result = world.result(phase("prepare", json!({}))).await;
    assert_eq!((result.outcome, error_of(&result).0), (Outcome::Errored, "script.prepare"));
}

#[tokio::test(start_paused = true)]
async fn a_secret_in_the_prepared_state_is_sealed_and_opened_for_run_and_undo() {
    let prepared = Prepared { state: json!({"token": "hunter2222"}), undo: Some(json!(["hunter2222"])) };
    let script = Script::of(|call| done(json!({"same": call.cx.prepared == Some(json!({"token": "hunter2222"}))})));
    let world = World::new(script.preparing(prepared), Outside::with_secrets(&[("A", "hunter2222")]));
    let CarriedOut::Prepared { state, undo } = world.carry_out(phase("prepare", json!({"secrets": ["A"]}))).await
    else {
        panic!("not prepared")
    };
    assert!(!format!("{state}{undo:?}").contains("hunter2222"));
    let result =
        world.result(phase("run", json!({"prepared": state, "captures": [{"name": "same", "value": "same"}]}))).await;
    assert_eq!(result.captures["same"].clear(), Some(&json!(true)));
    let undone = world.carry_out(phase("undo", json!({"undo": undo}))).await;
    assert_eq!(undone, CarriedOut::Undone(Ok(())));
}

#[tokio::test(start_paused = true)]
async fn data_from_a_target_cannot_pose_as_a_sealed_state() {
    let state = json!({"$sealed": "00"});
    let prepared = Prepared { state: state.clone(), undo: None };
    let script = Script::of(move |call| done(json!({"same": call.cx.prepared.as_ref() == Some(&state)})));
    let world = World::new(script.preparing(prepared), Outside::default());
    let CarriedOut::Prepared { state, .. } = world.carry_out(phase("prepare", json!({}))).await else {
        panic!("not prepared")
    };
    let result = world.result(phase("run", json!({"prepared": state, "assertions": [{"that": "same"}]}))).await;
    assert_eq!(result.outcome, Outcome::Passed);
}

#[tokio::test(start_paused = true)]
async fn an_undo_says_whether_it_was_taken_back() {
    let world = World::new(Script::of(|_| Act::Hang), Outside::default());
    assert_eq!(world.carry_out(phase("undo", json!({"undo": {"drop": 1}}))).await, CarriedOut::Undone(Ok(())));
    let CarriedOut::Undone(Err(error)) = world.carry_out(phase("undo", json!({}))).await else { panic!("undone") };
    assert_eq!(error.code, "script.undo");
    let mut unknown = phase("undo", json!({"undo": 1}));
    unknown.step_type = "telepathy".into();
    assert!(matches!(world.carry_out(unknown).await, CarriedOut::Undone(Err(error)) if error.code == "step.unknown"));
}

#[tokio::test(start_paused = true)]
async fn a_long_step_gives_its_place_back_and_goes_on_where_it_left_off() {
    let script = Script::of(|call| match &call.cx.checkpoint {
        None => Act::Continue(json!({"page": 2}), Duration::from_secs(5)),
        Some(checkpoint) => done(json!({"page": checkpoint["page"]})),
    });
    let world = World::new(script, Outside::default());
    let CarriedOut::Continue { checkpoint, after, deadline } = world.carry_out(job(json!({}))).await else {
        panic!("it goes on")
    };
    assert_eq!((&checkpoint, after), (&json!({"page": 2}), Duration::from_secs(5)));
    assert_eq!(deadline, start() + jiff::SignedDuration::from_secs(30));
    let keys = json!({"checkpoint": checkpoint, "deadline": deadline, "captures": [{"name": "page", "value": "page"}]});
    let result = world.result(job(keys)).await;
    assert_eq!(result.captures["page"].clear(), Some(&json!(2)));
}

#[tokio::test(start_paused = true)]
async fn a_pause_never_goes_beyond_the_attempts_time() {
    let world = World::new(Script::of(|_| Act::Continue(json!(1), Duration::from_secs(60))), Outside::default());
    let carried = world.carry_out(job(json!({"timeoutMs": 4000}))).await;
    assert!(matches!(carried, CarriedOut::Continue { after, .. } if after == Duration::from_secs(4)), "{carried:?}");
}

#[test]
fn a_phase_is_a_word_of_the_contract() {
    assert_eq!(phase("undo", json!({})).fence.phase, JobPhase::Undo);
}
