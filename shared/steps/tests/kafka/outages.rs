//! What happens to a cluster while a step waits.

use std::time::Duration;

use assay_services::Services;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{FutureRecord, Producer as _};
use serde_json::json;

use crate::cluster::{Cluster, shared};
use crate::surroundings::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_killed_and_comes_back_within_the_window_costs_nothing() {
    let services = Services::own(&["kafka"]);
    let (world, cluster) = (World::new(), Cluster { brokers: services.kafka_plain().to_owned() });
    let topic = cluster.topic(1).await;
    let with = json!({"brokers": cluster.brokers, "topic": topic, "match": "value.n == 2", "count": "== 1", "within": "40s", "settle": "500ms"});
    let position = world.arm(&with).await.unwrap();
    cluster.write_json(&topic, &[json!({"n": 1})]).await;
    let waits = world.wait(&with, &position);
    let outage = async {
        tokio::task::spawn_blocking(move || {
            services.kill("kafka");
            services.restart("kafka");
            services
        })
        .await
        .unwrap()
    };
    let outage = async {
        let services = outage.await;
        cluster.write_json(&topic, &[json!({"n": 2})]).await;
        services
    };
    let (ended, services) = tokio::join!(waits, outage);
    ended.is("passed");
    assert_eq!(ended.captured("seen"), 2);

    // And one that does not come back: not known, and so neither passed nor failed.
    for count in [">= 1", "== 0"] {
        let with = json!({"brokers": cluster.brokers, "topic": topic, "count": count, "within": "3s"});
        let position = world.arm(&with).await.unwrap();
        services.kill("kafka");
        let ended = world.wait(&with, &position).await;
        ended.is("errored");
        assert_eq!(ended.code().as_deref(), Some("kafka.refused"), "{}", ended.message());
        assert!(ended.message().contains("could not be found out"), "{}", ended.message());
        services.restart("kafka");
    }

    // One that is frozen: nobody answers, and nobody says so.
    services.pause("kafka");
    let with = json!({"brokers": cluster.brokers, "topic": topic, "value": "x"});
    let mut hasty = World::new();
    hasty.timeout = Duration::from_secs(2);
    hasty.publish(with.clone()).await.is("timedOut");
    let ended = world.publish(with).await;
    ended.is("errored");
    assert_eq!(ended.code().as_deref(), Some("kafka.unreachable"), "{}", ended.message());
    services.resume("kafka");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_are_removed_unread_are_an_error_and_never_a_pass() {
    let (world, cluster) = (World::new(), shared());
    let topic = cluster.topic(1).await;
    let with = json!({"brokers": cluster.brokers, "topic": topic, "count": "== 0", "within": "2s"});
    let position = world.arm(&with).await.unwrap();
    cluster.write_json(&topic, &[json!(1), json!(2)]).await;
    cluster.truncate(&topic, 0, 2).await;
    let ended = world.wait(&with, &position).await;
    ended.is("errored");
    assert_eq!(ended.code().as_deref(), Some("kafka.truncated"), "{}", ended.message());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_deleted_and_made_again_is_an_error() {
    let (world, cluster) = (World::new(), shared());
    let topic = cluster.topic(2).await;
    cluster.write_json(&topic, &[json!(1), json!(2)]).await;
    let with = json!({"brokers": cluster.brokers, "topic": topic, "count": "== 0", "within": "2s"});
    let position = world.arm(&with).await.unwrap();
    cluster.delete(&topic).await;
    let ended = world.wait(&with, &position).await;
    ended.is("errored");
    assert_eq!(ended.code().as_deref(), Some("kafka.topic"), "{}", ended.message());
    cluster.create(&topic, 1, &[]).await;
    let ended = world.wait(&with, &position).await;
    ended.is("errored");
    assert_eq!(ended.code().as_deref(), Some("kafka.truncated"), "{}", ended.message());
}

#[tokio::test(flavor = "multi_thread")]
async fn holes_in_a_compacted_topic_leave_exactly_and_at_most_untold() {
    let (world, cluster) = (World::new(), shared());
    let topic = cluster.topic_with(1, &[("cleanup.policy", "compact")]).await;
    let waits = |count: &str| json!({"brokers": cluster.brokers, "topic": topic, "count": count, "within": "3s"});
    let position = world.arm(&waits("== 2")).await.unwrap();
    // The marker of a transaction is a hole as compaction leaves it.
    let producer = cluster.transactional(&topic);
    let name = topic.clone();
    tokio::task::spawn_blocking(move || {
        let time = Duration::from_secs(20);
        producer.init_transactions(time).unwrap();
        for _ in 0..2 {
            producer.begin_transaction().unwrap();
            drop(producer.send_result(FutureRecord::<str, str>::to(&name).partition(0).key("k").payload("1")).unwrap());
            producer.flush(time).unwrap();
            producer.commit_transaction(time).unwrap();
        }
    })
    .await
    .unwrap();
    let ended = world.wait(&waits("== 2"), &position).await;
    ended.is("errored");
    assert_eq!(ended.code().as_deref(), Some("kafka.truncated"), "{}", ended.message());
    world.wait(&waits(">= 2"), &position).await.is("passed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_moves_while_a_step_waits_is_followed() {
    // One real broker cannot hand a partition over: librdkafka's own cluster of three can.
    let mock = MockCluster::new(3).unwrap();
    mock.create_topic("moving", 1, 3).unwrap();
    mock.partition_leader("moving", 0, Some(1)).unwrap();
    let (world, cluster) = (World::new(), Cluster { brokers: mock.bootstrap_servers() });
    let with = json!({"brokers": cluster.brokers, "topic": "moving", "count": "== 3", "within": "30s", "settle": "1s"});
    let position = world.arm(&with).await.unwrap();
    cluster.write_json("moving", &[json!(1)]).await;
    let moves = async {
        for (old, new) in [(1, 2), (2, 3)] {
            mock.partition_leader("moving", 0, Some(new)).unwrap();
            mock.broker_down(old).unwrap();
            cluster.write_json("moving", &[json!(new)]).await;
        }
    };
    let (ended, ()) = tokio::join!(world.wait(&with, &position), moves);
    ended.is("passed");
    assert_eq!(ended.captured("seen"), 3);
}
