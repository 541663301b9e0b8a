//! Sessions: how many there are, what several do at once, what they keep to themselves.

use std::collections::BTreeSet;
use std::sync::Arc;

use assay_services::Services;
use assay_steps::contract::StepErrorClass as Class;
use futures_util::future::join_all;
use serde_json::{Value as Json, json};

use crate::surroundings::World;

fn url() -> &'static str {
    Services::shared().postgres_url()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_steps_at_once_share_a_few_sessions_and_get_their_own_answers() {
    let world = Arc::new(World::new());
    for url in [url(), Services::shared().mariadb_url()] {
        let query = if url.starts_with("postgres") {
            "select $1::int as n, pg_backend_pid() as session, pg_sleep(0.01)"
        } else {
            "select cast(? as int) as n, connection_id() as session, sleep(0.01)"
        };
        let steps = (0..40).map(|number| {
            let (world, with) = (Arc::clone(&world), json!({"url": url, "query": query, "params": [number]}));
            async move { (number, world.ok(with).await) }
        });
        let mut sessions = BTreeSet::new();
        for (number, out) in join_all(steps).await {
            assert_eq!(out["rows"][0]["n"], number);
            sessions.insert(out["rows"][0]["session"].to_string());
        }
        assert!(sessions.len() <= 8, "{sessions:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_that_wait_for_each_other_may_try_again() {
    let worlds = [World::new(), World::new()];
    let setup = json!([
        "drop table if exists sql_two",
        "create table sql_two (id int primary key, n int)",
        "insert into sql_two values (1, 0), (2, 0)",
    ]);
    worlds[0].ok(json!({"url": url(), "statements": setup})).await;
    let steps = [(1, 2), (2, 1)].into_iter().zip(&worlds).map(|((first, then), world)| {
        let update = |id: i32| json!({"query": "update sql_two set n = n + 1 where id = $1", "params": [id]});
        let statements: Vec<Json> = vec![update(first), json!("select pg_sleep(0.3)"), update(then)];
        world.run(json!({"url": url(), "statements": statements}))
    });
    let ended = join_all(steps).await;
    let errors: Vec<_> = ended.iter().filter_map(|each| each.as_ref().err()).collect();
    assert_eq!(errors.len(), 1, "{ended:?}");
    assert_eq!((errors[0].code, errors[0].class), ("sql.conflict", Class::Retry), "{errors:?}");
    // The other one's work is whole, and nothing of the first is left.
    let out = worlds[0].ok(json!({"url": url(), "query": "select n from sql_two"})).await;
    assert_eq!(out["rows"], json!([{"n": 1}, {"n": 1}]));
}

#[tokio::test]
async fn what_is_sent_is_shown_and_an_empty_answer_is_noted() {
    let world = World::new();
    let with = json!({"url": url(), "query": "select $1::int as v where false", "params": [5]});
    let out = world.run(with).await.unwrap();
    assert_eq!(out.sent, Some(json!({"query": "select $1::int as v where false", "params": [5]})));
    assert_eq!(out.note.as_deref(), Some("no row came back"));
    let out = world.run(json!({"url": url(), "statements": ["select 1"]})).await.unwrap();
    assert_eq!((out.sent, out.note), (Some(json!({"statements": [{"query": "select 1"}]})), None));
}

#[tokio::test]
async fn nothing_of_the_processs_own_identity_reaches_a_target() {
    // Who the process runs as is what other clients would say when the step says nothing.
    let error = World::new().error(json!({"url": url().replace("app:sekret@", ""), "query": "select 1"})).await;
    assert!(matches!(error.code, "sql.auth" | "sql.query"), "{error:?}");
    assert!(!error.message.contains("root"), "{error:?}");
}
