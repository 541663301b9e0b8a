//! What goes from one request to the next: redirects, cookies, credentials, tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use hyper::{Request, Response};
use jiff::SignedDuration;
use serde_json::{Value as Json, json};

use crate::surroundings::World;
use crate::target::{Target, echo};

/// Redirects `/301?to=...` with that status; everything else is told back.
async fn redirector() -> Target {
    Target::honest(|request| async move { redirect(&request) }).await
}

fn redirect(request: &Request<Bytes>) -> Response<Bytes> {
    let to = request.uri().query().and_then(|query| query.strip_prefix("to="));
    match (request.uri().path().trim_start_matches('/').parse::<u16>(), to) {
        (Ok(status), Some(to)) => {
            let answer = Response::builder().status(status).header("location", to);
            answer.header("set-cookie", format!("hop{status}=1; Path=/")).body(Bytes::from_static(b"moved")).unwrap()
        }
        _ => echo(request),
    }
}

#[tokio::test]
async fn redirects_are_answers_unless_they_are_followed() {
    let target = redirector().await;
    let world = World::new();
    let out = world.ok(json!({"url": target.url("/302?to=/end")})).await;
    assert_eq!(out["status"], 302);
    assert_eq!(out["text"], "moved");
    let out = world.ok(json!({"url": target.url("/302?to=/end"), "followRedirects": 1})).await;
    assert_eq!(out["body"]["uri"], "/end");
    let chain = target.url("/302?to=/307?to=/end");
    assert_eq!(world.error(json!({"url": chain, "followRedirects": 1})).await.code, "http.redirects");
    let sent = world.run(json!({"url": chain, "followRedirects": 2})).await.unwrap().sent.unwrap();
    assert_eq!(sent["redirects"], json!([target.url("/307"), target.url("/end")]));
}

#[tokio::test]
async fn the_method_changes_as_in_browsers() {
    let target = redirector().await;
    let world = World::new();
    for (method, status, expected, body) in [
        ("POST", 301, "GET", ""),
        ("POST", 302, "GET", ""),
        ("POST", 303, "GET", ""),
        ("POST", 307, "POST", "x"),
        ("POST", 308, "POST", "x"),
        ("PUT", 301, "PUT", "x"),
        ("PUT", 302, "PUT", "x"),
        ("PUT", 303, "GET", ""),
        ("GET", 303, "GET", "x"),
    ] {
        let url = target.url(&format!("/{status}?to=/end"));
        let out = world.ok(json!({"method": method, "url": url, "text": "x", "followRedirects": 1})).await;
        let got = &out["body"];
        assert_eq!((&got["method"], &got["body"]), (&json!(expected), &json!(body)), "{method} {status}");
        assert_eq!(got["headers"].get("content-type").is_some(), !body.is_empty(), "{method} {status}");
    }
}

#[tokio::test]
async fn credentials_do_not_go_to_another_origin() {
    let (first, second) = (redirector().await, redirector().await);
    let world = World::new();
    let headers = json!({"cookie": "own=1", "x-kept": "yes"});
    let with = |to: String| json!({"url": first.url(&format!("/302?to={to}")), "followRedirects": 2, "headers": headers, "auth": {"bearer": "t"}});
    let same = world.ok(with("/end".into())).await;
    assert_eq!(same["body"]["headers"]["authorization"], "Bearer t");
    assert_eq!(same["body"]["headers"]["cookie"], "own=1");
    let other = world.ok(with(second.url("/end"))).await;
    assert!(other["body"]["headers"].get("authorization").is_none());
    // The jar's cookie is for the host, and a port is no part of that.
    assert_eq!(other["body"]["headers"]["cookie"], "hop302=1");
    assert_eq!(other["body"]["headers"]["x-kept"], "yes");
    // Nor do they come back by a detour.
    let detour = world.ok(with(second.url(&format!("/302?to={}", first.url("/end"))))).await;
    assert!(detour["body"]["headers"].get("authorization").is_none());
}

#[tokio::test]
async fn each_kind_of_credentials_makes_its_header_and_evidence_hides_it() {
    let target = Target::echo().await;
    let world = World::new();
    let with_user = format!("http://al%20ice:p%3Aw@{}/x", target.address);
    for (with, header, shown) in [
        (
            json!({"url": target.url("/x"), "auth": {"basic": {"username": "al ice", "password": "p:w"}}}),
            "Basic YWwgaWNlOnA6dw==",
            "Basic ***",
        ),
        (json!({"url": target.url("/x"), "auth": {"bearer": "abc"}}), "Bearer abc", "Bearer ***"),
        (json!({"url": with_user}), "Basic YWwgaWNlOnA6dw==", "Basic ***"),
        (json!({"url": target.url("/x"), "headers": {"authorization": "Own x"}}), "Own x", "Own x"),
    ] {
        let out = world.run(with.clone()).await.unwrap();
        assert_eq!(out.fields["body"]["headers"]["authorization"], header, "{with}");
        let sent = out.sent.unwrap();
        assert_eq!(sent["headers"]["authorization"], shown, "{with}");
        assert_eq!(sent["url"], target.url("/x"), "the URL is shown without its user");
    }
}

#[tokio::test]
async fn the_jar_goes_from_step_to_step() {
    let target = Target::honest(|request| async move {
        let mut answer = echo(&request);
        if request.uri().path() == "/login" {
            let headers = answer.headers_mut();
            headers.append("set-cookie", "sid=abc; Path=/; HttpOnly".parse().unwrap());
            headers.append("set-cookie", "deep=1; Path=/deep".parse().unwrap());
            headers.append("set-cookie", "short=1; Path=/; Max-Age=60".parse().unwrap());
        }
        answer
    })
    .await;
    let world = World::new();
    let cookie =
        async |path: &str| world.ok(json!({"url": target.url(path)})).await["body"]["headers"]["cookie"].clone();
    assert_eq!(cookie("/login").await, Json::Null);
    assert_eq!(cookie("/x").await, "sid=abc; short=1");
    assert_eq!(cookie("/deep/x").await, "deep=1; sid=abc; short=1");
    let later = *world.clock.0.lock().unwrap() + SignedDuration::from_secs(61);
    *world.clock.0.lock().unwrap() = later;
    assert_eq!(cookie("/x").await, "sid=abc");
    let own = world.run(json!({"url": target.url("/x"), "headers": {"cookie": "own=1"}})).await.unwrap();
    assert_eq!(own.fields["body"]["headers"]["cookie"], "own=1");
    let added = &world.cookies.lock().unwrap().added;
    assert_eq!(added.len(), 3);
    assert_eq!(added[0].0, "sid=abc; Path=/; HttpOnly");
    assert_eq!(added[0].1, target.url("/login"));
}

/// A token endpoint that counts, and a resource that tells what it got.
async fn tokens(in_body_only: bool, lifetime: u64) -> (Target, Arc<AtomicUsize>) {
    let given = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&given);
    let target = Target::honest(move |request| {
        let count = Arc::clone(&count);
        async move {
            if request.uri().path() != "/token" {
                let mut answer = echo(&request);
                if request.uri().path() == "/denied" {
                    *answer.status_mut() = hyper::StatusCode::UNAUTHORIZED;
                }
                return answer;
            }
            let form = String::from_utf8_lossy(request.body()).into_owned();
            let basic = request.headers().get("authorization").and_then(|value| value.to_str().ok());
            let known = match in_body_only {
                true => form.contains("client_id=sh%2Fop&client_secret=s%3At"),
                false => basic == Some("Basic c2glMkZvcDpzJTNBdA=="),
            };
            if !known {
                let body = Bytes::from_static(br#"{"error": "invalid_client"}"#);
                return Response::builder().status(401).body(body).unwrap();
            }
            assert!(form.starts_with("grant_type=client_credentials"), "{form}");
            let number = count.fetch_add(1, Ordering::SeqCst);
            Response::new(json!({"access_token": format!("t{number}"), "expires_in": lifetime}).to_string().into())
        }
    })
    .await;
    (target, given)
}

fn with_oauth(target: &Target, path: &str) -> Json {
    let oauth = json!({"tokenUrl": target.url("/token"), "clientId": "sh/op", "clientSecret": "s:t", "scope": "a b"});
    json!({"url": target.url(path), "auth": {"oauth2": oauth}})
}

#[tokio::test]
async fn a_token_is_fetched_once_and_again_when_it_expires_or_is_refused() {
    for in_body_only in [false, true] {
        let (target, given) = tokens(in_body_only, 90).await;
        let world = World::new();
        for _ in 0..3 {
            let out = world.ok(with_oauth(&target, "/x")).await;
            assert_eq!(out["body"]["headers"]["authorization"], "Bearer t0");
        }
        assert_eq!(given.load(Ordering::SeqCst), 1);
        let later = *world.clock.0.lock().unwrap() + SignedDuration::from_secs(61);
        *world.clock.0.lock().unwrap() = later;
        let out = world.ok(with_oauth(&target, "/denied")).await;
        assert_eq!(out["status"], 401);
        assert_eq!(out["body"]["headers"]["authorization"], "Bearer t1", "30 s before its end a token is not used");
        let out = world.ok(with_oauth(&target, "/x")).await;
        assert_eq!(out["body"]["headers"]["authorization"], "Bearer t2", "the target did not take t1");
    }
}

#[tokio::test]
async fn a_token_is_not_shared_between_owners() {
    let (target, given) = tokens(false, 3600).await;
    let mut world = World::new();
    for (owner, expected) in [("org_a", 1), ("org_a", 1), ("org_b", 2)] {
        world.egress = assay_egress::Egress::open().owned_by(owner);
        world.ok(with_oauth(&target, "/x")).await;
        assert_eq!(given.load(Ordering::SeqCst), expected, "{owner}");
    }
}
