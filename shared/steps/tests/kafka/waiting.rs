//! `kafka.expect`: what it sees, and what it says of that.

use std::time::Duration;

use rdkafka::producer::{FutureRecord, Producer as _};
use serde_json::{Value as Json, json};

use crate::cluster::{Cluster, shared};
use crate::surroundings::World;

fn with(cluster: &Cluster, topic: &str, more: Json) -> Json {
    let mut with = json!({"brokers": cluster.brokers, "topic": topic, "within": "10s"});
    with.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    with
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_it_was_armed_is_not_seen_and_what_came_after_is() {
    let (world, cluster) = (World::new(), shared());
    let topic = cluster.topic(3).await;
    cluster.write(&topic, 0, Some(b"1")).await;
    let with = with(&cluster, &topic, json!({"match": "value > 0", "count": ">= 2"}));
    let position = world.arm(&with).await.unwrap();
    cluster.write(&topic, 1, Some(b"2")).await;
    cluster.write(&topic, 2, Some(b"3")).await;
    let came = world.wait(&with, &position).await;
    came.is("passed");
    assert_eq!((came.captured("count"), came.captured("seen")), (json!(2), json!(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_expression_sees_every_part_of_a_record_and_the_execution() {
    let (world, cluster) = (World::new(), shared());
    let topic = cluster.topic(1).await;
    let text = "value.id == steps.order.id && key == 'k' && headers.source == 'test' && partition == 0 && offset == 0 \
                && timestamp > 1700000000000 && size == 8";
    let with = with(&cluster, &topic, json!({"match": text}));
    let position = world.arm(&with).await.unwrap();
    cluster.write(&topic, 0, Some(br#"{"id":5}"#)).await;
    let scope = json!({"steps": {"order": {"id": 5}}});
    world.wait_in(&with, &position, scope).await.is("passed");
}

#[tokio::test(flavor = "multi_thread")]
async fn not_come_in_time_is_failed_and_shows_the_nearest_misses() {
    let (world, cluster) = (World::new(), shared());
    let topic = cluster.topic(1).await;
    let with = with(&cluster, &topic, json!({"match": "value.id == 'A' && value.state == 'PAID'", "within": "500ms"}));
    let position = world.arm(&with).await.unwrap();
    cluster.write_json(&topic, &[json!({"id": "B", "state": "OPEN"}), json!({"id": "A", "state": "OPEN"})]).await;
    let ended = world.wait(&with, &position).await;
    ended.is("failed");
    let asked = &ended.asked()[0];
    assert_eq!((asked.0.as_str(), asked.1), ("count >= 1 within 500ms", false));
    assert_eq!(asked.2.as_deref(), Some("none of 2 messages matches"));
    let evidence = ended.evidence();
    assert!(evidence.contains("nearest: offset 1 of partition 0: not `value.state == 'PAID'`"), "{evidence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_and_at_most_are_judged_over_the_whole_window() {
    let (world, cluster) = (World::new(), shared());
    for (count, comes, outcome) in
        [("== 2", 2, "passed"), ("== 2", 3, "failed"), ("<= 1", 0, "passed"), ("== 0", 1, "failed")]
    {
        let topic = cluster.topic(1).await;
        let with = with(&cluster, &topic, json!({"count": count, "within": "400ms"}));
        let position = world.arm(&with).await.unwrap();
        cluster.write_json(&topic, &vec![json!(1); comes]).await;
        let ended = world.wait(&with, &position).await;
        ended.is(outcome);
        assert_eq!(ended.captured("count"), comes, "{count}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_settles_it_before_the_end_of_the_window() {
    let (world, cluster) = (World::new(), shared());
    let topic = cluster.topic(1).await;
    let with = with(&cluster, &topic, json!({"count": "== 1", "within": "50s", "settle": "300ms"}));
    let position = world.arm(&with).await.unwrap();
    cluster.write_json(&topic, &[json!(1)]).await;
    let start = tokio::time::Instant::now();
    world.wait(&with, &position).await.is("passed");
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_equal_records_count_once() {
    let (world, cluster) = (World::new(), shared());
    let topic = cluster.topic(1).await;
    let with = with(&cluster, &topic, json!({"count": "== 1", "within": "2s", "distinctBy": "value.id", "collect": 3}));
    let position = world.arm(&with).await.unwrap();
    cluster.write_json(&topic, &vec![json!({"id": "A"}); 1000]).await;
    let ended = world.wait(&with, &position).await;
    ended.is("passed");
    assert_eq!((ended.captured("count"), ended.captured("seen")), (json!(1), json!(1000)));
    assert_eq!(ended.captured("messages").as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn order_is_judged_within_a_partition() {
    let (world, cluster) = (World::new(), shared());
    for (values, outcome) in [([1, 2, 2], "passed"), ([1, 3, 2], "failed")] {
        let topic = cluster.topic(1).await;
        let with = with(&cluster, &topic, json!({"count": ">= 3", "orderedBy": "value.n"}));
        let position = world.arm(&with).await.unwrap();
        cluster.write_json(&topic, &values.map(|n| json!({"n": n}))).await;
        world.wait(&with, &position).await.is(outcome);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_and_tombstones_are_seen_and_do_not_match() {
    let (world, cluster) = (World::new(), shared());
    let topic = cluster.topic(1).await;
    let with = with(&cluster, &topic, json!({"match": "value.ok"}));
    let position = world.arm(&with).await.unwrap();
    for poison in [Some(&b"{\"ok\": tru"[..]), Some(b"\xff\xfe\x00"), Some(b""), None, Some(b"[[[["), Some(b"\"ok\"")] {
        cluster.write(&topic, 0, poison).await;
    }
    cluster.write(&topic, 0, Some(b"{\"ok\": true}")).await;
    let ended = world.wait(&with, &position).await;
    ended.is("passed");
    assert_eq!(ended.captured("seen"), 7);
    let tombstone = with.clone();
    let tombstone = json!({"match": "size == null", "brokers": tombstone["brokers"], "topic": topic, "within": "5s"});
    world.wait(&tombstone, &position).await.is("passed");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_aborted_transactions_are_never_seen() {
    let (world, cluster) = (World::new(), shared());
    let topic = cluster.topic(1).await;
    let with = with(&cluster, &topic, json!({"count": "== 1", "within": "6s"}));
    let position = world.arm(&with).await.unwrap();
    let producer = cluster.transactional(&topic);
    let name = topic.clone();
    tokio::task::spawn_blocking(move || {
        let time = Duration::from_secs(20);
        producer.init_transactions(time).unwrap();
        for commit in [false, true] {
            producer.begin_transaction().unwrap();
            drop(producer.send_result(FutureRecord::<str, str>::to(&name).partition(0).payload("1")).unwrap());
            producer.flush(time).unwrap();
            if commit { producer.commit_transaction(time).unwrap() } else { producer.abort_transaction(time).unwrap() }
        }
    })
    .await
    .unwrap();
    let ended = world.wait(&with, &position).await;
    ended.is("passed");
    assert_eq!(ended.captured("seen"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_are_added_while_it_waits_are_read_from_their_start() {
    let (world, cluster) = (World::new(), shared());
    let topic = cluster.topic(1).await;
    let with = with(&cluster, &topic, json!({"match": "value == 7", "within": "20s"}));
    let position = world.arm(&with).await.unwrap();
    let waits = world.wait(&with, &position);
    let grows = async {
        cluster.grow(&topic, 3).await;
        cluster.write(&topic, 2, Some(b"7")).await;
    };
    let (ended, ()) = tokio::join!(waits, grows);
    ended.is("passed");
    assert_eq!(ended.captured("messages")[0]["partition"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_records_are_kept_whole() {
    let (world, cluster) = (World::new(), shared());
    let topic = cluster.topic(1).await;
    let with = with(&cluster, &topic, json!({}));
    let position = world.arm(&with).await.unwrap();
    cluster.write_json(&topic, &[json!({"blob": "x".repeat(50_000)})]).await;
    let ended = world.wait(&with, &position).await;
    assert_eq!(ended.captured("messages")[0]["value"]["blob"].as_str().unwrap().len(), 50_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_waits_at_once_are_all_served() {
    let (world, cluster) = (World::new(), shared());
    let topic = cluster.topic(2).await;
    let all: Vec<Json> =
        (0..40).map(|n| with(&cluster, &topic, json!({"match": format!("value.n == {n}"), "within": "30s"}))).collect();
    let position = world.arm(&all[0]).await.unwrap();
    let waits = futures_util::future::join_all(all.iter().map(|with| world.wait(with, &position)));
    let values: Vec<Json> = (0..40).map(|n| json!({"n": n})).collect();
    let (ended, ()) = tokio::join!(waits, cluster.write_json(&topic, &values));
    for one in &ended {
        one.is("passed");
    }
}
