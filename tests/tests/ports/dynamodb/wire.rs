//! What stands between a client and the service: it counts, and it can lose calls and answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// What is done to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It goes through.
    None,
    /// It goes through, and its answer gets lost.
    LoseAnswer,
    /// The service says that it is throttled.
    Throttle,
}

/// A call that was made.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// `PutItem`, `GetItem` ...
    pub(super) action: String,
    pub(super) body: Json,
    /// Units that the service has counted, in the tables and their indexes.
    pub(super) writes: f64,
    pub(super) reads: f64,
}

type Rule = Box<dyn FnMut(&str, &Json) -> Fault + Send>;

struct State {
    calls: Vec<Call>,
    rule: Rule,
}

/// The wire; it is cut when this is dropped.
pub(super) struct Wire {
    pub(super) url: String,
    state: Arc<Mutex<State>>,
    accepting: AbortHandle,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Wire {
    #[expect(clippy::disallowed_methods, reason = "the proxy lives as long as its test")]
    pub(super) async fn to(url: &str) -> Self {
        let target = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State { calls: Vec::new(), rule: Box::new(|_, _| Fault::None) }));
        let shared = state.clone();
        let accepting = tokio::spawn(async move {
            loop {
                let Ok((client, _)) = listener.accept().await else { return };
                tokio::spawn(carry(client, target.clone(), shared.clone()));
            }
        });
        Self { url, state, accepting: accepting.abort_handle() }
    }

    /// From now on this is done to calls.
    pub(super) fn rule(&self, rule: impl FnMut(&str, &Json) -> Fault + Send + 'static) {
        self.state.lock().unwrap().rule = Box::new(rule);
    }

    /// The calls since the last question.
    pub(super) fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.state.lock().unwrap().calls)
    }
}

/// A message of HTTP: its first line with its headers, and its body.
async fn message(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<(String, Vec<u8>)> {
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|some| some == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(buffer[..end].to_vec()).unwrap();
    let length: usize = header(&head, "content-length").map_or(0, |length| length.parse().unwrap());
    assert_eq!(header(&head, "transfer-encoding"), None, "bodies have lengths here");
    while buffer.len() < end + length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let body = buffer[end..end + length].to_vec();
    buffer.drain(..end + length);
    Some((head, body))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .find_map(|line| line.split_once(':').filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|it| it.1.trim()))
}

fn with_body(head: &str, body: &[u8]) -> Vec<u8> {
    let kept =
        head.lines().filter(|line| !line.is_empty() && !line.to_ascii_lowercase().starts_with("content-length:"));
    let lines: Vec<_> = kept.map(str::to_owned).chain([format!("content-length: {}", body.len())]).collect();
    [lines.join("\r\n").as_bytes(), b"\r\n\r\n", body].concat()
}

async fn carry(mut client: TcpStream, target: String, state: Arc<Mutex<State>>) {
    let Ok(mut server) = TcpStream::connect(&target).await else { return };
    let (mut asked, mut answered) = (Vec::new(), Vec::new());
    while let Some((head, body)) = message(&mut client, &mut asked).await {
        let action =
            header(&head, "x-amz-target").and_then(|target| target.split('.').next_back()).unwrap_or("").to_owned();
        let mut body: Json = serde_json::from_slice(&body).unwrap();
        let fault = (state.lock().unwrap().rule)(&action, &body);
        if fault == Fault::Throttle {
            let said = br#"{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"slow down"}"#;
            let head = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.0";
            client.write_all(&with_body(head, said)).await.unwrap();
            continue;
        }
        let counted =
            ["PutItem", "GetItem", "Query", "BatchGetItem", "BatchWriteItem", "UpdateItem"].contains(&&*action);
        if counted {
            body["ReturnConsumedCapacity"] = json!("INDEXES");
        }
        server.write_all(&with_body(&head, body.to_string().as_bytes())).await.unwrap();
        let Some((head, answer)) = message(&mut server, &mut answered).await else { return };
        let told: Json = serde_json::from_slice(&answer).unwrap_or_default();
        let units = units(&told["ConsumedCapacity"]);
        let write = ["PutItem", "BatchWriteItem", "UpdateItem"].contains(&&*action);
        let (writes, reads) = if write { (units, 0.0) } else { (0.0, units) };
        state.lock().unwrap().calls.push(Call { action, body, writes, reads });
        if fault == Fault::LoseAnswer {
            return;
        }
        if client.write_all(&with_body(&head, &answer)).await.is_err() {
            return;
        }
    }
}

fn units(consumed: &Json) -> f64 {
    match consumed {
        Json::Array(several) => several.iter().map(units).sum(),
        one => one["CapacityUnits"].as_f64().unwrap_or_default(),
    }
}

/// The bytes of an item, as the service counts them.
pub(super) fn size(item: &Json) -> usize {
    let attributes = item.as_object().into_iter().flatten();
    attributes
        .map(|(name, value)| name.len() + value.as_object().into_iter().flatten().map(value_size).sum::<usize>())
        .sum()
}

fn value_size((kind, value): (&String, &Json)) -> usize {
    let text = value.as_str().unwrap_or_default().len();
    match kind.as_str() {
        "B" => text / 4 * 3,
        "N" => text / 2 + 1,
        _ => text,
    }
}

/// Sums over calls, by action.
pub(super) fn by_action(calls: &[Call]) -> BTreeMap<&str, (usize, f64)> {
    let mut sums = BTreeMap::new();
    for call in calls {
        let sum: &mut (usize, f64) = sums.entry(&*call.action).or_default();
        sum.0 += 1;
        sum.1 += call.writes + call.reads;
    }
    sums
}
