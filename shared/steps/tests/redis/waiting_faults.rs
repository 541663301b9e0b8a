//! The table of faults of `redis.expect`, walked row by row: both phases, as a step function carries them out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use assay_egress::Egress;
use assay_engine::job::JobResult;
use assay_services::Services;
use assay_steps::carry::CarriedOut;
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::fault_table::{judge, rows_below};
use crate::surroundings::{World, carry_on, fresh, job};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_of_waiting_leads_to_its_status() {
    let rows = rows_below("redis", "## Faults of redis.expect");
    let mut cases = BTreeMap::new();
    counting(&mut cases).await;
    lost(&mut cases).await;
    refused(&mut cases).await;
    away(&mut cases).await;
    let mut wrong = Vec::new();
    for row in &rows {
        match cases.remove(row.id.as_str()) {
            None => wrong.push(format!("{}: no case", row.id)),
            Some(result) => wrong.extend(judge(row, None, &result)),
        }
    }
    wrong.extend(cases.keys().map(|id| format!("{id}: a case without a row")));
    assert!(rows.len() >= 20 && wrong.is_empty(), "{} rows\n{}", rows.len(), wrong.join("\n"));
}

type Cases = BTreeMap<&'static str, JobResult>;

fn with(extra: Json) -> Json {
    let mut with = json!({"url": Services::shared().redis_url(), "stream": fresh("fault"), "within": "500ms"});
    with.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    with
}

/// One wait: its `with`, what is asserted, and what happens between arming and waiting.
struct Wait {
    with: Json,
    assertions: Vec<&'static str>,
    between: Vec<Json>,
    egress: Egress,
    timeout: Duration,
    stop: CancellationToken,
}

fn wait(extra: Json) -> Wait {
    Wait {
        with: with(extra),
        assertions: Vec::new(),
        between: Vec::new(),
        egress: Egress::open(),
        timeout: Duration::from_secs(20),
        stop: CancellationToken::new(),
    }
}

impl Wait {
    /// Sends a command, in which `STREAM` is the stream's key, once the position is recorded.
    fn then(mut self, command: Json) -> Self {
        self.between.push(command);
        self
    }

    fn entry(self, state: &str, n: u32) -> Self {
        self.then(json!(["XADD", "STREAM", "*", "state", state, "n", n]))
    }

    async fn send(&self, command: &Json) {
        let mut command = command.clone();
        for argument in command.as_array_mut().unwrap().iter_mut().filter(|argument| **argument == "STREAM") {
            *argument = self.with["stream"].clone();
        }
        World::new().reply(Services::shared().redis_url(), command).await;
    }

    async fn ends(self) -> JobResult {
        let mut job = job("redis.expect", &self.with, &self.assertions, self.timeout);
        job["fence"]["phase"] = json!("prepare");
        match self.carry(&job).await {
            CarriedOut::Prepared { state, .. } => job["prepared"] = state,
            CarriedOut::Finished(result) => return *result,
            other => panic!("expected a position, not {other:?}"),
        }
        for command in &self.between {
            self.send(command).await;
        }
        job["fence"]["phase"] = json!("run");
        loop {
            match self.carry(&job).await {
                CarriedOut::Finished(result) => return *result,
                CarriedOut::Continue { checkpoint, deadline, .. } => {
                    job["checkpoint"] = checkpoint;
                    job["deadline"] = json!(deadline);
                }
                other => panic!("expected a result, not {other:?}"),
            }
        }
    }

    async fn carry(&self, job: &Json) -> CarriedOut {
        let mut world = World::with(self.egress.clone());
        world.stop = self.stop.clone();
        carry_on(world, job.clone()).await
    }
}

async fn counting(cases: &mut Cases) {
    let paid = || wait(json!({"match": "fields.state == 'PAID'"}));
    cases.insert("came", paid().entry("PAID", 1).ends().await);
    cases.insert("not-come", paid().entry("OPEN", 1).ends().await);
    cases.insert("unanswerable", wait(json!({"match": "fields.deep.state == 1"})).entry("PAID", 1).ends().await);
    let once = || wait(json!({"count": "== 1"}));
    cases.insert("too-many", once().entry("PAID", 1).entry("PAID", 2).ends().await);
    let ordered = wait(json!({"count": ">= 2", "orderedBy": "int(fields.n)"}));
    cases.insert("out-of-order", ordered.entry("PAID", 2).entry("PAID", 1).ends().await);
    cases.insert("none-wanted", wait(json!({"count": "== 0"})).ends().await);
    let mut asserted = paid().entry("PAID", 1);
    asserted.assertions.push("messages[0].fields.n == '2'");
    cases.insert("asserted", asserted.ends().await);
    cases.insert("order-unanswerable", wait(json!({"orderedBy": "fields.nothing"})).entry("PAID", 1).ends().await);
}

async fn lost(cases: &mut Cases) {
    let rows: [(&str, &[Json]); 3] = [
        ("trimmed", &[json!(["XTRIM", "STREAM", "MAXLEN", 0])]),
        ("deleted", &[json!(["DEL", "STREAM"])]),
        ("made-anew", &[json!(["DEL", "STREAM"]), json!(["XADD", "STREAM", "1-1", "state", "OPEN"])]),
    ];
    for (row, commands) in rows {
        let absent = wait(json!({"count": "== 0", "match": "fields.state == 'PAID'"}));
        absent.send(&json!(["XADD", "STREAM", "*", "state", "OLD"])).await;
        let absent = commands.iter().fold(absent.entry("PAID", 1), |wait, command| wait.then(command.clone()));
        cases.insert(row, absent.ends().await);
    }
    let text = wait(json!({})).then(json!(["SET", "STREAM", "x"]));
    cases.insert("no-stream-any-more", text.ends().await);
}

async fn refused(cases: &mut Cases) {
    let text = wait(json!({}));
    text.send(&json!(["SET", "STREAM", "x"])).await;
    cases.insert("no-stream", text.ends().await);
    cases.insert("not-permitted", wait(json!({"stream": "foreign:stream"})).ends().await);
    let large = wait(json!({"maxBytes": "1KB"})).then(json!(["XADD", "STREAM", "*", "blob", "x".repeat(5000)]));
    cases.insert("entry-large", large.ends().await);
    let mut guarded = wait(json!({}));
    guarded.egress = Egress::closed();
    cases.insert("not-allowed", guarded.ends().await);
    let url = Services::shared().redis_url();
    let (scheme, at) = (url.split("://").next().unwrap(), url.rsplit('@').next().unwrap());
    cases.insert("wrong-password", wait(json!({"url": format!("{scheme}://app:wrong@{at}")})).ends().await);
    let stopped = wait(json!({"within": "10m"}));
    stopped.stop.cancel();
    cases.insert("stopped", stopped.ends().await);
}

async fn away(cases: &mut Cases) {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    cases.insert("refused-arming", wait(json!({"url": format!("redis://{closed}")})).ends().await);
    cases.insert("dns-unknown", wait(json!({"url": "redis://nowhere.invalid"})).ends().await);
    let silent = Arc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
    let mut silence = wait(json!({"url": format!("redis://{}", silent.local_addr().unwrap())}));
    silence.timeout = Duration::from_millis(400);
    cases.insert("silent", silence.ends().await);
}
