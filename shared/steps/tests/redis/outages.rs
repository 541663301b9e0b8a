//! A server that goes away and comes back, or not.

use assay_engine::job::Outcome;
use assay_services::Services;
use serde_json::{Value as Json, json};

use crate::surroundings::{World, carry, fresh, job};

fn with(url: &str, stream: &str, count: &str, within: &str) -> Json {
    json!({"url": url, "stream": stream, "count": count, "within": within})
}

/// Runs something that blocks beside the test.
async fn blocking(act: impl FnOnce() + Send + 'static) {
    tokio::task::spawn_blocking(act).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_comes_back_within_the_window_is_read_on() {
    let services = std::sync::Arc::new(Services::own(&["redis"]));
    let url = services.redis_admin_url().to_owned();
    let world = World::new();
    let stream = fresh("outage");
    let with = with(&url, &stream, ">= 1", "60s");
    let armed = world.arm(&with).await.unwrap();
    let outage = async {
        let own = services.clone();
        blocking(move || {
            own.kill("redis");
            own.restart("redis");
        })
        .await;
        World::new().reply(&url, json!(["XADD", stream, "*", "state", "PAID"])).await;
    };
    let (waited, ()) = tokio::join!(world.wait(&with, &armed), outage);
    let (output, _) = waited.unwrap();
    assert!(output.expectations[0].passed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_restart_may_have_lost_is_never_taken_for_absent() {
    let services = std::sync::Arc::new(Services::own(&["redis"]));
    let url = services.redis_admin_url().to_owned();
    let world = World::new();
    let stream = fresh("lost");
    let expects = with(&url, &stream, "== 0", "1s");
    let armed = world.arm(&expects).await.unwrap();
    // Written, and gone with the server, which keeps nothing: the stream looks as it did at the start.
    world.reply(&url, json!(["XADD", stream, "*", "state", "PAID"])).await;
    let own = services.clone();
    blocking(move || {
        own.kill("redis");
        own.restart("redis");
    })
    .await;
    let error = world.wait(&expects, &armed).await.unwrap_err();
    assert!(error.code == "redis.missed", "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stays_away_or_says_nothing_is_an_error() {
    let services = std::sync::Arc::new(Services::own(&["redis"]));
    let url = services.redis_admin_url().to_owned();
    let world = World::new();
    let expects = with(&url, &fresh("away"), ">= 1", "1s");
    let armed = world.arm(&expects).await.unwrap();
    let own = services.clone();
    blocking(move || own.pause("redis")).await;
    assert_eq!(world.wait(&expects, &armed).await.unwrap_err().code, "redis.timeout");
    let own = services.clone();
    blocking(move || {
        own.resume("redis");
        own.kill("redis");
    })
    .await;
    assert_eq!(world.wait(&expects, &armed).await.unwrap_err().code, "redis.refused");
    assert_eq!(world.arm(&expects).await.unwrap_err().code, "redis.refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eventually_outlives_a_restart() {
    let services = std::sync::Arc::new(Services::own(&["redis"]));
    let url = services.redis_admin_url().to_owned();
    let world = World::new();
    let mut asked = job("redis", &json!({"url": url, "command": "GET state"}), &["reply == 'PAID'"], world.timeout);
    asked["looks"] = json!({"kind": "eventually", "timeoutMs": 15_000, "intervalMs": 50});
    let outage = async {
        let own = services.clone();
        blocking(move || {
            own.kill("redis");
            own.restart("redis");
        })
        .await;
        World::new().reply(&url, json!("SET state PAID")).await;
    };
    let (result, ()) = tokio::join!(carry(world, asked), outage);
    assert_eq!(result.outcome, Outcome::Passed, "{result:?}");
}
