//! MariaDB: every type both ways, statements, transactions.

use std::time::Duration;

use assay_services::Services;
use assay_steps::contract::StepErrorClass as Class;
use serde_json::{Value as Json, json};

use crate::surroundings::World;

fn url() -> &'static str {
    Services::shared().mariadb_url()
}

fn query(text: &str) -> Json {
    json!({"url": url(), "query": text})
}

fn bound(text: &str, params: Json) -> Json {
    json!({"url": url(), "query": text, "params": params})
}

#[tokio::test]
async fn each_type_goes_both_ways_without_loss() {
    let world = World::new();
    world.ok(query("drop table if exists sql_types")).await;
    for (kind, value, expected) in [
        ("tinyint(1)", json!(true), json!(1)),
        ("tinyint", json!(-128), json!(-128)),
        ("tinyint unsigned", json!(255), json!(255)),
        ("smallint", json!(-32768), json!(-32768)),
        ("mediumint", json!(-8_388_608), json!(-8_388_608)),
        ("int", json!("17"), json!(17)),
        ("int unsigned", json!(4_294_967_295_u32), json!(4_294_967_295_u32)),
        ("bigint", json!(i64::MIN), json!(i64::MIN)),
        ("bigint", json!(i64::MAX), json!(i64::MAX)),
        ("bigint unsigned", json!(u64::MAX), json!("18446744073709551615")),
        (
            "decimal(40,10)",
            json!("123456789012345678901234567890.1234567890"),
            json!("123456789012345678901234567890.1234567890"),
        ),
        ("float", json!(0.1), json!(0.1)),
        ("double", json!(0.1), json!(0.1)),
        ("double", json!(-1e308), json!(-1e308)),
        ("char(3)", json!("ab"), json!("ab")),
        ("varchar(50)", json!("é\"'\\ 🦀; drop table x"), json!("é\"'\\ 🦀; drop table x")),
        ("text", json!({"a": [1]}), json!("{\"a\":[1]}")),
        ("longtext", json!(""), json!("")),
        ("binary(2)", json!("AB"), json!("QUI=")),
        ("varbinary(9)", json!("x"), json!("eA==")),
        ("blob", json!("é"), json!("w6k=")),
        ("date", json!("2026-01-02"), json!("2026-01-02")),
        ("datetime(6)", json!("2026-01-02T03:04:05.123456"), json!("2026-01-02T03:04:05.123456")),
        ("timestamp(3) null", json!("2026-01-02 03:04:05.5"), json!("2026-01-02T03:04:05.5Z")),
        ("time(2)", json!("-26:03:04.25"), json!("-26:03:04.25")),
        ("year", json!(2026), json!(2026)),
        ("bit(10)", json!(513), json!(513)),
        ("enum('a','b')", json!("b"), json!("b")),
        ("set('a','b')", json!("a,b"), json!("a,b")),
        ("json", json!({"a": 1}), json!("{\"a\":1}")),
        ("uuid", json!("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), json!("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
        ("inet6", json!("::1"), json!("::1")),
    ] {
        world.ok(query(&format!("create or replace table sql_types (v {kind})"))).await;
        world.ok(bound("insert into sql_types values (?), (?)", json!([value, null]))).await;
        let out = world.ok(query("select v from sql_types order by v is null")).await;
        assert_eq!(out["rows"], json!([{"v": expected}, {"v": null}]), "{kind} {value}: {}", out["columns"]);
    }
    let out = world.ok(bound("select ? as a, ? as b, ? as c", json!(["x", null, 1.5]))).await;
    assert_eq!(out["rows"], json!([{"a": "x", "b": null, "c": 1.5}]));
}

#[tokio::test]
async fn a_value_is_never_part_of_the_statement() {
    let world = World::new();
    world.ok(query("create or replace table sql_victims (name text)")).await;
    for evil in ["'); drop table sql_victims; --", "' or '1'='1", "\\'; select 1", "\\", "?"] {
        assert_eq!(world.ok(bound("select * from sql_victims where name = ?", json!([evil]))).await["rowCount"], 0);
        world.ok(bound("insert into sql_victims values (?)", json!([evil]))).await;
        let out = world.ok(bound("select name from sql_victims where name = ?", json!([evil]))).await;
        assert_eq!(out["rows"], json!([{"name": evil}]));
    }
}

#[tokio::test]
async fn a_transaction_is_all_or_nothing() {
    let world = World::new();
    let statements = |list: Json| json!({"url": url(), "statements": list});
    world.ok(query("create or replace table sql_all (id int primary key) engine=innodb")).await;
    let out = world
        .ok(statements(
            json!([{"query": "insert into sql_all values (?)", "params": [1]}, "select count(*) as n from sql_all"]),
        ))
        .await;
    assert_eq!(out["rows"], json!([{"n": 1}]));
    let error =
        world.error(statements(json!(["insert into sql_all values (3)", "insert into sql_all values (1)"]))).await;
    assert!(error.message.starts_with("statement 2: ") && error.message.contains("1062"), "{error:?}");
    assert_eq!(world.ok(query("select count(*) as n from sql_all")).await["rows"][0]["n"], 1);
    assert_eq!(world.ok(query("update sql_all set id = 5")).await["rowCount"], 1);
}

#[tokio::test]
async fn what_the_database_refuses_is_an_error_with_its_reason() {
    let world = World::new();
    for (with, code, says) in [
        (query("selct 1"), "sql.query", "1064"),
        (query("select * from nowhere"), "sql.query", "1146"),
        (query("select 1; select 2"), "sql.query", "1064"),
        (bound("select ?", json!([])), "sql.params", "1 placeholders"),
        (json!({"url": format!("{}x", url()), "query": "select 1"}), "sql.auth", "1044"),
        (json!({"url": url(), "password": "wrong", "query": "select 1"}), "sql.auth", "1045"),
    ] {
        let error = world.error(with.clone()).await;
        assert!(error.code == code && error.message.contains(says), "{with}: {error:?}");
        assert!(!error.message.contains("sekret"), "{error:?}");
    }
    // Some statements cannot be prepared.
    world.ok(query("create table if not exists sql_locked (a int)")).await;
    world.ok(query("lock tables sql_locked read")).await;
}

#[tokio::test]
async fn a_session_leaves_nothing_to_the_next_step() {
    let world = World::new();
    world.ok(query("set @a = 5")).await;
    assert_eq!(world.ok(query("select @a as a")).await["rows"][0]["a"], json!(null));
    let id = query("select connection_id() as id");
    let first = world.ok(id.clone()).await["rows"][0]["id"].clone();
    assert_eq!(world.ok(id.clone()).await["rows"][0]["id"], first);
    *world.clock.0.lock().unwrap() += Duration::from_secs(1);
    assert_ne!(world.ok(id).await["rows"][0]["id"], first);
}

#[tokio::test]
async fn a_stop_ends_the_statement_at_the_server() {
    let world = World::new();
    let stop = world.stop.clone();
    let watching = World::new();
    let stopping = async {
        let running = query(
            "select count(*) as n from information_schema.processlist where info like 'select sleep(60), ''sql-stop''%'",
        );
        loop {
            if watching.ok(running.clone()).await["rows"][0]["n"] == 1 {
                stop.cancel();
                break running;
            }
        }
    };
    let (error, running) = tokio::join!(world.error(query("select sleep(60), 'sql-stop'")), stopping);
    assert_eq!((error.code, error.class), ("step.stopped", Class::Stopped));
    while watching.ok(running.clone()).await["rows"][0]["n"] != 0 {}
}

#[tokio::test]
async fn limits_are_errors_and_never_a_shorter_answer() {
    let mut world = World::new();
    let series = "select seq, repeat('x', 100) as t from seq_1_to_10001";
    assert_eq!(world.error(query(series)).await.code, "sql.tooManyRows");
    let mut with = query(series);
    with["maxRows"] = json!(10_001);
    assert_eq!(world.ok(with).await["rowCount"], 10_001);
    let mut small = query("select repeat('x', 3000000) as t");
    small["maxBytes"] = json!("1MiB");
    assert_eq!(world.error(small.clone()).await.code, "sql.tooLarge");
    small["maxBytes"] = json!("4MiB");
    assert_eq!(world.ok(small).await["rowCount"], 1);
    world.timeout = Duration::from_millis(300);
    assert_eq!(world.error(query("select sleep(60)")).await.code, "sql.timeout");
    world.timeout = Duration::from_secs(20);
    let out = world.ok(query("select @@max_statement_time as t")).await;
    assert_eq!(out["rows"][0]["t"], 20.0);
}

#[tokio::test]
async fn tls_is_insisted_on_and_verified() {
    let services = Services::shared();
    let pem = |path: &str| std::fs::read_to_string(path).unwrap();
    let world = World::new();
    let cipher =
        "select variable_value <> '' as tls from information_schema.session_status where variable_name = 'Ssl_cipher'";
    let using = |tls: Json| json!({"url": url(), "tls": tls, "query": cipher});
    assert_eq!(world.ok(using(json!({"ca": pem(services.tls_ca())}))).await["rows"][0]["tls"], 1);
    assert_eq!(world.ok(using(json!({"verify": false}))).await["rows"][0]["tls"], 1);
    assert_eq!(world.ok(query(cipher)).await["rows"][0]["tls"], 1);
    assert_eq!(world.error(using(json!({"ca": pem(services.tls_other_ca())}))).await.code, "sql.tls");
    let plain = format!("{}?ssl-mode=DISABLED", url());
    assert_eq!(world.ok(json!({"url": plain, "query": cipher})).await["rows"][0]["tls"], 0);
    let client = json!({
        "url": services.text("mariadb", "certUrl").split('?').next().unwrap(),
        "tls": {"ca": pem(services.tls_ca()), "cert": pem(services.tls_client_cert()), "key": pem(services.tls_client_key())},
        "query": "select current_user() as who",
    });
    let out = world.ok(client).await;
    assert!(out["rows"][0]["who"].as_str().unwrap().starts_with("client@"), "{out}");
}
