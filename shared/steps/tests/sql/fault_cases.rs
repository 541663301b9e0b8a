//! A database for each row of the table of faults.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use assay_egress::{Egress, Policy, ScriptedResolver};
use assay_services::Services;
use serde_json::{Value as Json, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::liar::{
    Liar, message, mysql_until_answer, packet, postgres_startup, postgres_until_answer, rows_without_end,
};
use crate::surroundings::World;

/// What is run for a row.
pub(crate) struct Case {
    pub(crate) world: World,
    pub(crate) with: Json,
    pub(crate) assertions: Vec<&'static str>,
    /// Words that the error's message must hold.
    pub(crate) says: Option<&'static str>,
}

/// How long a case may take that is meant to run out of time.
const SHORT: Duration = Duration::from_millis(400);

type Cases = BTreeMap<&'static str, Case>;

fn case(with: Json) -> Case {
    Case { world: World::new(), with, assertions: Vec::new(), says: None }
}

fn real(query: &str) -> Case {
    case(json!({"url": Services::shared().postgres_url(), "query": query}))
}

fn at(url: &str) -> Case {
    case(json!({"url": url, "query": "select v from t"}))
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

    fn with(mut self, key: &str, value: Json) -> Self {
        self.with[key] = value;
        self
    }
}

/// The cases by the ids of their rows.
pub(crate) async fn all() -> Cases {
    let mut cases = Cases::new();
    answered(&mut cases);
    refused(&mut cases);
    reaching(&mut cases).await;
    silence(&mut cases).await;
    lies(&mut cases).await;
    lies_of_mysql(&mut cases).await;
    stopped(&mut cases).await;
    cases
}

fn answered(cases: &mut Cases) {
    let none = "select 1 as v where false";
    cases.insert("no-rows", real(none));
    cases.insert("row-missing", real(none).asserts("rows[0].v == 1"));
    cases.insert("value-wrong", real("select 1 as v").asserts("rows[0].v == 2"));
    cases.insert("column-missing", real("select 1 as v").asserts("rows[0].w == 1"));
    cases.insert("rows-many", real("select * from generate_series(1, 11)").with("maxRows", json!(10)));
    cases.insert("answer-large", real("select repeat('x', 2000000)").with("maxBytes", json!("1MiB")));
}

fn refused(cases: &mut Cases) {
    let services = Services::shared();
    cases.insert("syntax", real("selct 1").says("42601"));
    let violates = "do $$ begin raise exception 'twice' using errcode = 'unique_violation'; end $$";
    cases.insert("constraint", real(violates).says("23505"));
    cases.insert("params-count", real("select $1::int"));
    cases.insert("password-wrong", real("select 1").with("password", json!("wrong")));
    let missing = format!("{}_nowhere", services.postgres_url());
    cases.insert("database-missing", real("select 1").with("url", json!(missing)));
    let deadlock = "do $$ begin raise exception 'deadlock' using errcode = 'deadlock_detected'; end $$";
    cases.insert("deadlock", real(deadlock).says("40P01"));
    let other = std::fs::read_to_string(services.tls_other_ca()).unwrap();
    cases.insert("tls-untrusted", real("select 1").with("tls", json!({"ca": other})).says("tls.ca"));
    cases.insert("url-wrong", real("select 1").with("url", json!("postgres://h/d?host=/tmp")));
    let file = real("select 1").with("url", json!("sqlite::memory:"));
    cases.insert("file-on-server", file.egress(Egress::closed()));
}

async fn reaching(cases: &mut Cases) {
    let nowhere = Egress::new(Policy::open(), Arc::new(ScriptedResolver::default()));
    cases.insert("dns-unknown", at("postgres://a@nowhere.example/d").egress(nowhere));
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    cases.insert("refused", at(&format!("mysql://a@127.0.0.1:{free}/d")));
    cases.insert("unreachable", at("postgres://a@255.255.255.255/d"));
    let listener = Liar::new(|_| async { pending().await }).await;
    cases.insert("not-allowed", at(&listener.postgres()).egress(Egress::closed()));
    let refuses = Liar::new(|mut stream| async move { postgres_startup(&mut stream).await }).await;
    cases.insert("tls-missing", at(&format!("{}?sslmode=require", refuses.postgres())));
    let starting = Liar::new(|mut stream| async move {
        postgres_startup(&mut stream).await;
        let error = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0";
        let _ = stream.write_all(&message(b'E', error)).await;
    })
    .await;
    cases.insert("starting", at(&starting.postgres()));
}

async fn silence(cases: &mut Cases) {
    let silent = Liar::new(|mut stream| async move {
        postgres_until_answer(&mut stream).await;
        pending().await
    })
    .await;
    cases.insert("answer-slow", at(&silent.postgres()).short().says("waiting for the answer"));
    let mute = Liar::new(|stream| async move {
        let _open = stream;
        pending().await
    })
    .await;
    cases.insert("greeting-slow", at(&mute.mysql()).short().says("connecting"));
    let drips = Liar::new(|mut stream| async move {
        postgres_until_answer(&mut stream).await;
        let long = message(b'D', &vec![0; 1 << 20]);
        for byte in long {
            if stream.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    cases.insert("answer-drips", at(&drips.postgres()).short());
}

async fn lies(cases: &mut Cases) {
    let web = |text: &'static [u8]| {
        Liar::new(move |mut stream| async move {
            let _ = stream.write_all(text).await;
            pending().await
        })
    };
    let garbage = web(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    cases.insert("greeting-garbage", at(&garbage.postgres()).says("no Postgres"));
    cases.insert("greeting-garbage-mysql", at(&garbage.mysql()).says("no MySQL"));
    let huge = Liar::new(|mut stream| async move {
        postgres_startup(&mut stream).await;
        let _ = stream.write_all(b"R\xff\xff\xff\xff").await;
        pending().await
    })
    .await;
    cases.insert("greeting-huge", at(&huge.postgres()));
    let message_huge = Liar::new(|mut stream| async move {
        postgres_until_answer(&mut stream).await;
        let _ = stream.write_all(b"D\xff\xff\xff\xff\0\x01").await;
        pending().await
    })
    .await;
    cases.insert("message-huge", at(&message_huge.postgres()));
    let endless = Liar::new(rows_without_end).await;
    cases.insert("rows-endless", at(&endless.postgres()));
    let closes = Liar::new(|mut stream| async move {
        postgres_until_answer(&mut stream).await;
        let _ = stream.write_all(b"D\0\0\0\x20\0").await;
    })
    .await;
    cases.insert("half-closed", at(&closes.postgres()));
}

async fn lies_of_mysql(cases: &mut Cases) {
    let answers = |payload: &'static [u8]| {
        Liar::new(move |mut stream| async move {
            mysql_until_answer(&mut stream).await;
            let _ = stream.write_all(&packet(1, payload)).await;
            pending().await
        })
    };
    let columns = answers(b"\xfe\xff\xff\xff\xff\xff\xff\xff\x0f").await;
    cases.insert("columns-huge", at(&columns.mysql()).says("columns"));
    let file = answers(b"\xfb/etc/passwd").await;
    cases.insert("file-asked", at(&file.mysql()).says("LOCAL INFILE"));
}

async fn stopped(cases: &mut Cases) {
    let mut stopped = at("");
    let stop = stopped.world.stop.clone();
    let silent = Liar::new(move |mut stream| {
        let stop = stop.clone();
        async move {
            postgres_until_answer(&mut stream).await;
            stop.cancel();
            pending().await
        }
    })
    .await;
    stopped = stopped.with("url", json!(silent.postgres()));
    cases.insert("stopped", stopped);
}
