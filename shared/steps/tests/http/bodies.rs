//! Bodies in both directions: forms, parts, files, GraphQL, compression, charsets.

use std::io::Write;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream;
use hyper::Response;
use serde_json::json;

use crate::surroundings::World;
use crate::target::Target;

/// Compressed with gzip.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn each_kind_of_body_announces_itself() {
    let target = Target::echo().await;
    let world = World::new().file("data/order.json", "{\"a\": 1}").file("x.bin", "bin");
    for (body, media_type, sent) in [
        (json!({"json": null}), "application/json", "null"),
        (json!({"form": {"a": "1 2", "b": ["x", "&"]}}), "application/x-www-form-urlencoded", "a=1+2&b=x&b=%26"),
        (json!({"text": "plain ä"}), "text/plain; charset=utf-8", "plain ä"),
        (json!({"text": 7}), "text/plain; charset=utf-8", "7"),
        (json!({"file": "data/order.json"}), "application/json", "{\"a\": 1}"),
        (json!({"file": {"path": "x.bin", "contentType": "image/x"}}), "image/x", "bin"),
        (json!({"text": "<a/>", "headers": {"content-type": "application/xml"}}), "application/xml", "<a/>"),
    ] {
        let mut with = json!({"method": "PUT", "url": target.url("/")});
        with.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        let out = world.ok(with).await;
        assert_eq!(out["body"]["headers"]["content-type"], media_type, "{body}");
        assert_eq!(out["body"]["body"], sent, "{body}");
    }
}

#[tokio::test]
async fn graphql_is_a_post_of_its_query_and_variables() {
    let target = Target::echo().await;
    let with =
        json!({"url": target.url("/"), "graphql": {"query": "query A($x: Int) {a(x: $x)}", "variables": {"x": 1}}});
    let out = World::new().ok(with).await;
    assert_eq!(out["body"]["method"], "POST");
    assert_eq!(out["body"]["body"], r#"{"query":"query A($x: Int) {a(x: $x)}","variables":{"x":1}}"#);
}

#[tokio::test]
async fn a_real_parser_reads_the_parts() {
    type Part = (String, Option<String>, Option<String>, Bytes);
    let got: Arc<Mutex<Vec<Part>>> = Arc::default();
    let into = Arc::clone(&got);
    let target = Target::honest(move |request| {
        let into = Arc::clone(&into);
        async move {
            let boundary = multer::parse_boundary(request.headers()["content-type"].to_str().unwrap()).unwrap();
            let body = request.into_body();
            let mut parts = multer::Multipart::new(stream::once(async { Ok::<_, std::io::Error>(body) }), boundary);
            while let Some(field) = parts.next_field().await.unwrap() {
                let name = field.name().unwrap().to_owned();
                let filename = field.file_name().map(str::to_owned);
                let media_type = field.content_type().map(ToString::to_string);
                let bytes = field.bytes().await.unwrap();
                into.lock().unwrap().push((name, filename, media_type, bytes));
            }
            Response::new(Bytes::new())
        }
    })
    .await;
    // The first boundary that the seed makes occurs in a part, so another must be taken.
    let trap = "--assay-0000000000000007--";
    let world = World::new().file("img/a.png", Bytes::from_static(b"\x89PNG\r\n\0"));
    let parts = json!({
        "note": "hello",
        "count": 3,
        "order": {"value": {"id": 1}},
        "image": {"file": "img/a.png"},
        "files": [{"file": "img/a.png", "filename": "b\".bin", "contentType": "application/x"}, {"value": trap, "filename": "t.txt"}],
    });
    world.ok(json!({"method": "POST", "url": target.url("/"), "multipart": parts})).await;
    let png = Bytes::from_static(b"\x89PNG\r\n\0");
    let text = |text: &str| Some(text.to_owned());
    let expected: Vec<Part> = vec![
        ("note".into(), None, None, "hello".into()),
        ("count".into(), None, None, "3".into()),
        ("order".into(), None, text("application/json"), r#"{"id":1}"#.into()),
        ("image".into(), text("a.png"), text("image/png"), png.clone()),
        ("files".into(), text("b%22.bin"), text("application/x"), png),
        ("files".into(), text("t.txt"), None, trap.into()),
    ];
    assert_eq!(*got.lock().unwrap(), expected);
}

#[tokio::test]
async fn compressed_answers_arrive_as_they_were() {
    let target = Target::honest(|_| async {
        let body = gzip(br#"{"id": 7}"#);
        Response::builder().header("content-encoding", "gzip").body(body.into()).unwrap()
    })
    .await;
    let out = World::new().ok(json!({"url": target.url("/")})).await;
    assert_eq!(out["body"], json!({"id": 7}));
    assert_eq!(out["size"], 9);
}

#[tokio::test]
async fn bytes_that_are_no_text_and_other_charsets_are_told_apart() {
    for (media_type, bytes, text, body) in [
        ("image/png", &b"\x89PNG"[..], json!(null), json!(null)),
        ("text/plain; charset=iso-8859-1", b"caf\xe9", json!("café"), json!(null)),
        ("application/json; charset=utf-16le", b"[\x001\0]\0", json!("[1]"), json!([1])),
        ("image/png", b"{\"a\": 1}", json!("{\"a\": 1}"), json!({"a": 1})),
        ("text/html", b"", json!(""), json!(null)),
        ("text/html", b"nothing", json!("nothing"), json!(null)),
        ("text/html", b"12", json!("12"), json!(12)),
    ] {
        let target = Target::honest(move |_| async move {
            Response::builder().header("content-type", media_type).body(Bytes::from_static(bytes)).unwrap()
        })
        .await;
        let out = World::new().ok(json!({"url": target.url("/")})).await;
        assert_eq!((&out["text"], &out["body"]), (&text, &body), "{media_type} {bytes:?}");
        assert_eq!(out["size"], bytes.len());
    }
}

#[tokio::test]
async fn large_bodies_go_through_in_both_directions() {
    let target = Target::honest(|request| async move { Response::new(request.into_body()) }).await;
    let text = "0123456789abcdef".repeat(200_000);
    let out = World::new().ok(json!({"method": "POST", "url": target.url("/"), "text": text})).await;
    assert_eq!(out["size"], 3_200_000);
    assert_eq!(out["text"], text);
}

#[tokio::test]
async fn json_of_too_many_values_is_an_error_and_text_of_the_same_size_is_none() {
    let many = format!("[{}[]]", "[],".repeat(1_000_000));
    let text = format!("\"{}\"", "[],".repeat(1_000_000));
    let target = Target::honest(move |request| {
        let body = if request.uri().path() == "/many" { many.clone() } else { text.clone() };
        async move { Response::new(Bytes::from(body)) }
    })
    .await;
    let error = World::new().error(json!({"url": target.url("/many")})).await;
    assert_eq!(error.code, "http.tooLarge");
    assert!(error.message.contains("more than 1000000 values"), "{}", error.message);
    let out = World::new().ok(json!({"url": target.url("/text")})).await;
    assert_eq!(out["body"].as_str().unwrap().len(), 3_000_000);
}
