//! In a function: a step that waits gives its place back, one that cannot is given up before the function ends.

use std::time::Duration;

use assay_engine::job::{ErrorClass, Job, JobResult, Outcome};
use assay_steps::carry::CarriedOut;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use crate::script::{Act, Outside, Script, World, done, error_of, job};

const FUNCTION: Duration = Duration::from_secs(60);

/// Carries a job out turn by turn: what came of it, the turns, and how long functions were held.
async fn in_turns(world: &World, mut job: Job) -> (JobResult, u32, Duration) {
    let mut held = Duration::ZERO;
    loop {
        let began = Instant::now();
        let carried = world.carry_out_within(job.clone(), FUNCTION).await;
        held += began.elapsed();
        match carried {
            CarriedOut::Finished(result) => return (*result, job.fence.turn + 1, held),
            CarriedOut::Continue { checkpoint, after, deadline } => {
                tokio::time::sleep(after).await;
                (job.checkpoint, job.deadline) = (Some(checkpoint), Some(deadline));
                job.fence.turn += 1;
            }
            other => panic!("neither finished nor to be continued: {other:?}"),
        }
    }
}

fn looks(kind: &str, window: &str, window_ms: u64, interval_ms: u64, that: &str) -> Json {
    json!({
        "looks": {"kind": kind, window: window_ms, "intervalMs": interval_ms},
        "assertions": [{"that": that}], "timeoutMs": window_ms + 30_000,
    })
}

#[tokio::test(start_paused = true)]
async fn looks_of_minutes_hold_a_function_for_seconds_and_come_to_the_same() {
    let keys = looks("eventually", "timeoutMs", 600_000, 5_000, "n == 61");
    let script = || Script::of(|call| done(json!({"n": call.number})));
    let (world, alone) = (World::new(script(), Outside::default()), World::new(script(), Outside::default()));
    let began = Instant::now();
    let (result, turns, held) = in_turns(&world, job(keys.clone())).await;
    let took = began.elapsed();
    let expected = alone.result(job(keys)).await;
    assert_eq!((result.outcome, took), (Outcome::Passed, Duration::from_secs(300)));
    assert!(turns > 10 && held < Duration::from_secs(30), "{turns} turns, {held:?}");
    assert_eq!(result.looks.unwrap().count, expected.looks.unwrap().count);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_window_is_where_it_was_when_the_looks_began() {
    let world = World::new(Script::of(|_| done(json!({"n": 1}))), Outside::default());
    let began = Instant::now();
    let (result, turns, _) = in_turns(&world, job(looks("throughout", "windowMs", 100_000, 7_000, "n == 1"))).await;
    assert_eq!((result.outcome, began.elapsed()), (Outcome::Passed, Duration::from_secs(100)));
    assert!(turns > 3, "{turns}");
}

#[tokio::test(start_paused = true)]
async fn short_looks_stay_in_one_turn() {
    let world = World::new(Script::of(|call| done(json!({"n": call.number}))), Outside::default());
    let (result, turns, _) = in_turns(&world, job(looks("eventually", "timeoutMs", 30_000, 500, "n == 5"))).await;
    assert_eq!((result.outcome, turns), (Outcome::Passed, 1));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_give_its_place_back_is_given_up_before_the_function_ends() {
    let world = World::new(Script::of(|_| Act::Hang), Outside::default());
    let began = Instant::now();
    let (result, turns, held) = in_turns(&world, job(json!({"timeoutMs": 600_000}))).await;
    assert_eq!((result.outcome, turns), (Outcome::Errored, 1));
    assert_eq!((error_of(&result).0, result.error.as_ref().unwrap().class), ("step.turn", ErrorClass::Timeout));
    assert!(held <= FUNCTION && began.elapsed() <= FUNCTION);
}
