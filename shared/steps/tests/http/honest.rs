//! Honest targets: what is sent, what comes out, how connections are used.

use bytes::Bytes;
use hyper::Response;
use serde_json::json;

use crate::surroundings::World;
use crate::target::Target;

#[tokio::test]
async fn a_get_puts_its_whole_answer_in_scope() {
    let target = Target::honest(|_| async {
        Response::builder()
            .status(201)
            .header("Content-Type", "text/plain")
            .header("X-Many", "a")
            .header("X-Many", "b")
            .header("Set-Cookie", "a=1")
            .header("Set-Cookie", "b=2")
            .body(Bytes::from_static(b" {\"id\": 7, \"list\": [1, 2.5, null]}"))
            .unwrap()
    })
    .await;
    let out = World::new().ok(json!({"url": target.url("/x")})).await;
    assert_eq!(out["status"], 201);
    assert_eq!(out["body"], json!({"id": 7, "list": [1, 2.5, null]}));
    assert_eq!(out["text"], " {\"id\": 7, \"list\": [1, 2.5, null]}");
    assert_eq!(out["size"], 34);
    assert_eq!(out["headers"]["x-many"], "a, b");
    assert_eq!(out["headers"]["set-cookie"], "a=1\nb=2");
    assert_eq!(out["remoteAddress"], target.address.to_string());
    assert_eq!(out["tls"], json!(null));
    for phase in ["dns", "connect", "tls", "firstByte", "total"] {
        assert!(out["timings"][phase].is_number(), "{phase}");
    }
    assert!(out["timings"]["total"].as_f64() >= out["timings"]["firstByte"].as_f64());
    assert!(out["timings"]["firstByte"].as_f64() > Some(0.0));
}

#[tokio::test]
async fn a_post_sends_its_json() {
    let target = Target::echo().await;
    let with = json!({"method": "post", "url": target.url("/orders?x=1"), "json": {"b": 1, "a": [true]}, "query": {"q": "ä b", "n": [1, 2], "z": null}});
    let out = World::new().ok(with).await;
    let got = &out["body"];
    assert_eq!(got["method"], "POST");
    assert_eq!(got["uri"], "/orders?x=1&q=%C3%A4+b&n=1&n=2");
    assert_eq!(got["body"], r#"{"b":1,"a":[true]}"#);
    assert_eq!(got["headers"]["content-type"], "application/json");
    assert_eq!(got["headers"]["content-length"], "18");
    assert_eq!(got["headers"]["host"], target.address.to_string());
    assert_eq!(got["headers"]["accept-encoding"], "gzip, deflate, br");
}

#[tokio::test]
async fn requests_share_a_connection() {
    let target = Target::echo().await;
    let world = World::new();
    for _ in 0..50 {
        let out = world.ok(json!({"url": target.url("/x")})).await;
        assert_eq!(out["status"], 200);
    }
    assert_eq!(target.connections(), 1);
}

#[tokio::test]
async fn the_answer_to_a_head_has_no_body_whatever_it_announces() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\ncontent-encoding: gzip\r\n\r\n";
    let target = Target::answers(head).await;
    let out = World::new().ok(json!({"method": "HEAD", "url": target.url("/")})).await;
    assert_eq!((&out["status"], &out["size"], &out["body"]), (&json!(200), &json!(0), &json!(null)));
    assert_eq!(out["headers"]["content-length"], "99999999");
}

#[tokio::test]
async fn headers_can_be_repeated_replaced_and_left_out() {
    let target = Target::echo().await;
    let headers = json!({"accept": "text/x", "accept-encoding": null, "x-list": ["a", 2], "Host": "other.example"});
    let out = World::new().ok(json!({"url": target.url("/"), "headers": headers})).await;
    let got = &out["body"]["headers"];
    assert_eq!(got["accept"], "text/x");
    assert_eq!(got["x-list"], "a | 2");
    assert_eq!(got["host"], "other.example");
    assert!(got.get("accept-encoding").is_none());
}
