//! Stops and turns.

use std::time::Duration;

use serde_json::json;

use crate::cluster::shared;
use crate::surroundings::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_a_wait_soon() {
    let (world, cluster) = (World::new(), shared());
    let topic = cluster.topic(1).await;
    let with = json!({"brokers": cluster.brokers, "topic": topic, "within": "50s"});
    let position = world.arm(&with).await.unwrap();
    let stop = world.stop.clone();
    let start = tokio::time::Instant::now();
    let (ended, ()) = tokio::join!(world.wait(&with, &position), async { stop.cancel() });
    ended.is("cancelled");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_wait_goes_on_in_other_turns_and_counts_every_record_once() {
    let (world, cluster) = (World::new(), shared());
    let topic = cluster.topic(2).await;
    let with = json!({
        "brokers": cluster.brokers, "topic": topic, "match": "value.n < 3", "count": "== 3", "within": "35s", "orderedBy": "value.n",
    });
    let position = world.arm(&with).await.unwrap();
    cluster.write_json(&topic, &[json!({"n": 0}), json!({"n": 9}), json!({"n": 1})]).await;
    let waits = world.wait(&with, &position);
    let more = async {
        // Into the second turn.
        tokio::time::sleep(Duration::from_secs(28)).await;
        cluster.write_json(&topic, &[json!({"n": 2})]).await;
    };
    let (ended, ()) = tokio::join!(waits, more);
    ended.is("passed");
    assert!(ended.turns >= 2, "{}", ended.turns);
    assert_eq!((ended.captured("seen"), ended.captured("count")), (json!(4), json!(3)));
}
