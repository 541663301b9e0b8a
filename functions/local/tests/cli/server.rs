//! A small HTTP server that remembers what it was asked, and that can let callers wait for as long as it lives.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Default)]
struct State {
    /// `GET /path`, in the order of arrival.
    seen: Mutex<Vec<String>>,
    more: Condvar,
}

pub(crate) struct Server {
    pub(crate) url: String,
    state: Arc<State>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State::default());
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = shared.clone();
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        Self { url, state }
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        self.state.seen.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, request: &str) -> usize {
        self.seen().iter().filter(|seen| *seen == request).count()
    }

    /// Comes back once the request was seen this often.
    pub(crate) fn wait_for(&self, request: &str, times: usize) {
        let seen = self.state.seen.lock().unwrap();
        let missing = |seen: &mut Vec<String>| seen.iter().filter(|one| *one == request).count() < times;
        let (seen, waited) = self.state.more.wait_timeout_while(seen, PATIENCE, missing).unwrap();
        assert!(!waited.timed_out(), "no {request} within {PATIENCE:?}; seen: {seen:?}");
    }
}

fn serve(stream: TcpStream, state: &State) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let request = line.split(' ').take(2).collect::<Vec<_>>().join(" ");
        let (mut length, mut authorization) = (0, String::new());
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header).unwrap_or(0) == 0 {
                return;
            }
            let Some((name, value)) = header.trim().split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap(),
                "authorization" => authorization = value.trim().to_owned(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        state.seen.lock().unwrap().push(request.clone());
        state.more.notify_all();
        let path = request.split(' ').nth(1).unwrap_or_default();
        if path.starts_with("/hang") {
            // Until the caller gives up.
            let _ = reader.read_line(&mut String::new());
            return;
        }
        let status = if path.starts_with("/broken") { "500 Internal Server Error" } else { "200 OK" };
        let times = state.seen.lock().unwrap().iter().filter(|seen| **seen == request).count();
        let body = match path {
            "/once" => format!("{{\"again\": {}}}", times > 1),
            "/echo" => format!("{{\"authorization\": \"{authorization}\"}}"),
            _ => "{\"state\": \"NEW\", \"id\": 42}".to_owned(),
        };
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}
