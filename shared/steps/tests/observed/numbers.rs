//! The prometheus step against a real Prometheus.

use std::sync::Arc;

use assay_engine::job::Outcome;
use assay_services::Services;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};

use crate::surroundings::{FirstLine, World, carry, carry_watched};
use crate::systems::{fresh, write};

fn with(query: impl Into<String>) -> Json {
    json!({"url": Services::shared().prometheus_url(), "query": query.into()})
}

fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

#[tokio::test]
async fn an_instant_gives_a_lone_value_or_series() {
    let metric = fresh("stock");
    let at = now();
    let series: [crate::systems::Series<'_>; 2] =
        [(&[("shop", "north")], &[(at, 3.0)]), (&[("shop", "south")], &[(at, 4.5)])];
    write(Services::shared(), &metric, &series).await;
    let world = World::new();
    let out = world.ok("prometheus", with(format!("sum({metric})"))).await;
    assert_eq!((&out["value"], &out["series"][0]["labels"]), (&json!(7.5), &json!({})));
    let out = world.ok("prometheus", with(format!("sort({metric})"))).await;
    assert_eq!(out["value"], Json::Null);
    let expected = json!({"__name__": metric, "shop": "north"});
    assert_eq!((&out["series"][0]["labels"], &out["series"][0]["value"]), (&expected, &json!(3.0)));
    assert_eq!((&out["series"][1]["labels"]["shop"], &out["series"][1]["value"]), (&json!("south"), &json!(4.5)));
    let out = world.ok("prometheus", with(format!("{metric}{{shop=\"west\"}}"))).await;
    assert_eq!((&out["value"], &out["series"]), (&Json::Null, &json!([])));
    let out = world.ok("prometheus", with("scalar(vector(2)) * 3")).await;
    assert_eq!((&out["value"], &out["series"]), (&json!(6.0), &json!([])));
    assert_eq!(world.ok("prometheus", with("\"words\"")).await["value"], "words");
    let mut earlier = with(format!("sum({metric})"));
    earlier["at"] = "start".into();
    assert_eq!(world.ok("prometheus", earlier).await["value"], Json::Null);
}

#[tokio::test]
async fn what_is_no_finite_number_is_text_and_no_assertion_passes_by_it() {
    let metric = fresh("ratio");
    let at = now();
    let series: [crate::systems::Series<'_>; 3] = [
        (&[("of", "nan")], &[(at, f64::NAN)]),
        (&[("of", "up")], &[(at, f64::INFINITY)]),
        (&[("of", "down")], &[(at, f64::NEG_INFINITY)]),
    ];
    write(Services::shared(), &metric, &series).await;
    for (of, expected) in [("nan", "NaN"), ("up", "+Inf"), ("down", "-Inf")] {
        let output = World::new().run("prometheus", with(format!("{metric}{{of=\"{of}\"}}"))).await.unwrap();
        assert_eq!(output.fields["value"], expected);
        assert!(output.note.unwrap().contains(expected));
        let query = with(format!("{metric}{{of=\"{of}\"}}"));
        let failing = ["value > 0", "value < 0", "value == 0"];
        let passing: [&str; 1] = [match of {
            "nan" => "value == 'NaN' && !(double(value) < 1.0)",
            "up" => "double(value) > 1.0",
            _ => "double(value) < -1.0",
        }];
        let result = carry(World::new(), "prometheus", query.clone(), Json::Null, &failing).await;
        assert_eq!(result.outcome, Outcome::Failed);
        assert!(result.assertions.iter().all(|assertion| !assertion.passed), "{result:?}");
        let result = carry(World::new(), "prometheus", query, Json::Null, &passing).await;
        assert_eq!(result.outcome, Outcome::Passed, "{result:?}");
    }
}

#[tokio::test]
async fn a_range_begins_at_the_start_of_the_execution() {
    let metric = fresh("queue");
    let world = World::new();
    let start = world.started_at.as_millisecond();
    let before = [(start - 20_000, 9.0), (start, 1.0), (start + 10_000, 2.0), (start + 20_000, f64::NAN)];
    write(Services::shared(), &metric, &[(&[], &before)]).await;
    let mut query = with(metric.clone());
    query["step"] = "10s".into();
    query["end"] = "start + 20s".into();
    let out = world.ok("prometheus", query.clone()).await;
    let values: Vec<&Json> = out["series"][0]["samples"].as_array().unwrap().iter().map(|one| &one["value"]).collect();
    assert_eq!(values, [&json!(1.0), &json!(2.0), &json!("NaN")]);
    assert_eq!(out["series"][0]["samples"][0]["timestamp"], format!("{:.3}", truncated(world.started_at)));
    query["start"] = "start - 20s".into();
    query["end"] = "start - 20s".into();
    assert_eq!(world.ok("prometheus", query).await["value"], 9.0);
    let mut whole = with(metric);
    whole["start"] = "start".into();
    let out = world.ok("prometheus", whole).await;
    let count = out["series"][0]["samples"].as_array().unwrap().len();
    assert!((60..=63).contains(&count), "a point each second: {count}");
}

fn truncated(instant: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(instant.as_millisecond()).unwrap()
}

#[tokio::test]
async fn a_sample_that_comes_late_is_waited_for() {
    let metric = fresh("late");
    let first = Arc::new(FirstLine::default());
    let job = json!({"with": with(format!("sum({metric})")), "looks": {"kind": "eventually", "timeoutMs": 20_000, "intervalMs": 50}});
    let step = carry_watched(World::new(), "prometheus", job, &["value == 1.0"], Arc::clone(&first) as _);
    let arrival = async {
        first.0.notified().await;
        write(Services::shared(), &metric, &[(&[], &[(now(), 1.0)])]).await;
    };
    let (result, ()) = tokio::join!(step, arrival);
    assert_eq!(result.outcome, Outcome::Passed, "{result:?}");
    assert!(result.looks.unwrap().count >= 2);
}

#[tokio::test]
async fn absence_is_proven_only_if_it_lasts() {
    let metric = fresh("errors");
    let looks = json!({"kind": "throughout", "windowMs": 1_000, "intervalMs": 50});
    let query = with(format!("{metric} or vector(0)"));
    let result = carry(World::new(), "prometheus", query.clone(), looks, &["value == 0.0"]).await;
    assert_eq!(result.outcome, Outcome::Passed, "{result:?}");
    assert!(result.looks.unwrap().count >= 5);
    let first = Arc::new(FirstLine::default());
    let job = json!({"with": query, "looks": {"kind": "throughout", "windowMs": 20_000, "intervalMs": 50}});
    let step = carry_watched(World::new(), "prometheus", job, &["value == 0.0"], Arc::clone(&first) as _);
    let violation = async {
        first.0.notified().await;
        write(Services::shared(), &metric, &[(&[], &[(now(), 1.0)])]).await;
    };
    let (result, ()) = tokio::join!(step, violation);
    assert_eq!(result.outcome, Outcome::Failed, "{result:?}");
}

#[tokio::test]
async fn a_wrong_query_is_told_in_the_servers_words() {
    let world = World::new();
    for (query, words) in [
        ("sum(", "parse error"),
        ("", "parse error"),
        ("vector(1) + on(a) group_left(b, a) vector(2)", "GROUP clause"),
        ("label_replace(vector(1), \"a\", \"b\", \"c\", \"(\")", "regular expression"),
    ] {
        let error = world.error("prometheus", with(query)).await;
        assert_eq!(error.code, "prometheus.query", "{error:?}");
        assert!(error.message.contains(words), "{error:?}");
    }
    let mut many = with("vector(1)");
    many["start"] = "-1h".into();
    many["step"] = "10ms".into();
    let error = world.error("prometheus", many).await;
    assert!(error.code == "prometheus.query" && error.message.contains("11,000"), "{error:?}");
}

#[tokio::test]
async fn a_quoted_value_stays_within_its_string() {
    let metric = fresh("quoted");
    let hostile = "north\"} or vector(99) or up{a=\"\\";
    write(Services::shared(), &metric, &[(&[("shop", hostile)], &[(now(), 5.0)])]).await;
    let template = format!("{metric}{{shop=${{strings.quote(inputs.shop)}}}}");
    let job = json!({
        "with": with(""), "late": [{"at": "/query", "template": template}], "scope": {"inputs": {"shop": hostile}},
    });
    let result =
        carry_watched(World::new(), "prometheus", job, &["value == 5.0", "size(series) == 1"], Arc::new(())).await;
    assert_eq!(result.outcome, Outcome::Passed, "{result:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prometheus_that_is_killed_and_comes_back_is_waited_for() {
    let own = Arc::new(Services::own(&["prometheus"]));
    let metric = fresh("kept");
    write(&own, &metric, &[(&[], &[(now(), 4.0)])]).await;
    let with = json!({"url": own.prometheus_url(), "query": metric});
    own.kill("prometheus");
    let result = carry(World::new(), "prometheus", with.clone(), Json::Null, &["value == 4.0"]).await;
    assert_eq!(result.error.unwrap().code, "prometheus.connect");
    let first = Arc::new(FirstLine::default());
    let looks = json!({"kind": "eventually", "timeoutMs": 25_000, "intervalMs": 100});
    let job = json!({"with": with, "looks": looks});
    let mut world = World::new();
    world.started_at = Timestamp::now() - SignedDuration::from_mins(2);
    let step = carry_watched(world, "prometheus", job, &["value == 4.0"], Arc::clone(&first) as _);
    let back = async {
        first.0.notified().await;
        let own = Arc::clone(&own);
        tokio::task::spawn_blocking(move || own.restart("prometheus")).await.unwrap();
    };
    let (result, ()) = tokio::join!(step, back);
    assert_eq!(result.outcome, Outcome::Passed, "{result:?}");
}
