//! What is run for each row of the table of faults.

use std::collections::BTreeMap;
use std::time::Duration;

use assay_egress::Egress;
use assay_services::Services;
use futures_util::future::{BoxFuture, join_all};
use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use serde_json::{Value as Json, json};

use crate::cluster::{Cluster, shared};
use crate::guarded::{door, without_port};
use crate::surroundings::{Ended, World};

type Case = (&'static str, BoxFuture<'static, Ended>);

fn case(id: &'static str, run: impl Future<Output = Ended> + Send + 'static) -> Case {
    (id, Box::pin(run))
}

/// Every case, run beside the others.
pub(crate) async fn all() -> BTreeMap<&'static str, Ended> {
    let mut cases = reaching().await;
    cases.extend(answers().await);
    cases.extend(waits().await);
    let ran = join_all(cases.into_iter().map(|(id, run)| async move { (id, run.await) })).await;
    ran.into_iter().collect()
}

fn expect(world: World, brokers: &str, topic: &str, more: Json) -> impl Future<Output = Ended> + Send + use<> {
    let mut with = json!({"brokers": brokers, "topic": topic, "within": "2s"});
    with.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    async move { world.expect(with).await }
}

fn publish(world: World, brokers: &str, topic: &str, more: Json) -> impl Future<Output = Ended> + Send + use<> {
    let mut with = json!({"brokers": brokers, "topic": topic, "value": "x"});
    with.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    async move { world.publish(with).await }
}

async fn reaching() -> Vec<Case> {
    let (services, cluster) = (Services::shared(), shared());
    let topic = cluster.topic(1).await;
    let behind: u16 = cluster.brokers.rsplit_once(':').unwrap().1.parse().unwrap();
    let elsewhere = format!("127.0.0.1:{}", door(cluster.brokers.clone()).await);
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silence = silent.local_addr().unwrap().to_string();
    let wrong =
        |name: &str, mechanism: &str| json!({"sasl": {"mechanism": mechanism, "username": name, "password": "wrong"}});
    let pem = |file: &str| std::fs::read_to_string(file).unwrap();
    vec![
        case("refused", publish(World::new(), &closed, &topic, json!({}))),
        case("refused-arming", expect(World::new(), &closed, &topic, json!({}))),
        case("dns-unknown", publish(World::new(), "nowhere.invalid:9092", &topic, json!({}))),
        case("silent", async move {
            let ended = publish(World::new(), &silence, "t", json!({})).await;
            drop(silent);
            ended
        }),
        case("not-allowed", publish(World::with(Egress::closed()), &cluster.brokers, &topic, json!({}))),
        case("advertised-forbidden", publish(World::with(without_port(behind)), &elsewhere, &topic, json!({}))),
        case("password-wrong", publish(World::new(), services.kafka_sasl_plain(), &topic, wrong("alice", "PLAIN"))),
        case("scram-wrong", expect(World::new(), services.kafka_sasl_plain(), &topic, wrong("carol", "SCRAM-SHA-512"))),
        case("sasl-missing", publish(World::new(), services.kafka_sasl_plain(), &topic, json!({}))),
        case("tls-untrusted", publish(World::new(), services.kafka_tls(), &topic, json!({"tls": {}}))),
        case(
            "tls-other",
            expect(World::new(), services.kafka_tls(), &topic, json!({"tls": {"ca": pem(services.tls_other_ca())}})),
        ),
        case(
            "tls-client",
            publish(World::new(), services.kafka_mutual_tls(), &topic, json!({"tls": {"ca": pem(services.tls_ca())}})),
        ),
        case("tls-plain", publish(World::new(), &cluster.brokers, &topic, json!({"tls": {"verify": false}}))),
        case("tls-missing", publish(World::new(), services.kafka_tls(), &topic, json!({}))),
        case(
            "tls-nonsense",
            publish(World::new(), services.kafka_tls(), &topic, json!({"tls": {"ca": "-----BEGIN nothing"}})),
        ),
    ]
}

/// A cluster with the topic `t` that never has enough replicas to acknowledge a record, for as long as the process lives.
fn short_of_replicas() -> String {
    let mock = Box::leak(Box::new(MockCluster::new(1).unwrap()));
    mock.create_topic("t", 1, 1).unwrap();
    mock.request_errors(RDKafkaApiKey::Produce, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS; 10_000]);
    mock.bootstrap_servers()
}

async fn answers() -> Vec<Case> {
    let cluster = shared();
    let topic = cluster.topic(1).await;
    let lonely = short_of_replicas();
    let brokers = cluster.brokers.as_str();
    let missing = Cluster::name();
    let mut hasty = World::new();
    hasty.timeout = Duration::from_secs(3);
    vec![
        case("written", publish(World::new(), brokers, &topic, json!({}))),
        case("topic-unknown", publish(World::new(), brokers, &missing, json!({}))),
        case("topic-unknown-arming", expect(World::new(), brokers, &missing, json!({}))),
        case("partition-unknown", publish(World::new(), brokers, &topic, json!({"partition": 1}))),
        case("record-large", publish(World::new(), brokers, &topic, json!({"value": "x".repeat(3_000_000)}))),
        case("unacknowledged", publish(World::new(), &lonely, "t", json!({}))),
        case("unacknowledged-hasty", publish(hasty, &lonely, "t", json!({}))),
    ]
}

/// A wait during which these values are written.
async fn wait(more: Json, values: Vec<Json>) -> Ended {
    let (world, cluster) = (World::new(), shared());
    let topic = cluster.topic(1).await;
    let mut with = json!({"brokers": cluster.brokers, "topic": topic, "within": "2s"});
    with.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let position = world.arm(&with).await.unwrap();
    cluster.write_json(&topic, &values).await;
    world.wait(&with, &position).await
}

async fn waits() -> Vec<Case> {
    vec![
        case("came", wait(json!({"match": "value.n == 1"}), vec![json!({"n": 1})])),
        case("not-come", wait(json!({"match": "value.n == 1"}), vec![json!({"n": 2})])),
        case("unanswerable", wait(json!({"match": "value.n.deep == 1"}), vec![json!("poison")])),
        case("too-many", wait(json!({"count": "== 1"}), vec![json!(1), json!(2)])),
        case("out-of-order", wait(json!({"count": ">= 2", "orderedBy": "value"}), vec![json!(2), json!(1)])),
        case("none-wanted", wait(json!({"count": "== 0"}), Vec::new())),
        case("expression-work", {
            let text = "value.all(a, value.all(b, value.all(c, a + b + c > 0)))";
            wait(json!({"match": text}), vec![json!((1..200).collect::<Vec<_>>())])
        }),
        case("truncated", async {
            let (world, cluster) = (World::new(), shared());
            let topic = cluster.topic(1).await;
            let with = json!({"brokers": cluster.brokers, "topic": topic, "within": "2s"});
            let position = world.arm(&with).await.unwrap();
            cluster.write_json(&topic, &[json!(1), json!(2)]).await;
            cluster.truncate(&topic, 0, 1).await;
            world.wait(&with, &position).await
        }),
        case("stopped", async {
            let (world, cluster) = (World::new(), shared());
            let topic = cluster.topic(1).await;
            let with = json!({"brokers": cluster.brokers, "topic": topic, "within": "20s"});
            let position = world.arm(&with).await.unwrap();
            let stop = world.stop.clone();
            tokio::join!(world.wait(&with, &position), async move { stop.cancel() }).0
        }),
    ]
}
