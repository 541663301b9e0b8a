//! Puts samples into a real Prometheus and entries into a real Loki.

use assay_services::Services;
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::{Position, Url};

/// A name that no other test, and no earlier run of this one, has used.
pub(crate) fn fresh(what: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{what}_{}_{}_{number}", std::process::id(), Timestamp::now().as_nanosecond())
}

/// Posts, and expects success.
async fn post(url: &str, headers: &str, body: &[u8]) {
    let url = Url::parse(url).unwrap();
    let (host, port) = (url.host_str().unwrap(), url.port().unwrap());
    let mut stream = TcpStream::connect((host, port)).await.unwrap();
    let path = &url[Position::BeforePath..];
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 204") || answer.starts_with("HTTP/1.1 200"), "{url}: {answer}");
}

/// Labels, and samples at milliseconds since 1970.
pub(crate) type Series<'a> = (&'a [(&'a str, &'a str)], &'a [(i64, f64)]);

/// Writes samples of a metric, as remote write 1.0 does.
pub(crate) async fn write(services: &Services, metric: &str, series: &[Series<'_>]) {
    let mut request = Vec::new();
    for (labels, samples) in series {
        let mut one = Vec::new();
        let mut labels: Vec<(&str, &str)> = labels.to_vec();
        labels.push(("__name__", metric));
        labels.sort_unstable();
        for (name, value) in labels {
            let label = [field(1, name.as_bytes()), field(2, value.as_bytes())].concat();
            one.extend(field(1, &label));
        }
        for (at, value) in *samples {
            let mut sample = vec![0x09];
            sample.extend(value.to_le_bytes());
            sample.push(0x10);
            sample.extend(varint(u64::try_from(*at).unwrap()));
            one.extend(field(2, &sample));
        }
        request.extend(field(1, &one));
    }
    let headers = "content-type: application/x-protobuf\r\ncontent-encoding: snappy\r\n\
                   x-prometheus-remote-write-version: 0.1.0\r\n";
    post(services.prometheus_write_url(), headers, &snappy(&request)).await;
}

/// A field of protobuf that has a length.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [vec![number << 3 | 2], varint(bytes.len() as u64), bytes.to_vec()].concat()
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap());
    bytes
}

/// A snappy block of nothing but literals.
fn snappy(bytes: &[u8]) -> Vec<u8> {
    let mut block = varint(bytes.len() as u64);
    for chunk in bytes.chunks(1 << 16) {
        block.push(61 << 2);
        block.extend(u16::try_from(chunk.len() - 1).unwrap().to_le_bytes());
        block.extend(chunk);
    }
    block
}

/// Pushes entries of one stream: nanoseconds since 1970 and lines.
pub(crate) async fn push(services: &Services, tenant: &str, labels: Json, entries: &[(i128, String)]) {
    let values: Vec<Json> = entries.iter().map(|(at, line)| json!([at.to_string(), line])).collect();
    let body = json!({"streams": [{"stream": labels, "values": values}]}).to_string();
    let headers = format!("content-type: application/json\r\nx-scope-orgid: {tenant}\r\n");
    post(services.loki_push_url(), &headers, body.as_bytes()).await;
}
