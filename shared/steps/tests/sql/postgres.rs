//! Postgres: every type both ways, statements, transactions, sessions.

use std::time::Duration;

use assay_services::Services;
use assay_steps::contract::StepErrorClass as Class;
use serde_json::{Value as Json, json};

use crate::surroundings::World;

fn url() -> &'static str {
    Services::shared().postgres_url()
}

fn query(text: &str) -> Json {
    json!({"url": url(), "query": text})
}

fn bound(text: &str, params: Json) -> Json {
    json!({"url": url(), "query": text, "params": params})
}

#[tokio::test]
async fn each_type_is_read_without_loss() {
    let world = World::new();
    for (expression, expected) in [
        ("null", json!(null)),
        ("true", json!(true)),
        ("false", json!(false)),
        ("(-32768)::int2", json!(-32768)),
        ("2147483647::int4", json!(2_147_483_647)),
        ("9223372036854775807::int8", json!(i64::MAX)),
        ("(-9223372036854775808)::int8", json!(i64::MIN)),
        ("1.10::numeric", json!("1.10")),
        ("123456789012345678901234567890.123456789::numeric", json!("123456789012345678901234567890.123456789")),
        ("'NaN'::numeric", json!("NaN")),
        ("0.1::float8", json!(0.1)),
        ("0.1::float4", json!(0.1)),
        ("1e308::float8", json!(1e308)),
        ("'NaN'::float8", json!("NaN")),
        ("'-Infinity'::float4", json!("-Infinity")),
        ("'é\"''\\'::text", json!("é\"'\\")),
        ("'a'::char(3)", json!("a  ")),
        ("'\\x00ff'::bytea", json!("AP8=")),
        ("''::bytea", json!("")),
        ("'2026-01-02 03:04:05.123456+02'::timestamptz", json!("2026-01-02T01:04:05.123456Z")),
        ("'2026-01-02 03:04:05'::timestamp", json!("2026-01-02T03:04:05")),
        ("'infinity'::timestamptz", json!("infinity")),
        ("'2026-01-02'::date", json!("2026-01-02")),
        ("'03:04:05.5'::time", json!("03:04:05.5")),
        ("'03:04:05+05:30'::timetz", json!("03:04:05+05:30")),
        ("'1 year 2 days 3 hours'::interval", json!("P1Y2DT3H")),
        ("'{\"a\": [1, null, \"x\"]}'::jsonb", json!({"a": [1, null, "x"]})),
        ("'[1.5]'::json", json!([1.5])),
        ("'null'::json", json!(null)),
        ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid", json!("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
        ("'10.0.0.1/8'::inet", json!("10.0.0.1/8")),
        ("'08:00:2b:01:02:03'::macaddr", json!("08:00:2b:01:02:03")),
        ("'{1,2,null}'::int8[]", json!([1, 2, null])),
        ("array['a,b', 'NULL', null, '\"q\"']", json!(["a,b", "NULL", null, "\"q\""])),
        ("'{{1,2},{3,4}}'::int4[]", json!([[1, 2], [3, 4]])),
        ("'{}'::text[]", json!([])),
        ("'[0:1]={7,8}'::int4[]", json!([7, 8])),
        ("array['\\x01'::bytea]", json!(["AQ=="])),
        ("array['{\"a\":1}'::jsonb]", json!([{"a": 1}])),
        ("array[1.50::numeric]", json!(["1.50"])),
        ("array['2026-01-02 03:04:05+00'::timestamptz]", json!(["2026-01-02T03:04:05Z"])),
        ("'[1,5)'::int4range", json!("[1,5)")),
        ("row(1, 'a')", json!("(1,a)")),
        ("'(1,2)'::point", json!("(1,2)")),
        ("B'101'", json!("101")),
        ("'<a/>'::xml", json!("<a/>")),
        ("'a b'::tsvector", json!("'a' 'b'")),
        ("pg_typeof(1)::regtype", json!("integer")),
    ] {
        let out = world.ok(query(&format!("select {expression} as v"))).await;
        assert_eq!(out["rows"][0]["v"], expected, "{expression}: {out}");
        assert_eq!(out["rowCount"], 1);
    }
}

#[tokio::test]
async fn each_type_is_sent_as_the_statement_asks_for_it() {
    let world = World::new();
    for (kind, value, expected) in [
        ("bool", json!(true), json!(true)),
        ("bool", json!("f"), json!(false)),
        ("int2", json!(-32768), json!(-32768)),
        ("int4", json!("17"), json!(17)),
        ("int4", json!(5.0), json!(5)),
        ("int8", json!(i64::MIN), json!(i64::MIN)),
        ("int8", json!(i64::MAX), json!(i64::MAX)),
        ("int8", json!("9223372036854775807"), json!(i64::MAX)),
        ("numeric", json!("12345678901234567890.10"), json!("12345678901234567890.10")),
        ("numeric", json!(1.25), json!("1.25")),
        ("numeric", json!(u64::MAX), json!("18446744073709551615")),
        ("float8", json!(0.1), json!(0.1)),
        ("float8", json!("Infinity"), json!("Infinity")),
        ("text", json!("it's; drop table x --"), json!("it's; drop table x --")),
        ("text", json!(42), json!("42")),
        ("text", json!({"a": 1}), json!("{\"a\":1}")),
        ("bytea", json!("AP8="), json!("AP8=")),
        ("bytea", json!("\\x00ff"), json!("AP8=")),
        ("timestamptz", json!("2026-01-02T03:04:05.5Z"), json!("2026-01-02T03:04:05.5Z")),
        ("timestamp", json!("2026-01-02T03:04:05"), json!("2026-01-02T03:04:05")),
        ("date", json!("2026-01-02"), json!("2026-01-02")),
        ("interval", json!("P1DT2H"), json!("P1DT2H")),
        ("jsonb", json!({"a": [1, "x", null]}), json!({"a": [1, "x", null]})),
        ("jsonb", json!("text"), json!("text")),
        ("jsonb", json!([1, 2]), json!([1, 2])),
        ("json", json!(false), json!(false)),
        ("uuid", json!("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"), json!("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
        ("inet", json!("10.0.0.1"), json!("10.0.0.1")),
        ("int8[]", json!([1, null, 3]), json!([1, null, 3])),
        ("text[]", json!(["a,b", "NULL", "", "\\\"", null, "{"]), json!(["a,b", "NULL", "", "\\\"", null, "{"])),
        ("int4[]", json!([[1, 2], [3, 4]]), json!([[1, 2], [3, 4]])),
        ("jsonb[]", json!([{"a": 1}, "x"]), json!([{"a": 1}, "x"])),
        ("bytea[]", json!(["AP8="]), json!(["AP8="])),
        ("bool[]", json!([true, false]), json!([true, false])),
        ("uuid[]", json!([]), json!([])),
        ("int4[]", json!("{1,2}"), json!([1, 2])),
        ("int4range", json!("[1,5)"), json!("[1,5)")),
    ] {
        let out = world.ok(bound(&format!("select $1::{kind} as v"), json!([value]))).await;
        assert_eq!(out["rows"][0]["v"], expected, "{kind} {value}");
        let out = world.ok(bound(&format!("select $1::{kind} as v"), json!([null]))).await;
        assert_eq!(out["rows"][0]["v"], json!(null), "{kind}");
    }
}

#[tokio::test]
async fn types_that_a_database_makes_itself_work_both_ways() {
    let world = World::new();
    world
        .ok(json!({"url": url(), "statements": [
            "drop table if exists sql_own", "drop type if exists sql_mood", "drop domain if exists sql_amount",
            "create type sql_mood as enum ('happy', 'sad')",
            "create domain sql_amount as numeric(10, 2) check (value >= 0)",
            "create table sql_own (id int8 primary key, mood sql_mood, amount sql_amount, moods sql_mood[])",
        ]}))
        .await;
    let insert = bound("insert into sql_own values ($1, $2, $3, $4)", json!([1, "sad", "3.50", ["happy", "sad"]]));
    assert_eq!(world.ok(insert).await["rowCount"], 1);
    let out = world.ok(bound("select * from sql_own where mood = $1 and id = $2", json!(["sad", 1]))).await;
    assert_eq!(out["rows"], json!([{"id": 1, "mood": "sad", "amount": "3.50", "moods": ["happy", "sad"]}]));
    assert_eq!(out["columns"][1]["type"], "sql_mood");
    let out = world.ok(bound("select id from sql_own where id = any($1)", json!([[1, 2, 3]]))).await;
    assert_eq!(out["rowCount"], 1);
    let error = world.error(bound("insert into sql_own values (2, null, $1)", json!([-1]))).await;
    assert!(error.code == "sql.query" && error.message.contains("23514"), "{error:?}");
}

#[tokio::test]
async fn a_value_is_never_part_of_the_statement() {
    let world = World::new();
    world.ok(query("create table if not exists sql_victims (name text)")).await;
    world.ok(query("delete from sql_victims")).await;
    for evil in ["'); drop table sql_victims; --", "' or '1'='1", "\\'; select 1", "$1", "{\"a\"}", "\u{feff}';--"] {
        let out = world.ok(bound("select * from sql_victims where name = $1", json!([evil]))).await;
        assert_eq!(out["rowCount"], 0);
        world.ok(bound("insert into sql_victims values ($1)", json!([evil]))).await;
        let out = world.ok(bound("select name from sql_victims where name = $1", json!([evil]))).await;
        assert_eq!(out["rows"], json!([{"name": evil}]));
    }
}

#[tokio::test]
async fn a_transaction_is_all_or_nothing() {
    let world = World::new();
    let statements = |list: Json| json!({"url": url(), "statements": list});
    world.ok(statements(json!(["drop table if exists sql_all", "create table sql_all (id int primary key)"]))).await;
    let out = world
        .ok(statements(json!([
            {"query": "insert into sql_all values ($1)", "params": [1]},
            {"query": "insert into sql_all values ($1)", "params": [2]},
            "select count(*) as n from sql_all",
        ])))
        .await;
    assert_eq!((&out["rows"], &out["rowCount"]), (&json!([{"n": 2}]), &json!(1)));
    let error = world
        .error(statements(json!([
            "insert into sql_all values (3)",
            "insert into sql_all values (1)",
            "delete from sql_all"
        ])))
        .await;
    assert!(error.message.starts_with("statement 2: "), "{error:?}");
    assert!(error.message.contains("23505") && error.class == Class::Permanent, "{error:?}");
    assert_eq!(world.ok(query("select count(*) as n from sql_all")).await["rows"][0]["n"], 2);
    let out = world.ok(statements(json!(["insert into sql_all values (7), (8)"]))).await;
    assert_eq!((&out["rows"], &out["rowCount"], &out["columns"]), (&json!([]), &json!(2), &json!([])));
}

#[tokio::test]
async fn what_the_database_refuses_is_an_error_with_its_reason() {
    let world = World::new();
    for (with, code, says) in [
        (query("selct 1"), "sql.query", "42601"),
        (query("select * from nowhere"), "sql.query", "at character 15"),
        (query("select 1; select 2"), "sql.query", "statements"),
        (query("select 1/0"), "sql.query", "22012"),
        (bound("select $1::int", json!([])), "sql.params", "1 placeholders"),
        (bound("select 1", json!([1])), "sql.params", "0 placeholders"),
        (bound("select $1::int", json!(["x"])), "sql.query", "22P02"),
        (bound("select $1::int", json!([[1]])), "sql.params", "not a list"),
        (bound("select $1::bytea", json!(["?"])), "sql.params", "base64"),
        (bound("select $1::text", json!(["a\u{0}"])), "sql.params", "zero character"),
        (query("copy pg_class to stdout"), "sql.query", "copy"),
        (json!({"url": format!("{}_nowhere", url()), "query": "select 1"}), "sql.database", "3D000"),
        (json!({"url": url(), "password": "wrong", "query": "select 1"}), "sql.auth", "28P01"),
        (json!({"url": "postgres://h/d?x=1", "query": "select 1"}), "sql.request", "`x`"),
    ] {
        let error = world.error(with.clone()).await;
        assert!(error.code == code && error.message.contains(says), "{with}: {error:?}");
        assert!(!error.message.contains("sekret"), "{error:?}");
    }
    // Nothing of it stays behind.
    assert_eq!(world.ok(query("select 1 as one")).await["rows"], json!([{"one": 1}]));
}

#[tokio::test]
async fn columns_keep_their_order_and_no_name_hides_another() {
    let world = World::new();
    let out = world.ok(query("select 1 as b, 2 as a, 3 as b, 'x' as c where false")).await;
    assert_eq!(out["rows"], json!([]));
    let names: Vec<_> = out["columns"].as_array().unwrap().iter().map(|column| column["name"].clone()).collect();
    assert_eq!(names, ["b", "a", "b_2", "c"]);
    let out = world.ok(query("select 1 as b, 2 as a, 3 as b")).await;
    assert_eq!(out["rows"][0], json!({"b": 1, "a": 2, "b_2": 3}));
}

#[tokio::test]
async fn a_session_leaves_nothing_to_the_next_step() {
    let mut world = World::new();
    world.ok(query("set search_path = elsewhere")).await;
    assert_eq!(world.ok(query("show search_path")).await["rows"][0]["search_path"], "\"$user\", public");
    world.ok(query("create temp table sql_own_only (a int)")).await;
    assert_eq!(world.error(query("select * from sql_own_only")).await.code, "sql.query");
    let pid = query("select pg_backend_pid() as pid");
    let before = world.ok(pid.clone()).await["rows"][0]["pid"].clone();
    world.ok(query("begin")).await;
    assert_ne!(world.ok(pid.clone()).await["rows"][0]["pid"], before);
    // Within an execution a session is used again, by another one never.
    let first = world.ok(pid.clone()).await["rows"][0]["pid"].clone();
    assert_eq!(world.ok(pid.clone()).await["rows"][0]["pid"], first);
    *world.clock.0.lock().unwrap() += Duration::from_secs(1);
    assert_ne!(world.ok(pid.clone()).await["rows"][0]["pid"], first);
    let second = world.ok(pid.clone()).await["rows"][0]["pid"].clone();
    world.egress = world.egress.owned_by("org_other");
    assert_ne!(world.ok(pid).await["rows"][0]["pid"], second);
}

#[tokio::test]
async fn a_table_that_changes_under_a_kept_statement_is_read_anew() {
    let world = World::new();
    world.ok(query("drop table if exists sql_changes")).await;
    world.ok(query("create table sql_changes (a int)")).await;
    let read = query("select * from sql_changes");
    assert_eq!(world.ok(read.clone()).await["columns"].as_array().unwrap().len(), 1);
    let other = World::new();
    other.ok(query("alter table sql_changes add b text")).await;
    assert_eq!(world.ok(read).await["columns"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_stop_ends_the_statement_at_the_server() {
    let world = World::new();
    let stop = world.stop.clone();
    let marked = "select pg_sleep(60), 'sql-stop' as mark";
    let watching = World::new();
    let stopping = async {
        let running = bound(
            "select count(*) as n from pg_stat_activity where query like $1 and state = 'active' and pid <> pg_backend_pid()",
            json!(["%sql-stop%"]),
        );
        loop {
            if watching.ok(running.clone()).await["rows"][0]["n"] == 1 {
                stop.cancel();
                break running;
            }
        }
    };
    let (error, running) = tokio::join!(world.error(query(marked)), stopping);
    assert_eq!((error.code, error.class), ("step.stopped", Class::Stopped));
    while watching.ok(running.clone()).await["rows"][0]["n"] != 0 {}
}

#[tokio::test]
async fn a_statement_out_of_time_ends_here_and_there() {
    let mut world = World::new();
    world.timeout = Duration::from_millis(300);
    let error = world.error(query("select pg_sleep(60)")).await;
    assert_eq!((error.code, error.class), ("sql.timeout", Class::Timeout));
    world.timeout = Duration::from_secs(20);
    let out = world.ok(query("select current_setting('statement_timeout') as t")).await;
    assert_eq!(out["rows"][0]["t"], "20s");
}

#[tokio::test]
async fn limits_are_errors_and_never_a_shorter_answer() {
    let world = World::new();
    let with = |more: Json| {
        let mut with = query("select g, repeat('x', 100) as t from generate_series(1, 5000) g");
        with.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        with
    };
    assert_eq!(world.ok(with(json!({"maxRows": 5000}))).await["rowCount"], 5000);
    assert_eq!(world.error(with(json!({"maxRows": 4999}))).await.code, "sql.tooManyRows");
    assert_eq!(world.error(query("select 1 from generate_series(1, 10001)")).await.code, "sql.tooManyRows");
    let long = |more: Json| {
        let mut with = query("select repeat('x', 20000000) as t");
        with.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        with
    };
    assert_eq!(world.error(long(json!({}))).await.code, "sql.tooLarge");
    assert_eq!(world.ok(long(json!({"maxBytes": "32MiB"}))).await["rowCount"], 1);
    let endless = query("with recursive r as (select 1 as n union all select n + 1 from r) select n from r");
    assert_eq!(world.error(endless).await.code, "sql.tooManyRows");
    // Much in memory and little on the wire.
    let nulls: Vec<String> = (0..500).map(|n| format!("null as a_rather_long_name_of_a_column_{n}")).collect();
    let mut wide = query(&format!("select {} from generate_series(1, 10000)", nulls.join(", ")));
    wide["maxBytes"] = json!("24MiB");
    assert_eq!(world.error(wide).await.code, "sql.tooLarge");
}

#[tokio::test]
async fn tls_is_insisted_on_and_verified() {
    let services = Services::shared();
    let pem = |path: &str| std::fs::read_to_string(path).unwrap();
    let world = World::new();
    let using = |tls: Json| json!({"url": url(), "tls": tls, "query": "select ssl from pg_stat_ssl where pid = pg_backend_pid()"});
    let out = world.ok(using(json!({"ca": pem(services.tls_ca())}))).await;
    assert_eq!(out["rows"][0]["ssl"], true);
    assert_eq!(world.ok(using(json!({"verify": false}))).await["rows"][0]["ssl"], true);
    assert_eq!(world.error(using(json!({"ca": pem(services.tls_other_ca())}))).await.code, "sql.tls");
    assert_eq!(world.error(using(json!({}))).await.code, "sql.tls");
    let plain = format!("{}?sslmode=disable", url());
    let out =
        world.ok(json!({"url": plain, "query": "select ssl from pg_stat_ssl where pid = pg_backend_pid()"})).await;
    assert_eq!(out["rows"][0]["ssl"], false);
    let client = json!({
        "url": services.text("postgres", "certUrl").split('?').next().unwrap(),
        "tls": {"ca": pem(services.tls_ca()), "cert": pem(services.tls_client_cert()), "key": pem(services.tls_client_key())},
        "query": "select current_user::text as who",
    });
    assert_eq!(world.ok(client).await["rows"][0]["who"], "client");
}
