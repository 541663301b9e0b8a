//! TLS, HTTP/2 and proxies against real servers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::{Request, Response};
use serde_json::json;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;

use crate::certificates::{Authority, Identity, Server, is_two};
use crate::surroundings::World;
use crate::target::{Target, echo, read_head, serve_one, serve_two};

async fn answer(request: Request<Bytes>) -> Response<Bytes> {
    echo(&request)
}

/// An echo behind TLS, in whatever version is negotiated.
async fn secured(identity: &Identity, alpn: &[&str], clients: Option<&Authority>) -> Target {
    let acceptor = Server::new(identity, alpn, clients).acceptor();
    Target::new(move |stream, _| {
        let acceptor = acceptor.clone();
        async move {
            match acceptor.accept(stream).await {
                Ok(stream) if is_two(&stream) => serve_two(stream, answer).await,
                Ok(stream) => serve_one(stream, answer).await,
                Err(_) => {}
            }
        }
    })
    .await
}

#[tokio::test]
async fn https_reports_its_version_and_the_days_left() {
    let authority = Authority::new();
    let target = secured(&authority.issue("localhost", 2099), &["http/1.1"], None).await;
    let world = World::new().file("ca.pem", authority.pem());
    let with = json!({"url": format!("https://localhost:{}/x", target.port()), "tls": {"ca": "ca.pem"}});
    let out = world.ok(with.clone()).await;
    assert_eq!(out["body"]["uri"], "/x");
    assert_eq!(out["body"]["version"], "HTTP/1.1");
    // From 2026-06-01 to 2099-12-31.
    assert_eq!(out["tls"], json!({"version": "1.3", "expiresInDays": 26_876}));
    assert!(out["timings"]["tls"].as_f64() > Some(0.0));
    let again = world.ok(with).await;
    assert_eq!(again["timings"]["tls"], 0.0);
    assert_eq!(again["tls"], out["tls"]);
    assert_eq!(target.connections(), 1);
}

#[tokio::test]
async fn an_expired_certificate_that_is_not_verified_has_negative_days() {
    let authority = Authority::new();
    let target = secured(&authority.issue("localhost", 2021), &[], None).await;
    let with = json!({"url": format!("https://localhost:{}/", target.port()), "tls": {"verify": false}});
    let out = World::new().ok(with).await;
    // From 2026-06-01 back to 2021-12-31.
    assert_eq!(out["tls"]["expiresInDays"], -1613);
}

#[tokio::test]
async fn a_client_shows_its_certificate() {
    let authority = Authority::new();
    let target = secured(&authority.issue("localhost", 2099), &[], Some(&authority)).await;
    let client = authority.issue("client", 2099);
    let world = World::new().file("client.pem", client.cert).file("client.key", client.key.clone());
    let url = format!("https://localhost:{}/", target.port());
    let tls = json!({"ca": authority.pem(), "cert": "client.pem", "key": "client.key"});
    assert_eq!(world.ok(json!({"url": url, "tls": tls})).await["status"], 200);
    // Without it, also where a connection with it is at rest.
    let error = world.error(json!({"url": url, "tls": {"ca": authority.pem()}})).await;
    assert_eq!(error.code, "http.tls", "{error:?}");
    let wrong = json!({"ca": authority.pem(), "cert": authority.issue("x", 2099).cert, "key": client.key});
    assert_eq!(world.error(json!({"url": url, "tls": wrong})).await.code, "http.request");
    for (key, pem) in [("ca", "-----BEGIN nothing"), ("ca", "client.key")] {
        let error = world.error(json!({"url": url, "tls": {key: pem}})).await;
        assert_eq!(error.code, "http.request", "{key} {pem}: {error:?}");
    }
}

#[tokio::test]
async fn http_2_is_negotiated_demanded_or_refused() {
    let authority = Authority::new();
    let both = secured(&authority.issue("localhost", 2099), &["h2", "http/1.1"], None).await;
    let world = World::new();
    let url = format!("https://localhost:{}/a?b=c", both.port());
    let tls = json!({"ca": authority.pem()});
    for (version, expected) in [(json!(null), "HTTP/2.0"), (json!("2"), "HTTP/2.0"), (json!(1.1), "HTTP/1.1")] {
        let mut with = json!({"url": url, "tls": tls, "method": "POST", "text": "x".repeat(200_000)});
        if !version.is_null() {
            with["version"] = version.clone();
        }
        for _ in 0..3 {
            let out = world.ok(with.clone()).await;
            assert_eq!(out["body"]["version"], expected, "{version}");
            assert_eq!(out["body"]["body"].as_str().map(str::len), Some(200_000));
        }
    }
    assert_eq!(both.connections(), 3, "each setting keeps one connection");
    // A server without ALPN speaks 1.1.
    let none = secured(&authority.issue("localhost", 2099), &[], None).await;
    let url = format!("https://localhost:{}/", none.port());
    assert_eq!(world.ok(json!({"url": url, "tls": tls})).await["body"]["version"], "HTTP/1.1");
    let error = world.error(json!({"url": url, "tls": tls, "version": 2})).await;
    assert_eq!(error.code, "http.protocol", "{error:?}");
}

#[tokio::test]
async fn http_2_without_tls_is_prior_knowledge() {
    let target = Target::new(|stream, _| serve_two(stream, answer)).await;
    let world = World::new();
    for _ in 0..20 {
        let out = world.ok(json!({"url": target.url("/a?b"), "version": 2})).await;
        assert_eq!(out["body"]["version"], "HTTP/2.0");
        assert_eq!(out["body"]["uri"], target.url("/a?b"));
    }
    assert_eq!(target.connections(), 1);
    let plain = Target::echo().await;
    let error = world.error(json!({"url": plain.url("/"), "version": 2})).await;
    assert!(matches!(error.code, "http.protocol" | "http.incomplete" | "http.reset"), "{error:?}");
}

/// A proxy for CONNECT and absolute forms; what it was told, head by head.
async fn proxy(heads: &Arc<Mutex<Vec<String>>>) -> Target {
    let heads = Arc::clone(heads);
    Target::new(move |mut stream, _| {
        let heads = Arc::clone(&heads);
        async move {
            let head = read_head(&mut stream).await;
            heads.lock().unwrap().push(head.clone());
            let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
            if head.starts_with("CONNECT") {
                let port = target.rsplit(':').next().unwrap();
                let mut onward = TcpStream::connect(format!("127.0.0.1:{port}")).await.unwrap();
                stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
                let _ = copy_bidirectional(&mut stream, &mut onward).await;
            } else {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nproxied").await;
            }
        }
    })
    .await
}

#[tokio::test]
async fn https_goes_through_a_tunnel_and_http_in_absolute_form() {
    let authority = Authority::new();
    let target = secured(&authority.issue("far.example", 2099), &["h2"], None).await;
    let heads = Arc::default();
    let proxy = proxy(&heads).await;
    let world = World::new();
    let through = format!("http://us%40er:pass@{}", proxy.address);
    let credentials = STANDARD.encode("us@er:pass");

    let url = format!("https://far.example:{}/x", target.port());
    let out = world.ok(json!({"url": url, "proxy": through, "tls": {"ca": authority.pem()}})).await;
    assert_eq!(out["body"]["version"], "HTTP/2.0");
    assert_eq!(out["remoteAddress"], proxy.address.to_string());
    assert!(out["body"]["headers"].get("proxy-authorization").is_none());

    let out = world.ok(json!({"url": "http://far.example/y?z=1", "proxy": through})).await;
    assert_eq!(out["text"], "proxied");
    let heads = heads.lock().unwrap();
    assert!(heads[0].starts_with(&format!("CONNECT far.example:{} HTTP/1.1\r\n", target.port())), "{}", heads[0]);
    assert!(heads[1].starts_with("GET http://far.example/y?z=1 HTTP/1.1\r\n"), "{}", heads[1]);
    for head in heads.iter() {
        assert!(head.to_lowercase().contains("proxy-authorization: basic "), "{head}");
        assert!(head.contains(&credentials), "{head}");
    }
}

#[tokio::test]
async fn a_proxy_that_talks_on_or_refuses_is_an_error() {
    for (answer, class) in [
        (&b"HTTP/1.1 200 OK\r\n\r\nsurprise"[..], "sent more"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "502"),
        (b"nonsense\r\n\r\n", "does not answer in HTTP"),
        (b"", "closed the connection"),
    ] {
        let proxy = Target::answers(answer).await;
        let error = World::new().error(json!({"url": "https://far.example/", "proxy": proxy.url("")})).await;
        assert_eq!(error.code, "http.proxy", "{error:?}");
        assert!(error.message.contains(class), "{class}: {error:?}");
    }
}

#[tokio::test]
async fn a_clients_certificate_is_not_shown_to_another_origin() {
    let authority = Authority::new();
    let second = secured(&authority.issue("localhost", 2099), &[], Some(&authority)).await;
    let to = format!("https://localhost:{}/", second.port());
    let acceptor = Server::new(&authority.issue("localhost", 2099), &[], Some(&authority)).acceptor();
    let first = Target::new(move |stream, _| {
        let (acceptor, to) = (acceptor.clone(), to.clone());
        async move {
            let mut stream = acceptor.accept(stream).await.unwrap();
            read_head(&mut stream).await;
            let answer = format!("HTTP/1.1 307 Over there\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes()).await;
            read_head(&mut stream).await;
        }
    })
    .await;
    let client = authority.issue("client", 2099);
    let tls = json!({"ca": authority.pem(), "cert": client.cert, "key": client.key});
    let url = format!("https://localhost:{}/", first.port());
    let world = World::new();
    assert_eq!(world.ok(json!({"url": url, "tls": tls})).await["status"], 307);
    let error = world.error(json!({"url": url, "tls": tls, "followRedirects": 1})).await;
    assert_eq!(error.code, "http.tls", "{error:?}");
}

#[tokio::test]
async fn an_http_2_answer_that_breaks_off_is_an_error() {
    // What this side still sends may turn the end of the connection into a reset.
    for (resets, codes) in [(true, &["http.reset"][..]), (false, &["http.incomplete", "http.reset"])] {
        let target = Target::new(move |stream, _| async move {
            let mut connection = h2::server::handshake(stream).await.unwrap();
            let (_, mut respond) = connection.accept().await.unwrap().unwrap();
            let head = Response::builder().header("content-length", "100").body(()).unwrap();
            let mut body = respond.send_response(head, false).unwrap();
            body.send_data(Bytes::from_static(b"half"), false).unwrap();
            if resets {
                body.send_reset(h2::Reason::INTERNAL_ERROR);
                while connection.accept().await.is_some() {}
            } else {
                // Until what was written has left; then the connection ends without a farewell.
                let _ = futures_util::poll!(std::pin::pin!(connection.accept()));
            }
        })
        .await;
        let error = World::new().error(json!({"url": target.url("/"), "version": 2})).await;
        assert!(codes.contains(&error.code), "{error:?}");
    }
}

#[tokio::test]
async fn a_self_signed_certificate_is_called_so_with_what_to_do() {
    let target = secured(&Identity::self_signed("localhost"), &[], None).await;
    let url = format!("https://localhost:{}/", target.port());
    let error = World::new().error(json!({"url": url})).await;
    assert_eq!(error.code, "http.tls");
    for word in ["self-signed", "tls.ca", "tls.verify"] {
        assert!(error.message.contains(word), "{}", error.message);
    }
    World::new().ok(json!({"url": url, "tls": {"verify": false}})).await;
}
