//! A small system under test.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Answers on loopback, and counts the requests of each path:
/// `/flaky/N` is 503 for the first two times, `/later/N` says `{"ready": true}` from the third time on, everything else is
/// 200 with `{"path": .., "times": ..}`.
pub(crate) struct Target {
    pub(crate) url: String,
    asked: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Target {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(BTreeMap::new()));
        let counts = asked.clone();
        #[expect(clippy::disallowed_methods, reason = "it serves for as long as its test runs")]
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let counts = counts.clone();
                tokio::spawn(async move { serve(stream, &counts).await });
            }
        });
        Self { url, asked }
    }

    /// How often this path was asked for.
    pub(crate) fn times(&self, path: &str) -> usize {
        self.asked.lock().unwrap().get(path).copied().unwrap_or(0)
    }
}

async fn serve(stream: TcpStream, counts: &Mutex<BTreeMap<String, usize>>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let path = line.split(' ').nth(1)?.to_owned();
        let mut length = 0;
        loop {
            let mut header = String::new();
            stream.read_line(&mut header).await.ok()?;
            if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if header.trim().is_empty() {
                break;
            }
        }
        stream.read_exact(&mut vec![0; length]).await.ok()?;
        let times = {
            let mut counts = counts.lock().unwrap();
            let times = counts.entry(path.clone()).or_default();
            *times += 1;
            *times
        };
        let status = if path.starts_with("/flaky/") && times <= 2 { "503 Service Unavailable" } else { "200 OK" };
        let ready = path.starts_with("/later/") && times >= 3;
        let body = serde_json::json!({"path": path, "times": times, "ready": ready}).to_string();
        let head =
            format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).await.ok()?;
    }
}
