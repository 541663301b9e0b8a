//! A target for each row of the table of faults.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use assay_egress::{Egress, Policy, Resolver, ScriptedResolver};
use async_trait::async_trait;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::certificates::{Authority, Server};
use crate::surroundings::World;
use crate::target::{Target, read_head};

/// What is run for a row.
pub(crate) struct Case {
    pub(crate) world: World,
    pub(crate) with: Json,
    pub(crate) assertions: Vec<&'static str>,
    /// Words that the error's message must hold.
    pub(crate) says: Option<&'static str>,
}

/// How long a case may take that is meant to run out of time.
const SHORT: Duration = Duration::from_millis(250);

fn case(with: Json) -> Case {
    Case { world: World::new(), with, assertions: Vec::new(), says: None }
}

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

    fn egress(mut self, egress: Egress) -> Self {
        self.world.egress = egress;
        self
    }
}

type Cases = BTreeMap<&'static str, Case>;

/// The cases by the ids of their rows.
pub(crate) async fn all() -> Cases {
    let mut cases = Cases::new();
    reaching(&mut cases).await;
    tls(&mut cases).await;
    silence(&mut cases).await;
    broken_off(&mut cases).await;
    not_http(&mut cases).await;
    too_much(&mut cases).await;
    others(&mut cases).await;
    answers(&mut cases).await;
    cases
}

/// Never answers.
struct SlowResolver;

#[async_trait]
impl Resolver for SlowResolver {
    async fn resolve(&self, _: &str) -> std::io::Result<Vec<std::net::IpAddr>> {
        pending().await
    }
}

/// A port that nobody listens on.
async fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// A listener whose queue is full, so that the system leaves further callers without an answer.
async fn full_listener() -> u16 {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut held = Vec::new();
    while let Ok(Ok(stream)) = tokio::time::timeout(4 * SHORT, TcpStream::connect(address)).await {
        held.push(stream);
    }
    tokio::spawn(async move {
        let _kept = (listener, held);
        pending::<()>().await;
    });
    address.port()
}

async fn reaching(cases: &mut Cases) {
    let names = |resolver: ScriptedResolver| Egress::new(Policy::open(), Arc::new(resolver));
    let nowhere = json!({"url": "http://nowhere.example/"});
    cases.insert("dns-unknown", case(nowhere.clone()).egress(names(ScriptedResolver::default())));
    let empty = names(ScriptedResolver::default().answer("nowhere.example", &[]));
    cases.insert("dns-empty", case(nowhere.clone()).egress(empty));
    let slow = Egress::new(Policy::open(), Arc::new(SlowResolver));
    cases.insert("dns-slow", case(nowhere).short().egress(slow).says("resolving"));
    let refused = format!("http://127.0.0.1:{}/", closed_port().await);
    cases.insert("refused", case(json!({"url": refused})));
    cases.insert("unreachable", case(json!({"url": "http://255.255.255.255/"})));
    let full = format!("http://127.0.0.1:{}/", full_listener().await);
    cases.insert("connect-slow", case(json!({"url": full})).short().says("connecting"));
    let listener = Target::echo().await;
    cases.insert("not-allowed", case(json!({"url": listener.url("/")})).egress(Egress::closed()));
    cases.insert("proxy-refused", case(json!({"url": "http://a.example/", "proxy": refused})));
    let denies = Target::answers("HTTP/1.1 407 Who\r\ncontent-length: 0\r\n\r\n").await;
    cases.insert("proxy-denies", case(json!({"url": "https://a.example/", "proxy": denies.url("")})).says("407"));
    let silent = Target::new(|stream, _| hold(stream)).await;
    let with = json!({"url": "https://a.example/", "proxy": silent.url("")});
    cases.insert("proxy-slow", case(with).short().says("tunnel"));
}

/// Reads whatever comes and never answers.
async fn hold(mut stream: TcpStream) {
    let mut bytes = [0; 4096];
    while stream.read(&mut bytes).await.is_ok_and(|count| count > 0) {}
}

async fn tls(cases: &mut Cases) {
    let authority = Authority::new();
    let serve = async |server: Server| {
        let acceptor = server.acceptor();
        let target = Target::new(move |stream, _| {
            let acceptor = acceptor.clone();
            async move {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    read_head(&mut stream).await;
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
                    let _ = stream.shutdown().await;
                }
            }
        })
        .await;
        format!("https://localhost:{}/", target.port())
    };
    let trust = json!({"ca": authority.pem()});
    let good = authority.issue("localhost", 2100);
    let untrusted = serve(Server::new(&good, &[], None)).await;
    cases.insert("tls-untrusted", case(json!({"url": untrusted})).says("tls.ca"));
    let unverified = json!({"url": untrusted, "tls": {"verify": false}});
    cases.insert("tls-unverified", case(unverified).asserts("status == 200 && tls.version == '1.3'"));
    let expired = serve(Server::new(&authority.issue("localhost", 2021), &[], None)).await;
    cases.insert("tls-expired", case(json!({"url": expired, "tls": trust})).says("expired"));
    let other = serve(Server::new(&authority.issue("other.example", 2100), &[], None)).await;
    cases.insert("tls-name", case(json!({"url": other, "tls": trust})).says("another name"));
    let strict = serve(Server::new(&good, &["http/1.1"], Some(&authority))).await;
    cases.insert("tls-client", case(json!({"url": strict, "tls": trust})));
    let plain = Target::new(|mut stream, _| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
        hold(stream).await;
    })
    .await;
    let url = format!("https://localhost:{}/", plain.port());
    cases.insert("tls-plain", case(json!({"url": url})).says("plain http"));
    let closes = Target::new(|_, _| async {}).await;
    cases.insert("tls-closed", case(json!({"url": format!("https://localhost:{}/", closes.port())})));
    let silent = Target::new(|stream, _| hold(stream)).await;
    let url = format!("https://localhost:{}/", silent.port());
    cases.insert("tls-slow", case(json!({"url": url, "tls": trust})).short().says("shaking hands"));
    let url = serve(Server::new(&good, &["http/1.1"], None)).await;
    cases.insert("version-missing", case(json!({"url": url, "version": 2, "tls": trust})));
}

async fn silence(cases: &mut Cases) {
    let deaf = Target::new(|stream, _| async move {
        let _kept = stream;
        pending::<()>().await;
    })
    .await;
    let large = json!({"url": deaf.url("/"), "method": "POST", "text": "x".repeat(32 << 20)});
    cases.insert("send-slow", case(large).short().says("sending the request"));
    let silent = Target::new(|stream, _| hold(stream)).await;
    cases.insert("answer-slow", case(json!({"url": silent.url("/")})).short().says("first byte"));
    let stalls = Target::new(|mut stream, _| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await;
        hold(stream).await;
    })
    .await;
    cases.insert("body-slow", case(json!({"url": stalls.url("/")})).short().says("reading the body"));
    let drips = Target::new(|mut stream, _| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        while stream.write_all(b"1\r\nx\r\n").await.is_ok() {
            ticks.tick().await;
        }
    })
    .await;
    cases.insert("body-drip", case(json!({"url": drips.url("/")})).short().says("reading the body"));
    let promises = floods(b"", b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n").await;
    cases.insert("head-promised", case(json!({"url": promises.url("/")})).short().says("first byte"));
}

/// Answers with a beginning and then the same again without end.
async fn floods(begin: &'static [u8], again: &'static [u8]) -> Target {
    Target::new(move |mut stream, _| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(begin).await;
        let again = again.repeat(100);
        while stream.write_all(&again).await.is_ok() {}
    })
    .await
}

async fn broken_off(cases: &mut Cases) {
    let resets = |half: &'static [u8]| {
        Target::new(move |mut stream, _| async move {
            read_head(&mut stream).await;
            let _ = stream.write_all(half).await;
            let _ = stream.set_zero_linger();
        })
    };
    let half_body = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf";
    cases.insert("reset", case(json!({"url": resets(b"").await.url("/")})));
    cases.insert("body-reset", case(json!({"url": resets(half_body).await.url("/")})));
    let mut half = async |id: &'static str, bytes: &'static [u8]| {
        cases.insert(id, case(json!({"url": Target::answers(bytes).await.url("/")})));
    };
    half("closed", b"").await;
    half("head-half", b"HTTP/1.1 200 OK\r\ncontent-le").await;
    half("body-half", half_body).await;
    half("chunk-half", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n64\r\nhalf").await;
    half("chunk-last", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n").await;
    half("body-longer", b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nhalf and more").await;
}

async fn not_http(cases: &mut Cases) {
    for (id, bytes) in [
        ("banner", &b"SSH-2.0-OpenSSH_9.6\r\n\r\n"[..]),
        ("header-bytes", b"HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n"),
        ("length-nonsense", b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\nbody"),
        ("length-twice", b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\nbody"),
        ("chunk-nonsense", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nbody\r\n"),
        ("chunk-huge", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\nbody\r\n"),
        ("version-other", b"HTTP/3.0 200 OK\r\n\r\n"),
    ] {
        cases.insert(id, case(json!({"url": Target::answers(bytes).await.url("/")})));
    }
}

async fn too_much(cases: &mut Cases) {
    let announced = "HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n";
    let with = json!({"url": Target::answers(announced).await.url("/"), "maxBody": "1KB"});
    cases.insert("body-large", case(with).says("maxBody"));
    let begin = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let with = json!({"url": floods(begin, b"5\r\nendless\r\n").await.url("/"), "maxBody": "1MB"});
    cases.insert("chunks-wrong", case(with));
    let with = json!({"url": floods(begin, b"7\r\nendless\r\n").await.url("/"), "maxBody": "1MB"});
    cases.insert("body-endless", case(with));
    let with = json!({"url": floods(b"HTTP/1.1 200 OK\r\n", b"x-more: and more\r\n").await.url("/")});
    cases.insert("head-endless", case(with));
    let with = json!({"url": floods(b"HTTP/1.1 200 OK\r\nx: ", b"and more").await.url("/")});
    cases.insert("header-endless", case(with));
    let encoded = |encoding: &str, body: &[u8]| {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: {}\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    };
    let bomb = crate::bodies::gzip(&vec![0; 2 << 20]);
    let with = json!({"url": Target::answers(encoded("gzip", &bomb)).await.url("/"), "maxBody": "1MB"});
    cases.insert("bomb", case(with).says("decoded"));
    let broken = Target::answers(encoded("gzip", b"no gzip at all")).await;
    cases.insert("encoding-broken", case(json!({"url": broken.url("/")})));
    let unknown = Target::answers(encoded("zstd", b"whatever")).await;
    cases.insert("encoding-unknown", case(json!({"url": unknown.url("/")})).says("accept-encoding"));
}

async fn others(cases: &mut Cases) {
    let redirect = async |to: &str| {
        let bytes = format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        Target::answers(bytes).await.url("/")
    };
    let follow = |url: String| json!({"url": url, "followRedirects": 3});
    cases.insert("redirect-loop", case(follow(redirect("/").await)));
    cases.insert("redirect-nowhere", case(follow(redirect("http://[").await)));
    cases.insert("redirect-scheme", case(follow(redirect("file:///etc/passwd").await)));
    let forbidden = Egress::new(Policy::closed().with_loopback(), Arc::new(ScriptedResolver::default()));
    let url = redirect("http://169.254.169.254/latest").await;
    cases.insert("redirect-forbidden", case(follow(url)).egress(forbidden));
    let denies = Target::answers(
        "HTTP/1.1 403 Forbidden\r\ncontent-length: 25\r\nconnection: close\r\n\r\n{\"error\":\"invalid_scope\"} ",
    )
    .await;
    let oauth = json!({"tokenUrl": denies.url("/token"), "clientId": "a", "clientSecret": "b"});
    cases
        .insert("token-denied", case(json!({"url": denies.url("/"), "auth": {"oauth2": oauth}})).says("invalid_scope"));
    let echo = Target::echo().await;
    let injected = json!({"url": echo.url("/"), "headers": {"x": "a\r\nhost: evil"}});
    cases.insert("header-injected", case(injected).says("line break"));
    cases.insert("file-missing", case(json!({"url": echo.url("/"), "file": "missing.json"})));
    let silent = Target::new(|stream, _| hold(stream)).await;
    let stopped = case(json!({"url": silent.url("/")}));
    stopped.world.stop.cancel();
    cases.insert("stopped", stopped);
}

async fn answers(cases: &mut Cases) {
    let answer = async |status: &str, body: &str| {
        let length = body.len();
        let bytes = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
        json!({"url": Target::answers(bytes).await.url("/")})
    };
    cases.insert("status-500", case(answer("500 Oops", "oops").await));
    cases.insert("status-wrong", case(answer("500 Oops", "oops").await).asserts("status == 200"));
    cases.insert("not-json", case(answer("200 OK", "<html>").await).asserts("body.id == 1"));
    cases.insert("empty", case(answer("204 No Content", "").await).asserts("body.id == 1"));
    cases.insert("field-missing", case(answer("200 OK", "{}").await).asserts("body.id == 1"));
    cases.insert("field-type", case(answer("200 OK", r#"{"id": "x"}"#).await).asserts("body.id > 1"));
    cases.insert("header-missing", case(answer("200 OK", "{}").await).asserts("headers['x-id'] == '1'"));
    cases.insert("redirect-unfollowed", {
        let bytes = "HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n";
        case(json!({"url": Target::answers(bytes).await.url("/")})).asserts("status == 302")
    });
}
