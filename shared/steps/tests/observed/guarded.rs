//! The egress guard through these steps: a forbidden listener sees no connection.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use assay_egress::{Egress, Policy, ScriptedResolver};
use hyper::Response;
use serde_json::json;
use tokio::net::TcpListener;

#[path = "../http/spellings.rs"]
mod spellings;

use crate::surroundings::{TYPES, World};
use crate::target::Target;
use spellings::HOSTS;

#[tokio::test]
async fn no_spelling_of_a_forbidden_place_is_connected_to() {
    let seen = Arc::new(AtomicUsize::new(0));
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::clone(&seen);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    let mut world = World::new();
    let local = ["127.0.0.1".parse().unwrap()];
    let names = ["localhost", "sub.localhost", "loopback.example"];
    let names = names.iter().fold(ScriptedResolver::default(), |names, name| names.answer(name, &local));
    world.egress = Egress::new(Policy::closed(), Arc::new(names));
    let mut wrong = Vec::new();
    for kind in TYPES {
        for host in HOSTS.iter().chain(&["loopback.example", "localhost", "a@127.0.0.1"]) {
            let error = world.error(kind, json!({"url": format!("http://{host}:{port}/"), "query": "up"})).await;
            let (_, code) = error.code.split_once('.').unwrap();
            if !matches!(code, "egress" | "request" | "connect") {
                wrong.push(format!("{kind} {host}: {error:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(seen.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_redirect_to_a_forbidden_place_is_not_followed() {
    let forbidden = Target::echo().await;
    let location = forbidden.url("/api/v1/query");
    let target = Target::honest(move |_| {
        let answer = Response::builder().status(307).header("location", location.clone());
        async move { answer.body(bytes::Bytes::new()).unwrap() }
    })
    .await;
    for kind in TYPES {
        let error = World::new().error(kind, json!({"url": target.url("/"), "query": "up"})).await;
        assert_eq!(error.code, format!("{kind}.answer"), "{error:?}");
    }
    assert_eq!(forbidden.connections(), 0);
}
