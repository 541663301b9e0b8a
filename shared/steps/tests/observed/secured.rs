//! What goes over the wire: the question, who asks, and under which trust.

use bytes::Bytes;
use hyper::{Request, Response};
use serde_json::{Value as Json, json};

use crate::certificates::{Authority, Server};
use crate::fault_cases::success;
use crate::surroundings::{TYPES, World};
use crate::target::{Target, echo, serve_one};

/// A scalar, and what was asked as a warning: so that a test sees it in the output.
fn told(request: &Request<Bytes>) -> Response<Bytes> {
    let asked = String::from_utf8_lossy(echo(request).body()).into_owned();
    let mut answer: Json = serde_json::from_str(&success("scalar", &json!([1, "1"]))).unwrap();
    answer["warnings"] = json!([asked]);
    Response::new(answer.to_string().into())
}

/// What the target was asked.
async fn asked(world: &World, kind: &str, with: Json) -> Json {
    let out = world.ok(kind, with).await;
    serde_json::from_str(out["warnings"][0].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn credentials_tenant_and_headers_go_with_the_question() {
    let target = Target::honest(|request| async move { told(&request) }).await;
    for kind in TYPES {
        let world = World::new();
        let with = |more: Json| {
            let mut with = json!({"url": target.url("/prefix/"), "query": "up + 1", "at": "now"});
            with.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            with
        };
        let seen = asked(&world, kind, with(json!({"tenant": "a|b", "headers": {"x-extra": "1"}}))).await;
        assert_eq!(seen["headers"]["x-scope-orgid"], "a|b");
        assert_eq!(seen["headers"]["x-extra"], "1");
        assert_eq!(seen["headers"]["authorization"], Json::Null);
        assert_eq!(seen["body"], "query=up+%2B+1");
        let path = if kind == "loki" { "/prefix/loki/api/v1/query" } else { "/prefix/api/v1/query" };
        assert_eq!((&seen["method"], &seen["uri"]), (&json!("POST"), &json!(path)));
        let basic = json!({"auth": {"basic": {"username": "ada", "password": "pw"}}});
        let seen = asked(&world, kind, with(basic)).await;
        assert_eq!(seen["headers"]["authorization"], "Basic YWRhOnB3");
        let seen = asked(&world, kind, with(json!({"auth": {"bearer": "t0ken"}}))).await;
        assert_eq!(seen["headers"]["authorization"], "Bearer t0ken");
        let in_url = with(json!({"url": format!("http://ada:pw@{}/p?dedup=false", target.address)}));
        let output = world.run(kind, in_url).await.unwrap();
        let shown = output.sent.unwrap().to_string();
        assert!(shown.contains("dedup=false") && !shown.contains("pw@"), "{shown}");
    }
}

#[tokio::test]
async fn a_target_that_takes_no_forms_is_asked_by_its_url() {
    let target = Target::honest(|request| async move {
        if request.method() == "POST" {
            return Response::builder().status(405).body(Bytes::new()).unwrap();
        }
        told(&request)
    })
    .await;
    let seen = asked(&World::new(), "prometheus", json!({"url": target.url(""), "query": "up{a=\"b\"}"})).await;
    assert_eq!(seen["uri"], "/api/v1/query?query=up%7Ba%3D%22b%22%7D");
}

#[tokio::test]
async fn the_target_and_this_side_show_their_certificates() {
    let authority = Authority::new();
    let acceptor = Server::new(&authority.issue("localhost", 2100), &[], Some(&authority)).acceptor();
    let target = Target::new(move |stream, _| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve_one(stream, |request| async move { told(&request) }).await;
            }
        }
    })
    .await;
    let client = authority.issue("client", 2100);
    let url = format!("https://localhost:{}", target.port());
    for kind in TYPES {
        let world = World::new();
        let with = |tls: Json| json!({"url": url, "query": "up", "at": "now", "tls": tls});
        let out = world.ok(kind, with(json!({"ca": authority.pem(), "cert": client.cert, "key": client.key}))).await;
        assert_eq!(out["value"], 1.0);
        let error = world.error(kind, with(json!({"ca": authority.pem()}))).await;
        assert_eq!(error.code, format!("{kind}.tls"), "{error:?}");
    }
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_is_replaced_also_for_a_form() {
    // Each connection serves one request and is closed without a word.
    let target = Target::new(|stream, _| async move {
        let service = hyper::service::service_fn(|request: Request<hyper::body::Incoming>| async move {
            let body = http_body_util::BodyExt::collect(request.into_body()).await.unwrap().to_bytes();
            assert!(!body.is_empty());
            Ok::<_, std::convert::Infallible>(Response::new(http_body_util::Full::new(Bytes::from(success(
                "scalar",
                &json!([1, "1"]),
            )))))
        });
        let io = hyper_util::rt::TokioIo::new(stream);
        let mut connection = std::pin::pin!(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
        let _ = tokio::time::timeout(std::time::Duration::from_millis(100), connection.as_mut()).await;
    })
    .await;
    let world = World::new();
    for _ in 0..3 {
        let out = world.ok("prometheus", json!({"url": target.url(""), "query": "up"})).await;
        assert_eq!(out["value"], 1.0);
    }
}
