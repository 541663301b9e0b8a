//! The system that the flows of a bench call: as little work as possible, over connections that are kept.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};

/// Starts it on a free port; it lives as long as the process.
pub(crate) fn start() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || serve(stream.unwrap()));
        }
    });
    url
}

/// Answers each request with its last path segment, until the other side has had enough.
fn serve(stream: TcpStream) {
    stream.set_nodelay(true).unwrap();
    let mut answers = stream.try_clone().unwrap();
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    let mut id = String::new();
    loop {
        line.clear();
        if lines.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if let Some(path) = line.strip_prefix("GET ") {
            id = path.split(' ').next().unwrap().rsplit('/').next().unwrap().to_owned();
        }
        if line == "\r\n" {
            let body = format!("{{\"id\":\"{id}\",\"next\":\"n{id}\",\"ok\":true,\"items\":[1,2,3]}}");
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ";
            let answer = format!("{head}{}\r\n\r\n{body}", body.len());
            if answers.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}
