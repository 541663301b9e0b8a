//! An HTTP server that writes down what it is asked and takes a few milliseconds to answer.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::random::Random;

/// Longest time to an answer, in milliseconds.
const SLOWEST: u64 = 8;

#[derive(Default)]
struct State {
    /// By round, in the order of arrival.
    seen: Mutex<HashMap<String, Vec<Seen>>>,
    more: Condvar,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Method and path below the round.
    pub(crate) request: String,
    pub(crate) query: String,
}

pub(crate) struct Target {
    pub(crate) url: String,
    state: Arc<State>,
}

impl Target {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State::default());
        let shared = state.clone();
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                let state = shared.clone();
                std::thread::spawn(move || serve(stream, &state, Random::new(number as u64)));
            }
        });
        Self { url, state }
    }

    pub(crate) fn seen(&self, round: &str) -> Vec<Seen> {
        self.state.seen().get(round).cloned().unwrap_or_default()
    }

    /// Comes back once the round has made this many requests, or after a moment; says whether it has.
    pub(crate) fn wait_for(&self, round: &str, requests: usize, moment: Duration) -> bool {
        let fewer = |seen: &mut HashMap<String, Vec<Seen>>| seen.get(round).map_or(0, Vec::len) < requests;
        let waited = self.state.more.wait_timeout_while(self.state.seen(), moment, fewer);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

impl State {
    fn seen(&self) -> MutexGuard<'_, HashMap<String, Vec<Seen>>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes it down; answers how often it has come.
    fn note(&self, round: &str, seen: Seen) -> usize {
        let mut all = self.seen();
        let mine = all.entry(round.to_owned()).or_default();
        mine.push(seen.clone());
        self.more.notify_all();
        mine.iter().filter(|one| one.request == seen.request).count()
    }
}

fn serve(mut stream: TcpStream, state: &State, mut random: Random) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some((method, target)) = read(&mut reader) {
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let (round, place) = path.trim_start_matches('/').split_once('/').unwrap_or((path, ""));
        let seen = Seen { request: format!("{method} {place}"), query: query.to_owned() };
        let times = state.note(round, seen);
        // Slow to answer, so that a kill finds requests in flight.
        std::thread::sleep(Duration::from_millis(random.below(SLOWEST + 1)));
        let status = match (method.as_str(), place) {
            ("POST", "pay") if times == 1 => "503 Service Unavailable",
            ("POST", _) => "201 Created",
            _ => "200 OK",
        };
        let body = format!("{{\"id\": \"id-of-{place}\"}}");
        let length = body.len();
        let answer =
            format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}");
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// Method and target of the next whole request.
fn read(reader: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let (mut words, mut length) = (line.split(' ').map(str::to_owned), 0);
    let asked = (words.next()?, words.next()?);
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).ok()? == 0 {
            return None;
        }
        let Some((name, value)) = header.trim().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(asked)
}
