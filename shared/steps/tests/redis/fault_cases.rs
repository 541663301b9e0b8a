//! A target for each row of the table of faults.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use assay_egress::{Egress, Policy, Resolver, ScriptedResolver};
use async_trait::async_trait;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::certificates::{Authority, Server};
use crate::surroundings::World;
use crate::target::{Target, WELCOME, drain, read_command, serve};

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

fn get(url: &str) -> Case {
    case(json!({"url": url, "command": "GET k"}))
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
    answers(&mut cases).await;
    reaching(&mut cases).await;
    tls(&mut cases).await;
    refusals(&mut cases).await;
    silence(&mut cases).await;
    not_redis(&mut cases).await;
    too_much(&mut cases).await;
    others(&mut cases).await;
    cases
}

async fn answers(cases: &mut Cases) {
    let nil = Target::answers(b"_\r\n").await.url();
    cases.insert("nothing-there", get(&nil).asserts("reply == null"));
    cases.insert("reply-null", get(&nil).asserts("reply == 'PAID'"));
    let text = Target::answers(b"$4\r\nOPEN\r\n").await.url();
    cases.insert("reply-wrong", get(&text).asserts("reply == 'PAID'"));
    cases.insert("reply-type", get(&text).asserts("reply.status == 'PAID'"));
    let pushes = Target::answers(b">2\r\n+message\r\n+x\r\n|1\r\n+ttl\r\n:5\r\n$4\r\nPAID\r\n").await.url();
    cases.insert("pushed", get(&pushes).asserts("reply == 'PAID'"));
}

/// Never answers.
struct SlowResolver;

#[async_trait]
impl Resolver for SlowResolver {
    async fn resolve(&self, _: &str) -> std::io::Result<Vec<std::net::IpAddr>> {
        pending().await
    }
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
    let nowhere = "redis://nowhere.example";
    cases.insert("dns-unknown", get(nowhere).egress(names(ScriptedResolver::default())));
    cases.insert("dns-empty", get(nowhere).egress(names(ScriptedResolver::default().answer("nowhere.example", &[]))));
    let slow = Egress::new(Policy::open(), Arc::new(SlowResolver));
    cases.insert("dns-slow", get(nowhere).short().egress(slow).says("resolving"));
    let refused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    cases.insert("refused", get(&format!("redis://{refused}")));
    cases.insert("unreachable", get("redis://255.255.255.255"));
    let full = format!("redis://127.0.0.1:{}", full_listener().await);
    cases.insert("connect-slow", get(&full).short().says("connecting"));
    let listener = Target::answers(b"+OK\r\n").await;
    cases.insert("not-allowed", get(&listener.url()).egress(Egress::closed()));
}

async fn tls(cases: &mut Cases) {
    let authority = Authority::new();
    let serve_tls = async |server: Server| {
        let acceptor = server.acceptor();
        let target = Target::new(move |stream, _| {
            let acceptor = acceptor.clone();
            async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream, b"+OK\r\n").await;
                }
            }
        })
        .await;
        format!("rediss://localhost:{}", target.address.port())
    };
    let secured = |url: &str, tls: Json| case(json!({"url": url, "command": "GET k", "tls": tls}));
    let trust = json!({"ca": authority.pem()});
    let good = serve_tls(Server::new(&authority.issue("localhost", 2099), None)).await;
    cases.insert("tls-trusted", secured(&good, trust.clone()));
    cases.insert("tls-untrusted", get(&good).says("nobody trusted"));
    cases.insert("tls-unverified", secured(&good, json!({"verify": false})));
    let expired = serve_tls(Server::new(&authority.issue("localhost", 2021), None)).await;
    cases.insert("tls-expired", secured(&expired, trust.clone()).says("has expired"));
    let other = serve_tls(Server::new(&authority.issue("other.example", 2099), None)).await;
    cases.insert("tls-name", secured(&other, trust.clone()).says("another name"));
    let wants = serve_tls(Server::new(&authority.issue("localhost", 2099), Some(&authority))).await;
    cases.insert("tls-client", secured(&wants, trust.clone()).says("client certificate"));
    let client = authority.issue("client", 2099);
    let own = json!({"ca": authority.pem(), "cert": client.cert, "key": client.key});
    cases.insert("tls-known", secured(&wants, own));
    let plain = Target::greets_with(b"-ERR Protocol error\r\n").await;
    let plain_url = format!("rediss://localhost:{}", plain.address.port());
    let garbage = Target::new(|mut stream, _| async move {
        let _ = stream.write_all(b"-ERR what\r\n").await;
        drain(&mut stream).await;
    })
    .await;
    let garbage_url = format!("rediss://localhost:{}", garbage.address.port());
    cases.insert("tls-closed", secured(&plain_url, trust.clone()));
    cases.insert("tls-plain", secured(&garbage_url, trust.clone()).says("does not speak TLS"));
    cases.insert("tls-missing", get(&good.replace("rediss", "redis")).says("does it want TLS"));
    let silent = Target::new(|mut stream, _| async move { drain(&mut stream).await }).await;
    let silent_url = format!("rediss://localhost:{}", silent.address.port());
    cases.insert("tls-slow", secured(&silent_url, trust).short().says("shaking hands"));
    cases.insert("tls-file", secured(&good, json!({"ca": "no.pem"})));
}

async fn refusals(cases: &mut Cases) {
    for (id, answer) in [
        ("no-password", b"-NOAUTH HELLO must be called with the client already authenticated\r\n".as_slice()),
        ("wrong-password", b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"),
        ("protected", b"-DENIED Redis is running in protected mode\r\n"),
        ("too-many-clients", b"-ERR max number of clients reached\r\n"),
    ] {
        cases.insert(id, get(&Target::greets_with(answer).await.url()));
    }
    for (id, answer) in [
        ("loading", b"-LOADING Redis is loading the dataset in memory\r\n".as_slice()),
        ("read-only", b"-READONLY You can't write against a read only replica.\r\n"),
        ("not-permitted", b"-NOPERM this user has no permissions to access one of the keys\r\n"),
        ("wrong-type", b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"),
        ("unknown-command", b"-ERR unknown command 'GIT'\r\n"),
        ("moved", b"-MOVED 3999 10.0.0.7:6381\r\n"),
        ("asked", b"-ASK 3999 10.0.0.7:6381\r\n"),
        ("cross-slot", b"-CROSSSLOT Keys in request don't hash to the same slot\r\n"),
        ("refused-within", b"*2\r\n+OK\r\n-ERR value is not an integer or out of range\r\n"),
    ] {
        cases.insert(id, get(&Target::answers(answer).await.url()).says("refused GET"));
    }
    let target = Target::answers(b"-ERR no\r\n").await.url();
    let pipeline = json!({"url": target, "pipeline": ["GET a", "GET b"]});
    cases.insert("pipeline-refused", case(pipeline).says("pipeline[0] GET"));
    let no_db = json!({"url": format!("{target}/99"), "command": "GET k"});
    cases.insert("no-database", case(no_db).says("SELECT"));
}

async fn silence(cases: &mut Cases) {
    let mute = Target::new(|mut stream, _| async move { drain(&mut stream).await }).await;
    cases.insert("welcome-slow", get(&mute.url()).short().says("signing in"));
    let slow = Target::answers(b"").await;
    cases.insert("reply-slow", get(&slow.url()).short().says("reply to GET"));
    let blocks = case(json!({"url": slow.url(), "command": "BLPOP q 0"}));
    cases.insert("blocks", blocks.short().says("reply to BLPOP"));
    let half = Target::answers(b"*2\r\n+one\r\n").await;
    cases.insert("reply-stops", get(&half.url()).short().says("reply to GET"));
    let drips = Target::new(|stream, _| async move {
        let mut stream = BufReader::new(stream);
        read_command(&mut stream).await;
        let _ = stream.write_all(WELCOME).await;
        read_command(&mut stream).await;
        let _ = stream.write_all(b"$1000000\r\n").await;
        let mut tick = tokio::time::interval(Duration::from_millis(5));
        while stream.write_all(b"x").await.is_ok() {
            tick.tick().await;
        }
    })
    .await;
    cases.insert("reply-drips", get(&drips.url()).short().says("reply to GET"));
    let deaf = Target::new(|stream, _| async move {
        let mut stream = BufReader::new(stream);
        read_command(&mut stream).await;
        let _ = stream.write_all(WELCOME).await;
        pending::<()>().await;
    })
    .await;
    let much = case(json!({"url": deaf.url(), "command": ["SET", "k", "x".repeat(32 << 20)]}));
    cases.insert("send-slow", much.short());
}

async fn not_redis(cases: &mut Cases) {
    cases.insert("closed", get(&Target::ends_with(b"").await.url()).says("instead of an answer"));
    cases.insert("reply-half", get(&Target::ends_with(b"$10\r\nabc").await.url()).says("within the reply"));
    let resets = Target::new(|stream, _| async move {
        let mut stream = BufReader::new(stream);
        read_command(&mut stream).await;
        let _ = stream.write_all(WELCOME).await;
        read_command(&mut stream).await;
        stream.get_ref().set_zero_linger().unwrap();
    })
    .await;
    cases.insert("reset", get(&resets.url()));
    cases.insert("hung-up", get(&Target::new(|stream, _| async move { drop(stream) }).await.url()));
    let http = Target::greets_with(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    cases.insert("banner", get(&http.url()).says("is it Redis"));
    for (id, answer) in [
        ("number-nonsense", b":one\r\n".as_slice()),
        ("length-nonsense", b"$-7\r\n"),
        ("length-wrong", b"$2\r\nabcdef\r\n"),
        ("type-unknown", b"?1\r\n"),
        ("push-within", b"*2\r\n>1\r\n+x\r\n"),
    ] {
        cases.insert(id, get(&Target::answers(answer).await.url()));
    }
    cases.insert("nested", get(&Target::never_ends(b"", b"*1\r\n").await.url()).says("nested"));
}

async fn too_much(cases: &mut Cases) {
    for (id, answer) in [
        ("announced-bytes", b"$4294967296\r\n".as_slice()),
        ("announced-list", b"*2147483647\r\n"),
        ("announced-map", b"%9223372036854775807\r\n"),
    ] {
        cases.insert(id, get(&Target::answers(answer).await.url()).says("larger than allowed"));
    }
    cases.insert("endless-list", get(&Target::never_ends(b"*1000000\r\n", b"*0\r\n").await.url()));
    cases.insert("endless-pushes", get(&Target::never_ends(b"", b">2\r\n+message\r\n+x\r\n").await.url()));
    cases.insert("endless-attributes", get(&Target::never_ends(b"", b"|1\r\n+a\r\n+b\r\n").await.url()));
    cases.insert("endless-line", get(&Target::never_ends(b"+", b"xxxxxxxx").await.url()).says("a line of more"));
    let welcome = Target::greets_with(b"$1000000\r\n").await;
    cases.insert("endless-welcome", get(&welcome.url()));
}

async fn others(cases: &mut Cases) {
    let target = Target::answers(b"+OK\r\n").await.url();
    // Rendered so: what stands in the flow is refused when it is compiled.
    cases.insert("cannot-be-sent", case(json!({"url": target, "command": "SUBSCRIBE c"})).says("no replies"));
    cases.insert("url-nonsense", case(json!({"url": "redis://h/not-a-number", "command": "GET k"})));
    cases.insert(
        "null-argument",
        case(json!({"url": target, "command": ["SET", "k", null]})).says("argument 2 is null"),
    );
    let stopped = get(&Target::answers(b"").await.url());
    stopped.world.stop.cancel();
    cases.insert("stopped", stopped);
}
