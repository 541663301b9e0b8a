//! `BlobStore` on S3, beside its rules.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use assay_adapters::aws::AwsError;
use assay_adapters::aws::s3::S3BlobStore;
use assay_app::ports::{BlobStore as _, PortErrorClass, Upload};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncReadExt as _;

use crate::aws::{config, names, new_account};

const KEY: &str = "org_1/exe_1/a.bin";
const MINUTE: Duration = Duration::from_secs(60);

/// A bucket of one's own.
pub(crate) async fn store() -> S3BlobStore {
    with_client().await.0
}

async fn with_client() -> (S3BlobStore, aws_sdk_s3::Client, String) {
    let account = new_account();
    let config = config(&account).await;
    let bucket = names().bucket(&account, "us-east-1");
    let own = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
    let client = aws_sdk_s3::Client::from_conf(own);
    client.create_bucket().bucket(&bucket).send().await.unwrap();
    (S3BlobStore::new(&config, &bucket), client, bucket)
}

/// Bytes that are not the same over and over.
fn much(size: usize) -> Bytes {
    let mut state = 1_u64;
    let mut bytes = vec![0; size];
    for piece in bytes.chunks_mut(8) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        piece.copy_from_slice(&state.to_be_bytes()[..piece.len()]);
    }
    bytes.into()
}

#[tokio::test]
async fn a_large_blob_goes_in_parts_and_comes_back_whole() {
    let (store, client, bucket) = with_client().await;
    let bytes = much(20 * 1024 * 1024 + 17);
    store.put(KEY, "application/zip", bytes.clone()).await.unwrap();
    // the same again, and then another
    store.put(KEY, "application/zip", bytes.clone()).await.unwrap();
    let other = store.put(KEY, "application/zip", much(20 * 1024 * 1024 + 18)).await.unwrap_err();
    assert_eq!(other.class, PortErrorClass::Permanent);
    assert!(store.get(KEY).await.unwrap().unwrap().bytes == bytes);

    let from = Box::pin(std::io::Cursor::new(bytes.clone()));
    store.put_from("org_1/exe_1/b.bin", "application/zip", bytes.len() as u64, from).await.unwrap();
    let mut open = store.open("org_1/exe_1/b.bin").await.unwrap().unwrap();
    let mut back = Vec::new();
    open.bytes.read_to_end(&mut back).await.unwrap();
    assert!(back == bytes && open.size == bytes.len() as u64);

    let left = client.list_multipart_uploads().bucket(&bucket).send().await.unwrap();
    assert_eq!(left.uploads().len(), 0, "no part is left over");
}

#[tokio::test]
async fn a_source_that_ends_too_soon_leaves_nothing() {
    let (store, client, bucket) = with_client().await;
    let from = Box::pin(std::io::Cursor::new(much(17 * 1024 * 1024)));
    let refused = store.put_from(KEY, "application/zip", 18 * 1024 * 1024, from).await.unwrap_err();
    assert_eq!(refused.class, PortErrorClass::Permanent);
    assert!(store.get(KEY).await.unwrap().is_none());
    let left = client.list_multipart_uploads().bucket(&bucket).send().await.unwrap();
    assert_eq!(left.uploads().len(), 0);
}

#[tokio::test]
async fn more_than_a_page_is_removed() {
    let store = store().await;
    let keys: Vec<String> = (0..1100).map(|number| format!("org_1/exe_1/n{number}")).collect();
    for keys in keys.chunks(50) {
        let puts = keys.iter().map(|key| store.put(key, "text/plain", Bytes::from_static(b"x")));
        futures_util::future::try_join_all(puts).await.unwrap();
    }
    store.put("org_1/exe_10/stays", "text/plain", Bytes::new()).await.unwrap();
    store.remove_below("org_1/exe_1/").await.unwrap();
    for key in [&keys[0], &keys[550], &keys[1099]] {
        assert!(store.get(key).await.unwrap().is_none(), "{key}");
    }
    assert!(store.get("org_1/exe_10/stays").await.unwrap().is_some());
}

#[tokio::test]
async fn odd_media_types_are_refused() {
    let store = store().await;
    for media_type in ["", "text", "/", "text/", "text/plain\r\nX-A: b", "text/ü", &"a/".repeat(200)] {
        let refused = store.put(KEY, media_type, Bytes::new()).await.unwrap_err();
        assert_eq!(refused.class, PortErrorClass::Permanent, "{media_type}");
    }
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_named() {
    let store = S3BlobStore::new(&config(&new_account()).await, "assay-nowhere");
    let refused = store.put(KEY, "text/plain", Bytes::new()).await.unwrap_err();
    assert!(matches!(AwsError::of(&refused), Some(AwsError::Absent { .. })), "{refused:?}");
}

/// A request without a client that could know better: status and answer.
fn ask(method: &str, url: &str, headers: &[(String, String)], body: &[u8]) -> (u16, String) {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let mut request = format!("{method} /{path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        request.push_str(&format!("Host: {host}\r\n"));
    }
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{request}\r\n").as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_gives_the_blob_as_a_file_and_only_as_it_was_made() {
    let store = store().await;
    store.put(KEY, "text/html", Bytes::from_static(b"<script>")).await.unwrap();
    let link = store.link(KEY, "report \"1\".html", MINUTE).await.unwrap().unwrap();
    let (status, answer) = ask("GET", &link, &[], b"");
    assert_eq!(status, 200, "{answer}");
    assert!(answer.ends_with("<script>"));
    let head = answer.to_lowercase();
    assert!(head.contains("content-disposition: attachment; filename=\"report _1_.html\""), "{answer}");

    for tampered in [link.replace("a.bin", "b.bin"), link.replace("attachment", "inline"), link.replace("=60", "=600")]
    {
        assert_ne!(tampered, link);
        assert_eq!(ask("GET", &tampered, &[], b"").0, 403, "{tampered}");
    }
    assert!(store.link("../a/b", "x", MINUTE).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_over_when_its_time_is() {
    let store = store().await;
    store.put(KEY, "text/plain", Bytes::from_static(b"x")).await.unwrap();
    let link = store.link(KEY, "a.txt", Duration::from_secs(1)).await.unwrap().unwrap();
    let begin = tokio::time::Instant::now();
    while ask("GET", &link, &[], b"").0 != 403 {
        assert!(begin.elapsed() < Duration::from_secs(20), "it never ends");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_link_takes_exactly_what_was_said_and_once() {
    let store = store().await;
    let body = b"exactly this";
    let upload = Upload { media_type: "text/csv".into(), size: body.len() as u64, sha256: Sha256::digest(body).into() };
    let link = store.upload_link(KEY, &upload, MINUTE).await.unwrap().unwrap();
    let signed = |name: &str| link.url.contains(name) || link.headers.iter().any(|(header, _)| header == name);
    for name in ["x-amz-checksum-sha256", "if-none-match", "content-type"] {
        assert!(signed(name), "{name} is not signed: {link:?}");
    }
    assert!(link.url.contains("content-length"), "{link:?}");
    let (status, answer) = ask("PUT", &link.url, &link.headers, body);
    assert_eq!(status, 200, "{answer}");
    let stored = store.get(KEY).await.unwrap().unwrap();
    assert_eq!((stored.media_type.as_str(), &stored.bytes[..]), ("text/csv", &body[..]));
    assert_eq!(ask("PUT", &link.url, &link.headers, body).0, 412, "a key is written once");
    assert!(store.upload_link(KEY, &Upload { size: u64::MAX, ..upload }, MINUTE).await.is_err());
}
