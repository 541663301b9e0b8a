//! The guard: brokers of `with`, and brokers that a cluster advertises.

use std::sync::Arc;

use assay_egress::{Egress, Policy, SystemResolver};
use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use crate::cluster::shared;
use crate::surroundings::World;

/// A port of this machine that leads to another one.
pub(crate) async fn door(to: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            let to = to.clone();
            tokio::spawn(async move {
                let mut to = TcpStream::connect(to).await.unwrap();
                let _ = copy_bidirectional(&mut from, &mut to).await;
            });
        }
    });
    port
}

/// Loopback is allowed, one port is not.
pub(crate) fn without_port(port: u16) -> Egress {
    Egress::new(Policy::closed().with_loopback().with_own_port(port), Arc::new(SystemResolver))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_the_guard_refuses_is_not_asked() {
    let cluster = shared();
    let topic = cluster.topic(1).await;
    let world = World::with(Egress::closed());
    let ended = world.expect(json!({"brokers": cluster.brokers, "topic": topic})).await;
    assert_eq!((ended.outcome().as_str(), ended.code().as_deref()), ("errored", Some("kafka.egress")));
    let ended = world.publish(json!({"brokers": cluster.brokers, "topic": topic, "value": 1})).await;
    assert_eq!((ended.outcome().as_str(), ended.code().as_deref()), ("errored", Some("kafka.egress")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_advertised_broker_that_the_guard_refuses_is_not_used() {
    let cluster = shared();
    let topic = cluster.topic(1).await;
    let behind: u16 = cluster.brokers.rsplit_once(':').unwrap().1.parse().unwrap();
    let door = door(cluster.brokers.clone()).await;
    let world = World::with(without_port(behind));
    let brokers = format!("127.0.0.1:{door}");
    let ended = world.expect(json!({"brokers": brokers, "topic": topic})).await;
    assert_eq!(
        (ended.outcome().as_str(), ended.code().as_deref()),
        ("errored", Some("kafka.egress")),
        "{}",
        ended.message()
    );
    let ended = world.publish(json!({"brokers": brokers, "topic": topic, "value": 1})).await;
    assert_eq!(
        (ended.outcome().as_str(), ended.code().as_deref()),
        ("errored", Some("kafka.egress")),
        "{}",
        ended.message()
    );
}
