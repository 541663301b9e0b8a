//! Waiting for entries of a stream, on a real server.

use std::time::Duration;

use assay_services::Services;
use assay_steps::contract::Output;
use serde_json::{Value as Json, json};

use crate::surroundings::{World, fresh};

fn app() -> &'static str {
    Services::shared().redis_url()
}

async fn add(world: &World, stream: &str, state: &str, n: i64) {
    world.reply(app(), json!(["XADD", stream, "*", "state", state, "n", n])).await;
}

fn with(stream: &str, extra: Json) -> Json {
    let mut with = json!({"url": app(), "stream": stream, "within": "600ms"});
    with.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    with
}

fn passed(output: &Output) -> Vec<bool> {
    output.expectations.iter().map(|expectation| expectation.passed).collect()
}

#[tokio::test]
async fn what_came_after_arming_is_seen_and_nothing_before() {
    let world = World::new();
    let stream = fresh("armed");
    add(&world, &stream, "PAID", 1).await;
    let with = with(&stream, json!({"match": "fields.state == 'PAID'", "within": "20s"}));
    let armed = world.arm(&with).await.unwrap();
    add(&world, &stream, "OPEN", 2).await;
    add(&world, &stream, "PAID", 3).await;
    let (output, _) = world.wait(&with, &armed).await.unwrap();
    assert_eq!(passed(&output), [true]);
    assert_eq!((&output.fields["count"], &output.fields["seen"]), (&json!(1), &json!(2)));
    let message = &output.fields["messages"][0];
    assert_eq!((&message["fields"], &message["stream"]), (&json!({"state": "PAID", "n": "3"}), &json!(stream)));
    let time = message["id"].as_str().unwrap().split('-').next().unwrap().parse::<u64>().unwrap();
    assert_eq!(message["timestamp"], time);
    // A retry keeps the position, and so sees the same.
    let (again, _) = world.wait(&with, &armed).await.unwrap();
    assert_eq!(again.fields, output.fields);
}

#[tokio::test]
async fn a_stream_may_come_to_be_after_arming() {
    let world = World::new();
    let stream = fresh("later");
    let with = with(&stream, json!({"match": "fields.state == vars.wanted", "within": "20s"}));
    let armed = world.arm(&with).await.unwrap();
    assert_eq!(armed["at"], "0-0");
    let writes = async {
        add(&world, &stream, "B", 1).await;
        add(&world, &stream, "A", 2).await;
    };
    let (waited, ()) = tokio::join!(world.wait(&with, &armed), writes);
    assert_eq!(waited.unwrap().0.fields["seen"], 2);
}

#[tokio::test]
async fn what_does_not_come_has_failed_with_the_nearest_miss() {
    let world = World::new();
    let stream = fresh("missing");
    let with = with(&stream, json!({"match": "fields.state == 'PAID' && fields.n == '1'"}));
    let armed = world.arm(&with).await.unwrap();
    add(&world, &stream, "OPEN", 1).await;
    let (output, _) = world.wait(&with, &armed).await.unwrap();
    assert_eq!(passed(&output), [false]);
    assert_eq!(output.expectations[0].that, "count >= 1 within 600ms");
    let note = output.note.unwrap();
    assert!(note.contains("not `fields.state == 'PAID'`: fields.state = \"OPEN\""), "{note}");
}

#[tokio::test]
async fn counts_are_decided_when_nothing_more_can_come() {
    let world = World::new();
    for (count, comes, holds) in [
        ("== 2", 2, true),
        ("== 2", 3, false),
        ("<= 1", 1, true),
        ("<= 1", 2, false),
        ("== 0", 0, true),
        (">= 3", 2, false),
    ] {
        let stream = fresh("counts");
        let with = with(&stream, json!({"count": count}));
        let armed = world.arm(&with).await.unwrap();
        for n in 0..comes {
            add(&world, &stream, "PAID", n).await;
        }
        let (output, _) = world.wait(&with, &armed).await.unwrap();
        assert_eq!((passed(&output), &output.fields["count"]), (vec![holds], &json!(comes)), "{count}");
    }
}

#[tokio::test]
async fn quiet_decides_before_the_end_of_the_window() {
    let world = World::new();
    let stream = fresh("quiet");
    let with = with(&stream, json!({"count": "== 1", "within": "10m", "settle": "300ms"}));
    let armed = world.arm(&with).await.unwrap();
    add(&world, &stream, "PAID", 1).await;
    assert_eq!(passed(&world.wait(&with, &armed).await.unwrap().0), [true]);
}

#[tokio::test]
async fn duplicates_count_once_and_order_is_kept() {
    let world = World::new();
    let stream = fresh("twice");
    let with =
        with(&stream, json!({"count": "== 2", "distinctBy": "fields.n", "orderedBy": "int(fields.n)", "collect": 1}));
    let armed = world.arm(&with).await.unwrap();
    for n in [1, 1, 2, 2, 1] {
        add(&world, &stream, "PAID", n).await;
    }
    let (output, _) = world.wait(&with, &armed).await.unwrap();
    assert_eq!(passed(&output), [true, false, true], "{:?}", output.expectations);
    assert_eq!(output.fields["messages"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn entries_that_went_before_they_were_seen_are_never_taken_for_absent() {
    let world = World::new();
    for (what, says) in [
        (json!(["XTRIM", "STREAM", "MAXLEN", 0]), "2 entries were trimmed or deleted"),
        (json!(["XTRIM", "STREAM", "MAXLEN", 1]), "1 entries were trimmed or deleted"),
        (json!(["DEL", "STREAM"]), "deleted or made anew"),
    ] {
        let stream = fresh("gone");
        add(&world, &stream, "OLD", 0).await;
        let with = with(&stream, json!({"count": "== 0", "match": "fields.state == 'PAID'"}));
        let armed = world.arm(&with).await.unwrap();
        add(&world, &stream, "PAID", 1).await;
        add(&world, &stream, "OPEN", 2).await;
        let mut what = what;
        what[1] = json!(stream);
        world.reply(app(), what.clone()).await;
        let error = world.wait(&with, &armed).await.unwrap_err();
        assert!(error.code == "redis.missed" && error.message.contains(says), "{what}: {error:?}");
    }
}

#[tokio::test]
async fn old_entries_may_be_trimmed_while_waiting() {
    let world = World::new();
    let stream = fresh("trimmed");
    for n in 0..5 {
        add(&world, &stream, "OLD", n).await;
    }
    let with = with(&stream, json!({"count": "== 1"}));
    let armed = world.arm(&with).await.unwrap();
    add(&world, &stream, "PAID", 1).await;
    world.reply(app(), json!(["XTRIM", stream, "MAXLEN", 1])).await;
    assert_eq!(passed(&world.wait(&with, &armed).await.unwrap().0), [true]);
}

#[tokio::test]
async fn a_hundred_thousand_entries_are_read_piece_by_piece() {
    let world = World::new();
    let stream = fresh("many");
    let with = with(
        &stream,
        json!({
            "count": "== 1", "match": "fields.n == '77777'", "within": "1s", "maxBytes": "128KiB"
        }),
    );
    let armed = world.arm(&with).await.unwrap();
    let script = "for n = 1, 100000 do redis.call('XADD', KEYS[1], '*', 'n', n) end";
    world.reply(app(), json!(["EVAL", script, 1, stream])).await;
    let (output, _) = world.wait(&with, &armed).await.unwrap();
    assert_eq!((passed(&output), &output.fields["seen"]), (vec![true], &json!(100_000)));
    world.reply(app(), json!(["DEL", stream])).await;
}

#[tokio::test]
async fn entries_too_large_to_come_together_come_alone() {
    let world = World::new();
    let stream = fresh("large");
    let with = with(&stream, json!({"count": "== 3", "maxBytes": "100KB", "collect": 1}));
    let armed = world.arm(&with).await.unwrap();
    for _ in 0..3 {
        world.reply(app(), json!(["XADD", stream, "*", "blob", "x".repeat(60_000)])).await;
    }
    assert_eq!(passed(&world.wait(&with, &armed).await.unwrap().0), [true]);
    world.reply(app(), json!(["XADD", stream, "*", "blob", "x".repeat(200_000)])).await;
    assert_eq!(world.wait(&with, &armed).await.unwrap_err().code, "redis.tooLarge");
}

#[tokio::test]
async fn a_long_wait_goes_on_in_turns() {
    let mut world = World::new();
    world.expect = world.expect.with_turns_of(Duration::from_millis(100));
    let stream = fresh("turns");
    let with = with(&stream, json!({"count": "== 2", "within": "3s"}));
    let armed = world.arm(&with).await.unwrap();
    add(&world, &stream, "PAID", 1).await;
    add(&world, &stream, "PAID", 2).await;
    let (output, turns) = world.wait(&with, &armed).await.unwrap();
    assert!(turns >= 2 && passed(&output) == [true] && output.fields["seen"] == 2, "{turns} {output:?}");
}

#[tokio::test]
async fn a_stop_ends_a_wait() {
    let world = World::new();
    let with = with(&fresh("stopped"), json!({"within": "10m"}));
    let armed = world.arm(&with).await.unwrap();
    let stops = async {
        tokio::task::yield_now().await;
        world.stop.cancel();
    };
    let (waited, ()) = tokio::join!(world.wait(&with, &armed), stops);
    assert_eq!(waited.unwrap_err().code, "step.stopped");
}

#[tokio::test]
async fn what_is_no_stream_or_not_allowed_is_an_error() {
    let world = World::new();
    let key = fresh("text");
    world.reply(app(), json!(["SET", key, "x"])).await;
    let error = world.arm(&with(&key, json!({}))).await.unwrap_err();
    assert!(error.code == "redis.command" && error.message.contains("WRONGTYPE"), "{error:?}");
    let error = world.arm(&with("foreign:stream", json!({}))).await.unwrap_err();
    assert!(error.code == "redis.command" && error.message.contains("NOPERM"), "{error:?}");
}
