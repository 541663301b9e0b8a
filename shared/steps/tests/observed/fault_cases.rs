//! A target for each row of the tables of faults.

use std::collections::BTreeMap;
use std::future::pending;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use assay_egress::{Egress, Policy, ScriptedResolver};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::Response;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::certificates::{Authority, Server};
use crate::surroundings::World;
use crate::target::{Target, read_head};

/// What is run for a row.
pub(crate) struct Case {
    pub(crate) world: World,
    pub(crate) with: Json,
    pub(crate) assertions: Vec<&'static str>,
    /// Words that the error's message, or else the assertion's reason, must hold.
    pub(crate) says: Option<&'static str>,
}

/// How long a case may take that is meant to run out of time.
const SHORT: Duration = Duration::from_millis(500);

impl Case {
    fn short(mut self) -> Self {
        self.world.timeout = SHORT;
        self
    }

    fn says(mut self, words: &'static str) -> Self {
        self.says = Some(words);
        self
    }

    fn asserts(mut self, expression: &'static str) -> Self {
        self.assertions.push(expression);
        self
    }
}

/// The step with this URL.
fn case(url: impl Into<String>) -> Case {
    let with = json!({"url": url.into(), "query": "up"});
    Case { world: World::new(), with, assertions: Vec::new(), says: None }
}

type Cases = BTreeMap<&'static str, Case>;

/// The cases by the ids of their rows.
pub(crate) async fn all(kind: &str) -> Cases {
    let mut cases = Cases::new();
    reaching(&mut cases).await;
    broken(&mut cases).await;
    too_much(&mut cases, kind).await;
    statuses(&mut cases).await;
    shapes(&mut cases).await;
    others(&mut cases).await;
    if kind == "loki" {
        entries(&mut cases).await
    } else {
        numbers(&mut cases).await
    }
    cases
}

async fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// Reads whatever comes and never answers.
async fn hold(mut stream: TcpStream) {
    let mut bytes = [0; 4096];
    while stream.read(&mut bytes).await.is_ok_and(|count| count > 0) {}
}

/// A target that answers everything with this.
pub(crate) async fn says(status: u16, body: impl Into<Bytes>) -> Target {
    let body = body.into();
    Target::honest(move |_| {
        let body = body.clone();
        async move { Response::builder().status(status).body(body).unwrap() }
    })
    .await
}

/// A successful answer with this result.
pub(crate) fn success(kind: &str, result: &Json) -> String {
    json!({"status": "success", "data": {"resultType": kind, "result": result}}).to_string()
}

async fn reaching(cases: &mut Cases) {
    let mut unknown = case("http://nowhere.example/");
    unknown.world.egress = Egress::new(Policy::open(), Arc::new(ScriptedResolver::default()));
    cases.insert("dns-unknown", unknown);
    cases.insert("refused", case(format!("http://127.0.0.1:{}/", closed_port().await)));
    cases.insert("unreachable", case("http://255.255.255.255/"));
    let listener = Target::echo().await;
    let mut forbidden = case(listener.url("/"));
    forbidden.world.egress = Egress::closed();
    cases.insert("not-allowed", forbidden);
    let authority = Authority::new();
    let acceptor = Server::new(&authority.issue("localhost", 2100), &[], None).acceptor();
    let secure = Target::new(move |stream, _| {
        let acceptor = acceptor.clone();
        async move {
            let _ = acceptor.accept(stream).await;
        }
    })
    .await;
    cases.insert("tls-untrusted", case(format!("https://localhost:{}", secure.port())).says("tls.ca"));
    let silent = Target::new(|stream, _| hold(stream)).await;
    cases.insert("answer-slow", case(silent.url("/")).short().says("first byte"));
    let drips = Target::new(|mut stream, _| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        while stream.write_all(b"1\r\n{\r\n").await.is_ok() {
            ticks.tick().await;
        }
    })
    .await;
    cases.insert("body-drip", case(drips.url("/")).short().says("reading the body"));
}

async fn broken(cases: &mut Cases) {
    let resets = Target::new(|mut stream, _| async move {
        read_head(&mut stream).await;
        let _ = stream.set_zero_linger();
    })
    .await;
    cases.insert("reset", case(resets.url("/")));
    let closes = Target::answers("").await;
    cases.insert("closed", case(closes.url("/")));
    let half = Target::answers("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"status\":").await;
    cases.insert("body-half", case(half.url("/")));
    cases.insert("banner", case(Target::answers("SSH-2.0-OpenSSH_9.2\r\n\r\n").await.url("/")));
    let garbled = Target::answers("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope").await;
    cases.insert("encoding-broken", case(garbled.url("/")));
}

async fn too_much(cases: &mut Cases, kind: &str) {
    let announced = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", 1_u64 << 40);
    cases.insert("body-large", case(Target::answers(announced).await.url("/")).says("16 MiB"));
    let endless = Target::new(|mut stream, _| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
        while stream.write_all(&chunk).await.is_ok() {}
    })
    .await;
    cases.insert("body-endless", case(endless.url("/")));
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![b' '; 1 << 20];
    (0..64).for_each(|_| bomb.write_all(&zeros).unwrap());
    let bomb = Bytes::from(bomb.finish().unwrap());
    let target = Target::honest(move |_| {
        let body = bomb.clone();
        async move { Response::builder().header("content-encoding", "gzip").body(body).unwrap() }
    })
    .await;
    cases.insert("bomb", case(target.url("/")));
    let sample = "[1700000000,\"1\"],".repeat(900_000);
    let samples = format!("[{{\"metric\":{{}},\"values\":[{}]}}]", sample.trim_end_matches(','));
    let body = format!("{{\"status\":\"success\",\"data\":{{\"resultType\":\"matrix\",\"result\":{samples}}}}}");
    let many = case(says(200, body).await.url("/")).says("more than 100000 samples");
    cases.insert("samples-many", many);
    let nested = "[".repeat(2_000_000) + &"]".repeat(2_000_000);
    let deep = format!(
        "{{\"status\":\"success\",\"data\":{{\"resultType\":\"vector\",\"stats\":{nested},\"result\":{nested}}}}}"
    );
    cases.insert("deep", case(says(200, deep).await.url("/")).says("another shape"));
    let (kind, result) = if kind == "loki" {
        ("streams", json!([{"stream": {"a": 7}, "values": []}]))
    } else {
        ("vector", json!([{"metric": {"a": 7}, "value": [1, "1"]}]))
    };
    cases.insert("label-wrong", case(says(200, success(kind, &result)).await.url("/")).says("another shape"));
}

async fn statuses(cases: &mut Cases) {
    let error = |kind: &str, text: &str| json!({"status": "error", "errorType": kind, "error": text}).to_string();
    let parse = error("bad_data", "parse error: unexpected end");
    let page = "<!DOCTYPE html><html><head><title>Sign in</title></head></html>";
    for (id, status, body, words) in [
        ("status-400", 400, parse.clone(), "unexpected end"),
        ("status-400-text", 400, "parse error at line 1, col 2: syntax error".into(), "syntax error"),
        ("status-422", 422, error("execution", "many-to-many matching not allowed"), "many-to-many"),
        ("status-200-error", 200, parse, "unexpected end"),
        ("status-401", 401, "no org id".into(), "no org id"),
        ("status-403", 403, page.into(), "`tenant`"),
        ("status-404", 404, "404 page not found".into(), "page not found"),
        ("status-429", 429, "too many outstanding requests".into(), "too many outstanding"),
        ("status-500", 500, error("internal", "the store is broken"), "the store is broken"),
        ("status-502", 502, page.into(), "502"),
        ("status-503", 503, "starting".into(), "starting"),
        ("query-slow", 503, error("timeout", "query timed out in expression evaluation"), "query timed out"),
        ("gateway-slow", 504, "context deadline exceeded".into(), "deadline exceeded"),
        ("html", 200, page.into(), "a page for people"),
        ("html-400", 400, page.into(), "a page for people"),
    ] {
        cases.insert(id, case(says(status, body).await.url("/")).says(words));
    }
    let elsewhere = Target::echo().await;
    let location = elsewhere.url("/login?token=1");
    let redirects = Target::honest(move |_| {
        let answer = Response::builder().status(302).header("location", location.clone());
        async move { answer.body(Bytes::new()).unwrap() }
    })
    .await;
    cases.insert("redirect", case(redirects.url("/")).says("/login`"));
}

async fn shapes(cases: &mut Cases) {
    for (id, body, words) in [
        ("not-json", "up 1".to_owned(), "no JSON"),
        ("nothing", String::new(), "no text"),
        ("json-half", "{\"status\":\"success\",\"data\":{".to_owned(), "no JSON"),
        ("json-other", "{\"message\":\"hello\"}".to_owned(), "hello"),
        ("no-result", "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\"}}".to_owned(), "another shape"),
        ("no-data", "{\"status\":\"success\"}".to_owned(), "without `data`"),
        ("kind-unknown", success("tensor", &json!([])), "tensor"),
        ("result-wrong", success("matrix", &json!({"a": 1})), "another shape"),
        ("sample-wrong", success("vector", &json!([{"metric": {}, "value": [1, "many"]}])), "many"),
        ("time-wrong", success("vector", &json!([{"metric": {}, "value": [1e300, "1"]}])), "another shape"),
    ] {
        cases.insert(id, case(says(200, body).await.url("/")).says(words));
    }
}

async fn others(cases: &mut Cases) {
    let target = says(200, success("scalar", &json!([1, "1"]))).await;
    let mut injected = case(target.url("/"));
    injected.with["tenant"] = "a\r\nx-evil: 1".into();
    cases.insert("header-injected", injected.says("line break"));
    let mut reversed = case(target.url("/"));
    reversed.with["start"] = "now + 5m".into();
    cases.insert("window-reversed", reversed.says("before it begins"));
    let mut missing = case(target.url("/"));
    missing.with["tls"] = json!({"ca": "ca.pem"});
    cases.insert("file-missing", missing);
    let mut relative = case("shop:/x");
    relative.says = Some("neither http nor https");
    cases.insert("url-wrong", relative);
    let stopped = case(target.url("/"));
    stopped.world.stop.cancel();
    cases.insert("stopped", stopped);
    let silent = Target::new(|stream, _| async move {
        let _kept = stream;
        pending::<()>().await;
    })
    .await;
    let large = "x".repeat(32 << 20);
    let mut slow = case(silent.url("/")).short().says("sending the request");
    slow.with["query"] = large.into();
    // So much text takes its time also before it is sent.
    slow.world.timeout = 6 * SHORT;
    cases.insert("send-slow", slow);
}

async fn numbers(cases: &mut Cases) {
    let nan = success("vector", &json!([{"metric": {}, "value": [1, "NaN"]}]));
    let target = says(200, nan).await;
    cases.insert("nan", case(target.url("/")).asserts("value < 0.5").says("cannot be compared"));
    cases.insert("nan-expected", case(target.url("/")).asserts("value == 'NaN'"));
    let empty = says(200, success("vector", &json!([]))).await;
    cases.insert("empty", case(empty.url("/")).asserts("value >= 0").says("null"));
    let two = json!([{"metric": {"a": "1"}, "value": [1, "1"]}, {"metric": {"a": "2"}, "value": [1, "2"]}]);
    let two = says(200, success("vector", &two)).await;
    cases.insert("several", case(two.url("/")).asserts("value >= 0").says("null"));
    let streams = says(200, success("streams", &json!([]))).await;
    cases.insert("streams", case(streams.url("/")).says("streams"));
}

async fn entries(cases: &mut Cases) {
    let empty = says(200, success("streams", &json!([]))).await;
    cases.insert("empty", case(empty.url("/")).asserts("count >= 1"));
    cases.insert("empty-expected", case(empty.url("/")).asserts("count == 0"));
    let numbers = says(200, success("matrix", &json!([]))).await;
    cases.insert("numbers", case(numbers.url("/")).asserts("count >= 1"));
    let now = jiff::Timestamp::now().as_nanosecond() - 1_000_000_000;
    let one = |at: String| json!([{"stream": {"a": "b"}, "values": [[at, "line"]]}]);
    let past = says(200, success("streams", &one("1".into()))).await;
    cases.insert("outside", case(past.url("/")).says("outside of the window"));
    let wrong = says(200, success("streams", &one("soon".into()))).await;
    cases.insert("instant-wrong", case(wrong.url("/")).says("nanoseconds"));
    let values: Vec<Json> = (0..5000).map(|number| json!([now.to_string(), format!("line {number}")])).collect();
    let same = says(200, success("streams", &json!([{"stream": {}, "values": values}]))).await;
    cases.insert("instant-full", case(same.url("/")).says("share the instant"));
    let endless = Target::honest(|request| async move { Response::new(endless_log(request.body()).into()) }).await;
    cases.insert("too-many", case(endless.url("/")).says("more than 50000"));
    let mut empty_window = case(empty.url("/"));
    empty_window.with["start"] = 1_700_000_000.into();
    empty_window.with["end"] = 1_700_000_000.into();
    cases.insert("window-empty", empty_window.says("empty"));
}

/// As many entries as are asked for, each a microsecond after the one before.
fn endless_log(form: &[u8]) -> String {
    let asked: BTreeMap<_, _> = url::form_urlencoded::parse(form).into_owned().collect();
    let (start, limit): (i64, i64) = (asked["start"].parse().unwrap(), asked["limit"].parse().unwrap());
    let values: Vec<Json> = (0..limit).map(|number| json!([(start + number * 1000).to_string(), "again"])).collect();
    success("streams", &json!([{"stream": {"app": "noisy"}, "values": values}]))
}
