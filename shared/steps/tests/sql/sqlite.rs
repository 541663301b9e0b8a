//! SQLite files, on the user's own machine.

use std::time::Duration;

use assay_egress::Egress;
use serde_json::{Value as Json, json};

use crate::surroundings::World;

fn in_memory(statements: Json) -> Json {
    json!({"url": "sqlite::memory:", "statements": statements})
}

#[tokio::test]
async fn values_go_both_ways_by_the_type_they_have() {
    let world = World::new();
    let values = json!([i64::MIN, 0.5, "it's", null, true, {"a": 1}, u64::MAX]);
    let select = "select ? as a, ? as b, ? as c, ? as d, ? as e, ? as f, ? as g, x'00ff' as h, 9e999 as i";
    let out = world.ok(json!({"url": "sqlite::memory:", "query": select, "params": values})).await;
    let expected = json!({
        "a": i64::MIN, "b": 0.5, "c": "it's", "d": null, "e": 1, "f": "{\"a\":1}", "g": "18446744073709551615",
        "h": "AP8=", "i": "inf",
    });
    assert_eq!(out["rows"][0], expected);
}

#[tokio::test]
async fn a_file_is_kept_and_a_transaction_is_all_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let url = format!("sqlite:{}", path.display());
    let world = World::new();
    let missing = world.error(json!({"url": url, "query": "select 1"})).await;
    assert_eq!(missing.code, "sql.database", "{missing:?}");
    let create = format!("{url}?mode=rwc");
    let out = world.ok(json!({"url": create, "statements": ["create table t (id integer primary key)", "insert into t values (1), (2)"]})).await;
    assert_eq!((&out["rowCount"], &out["rows"]), (&json!(2), &json!([])));
    let error =
        world.error(json!({"url": url, "statements": ["insert into t values (3)", "insert into t values (1)"]})).await;
    assert!(error.code == "sql.query" && error.message.starts_with("statement 2: "), "{error:?}");
    let out = world
        .ok(json!({"url": format!("{url}?mode=ro"), "query": "select * from t where id > ?", "params": [0]}))
        .await;
    assert_eq!(out["rows"], json!([{"id": 1}, {"id": 2}]));
    let error = world.error(json!({"url": format!("{url}?mode=ro"), "query": "delete from t"})).await;
    assert_eq!(error.code, "sql.query");
}

#[tokio::test]
async fn what_never_ends_is_ended() {
    let mut world = World::new();
    let endless = "with recursive r(n) as (select 1 union all select n + 1 from r) select ";
    let rows = json!({"url": "sqlite::memory:", "query": format!("{endless} n from r")});
    assert_eq!(world.error(rows).await.code, "sql.tooManyRows");
    let large = json!({"url": "sqlite::memory:", "query": format!("{endless} randomblob(100000) from r")});
    assert_eq!(world.error(large).await.code, "sql.tooLarge");
    world.timeout = Duration::from_millis(200);
    let silent = json!({"url": "sqlite::memory:", "query": format!("{endless} count(*) from r")});
    assert_eq!(world.error(silent).await.code, "sql.timeout");
}

#[tokio::test]
async fn errors_say_what_is_wrong() {
    let world = World::new();
    let error = world.error(in_memory(json!(["selct 1"]))).await;
    assert!(error.code == "sql.query" && error.message.contains("syntax error"), "{error:?}");
    let error = world.error(json!({"url": "sqlite::memory:", "query": "select ?"})).await;
    assert_eq!(error.code, "sql.params");
}

#[tokio::test]
async fn a_server_opens_no_file() {
    let world = World::with(Egress::closed());
    let error = world.error(json!({"url": "sqlite::memory:", "query": "select 1"})).await;
    assert_eq!(error.code, "sql.egress");
}
