//! `kafka.publish`.

use assay_services::Services;
use serde_json::{Value as Json, json};

use crate::cluster::shared;
use crate::surroundings::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_written_whole_and_its_place_is_told() {
    let (world, cluster) = (World::new(), shared());
    let topic = cluster.topic(3).await;
    let with = json!({"brokers": cluster.brokers, "topic": topic, "match": "key == 'k-1'", "within": "10s"});
    let position = world.arm(&with).await.unwrap();
    let written = world
        .publish(json!({
            "brokers": [cluster.brokers], "topic": topic, "key": "k-1", "json": {"id": 1, "tags": ["a"]},
            "headers": {"trace": "t-1", "n": 2}, "partition": 2, "timestamp": "2026-01-02T03:04:05Z",
        }))
        .await;
    written.is("passed");
    assert_eq!(written.captured("partition"), 2);
    assert_eq!(written.captured("offset"), 0);
    assert_eq!(written.captured("timestamp"), 1_767_323_045_000_i64);
    let came = world.wait(&with, &position).await;
    came.is("passed");
    assert_eq!(
        came.captured("messages")[0],
        json!({
            "key": "k-1", "value": {"id": 1, "tags": ["a"]}, "headers": {"trace": "t-1", "n": "2"},
            "partition": 2, "offset": 0, "timestamp": 1_767_323_045_000_i64, "size": 21,
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_texts_json_or_tombstones() {
    let (world, cluster) = (World::new(), shared());
    let topic = cluster.topic(1).await;
    let with = json!({"brokers": cluster.brokers, "topic": topic, "count": 4, "settle": "10ms", "decode": "text"});
    let position = world.arm(&with).await.unwrap();
    for value in [json!({"value": "plain"}), json!({"value": 7}), json!({"json": null}), json!({"value": null})] {
        let mut publish = json!({"brokers": cluster.brokers, "topic": topic, "key": "k"});
        publish.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        world.publish(publish).await.is("passed");
    }
    let came = world.wait(&with, &position).await;
    came.is("passed");
    let values: Vec<Json> =
        came.captured("messages").as_array().unwrap().iter().map(|one| one["value"].clone()).collect();
    assert_eq!(values, [json!("plain"), json!("7"), json!("null"), Json::Null]);
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_keys_go_to_the_partition_that_java_clients_choose() {
    let (world, cluster) = (World::new(), shared());
    let topic = cluster.topic(3).await;
    let mut partitions = Vec::new();
    for key in ["order-1", "order-1", "order-2", "order-3"] {
        let written =
            world.publish(json!({"brokers": cluster.brokers, "topic": topic, "key": key, "value": "x"})).await;
        partitions.push(written.is("passed").captured("partition"));
    }
    assert_eq!(partitions[0], partitions[1]);
    // murmur2 of the key, as the Java client computes it.
    assert_eq!(partitions, ["order-1", "order-1", "order-2", "order-3"].map(|key| json!(murmur2(key) % 3)));
}

/// The default partitioner of the Java client: murmur2 with its seed, without the sign.
fn murmur2(key: &str) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let data = key.as_bytes();
    let mut h = 0x9747_b28c ^ u32::try_from(data.len()).unwrap();
    let (chunks, rest) = data.as_chunks::<4>();
    for chunk in chunks {
        let mut k = u32::from_le_bytes(*chunk).wrapping_mul(M);
        k = (k ^ (k >> 24)).wrapping_mul(M);
        h = h.wrapping_mul(M) ^ k;
    }
    if !rest.is_empty() {
        let tail = rest.iter().rev().fold(0, |tail, byte| tail << 8 | u32::from(*byte));
        h = (h ^ tail).wrapping_mul(M);
    }
    h = (h ^ (h >> 13)).wrapping_mul(M);
    (h ^ (h >> 15)) & 0x7fff_ffff
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_and_certificates_open_the_other_listeners() {
    let (services, world, cluster) = (Services::shared(), World::new(), shared());
    let topic = cluster.topic(1).await;
    let pem = |file: &str| std::fs::read_to_string(file).unwrap();
    let ca = pem(services.tls_ca());
    let plain = json!({"mechanism": "PLAIN", "username": "alice", "password": "alice-secret"});
    let scram = |mechanism: &str| json!({"mechanism": mechanism, "username": "carol", "password": "carol-secret"});
    let mutual = json!({"ca": ca, "cert": pem(services.tls_client_cert()), "key": pem(services.tls_client_key())});
    for (brokers, sasl, tls) in [
        (services.kafka_sasl_plain(), plain.clone(), Json::Null),
        (services.kafka_sasl_plain(), scram("SCRAM-SHA-256"), Json::Null),
        (services.kafka_sasl_plain(), scram("SCRAM-SHA-512"), Json::Null),
        (services.kafka_tls(), Json::Null, json!({"ca": ca})),
        (services.kafka_tls(), Json::Null, json!({"verify": false})),
        (services.kafka_sasl_tls(), scram("SCRAM-SHA-512"), json!({"ca": ca})),
        (services.kafka_mutual_tls(), Json::Null, mutual),
    ] {
        let with = json!({"brokers": brokers, "topic": topic, "sasl": sasl, "tls": tls, "within": "10s"});
        let position = world.arm(&with).await.unwrap();
        world
            .publish(json!({"brokers": brokers, "topic": topic, "sasl": sasl, "tls": tls, "value": "x"}))
            .await
            .is("passed");
        world.wait(&with, &position).await.is("passed");
    }
}
