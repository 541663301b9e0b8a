//! A database that dies and comes back.

use std::time::Duration;

use assay_engine::job::{JobResult, Outcome};
use assay_services::Services;
use serde_json::{Value as Json, json};

use crate::surroundings::{World, carry_looking};

fn looking(url: &str, timeout: u64) -> (Json, Json) {
    (
        json!({"url": url, "query": "select count(*) as n from sql_alive"}),
        json!({"kind": "eventually", "timeoutMs": timeout, "intervalMs": 100}),
    )
}

fn code(result: &JobResult) -> String {
    result.error.as_ref().map(|error| error.code.clone()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_comes_back_within_the_window_is_asked_again() {
    let services = Services::own(&["postgres"]);
    let url = services.postgres_url().to_owned();
    let world = World::new();
    world.ok(json!({"url": url, "query": "create table sql_alive (n int)"})).await;
    // A session rests when the server dies: it is replaced, not used.
    world.ok(json!({"url": url, "query": "select 1"})).await;
    services.kill("postgres");
    let (with, looks) = looking(&url, 20_000);
    let restarting = tokio::task::spawn_blocking(move || {
        services.restart("postgres");
        services
    });
    let result = carry_looking(world, with.clone(), looks, &["rows[0].n == 0"]).await;
    assert_eq!(result.outcome, Outcome::Passed, "{result:?}");
    let services = restarting.await.unwrap();

    services.kill("postgres");
    let (with, looks) = looking(&url, 1000);
    let result = carry_looking(World::new(), with, looks, &["rows[0].n == 0"]).await;
    assert_eq!((result.outcome, code(&result).as_str()), (Outcome::Errored, "sql.refused"), "{result:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_dies_under_a_statement_is_an_error_and_never_a_failure() {
    let services = Services::own(&["postgres"]);
    let url = services.postgres_url().to_owned();
    let world = World::new();
    let sleeping = json!({"url": url, "query": "select pg_sleep(60)"});
    let watching = World::new();
    let killing = async {
        let running =
            json!({"url": url, "query": "select 1 from pg_stat_activity where query like 'select pg_sleep%'"});
        while watching.ok(running.clone()).await["rowCount"] == 0 {}
        tokio::task::block_in_place(|| services.kill("postgres"));
    };
    let (error, ()) = tokio::join!(world.error(sleeping), killing);
    assert_eq!(error.code, "sql.closed", "{error:?}");
    // The session that rests is not used on the server that comes back.
    tokio::task::block_in_place(|| services.restart("postgres"));
    let again =
        tokio::time::timeout(Duration::from_secs(10), watching.ok(json!({"url": url, "query": "select 1 as v"})));
    assert_eq!(again.await.unwrap()["rows"], json!([{"v": 1}]));
}
