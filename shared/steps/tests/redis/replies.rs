//! What a real server answers, type by type.

use assay_services::Services;
use serde_json::{Value as Json, json};

use crate::surroundings::{World, fresh};

fn app() -> &'static str {
    Services::shared().redis_url()
}

#[tokio::test]
async fn every_type_of_the_protocol_comes_as_its_own() {
    let world = World::new();
    let key = fresh("types");
    let field = |name: &str| format!("{key}:{name}");
    for (command, expected) in [
        (json!(["SET", field("s"), "text é"]), json!("OK")),
        (json!(["GET", field("s")]), json!("text é")),
        (json!(["GET", field("none")]), json!(null)),
        (json!(["SET", field("b"), {"base64": "AP8="}]), json!("OK")),
        (json!(["GET", field("b")]), json!({"base64": "AP8="})),
        (json!(["INCRBY", field("n"), "-9223372036854775808"]), json!(i64::MIN)),
        (json!(["STRLEN", field("s")]), json!(7)),
        (json!(["HSET", field("h"), "a", 1, "b c", true]), json!(2)),
        (json!(["HGETALL", field("h")]), json!({"a": "1", "b c": "true"})),
        (json!(["SADD", field("set"), "only"]), json!(1)),
        (json!(["SMEMBERS", field("set")]), json!(["only"])),
        (json!(["ZADD", field("z"), "1.5", "m", "inf", "top", "-inf", "low"]), json!(3)),
        (json!(["ZSCORE", field("z"), "m"]), json!(1.5)),
        (json!(["ZSCORE", field("z"), "top"]), json!("inf")),
        (json!(["ZRANGE", field("z"), 0, -1, "WITHSCORES"]), json!([["low", "-inf"], ["m", 1.5], ["top", "inf"]])),
        (json!(["RPUSH", field("l"), "x", "y"]), json!(2)),
        (json!(["LRANGE", field("l"), 0, -1]), json!(["x", "y"])),
        (json!(["BLPOP", field("l"), 1]), json!([field("l"), "x"])),
        (json!(["XADD", field("x"), "7-1", "k", "v"]), json!("7-1")),
        (json!(["XRANGE", field("x"), "-", "+"]), json!([["7-1", ["k", "v"]]])),
        (json!(["XREAD", "STREAMS", field("x"), "0"]), json!({field("x"): [["7-1", ["k", "v"]]]})),
    ] {
        assert_eq!(world.reply(app(), command.clone()).await, expected, "{command}");
    }
}

#[tokio::test]
async fn types_that_few_commands_have_come_as_their_own() {
    let world = World::new();
    for (script, expected) in [
        ("return {double = 3.25}", json!(3.25)),
        ("return {double = 0/0}", json!("nan")),
        ("return {double = -1/0}", json!("-inf")),
        ("return nil", json!(null)),
        ("return true", json!(true)),
        ("return false", json!(false)),
        ("return {map = {a = 1, b = {map = {c = true}}}}", json!({"a": 1, "b": {"c": true}})),
        ("return {set = {x = true}}", json!(["x"])),
        (
            "return {big_number = '1234567999999999999999999999999999999'}",
            json!("1234567999999999999999999999999999999"),
        ),
        ("return {verbatim_string = {format = 'txt', string = 'as it is'}}", json!("as it is")),
        ("return redis.status_reply('FINE')", json!("FINE")),
        ("return {1, {2, {3, {}}}}", json!([1, [2, [3, []]]])),
    ] {
        let command = json!(["EVAL", format!("redis.setresp(3) {script}"), 0]);
        assert_eq!(world.reply(app(), command).await, expected, "{script}");
    }
}

#[tokio::test]
async fn a_pipeline_has_a_reply_for_each_command() {
    let world = World::new();
    let key = fresh("pipeline");
    let pipeline: Json =
        json!([["SET", key, "1"], format!("INCR {key}"), ["MULTI"], ["INCR", key], ["INCR", key], "EXEC"]);
    let out = world.ok(json!({"url": app(), "pipeline": pipeline})).await;
    assert_eq!(out["replies"], json!(["OK", 2, "OK", "QUEUED", "QUEUED", [3, 4]]));
    assert!(out.get("reply").is_none());
}

#[tokio::test]
async fn a_long_pipeline_with_long_replies_does_not_get_stuck() {
    let world = World::new();
    let key = fresh("long");
    let value = "x".repeat(100_000);
    world.reply(app(), json!(["SET", key, value])).await;
    let pipeline: Vec<Json> = (0..100).map(|_| json!(["GETSET", key, value])).collect();
    let out = world.ok(json!({"url": app(), "pipeline": pipeline})).await;
    let replies = out["replies"].as_array().unwrap();
    assert!(replies.len() == 100 && replies.iter().all(|reply| *reply == value));
}

#[tokio::test]
async fn what_is_refused_is_an_error_wherever_it_stands() {
    let world = World::new();
    let key = fresh("refused");
    world.reply(app(), json!(["SET", key, "text"])).await;
    for (with, says) in [
        (json!({"command": ["LPUSH", key, "x"]}), "refused LPUSH: WRONGTYPE"),
        (json!({"command": "NOSUCH x"}), "refused NOSUCH: ERR unknown command"),
        (json!({"command": "GET"}), "refused GET: ERR wrong number"),
        (json!({"pipeline": [["GET", key], ["INCR", key]]}), "refused pipeline[1] INCR: ERR value is not an integer"),
        (
            json!({"pipeline": [["MULTI"], ["INCR", key], "EXEC"]}),
            "refused pipeline[2] EXEC: ERR value is not an integer",
        ),
        (json!({"command": ["EVAL", "return {1, redis.error_reply('MY no')}", 0]}), "refused EVAL: MY no"),
    ] {
        let mut with = with;
        with["url"] = app().into();
        let error = world.error(with).await;
        assert!(error.code == "redis.command" && error.message.contains(says), "{says}: {error:?}");
    }
}

#[tokio::test]
async fn more_than_may_be_read_is_an_error() {
    let world = World::new();
    let key = fresh("large");
    world.reply(app(), json!(["SETRANGE", key, 100_000, "x"])).await;
    let with = |size: &str| json!({"url": app(), "command": ["GET", key], "maxBytes": size});
    assert_eq!(world.error(with("100000")).await.code, "redis.tooLarge");
    assert_eq!(world.ok(with("101000")).await["reply"].as_str().unwrap().len(), 100_001);
}
