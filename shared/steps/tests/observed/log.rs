//! The loki step against a real Loki.

use std::collections::BTreeSet;
use std::sync::Arc;

use assay_engine::job::Outcome;
use assay_services::Services;
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use crate::surroundings::{FirstLine, World, carry_watched};
use crate::systems::{fresh, push};

const TENANT: &str = "shop";

fn with(query: impl Into<String>) -> Json {
    json!({"url": Services::shared().loki_url(), "query": query.into(), "tenant": TENANT})
}

fn now() -> i128 {
    Timestamp::now().as_nanosecond()
}

/// The query with more keys.
fn and(mut with: Json, more: Json) -> Json {
    with.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    with
}

#[tokio::test]
async fn entries_come_in_order_with_their_labels() {
    let app = fresh("app");
    let at = now() - 1_000_000_000;
    let lines =
        |from: i128| (0..3).map(|n| (at + from + n * 10, format!("line {}", from + n * 10))).collect::<Vec<_>>();
    push(Services::shared(), TENANT, json!({"app": app, "level": "info"}), &lines(0)).await;
    push(Services::shared(), TENANT, json!({"app": app, "level": "error"}), &lines(5)).await;
    let world = World::new();
    let query = with(format!("{{app=\"{app}\"}}"));
    let out = world.ok("loki", query.clone()).await;
    let told: Vec<&str> = out["entries"].as_array().unwrap().iter().map(|one| one["line"].as_str().unwrap()).collect();
    assert_eq!(told, ["line 0", "line 5", "line 10", "line 15", "line 20", "line 25"]);
    let first = &out["entries"][0];
    assert_eq!(first["timestamp"], format!("{:.9}", Timestamp::from_nanosecond(at).unwrap()));
    assert_eq!((&first["labels"]["app"], &first["labels"]["level"]), (&json!(app), &json!("info")));
    assert_eq!((&out["count"], out["streams"].as_array().unwrap().len()), (&json!(6), 2));
    assert_eq!((&out["streams"][0]["count"], &out["value"], &out["series"]), (&json!(3), &Json::Null, &json!([])));
    let newest = world.ok("loki", and(query.clone(), json!({"direction": "backward", "limit": 2}))).await;
    let told: Vec<&Json> = newest["entries"].as_array().unwrap().iter().map(|one| &one["line"]).collect();
    assert_eq!((told, &newest["count"]), (vec![&json!("line 25"), &json!("line 20")], &json!(6)));
    // The start is in the window, the end is not.
    let part = json!({"start": (at + 5).to_string(), "end": (at + 25).to_string()});
    assert_eq!(world.ok("loki", and(query.clone(), part)).await["count"], 4);
    let out = world.ok("loki", and(query, json!({"since": first["timestamp"]}))).await;
    assert_eq!(out["count"], 6);
}

#[tokio::test]
async fn what_was_before_the_execution_is_not_looked_at() {
    let app = fresh("app");
    let world = World::new();
    let start = world.started_at.as_nanosecond();
    let entries = [(start - 1, "before".to_owned()), (start, "at the start".to_owned())];
    push(Services::shared(), TENANT, json!({"app": app}), &entries).await;
    let query = with(format!("{{app=\"{app}\"}}"));
    let out = world.ok("loki", query.clone()).await;
    assert_eq!((&out["count"], &out["entries"][0]["line"]), (&json!(1), &json!("at the start")));
    for since in ["5m", "start - 1s", "-5m"] {
        assert_eq!(world.ok("loki", and(query.clone(), json!({"since": since}))).await["count"], 2, "{since}");
    }
    let output = world.run("loki", and(query, json!({"since": "1ms"}))).await.unwrap();
    assert!(output.fields["count"] == 0 && output.note.unwrap().starts_with("no entry matches from"));
}

#[tokio::test]
async fn no_entry_at_the_border_of_a_page_is_lost_or_counted_twice() {
    let app = fresh("app");
    let at = now() - 30_000_000_000;
    // Seven of each instant, in two streams: no page ends where an instant does.
    for stream in 0..2_i128 {
        let entries: Vec<_> = (0..1250).map(|n| (at + (n + stream * 3) / 7 * 1000, format!("{stream}/{n}"))).collect();
        push(Services::shared(), TENANT, json!({"app": app, "stream": stream.to_string()}), &entries).await;
    }
    let world = World::new();
    for direction in ["forward", "backward"] {
        let query = with(format!("{{app=\"{app}\"}}"));
        // Pages of 100, then of 1000.
        let out = world.ok("loki", and(query.clone(), json!({"direction": direction, "limit": 1}))).await;
        assert_eq!((&out["count"], out["entries"].as_array().unwrap().len()), (&json!(2500), 1), "{direction}");
        let out = world.ok("loki", and(query, json!({"direction": direction, "limit": 5000}))).await;
        let entries = out["entries"].as_array().unwrap();
        let lines: BTreeSet<&str> = entries.iter().map(|one| one["line"].as_str().unwrap()).collect();
        assert_eq!((entries.len(), lines.len(), &out["count"]), (2500, 2500, &json!(2500)), "{direction}");
        let stamps: Vec<&str> = entries.iter().map(|one| one["timestamp"].as_str().unwrap()).collect();
        let ordered = if direction == "forward" { stamps.is_sorted() } else { stamps.iter().rev().is_sorted() };
        assert!(ordered, "{direction}");
        // What looks the same in one instant of one stream is one entry to Loki itself: there are 179 instants.
        let alike = with(format!("{{app=\"{app}\"}} | line_format \"x\" | drop stream"));
        assert_eq!(world.ok("loki", and(alike, json!({"direction": direction, "limit": 100}))).await["count"], 2 * 179);
    }
}

#[tokio::test]
async fn more_entries_in_one_instant_than_a_page_holds_are_read_in_a_larger_one() {
    let app = fresh("app");
    let at = now() - 30_000_000_000;
    let mut entries: Vec<_> = (0..400).map(|n| (at, format!("same {n}"))).collect();
    entries.extend((1..=400).map(|n| (at + n, format!("after {n}"))));
    push(Services::shared(), TENANT, json!({"app": app}), &entries).await;
    for direction in ["forward", "backward"] {
        let query = and(with(format!("{{app=\"{app}\"}}")), json!({"limit": 100, "direction": direction}));
        assert_eq!(World::new().ok("loki", query).await["count"], 800, "{direction}");
    }
}

#[tokio::test]
async fn tenants_see_their_own_entries() {
    let app = fresh("app");
    push(Services::shared(), "left", json!({"app": app}), &[(now(), "secret".to_owned())]).await;
    push(Services::shared(), "right", json!({"app": app}), &[(now(), "other".to_owned()), (now(), "more".to_owned())])
        .await;
    let world = World::new();
    let query = with(format!("{{app=\"{app}\"}}"));
    for (tenant, expected) in [("left", 1), ("right", 2), ("nobody", 0)] {
        let out = world.ok("loki", and(query.clone(), json!({"tenant": tenant}))).await;
        assert_eq!(out["count"], expected, "{tenant}");
    }
    let mut nameless = query;
    nameless.as_object_mut().unwrap().remove("tenant");
    let error = world.error("loki", nameless).await;
    assert!(error.code == "loki.auth" && error.message.contains("no org id"), "{error:?}");
}

#[tokio::test]
async fn numbers_are_made_of_entries_at_an_instant_or_over_the_window() {
    let app = fresh("app");
    let at = now() - 5_000_000_000;
    let entries: Vec<_> =
        (0..10).map(|n| (at + n, format!("level={}", if n < 3 { "error" } else { "info" }))).collect();
    push(Services::shared(), TENANT, json!({"app": app}), &entries).await;
    let world = World::new();
    let query = format!("sum by (level) (count_over_time({{app=\"{app}\"}} | logfmt [1m]))");
    let out = world.ok("loki", and(with(format!("sum({query})")), json!({"at": "now"}))).await;
    assert_eq!((&out["value"], &out["count"], &out["entries"]), (&json!(10.0), &Json::Null, &json!([])));
    let out = world.ok("loki", and(with(query.clone()), json!({"at": "now"}))).await;
    let levels: BTreeSet<String> = out["series"].as_array().unwrap().iter().map(|one| one.to_string()).collect();
    assert_eq!((levels.len(), &out["value"]), (2, &Json::Null), "{levels:?}");
    let out = world.ok("loki", and(with(query), json!({"since": "10s", "step": "1s"}))).await;
    let last = |of: &Json| of["samples"].as_array().unwrap().last().unwrap()["value"].clone();
    assert_eq!(out["series"].as_array().unwrap().iter().map(last).collect::<Vec<_>>(), [json!(3.0), json!(7.0)]);
    let error = world.error("loki", and(with(format!("{{app=\"{app}\"}}")), json!({"at": "now"}))).await;
    assert!(error.code == "loki.query" && error.message.contains("range query"), "{error:?}");
}

#[tokio::test]
async fn a_wrong_query_is_told_in_lokis_words() {
    let world = World::new();
    for (query, words) in
        [("{app=\"x\"", "syntax error"), ("{}", "parse error"), ("{app=~\".*\"}", "at least one regexp")]
    {
        let error = world.error("loki", with(query)).await;
        assert!(error.code == "loki.query" && error.message.contains(words), "{error:?}");
    }
}

#[tokio::test]
async fn a_quoted_value_stays_within_its_string() {
    let app = fresh("app");
    let hostile = "A1\" or `x` \\ |= \"";
    let entries = [(now(), format!("order {hostile} paid")), (now(), "order A1".to_owned())];
    push(Services::shared(), TENANT, json!({"app": app}), &entries).await;
    let template = format!("{{app=\"{app}\"}} |= ${{strings.quote(inputs.order)}}");
    let job = json!({
        "with": with(""), "late": [{"at": "/query", "template": template}], "scope": {"inputs": {"order": hostile}},
    });
    let result = carry_watched(World::new(), "loki", job, &["count == 1"], Arc::new(())).await;
    assert_eq!(result.outcome, Outcome::Passed, "{result:?}");
}

/// Runs the looks, and pushes an entry after the first of them.
async fn with_an_entry_after_the_first_look(looks: Json, assertion: &str) -> Outcome {
    let app = fresh("app");
    let first = Arc::new(FirstLine::default());
    let job = json!({"with": with(format!("{{app=\"{app}\"}}")), "looks": looks});
    let assertions = [assertion];
    let step = carry_watched(World::new(), "loki", job, &assertions, Arc::clone(&first) as _);
    let arrival = async {
        first.0.notified().await;
        // It comes late: it was written before the first look.
        push(Services::shared(), TENANT, json!({"app": app}), &[(now() - 10_000_000_000, "late".to_owned())]).await;
    };
    let (result, ()) = tokio::join!(step, arrival);
    assert!(result.looks.unwrap().count >= 2);
    result.outcome
}

#[tokio::test]
async fn an_entry_that_comes_late_is_waited_for_and_disproves_absence() {
    let waits = json!({"kind": "eventually", "timeoutMs": 20_000, "intervalMs": 50});
    assert_eq!(with_an_entry_after_the_first_look(waits, "count == 1").await, Outcome::Passed);
    let proves = json!({"kind": "throughout", "windowMs": 20_000, "intervalMs": 50});
    assert_eq!(with_an_entry_after_the_first_look(proves, "count == 0").await, Outcome::Failed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loki_that_is_killed_and_comes_back_is_waited_for() {
    let own = Arc::new(Services::own(&["loki"]));
    let app = fresh("app");
    push(&own, TENANT, json!({"app": app}), &[(now(), "kept".to_owned())]).await;
    let with = json!({"url": own.loki_url(), "query": format!("{{app=\"{app}\"}}"), "tenant": TENANT});
    own.kill("loki");
    let first = Arc::new(FirstLine::default());
    let job = json!({"with": with, "looks": {"kind": "eventually", "timeoutMs": 25_000, "intervalMs": 100}});
    let step = carry_watched(World::new(), "loki", job, &["count == 1"], Arc::clone(&first) as _);
    let back = async {
        first.0.notified().await;
        let own = Arc::clone(&own);
        tokio::task::spawn_blocking(move || own.restart("loki")).await.unwrap();
    };
    let (result, ()) = tokio::join!(step, back);
    assert_eq!(result.outcome, Outcome::Passed, "{result:?}");
}
