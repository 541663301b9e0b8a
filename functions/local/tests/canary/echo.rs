//! A target that says back what it was sent, and the canary in every disguise, in pieces.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use crate::canary::{CANARY, disguises};

/// How long it waits for more of a request.
const PATIENCE: Duration = Duration::from_secs(5);

/// Starts it; answers `host:port`.
pub(crate) fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream));
        }
    });
    address
}

fn serve(mut stream: TcpStream) {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut heard = Vec::new();
    let mut piece = [0; 16 * 1024];
    loop {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return,
            Ok(length) => heard.extend_from_slice(&piece[..length]),
        }
        if heard.starts_with(&[0, 0, 0, 8, 4, 210, 22, 47]) {
            // A database is asked for TLS: no.
            heard.clear();
            if stream.write_all(b"N").is_err() {
                return;
            }
            continue;
        }
        let is_http = [&b"GET"[..], b"POST", b"PUT"].iter().any(|method| heard.starts_with(method));
        if is_http {
            if whole_request(&heard) {
                http(&mut stream, &heard);
                return;
            }
        } else if heard.starts_with(b"*") {
            let _ = stream.write_all(format!("-ERR {} and {}\r\n", CANARY, disguises().join(" ")).as_bytes());
            return;
        } else {
            let _ = stream.write_all(&database_error());
            return;
        }
    }
}

fn whole_request(heard: &[u8]) -> bool {
    let text = String::from_utf8_lossy(heard);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0)
}

/// An answer in chunks of three bytes, so that each secret is split.
fn http(stream: &mut TcpStream, heard: &[u8]) {
    let text = String::from_utf8_lossy(heard).into_owned();
    let asked = text.split(' ').nth(1).unwrap_or_default();
    let (status, body) = if asked.contains("/broken") || asked.contains("/loki/") || asked.contains("/api/v1/") {
        let error = disguises().join(" ");
        ("400 Bad", serde_json::json!({"status": "error", "errorType": "bad_data", "error": error}).to_string())
    } else {
        let headers = text.split("\r\n\r\n").next().unwrap_or_default();
        let echoed =
            serde_json::json!({"asked": asked, "head": headers, "said": disguises(), CANARY: 1, "heard": text});
        ("200 OK", echoed.to_string())
    };
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nx-echo: {CANARY}\r\nset-cookie: session={}\r\n\
         transfer-encoding: chunked\r\n\r\n",
        hex::encode(CANARY)
    );
    for chunk in body.as_bytes().chunks(3) {
        let _ = write!(stream, "{:x}\r\n", chunk.len()).and_then(|()| stream.write_all(chunk));
        let _ = stream.write_all(b"\r\n");
    }
    let _ = stream.write_all(b"0\r\n\r\n");
}

/// What a Postgres server says when it refuses somebody.
fn database_error() -> Vec<u8> {
    let said = disguises().join(" ");
    let mut fields = Vec::new();
    for (code, text) in
        [(b'S', "FATAL"), (b'V', "FATAL"), (b'C', "28P01"), (b'M', said.as_str()), (b'D', said.as_str())]
    {
        fields.push(code);
        fields.extend_from_slice(text.as_bytes());
        fields.push(0);
    }
    fields.push(0);
    let length = u32::try_from(fields.len() + 4).unwrap();
    [&b"E"[..], &length.to_be_bytes(), &fields].concat()
}
